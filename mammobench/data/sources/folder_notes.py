"""What a reader of results must know of a folder of images: notes for the store's warnings."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from mammobench.data.images.pictures import Pixels
from mammobench.data.sources.archive import Archive
from mammobench.data.sources.folder_columns import Search
from mammobench.data.store.records import Row, SplitName

DEEP_BUT_DARK = 4096  # scanners of 12 bits write into files of 16
NAMES_SHOWN = 5
# pictures and volumes of kinds that are not read
_OTHER_KINDS = frozenset(
    {
        ".avif", ".dcm", ".dicom", ".exr", ".gif", ".heic", ".j2k", ".jp2", ".jxl", ".ljpeg", ".mha", ".mhd",
        ".nii", ".npy", ".nrrd", ".pbm", ".pnm", ".ppm", ".webp",
    }
)  # fmt: skip


@dataclass(slots=True)
class Seen:
    """What the pixels of a set were like."""

    not_square: int = 0
    smaller: int = 0
    deep: int = 0
    brightest: int = 0

    def count(self, pixels: Pixels, size: int) -> None:
        """Take an image into account that is brought to a size."""
        self.not_square += pixels.shape[0] != pixels.shape[1]
        self.smaller += max(pixels.shape) < size
        if pixels.dtype == np.uint16:
            self.deep += 1
            self.brightest = max(self.brightest, int(pixels.max()))


def notes_on_files(archive: Archive, images: Sequence[str], search: Search) -> list[str]:
    """Say which files were not read, and why."""
    notes = [
        f"{file} was not read as a table: {error.problem} ({error.expected})."
        for file, error in search.unfit.items()
    ]
    others = Counter(
        suffix for file in archive.sizes if (suffix := PurePosixPath(file).suffix.lower()) in _OTHER_KINDS
    )
    if others:
        told = ", ".join(f"{count:,} {suffix}" for suffix, count in sorted(others.items()))
        notes.append(f"Files of kinds that are not read as images were left out: {told}.")
    there = set(images)
    again = [alias for alias, file in archive.aliases.items() if file in there]
    if again:
        notes.append(f"{len(again):,} links to images that are there already were left out: {_some(again)}.")
    if archive.circles:
        notes.append(f"Links to a folder above themselves were not followed: {_some(archive.circles)}.")
    return notes


def notes_on_rows(rows: Sequence[Row], untyped: int, like_a_patient: Sequence[str]) -> list[str]:
    """Say what is not known of the images, and which patients stand in several parts.

    Args:
        rows: One an image.
        untyped: How many lesions are of untold type.
        like_a_patient: Columns of the table that seem to tell the patient and are not used.
    """
    notes = []
    if like_a_patient:
        name = like_a_patient[0].replace(" ", "_")
        notes.append(
            f"The table's columns that may tell the patient are not used: {', '.join(like_a_patient)}; "
            f"`--columns patient={name}` uses one."
        )
    without = sum(row.group is None for row in rows)
    if without:
        notes.append(
            f"{without:,} of {len(rows):,} images name no patient: images of one patient may stand in "
            "training and test alike, and results may flatter. `--patient-pattern` takes patients from "
            "file names."
        )
    sides: dict[str, set[SplitName]] = {}
    for row in rows:
        if row.patient:
            sides.setdefault(row.patient, set()).add(row.split)
    for one, other in (("training", "test"), ("validation", "test"), ("training", "validation")):
        parts = {{"training": "train"}.get(name, name) for name in (one, other)}
        both = sum(parts <= splits for splits in sides.values())
        if both:
            notes.append(
                f"{both:,} patients stand in {one} and {other} images; a clean split leaves them out."
            )
    if untyped:
        notes.append(
            f"{untyped:,} lesions are of untold type and count as masses: the tasks lesion-type and "
            "five-class, and results by lesion type, mean nothing for them."
        )
    return notes


def notes_on_pixels(seen: Seen, size: int, largest: int, *, asked: bool) -> list[str]:
    """Say what was done to the images.

    Args:
        seen: What they were like.
        size: The side that they were brought to.
        largest: That of the largest of them.
        asked: Whether the side was asked for.
    """
    notes = []
    if not asked and largest > size:
        notes.append(
            f"The largest image has a side of {largest:,} px: what is larger than {size} px was reduced to "
            "that; --size N keeps more."
        )
    elif not asked:
        notes.append(f"The side is {size} px, that of the largest image.")
    if seen.not_square:
        notes.append(f"{seen.not_square:,} images are not square and were padded with black.")
    if seen.smaller:
        notes.append(
            f"{seen.smaller:,} images are smaller than {size} x {size}; they were padded with black, not "
            "enlarged: the black border may tell their class."
        )
    if seen.deep:
        notes.append(f"{seen.deep:,} images of 16 bits were reduced to 8 by one rule, value / 257.")
        if seen.brightest < DEEP_BUT_DARK:
            notes.append(
                f"No 16 bit value is above {seen.brightest:,}: the images were perhaps of fewer bits, and "
                "are now dark."
            )
    return notes


def _some(names: Iterable[str]) -> str:
    shown = list(names)
    more = f" and {len(shown) - NAMES_SHOWN:,} more" if len(shown) > NAMES_SHOWN else ""
    return ", ".join(shown[:NAMES_SHOWN]) + more
