"""What a source hands to the image store: chunks of images with one `Row` each, and where they come from."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Images = npt.NDArray[np.uint8]
SplitName = Literal["train", "validation", "test"]


@dataclass(frozen=True, slots=True)
class Row:
    """What is known about one image.

    Attributes:
        label: 0 to 4, see `mammobench.data.store.labels.Label`.
        source_file: Name of the file that it was read from.
        source_row: Position in that file, from 0.
        split: The source's own split; ``validation`` where it has such a part.
        patient: Who is on the film, where the source says so.
        group: The smallest unit that a split must keep together, where known: the patient or, where only that
            can be told, the lesion.
        laterality: ``LEFT`` or ``RIGHT`` breast, where known.
        view: ``CC`` (from above) or ``MLO`` (from the side), where known.
        density: How dense the breast is, in the source's own scale: 1 (fatty) to 4 (extremely dense) in
            CBIS-DDSM, ``fatty``, ``fatty-glandular`` or ``dense-glandular`` in mini-MIAS.
        subtlety: How conspicuous the lesion is, 1 (subtle) to 5 (obvious).
        assessment: The radiologist's BI-RADS category of the lesion, 0 to 6.
        lesion: Which lesion is seen; crops of one lesion share it.
        film: Which film the image was cut from; its images share it.
    """

    label: int
    source_file: str
    source_row: int
    split: SplitName
    patient: str | None = None
    group: str | None = None
    laterality: str | None = None
    view: str | None = None
    density: str | None = None
    subtlety: int | None = None
    assessment: int | None = None
    lesion: str | None = None
    film: str | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A few images and their rows, small enough to hold in memory.

    Attributes:
        images: uint8, shape (n, size, size).
        rows: n rows in the same order.
    """

    images: Images
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the images of a store come from.

    Attributes:
        source: One line that names the data set.
        synthetic: True when no image shows a person.
        licence: Under which terms the images may be used.
        citations: What any work that uses the images must cite.
    """

    source: str
    synthetic: bool
    licence: str
    citations: tuple[str, ...]
