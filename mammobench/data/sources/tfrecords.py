"""Reads TFRecord files of ``tf.train.Example`` messages, row by row, without TensorFlow.

Both formats are small and fixed, and importing TensorFlow takes longer than reading a whole set:

* a record is its length (8 bytes), a checksum of that (4), the message, and a checksum of it (4), where a
  checksum is a rotated and shifted CRC-32C (https://www.tensorflow.org/tutorials/load_data/tfrecord);
* a message is protocol buffers' wire format (https://protobuf.dev/programming-guides/encoding/), in which an
  Example holds Features, a map from names to lists of bytes, floats or integers.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import google_crc32c

from mammobench.core.errors import DataError

_LENGTH, _CHECKSUM = struct.Struct("<Q"), struct.Struct("<I")
_VARINT, _DELIMITED = 0, 2
_FIXED = {1: 8, 5: 4}
_BYTES_LIST, _INT64_LIST = 1, 3
_LONGEST_RECORD = 2**30
_NO_EXAMPLE = "a message that is no tf.train.Example"


@dataclass(frozen=True, slots=True)
class Example:
    """A ``tf.train.Example``: lists of byte strings and of integers by feature name; floats are left out."""

    byte_lists: dict[str, list[bytes]]
    integer_lists: dict[str, list[int]]


def read_tfrecords(path: Path, *, name: str) -> Iterator[Example]:
    """Yield every record of a TFRecord file, checksums verified.

    Args:
        path: The file.
        name: What messages call it.

    Raises:
        DataError: When a record is cut, fails its checksum, or is no ``tf.train.Example``; the row is named.
    """
    with path.open("rb") as file:
        row = 0
        while header := file.read(_LENGTH.size + _CHECKSUM.size):
            where = f"{name}, row {row}"
            try:
                yield parse_example(_read_record(file, header))
            except EOFError as error:
                raise DataError(
                    "truncated TFRecord",
                    where=where,
                    expected="a whole record",
                    found="the end of the file",
                    remedy="Download or unpack the file again",
                ) from error
            except ValueError as error:
                raise DataError(
                    "corrupted TFRecord",
                    where=where,
                    expected="a record that fits its checksum",
                    found=error,
                    remedy="Download or unpack the file again",
                ) from error
            row += 1


def masked_crc(data: bytes) -> int:
    """Return the checksum of TFRecord files: CRC-32C, rotated right by 15 bits, plus a constant."""
    crc = int(google_crc32c.value(data))
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _read_record(file: BinaryIO, header: bytes) -> memoryview:
    if len(header) < _LENGTH.size + _CHECKSUM.size:
        raise EOFError
    length_bytes = header[: _LENGTH.size]
    (length,) = _LENGTH.unpack(length_bytes)
    if masked_crc(length_bytes) != _CHECKSUM.unpack(header[_LENGTH.size :])[0] or length > _LONGEST_RECORD:
        raise ValueError("another length than was written")
    message, checksum = file.read(length), file.read(_CHECKSUM.size)
    if len(message) < length or len(checksum) < _CHECKSUM.size:
        raise EOFError
    if masked_crc(message) != _CHECKSUM.unpack(checksum)[0]:
        raise ValueError("other bytes than were written")
    return memoryview(message)


def parse_example(message: bytes | memoryview) -> Example:
    """Parse a serialized ``tf.train.Example``.

    Raises:
        ValueError: When it is no such message.
    """
    example = Example({}, {})
    for entry in (entry for group in _messages(message, 1) for entry in _messages(group, 1)):
        name = b"".join(_messages(entry, 1)).decode()
        for feature in _messages(entry, 2):
            for values in _messages(feature, _BYTES_LIST):
                example.byte_lists[name] = [bytes(value) for value in _messages(values, 1)]
            for values in _messages(feature, _INT64_LIST):
                example.integer_lists[name] = list(_integers(values))
    return example


def _messages(message: bytes | memoryview, number: int) -> Iterator[memoryview]:
    """Yield the strings and messages of one field."""
    for found, value in _fields(message):
        if found == number:
            if isinstance(value, int):
                raise ValueError(_NO_EXAMPLE)
            yield value


def _integers(message: memoryview) -> Iterator[int]:
    """Yield the values of an Int64List, packed or one a field."""
    for _, value in _fields(message):
        if isinstance(value, int):
            yield _signed(value)
            continue
        position = 0
        while position < len(value):
            number, position = _varint(value, position)
            yield _signed(number)


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _fields(message: bytes | memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Yield number and value of a message's fields; those of fixed width are passed over."""
    view = memoryview(message)
    position = 0
    while position < len(view):
        tag, position = _varint(view, position)
        kind = tag & 7
        if kind == _VARINT:
            value, position = _varint(view, position)
            yield tag >> 3, value
            continue
        if kind == _DELIMITED:
            size, position = _varint(view, position)
        elif kind in _FIXED:
            size = _FIXED[kind]
        else:
            raise ValueError(_NO_EXAMPLE)
        if position + size > len(view):
            raise ValueError(_NO_EXAMPLE)
        if kind == _DELIMITED:
            yield tag >> 3, view[position : position + size]
        position += size


def _varint(view: memoryview, position: int) -> tuple[int, int]:
    """Read a number of seven bits a byte, least significant first; the top bit says that more follow."""
    value = 0
    for shift, byte in zip(range(0, 70, 7), view[position : position + 10], strict=False):
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, position + shift // 7 + 1
    raise ValueError(_NO_EXAMPLE)
