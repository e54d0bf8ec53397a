"""Small stores of pictures that a test chooses."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from mammobench.core.seeds import generator
from mammobench.data.store.image_store import ImageStore
from mammobench.data.store.records import Chunk, Provenance, Row, SplitName
from mammobench.data.store.writer import StoreWriter

Picture = npt.NDArray[np.uint8]
Listed = tuple[Picture, int, str | None, SplitName]


def picture(number: int, size: int = 32) -> Picture:
    """Return something smooth with detail, as tissue has it, uint8 (size, size)."""
    rough = generator(number, "picture").normal(120, 40, (9, 9)).clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(rough, (size, size), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def store_of_pictures(
    out: Path, listed: Sequence[Listed], *, source: str = "pictures of a test", synthetic: bool = False
) -> ImageStore:
    """Write a store of (image, label, patient, split)."""
    size = len(listed[0][0])
    provenance = Provenance(source, synthetic=synthetic, licence="", citations=())
    with StoreWriter(out, image_size=size, provenance=provenance) as writer:
        rows = [
            Row(label, "picture.png", row, split, patient=patient, group=patient)
            for row, (_, label, patient, split) in enumerate(listed)
        ]
        writer.append(Chunk(np.stack([image for image, *_ in listed]), rows))
    return ImageStore.open(out)


def patients(
    count: int, split: SplitName, prefix: str, *, start: int, size: int = 32, each: int = 2
) -> list[Listed]:
    """Return `each` pictures of every one of `count` patients, of labels 2 and 4 in turn."""
    return [
        (picture(start + number * each + crop, size), 2 + 2 * (number % 2), f"{prefix}{number}", split)
        for number in range(count)
        for crop in range(each)
    ]
