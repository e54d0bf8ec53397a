"""A folder of the user's own images, with class subfolders or with a table."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import ClassVar

import numpy as np

from mammobench.core.errors import DataError
from mammobench.data.images.options import SMALLEST, PrepareOptions
from mammobench.data.images.pictures import SUFFIXES, fit_square, picture_shape, read_picture
from mammobench.data.sources.archive import Archive
from mammobench.data.sources.folder_columns import Search, find_table, is_csv
from mammobench.data.sources.folder_faults import likelier, require_files, together
from mammobench.data.sources.folder_labels import ClassNames
from mammobench.data.sources.folder_layout import place, places_apart
from mammobench.data.sources.folder_notes import Seen, notes_on_files, notes_on_pixels, notes_on_rows
from mammobench.data.sources.folder_patients import OPTION as PATTERN
from mammobench.data.sources.folder_patients import patients_of
from mammobench.data.sources.folder_table import read_listing
from mammobench.data.splits.draw import TEST_SHARE, draw_test
from mammobench.data.store.records import Chunk, Images, Provenance, Row, SplitName

SIZE = 299
ROWS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One image before it is read: its row, its part if that was told, and whether its type of lesion was."""

    row: Row
    split: SplitName | None
    type_known: bool

    @property
    def file(self) -> str:
        """Where it is in the archive."""
        return self.row.source_file


class FolderSource:
    """Reads images that lie in class subfolders, or that a table names.

    Args:
        archive: The folder or zip.
        options: Those of `takes` are used; ``seed`` is of the test split where none is told.

    Attributes:
        image_size: The side of the largest image, at most 299, unless ``options.size`` says otherwise.
        total: How many images there are.
        warnings: Complete when `chunks` is exhausted.

    Raises:
        DataError: When the table or a folder's name is not understood.
    """

    name: ClassVar[str] = "folder"
    looks_for: ClassVar[str] = (
        "images (png, jpg, tif, pgm, bmp) in subfolders named by class, or a CSV table with a column file "
        "beside them"
    )
    provenance: ClassVar[Provenance] = Provenance(
        source="a folder of the user's own images",
        synthetic=False,
        licence="not known to mammobench: whoever made the images says how they may be used",
        citations=(),
    )
    takes: ClassVar[frozenset[str]] = frozenset(
        {"size", "seed", "labels", "columns", "patient_pattern", "separator", "all_test"}
    )

    def __init__(self, archive: Archive, options: PrepareOptions) -> None:
        self.archive = archive
        self._options = options
        self._classes = ClassNames(options.labels)
        images = sorted(file for file in archive.sizes if _is_image(file))
        require_files(
            archive, [*images, *filter(is_csv, archive.sizes)], [*filter(_is_image, archive.broken)]
        )
        search = find_table(archive, options)
        self.warnings = notes_on_files(archive, images, search)
        self._entries = self._of_table(search, images) if search.table else self._of_folders(search, images)
        self._name_patients()
        splits, told = self._splits()
        rows = [replace(entry.row, split=split) for entry, split in zip(self._entries, splits, strict=True)]
        self._entries = [replace(entry, row=row) for entry, row in zip(self._entries, rows, strict=True)]
        self.warnings += told
        untyped = sum(not entry.type_known for entry in self._entries)
        self.warnings += notes_on_rows(rows, untyped, search.table.like_a_patient if search.table else [])
        self.total = len(self._entries)
        self._largest, self._sound = self._survey()
        self.image_size = options.size or min(SIZE, max(SMALLEST, self._largest))

    @classmethod
    def recognises(cls, archive: Archive) -> bool:
        """Whether there is an image, or a table that may name images."""
        return any(_is_image(file) or is_csv(file) for file in archive.sizes)

    def chunks(self) -> Iterator[Chunk]:
        """Yield all images by path, or in the order of the table.

        Raises:
            DataError: When images are damaged, all of which are told together.
        """
        seen, faults = Seen(), list[DataError]()
        for start in range(0, len(self._entries), ROWS_AT_ONCE):
            images: list[Images] = []
            entries = self._entries[start : start + ROWS_AT_ONCE]
            for entry in entries:
                try:
                    with self.archive.open(entry.file) as path:
                        pixels = read_picture(path, entry.file)
                except DataError as fault:
                    faults.append(fault)
                    continue
                seen.count(pixels, self.image_size)
                images.append(fit_square(pixels, self.image_size))
            # what follows a fault is read for its own faults alone
            if self._sound and not faults:
                yield Chunk(np.stack(images), [entry.row for entry in entries])
        if faults:
            raise together(faults, self.total, self.archive.path)
        self.warnings += notes_on_pixels(seen, self.image_size, self._largest, asked=bool(self._options.size))

    def _survey(self) -> tuple[int, bool]:
        """Return the side of the largest image, and whether all headers are sound."""
        largest, sound = 0, True
        for entry in self._entries:
            try:
                with self.archive.open(entry.file) as path:
                    largest = max(largest, *picture_shape(path, entry.file))
            except DataError:
                # told with the other faults, once all images are read
                sound = False
        return largest, sound

    def _of_table(self, search: Search, images: list[str]) -> list[Entry]:
        table = search.table
        assert table is not None  # noqa: S101 - for the type checker; the caller has looked
        separator = self._options.separates
        with self.archive.open(table.file) as path:
            listing = read_listing(path, table, self.archive, images, self._classes, separator)
        unnamed = len(images) - len(listing)
        if unnamed:
            self.warnings.append(f"{unnamed:,} images that {table.file} does not name were left out.")
        return [
            Entry(replace(line.row, source_row=position), line.split, line.type_known)
            for position, line in enumerate(listing)
        ]

    def _of_folders(self, search: Search, images: list[str]) -> list[Entry]:
        try:
            placed = place(self.archive, images, self._classes)
        except DataError as fault:
            raise likelier(fault, search, images, self._classes) from fault
        if apart := places_apart(placed):
            self.warnings.append(apart)
        return [
            Entry(
                Row(int(image.named.label), image.file, position, image.split or "train"),
                image.split,
                image.named.type_known,
            )
            for position, image in enumerate(placed)
        ]

    def _name_patients(self) -> None:
        """Take patients from the names of files, where that is asked."""
        pattern = self._options.patient_pattern
        if pattern is None:
            return
        if any(entry.row.patient for entry in self._entries):
            raise DataError(
                "the table and the names of files both tell the patient",
                where=PATTERN,
                expected="one of the two",
                remedy=f"Leave {PATTERN} out, or take the column patient out of the table",
            )
        found = patients_of([entry.file for entry in self._entries], pattern)
        self._entries = [
            replace(entry, row=replace(entry.row, patient=patient, group=entry.row.group or patient))
            for entry, patient in zip(self._entries, found, strict=True)
        ]

    def _splits(self) -> tuple[list[SplitName], list[str]]:
        """Return the part of each image, drawn where none is told, and what to say of it."""
        known = [entry.split for entry in self._entries if entry.split is not None]
        if self._options.all_test:
            other = sum(split != "test" for split in known)
            spite = f", {other:,} of them in spite of their folders or table" if other else ""
            return ["test"] * len(self._entries), [f"All images were made test images, as asked{spite}."]
        if len(known) == len(self._entries):
            told = [f"All images are {known[0]} images."] if len(set(known)) == 1 else []
            if "test" not in known:
                told.append(
                    "No image is a test image: a search needs `--split grouped`, which draws that part."
                )
            return known, told
        if known:
            without = next(entry.file for entry in self._entries if entry.split is None)
            raise DataError(
                "the split is told for some images alone",
                where=self.archive.path / without,
                expected="train, val or test for every image or for none",
                found=f"{len(self._entries) - len(known)} of {len(self._entries)} images without",
            )
        return self._drawn()

    def _drawn(self) -> tuple[list[SplitName], list[str]]:
        units = [entry.row.group or entry.file for entry in self._entries]
        highest: dict[str, int] = {}
        for unit, entry in zip(units, self._entries, strict=True):
            highest[unit] = max(highest.get(unit, 0), entry.row.label)
        seed = self._options.seed or 0
        splits = draw_test(highest, self.name, seed)
        by = "patient or group" if any(entry.row.group for entry in self._entries) else "image"
        told = (
            f"No split was given: {TEST_SHARE:.0%} of the images were drawn for test by {by}, stratified by "
            f"label, with seed {seed}."
        )
        return [splits[unit] for unit in units], [told]


def _is_image(file: str) -> bool:
    path = PurePosixPath(file)
    # macOS puts a hidden companion beside every file that it packs
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return path.suffix.lower() in SUFFIXES and not hidden
