from collections.abc import Callable

import pytest

from mammobench.data.sources.tfrecords import masked_crc, parse_example


def test_the_checksum_is_that_of_the_standard() -> None:
    # CRC-32C of nine digits is E3069283 (RFC 3720, appendix B.4, and every catalogue of CRCs)
    crc = 0xE3069283
    rotated = (crc >> 15) | (crc << 17) & 0xFFFFFFFF
    assert masked_crc(b"123456789") == (rotated + 0xA282EAD8) % 2**32


def test_bytes_and_integers_are_parsed(encode: Callable[..., bytes]) -> None:
    parsed = parse_example(encode(label=300, image=b"\x00" * 200, name=b"x"))
    assert parsed.integer_lists == {"label": [300]}
    assert parsed.byte_lists == {"image": [b"\x00" * 200], "name": [b"x"]}


@pytest.mark.parametrize("damage", [b"\x0a\x7f", b"\x0b", b"\xff" * 12, b"\x0a\x03\x0a\x01\x08"])
def test_what_is_no_example_is_refused(damage: bytes) -> None:
    with pytest.raises(ValueError, match=r"no tf\.train\.Example"):
        parse_example(damage)


def test_an_empty_message_has_no_features() -> None:
    assert parse_example(b"").byte_lists == {}
