"""`StoreWriter`: streams images into a new image store, which is whole or not there."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pandas as pd

from mammobench.core.errors import DataError
from mammobench.data.store.duplicates import identical_pictures, table_of_identical, told_of_identical
from mammobench.data.store.filenames import INDEX, MANIFEST, images_name
from mammobench.data.store.labels import Label
from mammobench.data.store.manifest import INDEX_COLUMNS, Manifest, count, fingerprint, pixel_hash, versions
from mammobench.data.store.npy import HEADER_BYTES, write_header
from mammobench.data.store.records import Chunk, Provenance


class StoreWriter:
    """Writes an image store aside and renames it into place when the ``with`` block succeeds.

    A block that raises, Ctrl-C included, leaves nothing behind.

    Args:
        out: The store's folder, which must not exist.
        image_size: Side of the square images, in pixels.
        provenance: Where the images come from.

    Raises:
        DataError: When `out` exists or its folder cannot be written to, and when the disk fills up.
    """

    def __init__(self, out: Path, *, image_size: int, provenance: Provenance) -> None:
        self.out = out
        self.warnings: list[str] = []
        self._size, self._provenance = image_size, provenance
        self._rows: list[dict[str, object]] = []
        self._aside = out.parent / f".{out.name}-{secrets.token_hex(4)}"

    def __enter__(self) -> Self:
        refuse_existing(self.out)
        try:
            with _explained(self.out):
                self.out.parent.mkdir(parents=True, exist_ok=True)
                self._aside.mkdir()
                self._file = (self._aside / images_name(self._size)).open("wb")
                self._file.write(bytes(HEADER_BYTES))
        except BaseException:
            shutil.rmtree(self._aside, ignore_errors=True)
            raise
        return self

    def append(self, chunk: Chunk) -> None:
        """Write a chunk; its images are uint8 of shape (n, image_size, image_size)."""
        for image, row in zip(chunk.images, chunk.rows, strict=True):
            label = Label(row.label)
            self._rows.append(
                {
                    "id": f"{row.film or Path(row.source_file).stem}-{row.source_row:05d}",
                    "lesion_type": label.lesion_type,
                    "pathology": label.pathology,
                    "pixel_hash": pixel_hash(image),
                    **asdict(row),
                }
            )
        with _explained(self.out):
            self._file.write(np.ascontiguousarray(chunk.images).data)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                with _explained(self.out):
                    self._finish()
        finally:
            with suppress(OSError):  # closing tries once more to write what a full disk refused
                self._file.close()
            shutil.rmtree(self._aside, ignore_errors=True)

    def _finish(self) -> None:
        write_header(self._file, (len(self._rows), self._size, self._size))
        self._file.flush()
        os.fsync(self._file.fileno())
        index = pd.DataFrame(self._rows, columns=list(INDEX_COLUMNS)).astype(INDEX_COLUMNS)
        index.to_parquet(self._aside / INDEX, index=False)
        repeated = self._told_of_identical(index)
        provenance = self._provenance
        manifest = Manifest(
            fingerprint=fingerprint(index),
            counts=count(index),
            image_size=self._size,
            source=provenance.source,
            synthetic=provenance.synthetic,
            licence=provenance.licence,
            citations=list(provenance.citations),
            warnings=[*self.warnings, *([repeated] if repeated else [])],
            versions=versions(),
        )
        (self._aside / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
        for path in (*self._aside.iterdir(), self._aside):
            _sync(path)
        self._aside.rename(self.out)
        _sync(self.out.parent)

    def _told_of_identical(self, index: pd.DataFrame) -> str:
        path = self._aside / images_name(self._size)
        identical = identical_pictures(index["pixel_hash"], lambda row: np.load(path, mmap_mode="r")[row])
        told = told_of_identical(table_of_identical(index, identical))
        return f"{told} `mammobench data audit` lists them." if told else ""


def refuse_existing(out: Path) -> None:
    """Raise a `DataError` when `out` exists."""
    if out.exists() or out.is_symlink():
        raise DataError(
            "the output exists",
            where=out,
            expected="a folder that is not there yet",
            found="a folder" if out.is_dir() else "a file",
            remedy="Name another --out, or remove it first",
        )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _explained(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            "cannot write the image store, and nothing was left behind",
            where=out,
            expected="a folder that can be written to, on a disk with room for the images",
            found=error.strerror or str(error),
            remedy="Free some space or name another --out",
        ) from error
