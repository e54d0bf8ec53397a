"""Arrays on disk in bounded memory.

A memory map counts every page that was read as the process's own, so walking through a store of several
gigabytes with one looks like holding it. These functions read and write plain chunks instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

HEADER_BYTES = 128
CHUNK_BYTES = 32 * 2**20


@dataclass(frozen=True, slots=True)
class NpyHeader:
    """Shape, dtype and position of the first byte of the data of an ``.npy`` file."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    offset: int
    fortran_order: bool

    @property
    def row_bytes(self) -> int:
        """Bytes of one row along the first axis."""
        return int(np.prod(self.shape[1:], dtype=np.int64)) * self.dtype.itemsize


def read_header(path: Path) -> NpyHeader:
    """Read the header of an ``.npy`` file.

    Raises:
        ValueError: When the file is no ``.npy`` file, or is shorter than its header says.
    """
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        reader = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, fortran_order, dtype = reader(file)
        header = NpyHeader(shape, dtype, file.tell(), fortran_order)
    size = header.offset + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if path.stat().st_size < size:
        raise ValueError(f"{size:,} bytes announced by its header, {path.stat().st_size:,} there")
    return header


def write_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    """Write the header of a uint8 array into the first `HEADER_BYTES` bytes of a file."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape!r}, }}"
    length = HEADER_BYTES - 10
    file.seek(0)
    file.write(b"\x93NUMPY\x01\x00" + length.to_bytes(2, "little") + text.ljust(length - 1).encode() + b"\n")


def read_chunks(path: Path) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield consecutive rows of a C-ordered uint8 ``.npy`` file, about 32 MiB at a time."""
    header = read_header(path)
    count = max(1, CHUNK_BYTES // max(1, header.row_bytes))
    with path.open("rb") as file:
        file.seek(header.offset)
        for start in range(0, header.shape[0], count):
            rows = min(count, header.shape[0] - start)
            values = np.fromfile(file, dtype=np.uint8, count=rows * header.row_bytes)
            yield values.reshape(rows, *header.shape[1:])
