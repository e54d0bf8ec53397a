"""A folder of the user's own images, with class subfolders or with a table."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import ClassVar

import numpy as np

from mammobench.data.archive import Archive
from mammobench.data.draw import TEST_SHARE, draw_test
from mammobench.data.folder_labels import SHOWN, find, named
from mammobench.data.folder_table import find_table, read_listing
from mammobench.data.options import PrepareOptions
from mammobench.data.pictures import SUFFIXES, fit_square, read_picture
from mammobench.data.records import Chunk, Images, Provenance, Row, SplitName
from mammobench.errors import DataError

SIZE = 299
ROWS_AT_ONCE = 64
SPLITS: dict[str, SplitName] = {"train": "train", "training": "train", "test": "test", "testing": "test"}
DEEP_BUT_DARK = 4096  # scanners of 12 bits write into files of 16


@dataclass(frozen=True, slots=True)
class Entry:
    """One image before it is read: its file, its row, and whether its split and type of lesion were told."""

    file: str
    row: Row
    split_known: bool
    type_known: bool


class FolderSource:
    """Reads images that lie in class subfolders, or that a table names.

    Args:
        archive: The folder or zip.
        options: ``size`` and ``seed`` (of the test split where none is told) are used.

    Attributes:
        image_size: 299 unless ``options.size`` says otherwise.
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
    takes: ClassVar[frozenset[str]] = frozenset({"size", "seed"})

    def __init__(self, archive: Archive, options: PrepareOptions) -> None:
        self.archive = archive
        self.image_size = options.size or SIZE
        self._seed = options.seed or 0
        self.warnings: list[str] = []
        images = sorted(file for file in archive.sizes if _is_image(file))
        table = find_table(archive)
        self._entries = self._of_table(table, images) if table else self._of_folders(images)
        self._settle_split()
        self._warn_of_rows()
        self.total = len(self._entries)

    @classmethod
    def recognises(cls, archive: Archive) -> bool:
        """Whether there is an image, or a table that names images."""
        return any(map(_is_image, archive.sizes)) or find_table(archive) is not None

    def chunks(self) -> Iterator[Chunk]:
        """Yield all images by path, or in the order of the table.

        Raises:
            DataError: When an image does not decode; names its file and, where there is one, its row.
        """
        counts: Counter[str] = Counter()
        brightest = 0
        for start in range(0, len(self._entries), ROWS_AT_ONCE):
            images: list[Images] = []
            for entry in self._entries[start : start + ROWS_AT_ONCE]:
                with self.archive.open(entry.file) as path:
                    pixels = read_picture(path, entry.file)
                counts["not square"] += pixels.shape[0] != pixels.shape[1]
                counts["smaller"] += max(pixels.shape) < self.image_size
                if pixels.dtype == np.uint16:
                    counts["deep"] += 1
                    brightest = max(brightest, int(pixels.max()))
                images.append(fit_square(pixels, self.image_size))
            yield Chunk(
                np.stack(images), [entry.row for entry in self._entries[start : start + ROWS_AT_ONCE]]
            )
        self._warn_of_pixels(counts, brightest)

    def _of_table(self, table: str, images: list[str]) -> list[Entry]:
        with self.archive.open(table) as path:
            listing = read_listing(path, table, images)
        unnamed = len(images) - len(listing)
        if unnamed:
            self.warnings.append(f"{unnamed:,} images that {table} does not name were left out.")
        return [
            Entry(line.file, replace(line.row, source_row=position), line.split is not None, line.type_known)
            for position, line in enumerate(listing)
        ]

    def _of_folders(self, images: list[str]) -> list[Entry]:
        entries = []
        for position, file in enumerate(images):
            folders = PurePosixPath(file).parts[:-1]
            classes = [name for name in folders if find(name)]
            if not classes:
                inner = next((name for name in reversed(folders) if name.lower() not in SPLITS), None)
                if inner is not None:
                    named(inner, str(self.archive.path / file), "class folder")
                raise DataError(
                    "an image without a class",
                    where=self.archive.path / file,
                    expected=f"images in subfolders named {SHOWN}, or a CSV table with file and label",
                    found="an image in no such subfolder",
                )
            label = named(classes[-1], file)
            split = next((SPLITS[name.lower()] for name in folders if name.lower() in SPLITS), None)
            row = Row(int(label.label), file, position, split or "train")
            entries.append(Entry(file, row, split is not None, label.type_known))
        return entries

    def _settle_split(self) -> None:
        """Draw a test split where none is told; one that is told for some images alone is an error."""
        unknown = [entry for entry in self._entries if not entry.split_known]
        if not unknown:
            if len({entry.row.split for entry in self._entries}) == 1:
                self.warnings.append(f"All images are {self._entries[0].row.split} images.")
            return
        if len(unknown) < len(self._entries):
            raise DataError(
                "the split is told for some images alone",
                where=self.archive.path / unknown[0].file,
                expected="train or test for every image or for none",
                found=f"{len(unknown)} of {len(self._entries)} images without",
            )
        units = [entry.row.group or entry.file for entry in self._entries]
        highest: dict[str, int] = {}
        for unit, entry in zip(units, self._entries, strict=True):
            highest[unit] = max(highest.get(unit, 0), entry.row.label)
        splits = draw_test(highest, self.name, self._seed)
        self._entries = [
            replace(entry, row=replace(entry.row, split=splits[unit]))
            for unit, entry in zip(units, self._entries, strict=True)
        ]
        by = "patient or group" if any(entry.row.group for entry in self._entries) else "image"
        self.warnings.append(
            f"No split was given: {TEST_SHARE:.0%} of the images were drawn for test by {by}, stratified by "
            f"label, with seed {self._seed}."
        )

    def _warn_of_rows(self) -> None:
        rows = [entry.row for entry in self._entries]
        without = sum(row.group is None for row in rows)
        if without:
            self.warnings.append(
                f"{without:,} of {len(rows):,} images name no patient: images of one patient may stand in "
                "training and test alike, and results may flatter."
            )
        sides: dict[str, set[SplitName]] = {}
        for row in rows:
            if row.patient:
                sides.setdefault(row.patient, set()).add(row.split)
        both = sum(len(splits) > 1 for splits in sides.values())
        if both:
            self.warnings.append(
                f"{both:,} patients stand in training and test images; a clean split leaves them out."
            )
        untyped = sum(not entry.type_known for entry in self._entries)
        if untyped:
            self.warnings.append(
                f"{untyped:,} lesions are of untold type and count as masses: the tasks lesion-type and "
                "five-class, and results by lesion type, mean nothing for them."
            )

    def _warn_of_pixels(self, counts: Counter[str], brightest: int) -> None:
        size = self.image_size
        if counts["not square"]:
            self.warnings.append(
                f"{counts['not square']:,} images are not square and were padded with black."
            )
        if counts["smaller"]:
            self.warnings.append(
                f"{counts['smaller']:,} images are smaller than {size} x {size}; they were padded with "
                "black, not enlarged: the black border may tell their class."
            )
        if counts["deep"]:
            self.warnings.append(
                f"{counts['deep']:,} images of 16 bits were reduced to 8 by one rule, value / 257."
            )
            if brightest < DEEP_BUT_DARK:
                self.warnings.append(
                    f"No 16 bit value is above {brightest:,}: the images were perhaps of fewer bits, and are "
                    "now dark."
                )


def _is_image(file: str) -> bool:
    path = PurePosixPath(file)
    # macOS puts a hidden companion beside every file that it packs
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return path.suffix.lower() in SUFFIXES and not hidden
