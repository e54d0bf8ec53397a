"""The Kaggle set skooch/ddsm-mammography: five TFRecord shards for training, two pairs of arrays for test."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import ClassVar

import numpy as np

from mammobench.core.errors import DataError
from mammobench.data.images.options import PrepareOptions
from mammobench.data.sources.archive import Archive
from mammobench.data.sources.citations import Citation
from mammobench.data.sources.tfrecords import Example, read_tfrecords
from mammobench.data.store.labels import Label
from mammobench.data.store.npy import read_chunks, read_header
from mammobench.data.store.records import Chunk, Images, Provenance, Row

SHARDS = tuple(f"training10_{shard}.tfrecords" for shard in range(5))
TEST_PARTS = ("test10", "cv10")
SIZE = 299
IMAGE_BYTES = SIZE * SIZE
PUBLISHED_IMAGES = 71_249
ROWS_AT_ONCE = 128

_AGAIN = "Download or unpack the file again"
_FILM = re.compile(r"(P_\d+)_(LEFT|RIGHT)_(CC|MLO)")
_CITATIONS = (
    Citation.DDSM,
    Citation.CBIS_DDSM_PAPER,
    Citation.CBIS_DDSM,
    Citation.TCIA,
    Citation.KAGGLE_DDSM,
)
_DIGITISERS = (
    "Negative and lesion patches come from different digitisers, so that the look of the film alone can "
    "solve a task with negatives."
)
_TILES = "Negative tiles of one film stand in training and test alike, and no file says which."


class DdsmSource:
    """Reads the Kaggle layout from a folder or a zip.

    Args:
        archive: The folder or zip.
        options: None is used: the images are as large as they are.

    Attributes:
        provenance: Source, licence and citations.
        image_size: 299.
        total: About how many images there are, from the sizes of the files.
        warnings: Complete when `chunks` is exhausted.

    Raises:
        DataError: When a file of the layout is missing.
    """

    name: ClassVar[str] = "ddsm"
    looks_for: ClassVar[str] = "training10_{0..4}.tfrecords, {test10,cv10}_{data,labels}.npy (the Kaggle set)"
    provenance: ClassVar[Provenance] = Provenance(
        source="DDSM and CBIS-DDSM patches in the layout of Kaggle's skooch/ddsm-mammography",
        synthetic=False,
        licence="CBIS-DDSM (lesions): CC BY 3.0; DDSM (negatives), Kaggle set: terms on their pages",
        citations=tuple(citation.value for citation in _CITATIONS),
    )
    takes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, archive: Archive, options: PrepareOptions) -> None:  # noqa: ARG002 - every source's form
        self.archive = archive
        self.image_size = SIZE
        self.warnings: list[str] = []
        self._files = {name: archive.find(name) for name in self._names()}
        missing = [name for name, file in self._files.items() if file is None]
        if missing:
            raise DataError(
                "the Kaggle set is not complete",
                where=archive.path,
                expected=f"{len(self._files)} files",
                found=f"no {', no '.join(missing)}",
                remedy="Download or unpack the set again",
            )
        self.total = sum(archive.sizes[file] for file in self._files.values() if file) // IMAGE_BYTES

    @classmethod
    def recognises(cls, archive: Archive) -> bool:
        """Whether any file of the layout is there."""
        return any(archive.find(name) for name in cls._names())

    @staticmethod
    def _names() -> tuple[str, ...]:
        return (*SHARDS, *(f"{part}_{kind}.npy" for part in TEST_PARTS for kind in ("data", "labels")))

    def chunks(self) -> Iterator[Chunk]:
        """Yield all images, test first.

        Raises:
            DataError: When a file is damaged or a record is not what the layout says; names the file and row.
        """
        counts: Counter[str] = Counter()
        for chunk in self._read():
            counts.update(
                "patient known" if row.patient else "lesion of unknown patient" if row.label else "negative"
                for row in chunk.rows
                if row.split == "train"
            )
            counts["images"] += len(chunk.rows)
            yield chunk
        self.warnings.extend((_DIGITISERS, _TILES))
        if counts["patient known"]:
            self.warnings.append("Only training lesions name their film: patients are not known elsewhere.")
        else:
            self.warnings.append("The training records hold no film names: no patient or lesion is known.")
        if counts["images"] != PUBLISHED_IMAGES:
            self.warnings.append(
                f"{counts['images']:,} images instead of the published {PUBLISHED_IMAGES:,}: where the "
                "pixels are not of DDSM, neither are source, licence and citations."
            )

    def _read(self) -> Iterator[Chunk]:
        for part in TEST_PARTS:
            with self._open(f"{part}_data.npy") as data, self._open(f"{part}_labels.npy") as labels:
                yield from _read_arrays(data, labels)
        for shard in SHARDS:
            with self._open(shard) as path:
                yield from _read_shard(path, shard)

    def _open(self, name: str) -> AbstractContextManager[Path]:
        return self.archive.open(str(self._files[name]))


def _read_shard(path: Path, name: str) -> Iterator[Chunk]:
    records = enumerate(read_tfrecords(path, name=name))
    while batch := list(islice(records, ROWS_AT_ONCE)):
        pairs = [_decode(features, name, row) for row, features in batch]
        yield Chunk(np.stack([image for image, _ in pairs]), [row for _, row in pairs])


def _decode(example: Example, name: str, row: int) -> tuple[Images, Row]:
    where = f"{name}, row {row}"
    present = [*example.byte_lists, *example.integer_lists]
    if "image" not in example.byte_lists or "label" not in example.integer_lists:
        raise DataError(
            "a feature is missing",
            where=where,
            expected="features image (bytes) and label (int64)",
            found=", ".join(sorted(present)) or "none",
            remedy=_AGAIN,
        )
    pixels = b"".join(example.byte_lists["image"])
    if len(pixels) != IMAGE_BYTES:
        raise DataError(
            "wrong image size",
            where=where,
            expected=f"{IMAGE_BYTES:,} bytes ({SIZE} x {SIZE} uint8)",
            found=f"{len(pixels):,} bytes",
            remedy=_AGAIN,
        )
    labels = example.integer_lists["label"]
    if len(labels) != 1:
        raise _label_error(where, f"{len(labels)} labels")
    # numpy's unicode bytes, with trailing zeros; NORMAL for negatives; the published files may not have it
    film_name = b"".join(example.byte_lists.get("filename", [])).decode("utf-32-le", errors="replace")
    film = _FILM.search(film_name)
    patient, laterality, view = film.groups() if film else (None, None, None)
    return np.frombuffer(pixels, dtype=np.uint8).reshape(SIZE, SIZE), Row(
        _checked(labels[0], where),
        source_file=name,
        source_row=row,
        split="train",
        patient=patient,
        group=patient,
        laterality=laterality,
        view=view,
    )


def _read_arrays(data: Path, labels_path: Path) -> Iterator[Chunk]:
    _check_array(data, kind="u1", shape=("n", SIZE, SIZE, 1))
    _check_array(labels_path, kind="integer", shape=("n",))
    count, labels = read_header(data).shape[0], np.load(labels_path)
    if len(labels) != count:
        raise DataError(
            "images and labels differ in length",
            where=labels_path.name,
            expected=f"{count:,} labels, one for each image of {data.name}",
            found=f"{len(labels):,}",
            remedy=_AGAIN,
        )
    start = 0
    for images in read_chunks(data):
        rows = [
            Row(_checked(int(labels[row]), f"{labels_path.name}, row {row}"), data.name, row, "test")
            for row in range(start, start + len(images))
        ]
        yield Chunk(images[..., 0], rows)
        start += len(images)


def _check_array(path: Path, *, kind: str, shape: tuple[str | int, ...]) -> None:
    """Compare an array's header with a dtype and a shape whose length is free."""
    expected = f"{'uint8' if kind == 'u1' else 'integers'} of shape ({', '.join(map(str, shape))})"
    try:
        header = read_header(path)
    except ValueError as error:
        raise DataError(
            "not a whole .npy file", where=path.name, expected=expected, found=error, remedy=_AGAIN
        ) from error
    right_dtype = header.dtype == np.uint8 if kind == "u1" else np.issubdtype(header.dtype, np.integer)
    if (
        not right_dtype
        or header.fortran_order
        or header.shape[1:] != shape[1:]
        or len(header.shape) != len(shape)
    ):
        order = " in Fortran order" if header.fortran_order else ""
        raise DataError(
            "wrong kind of array",
            where=path.name,
            expected=expected,
            found=f"{header.dtype} of shape {header.shape}{order}",
            remedy=_AGAIN,
        )


def _checked(label: int, where: str) -> int:
    if not 0 <= label < len(Label):
        raise _label_error(where, label)
    return label


def _label_error(where: str, found: object) -> DataError:
    return DataError(
        "unknown label",
        where=where,
        expected="one of 0 (negative) to 4 (malignant mass)",
        found=found,
        remedy="Check that this is version 4 of the set, and download it again",
    )
