import struct
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from mammobench.core.errors import DataError
from mammobench.data.sources.tfrecords import masked_crc, parse_example, read_tfrecords

CONTENT = bytes.fromhex("0a180a160a056c6162656c120d1a0b0a09ffffffffffffffff7f")
RECORD = (
    (length := struct.pack("<Q", len(CONTENT)))
    + struct.pack("<I", masked_crc(length))
    + CONTENT
    + struct.pack("<I", masked_crc(CONTENT))
)


def read(content: bytes) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shard"
        path.write_bytes(content)
        return sum(1 for _ in read_tfrecords(path, name="shard"))


def test_the_record_is_sound() -> None:
    assert read(RECORD * 3) == 3
    assert parse_example(CONTENT).integer_lists == {"label": [2**63 - 1]}


@given(byte=st.integers(0, 3 * len(RECORD) - 1), bit=st.integers(0, 7))
def test_every_flipped_bit_is_noticed_in_its_row(byte: int, bit: int) -> None:
    content = bytearray(RECORD * 3)
    content[byte] ^= 1 << bit
    with pytest.raises(DataError, match=rf"shard, row {byte // len(RECORD)}: corrupted TFRecord"):
        read(bytes(content))


@given(kept=st.integers(0, 3 * len(RECORD) - 1))
def test_every_cut_within_a_record_is_noticed_in_its_row(kept: int) -> None:
    whole, rest = divmod(kept, len(RECORD))
    if rest == 0:
        assert read((RECORD * 3)[:kept]) == whole
        return
    with pytest.raises(DataError, match=rf"shard, row {whole}: truncated TFRecord"):
        read((RECORD * 3)[:kept])


@given(content=st.binary(max_size=60))
def test_any_bytes_are_parsed_or_refused(content: bytes) -> None:
    try:
        parse_example(content)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either outcome is fair, another exception is not
