"""A user's own images on a small scale: pictures of one grey in class folders or beside a table."""

from pathlib import Path

import cv2
import numpy as np

from mammobench.data.store.image_store import ImageStore


def picture(path: Path, value: int = 100, side: int = 16) -> Path:
    """One picture of one grey value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((side, side), value, dtype=np.uint8))
    return path


def pictures(folder: Path, *, count: int = 4, start: int = 0, side: int = 16) -> None:
    """Pictures 0.png, 1.png, ... in one folder, no two alike below 256."""
    for number in range(count):
        picture(folder / f"{number}.png", start + number, side)


def two_classes(folder: Path, *names: str, count: int = 4) -> None:
    """Pictures in one folder a class, ``benign`` and ``malignant`` unless named."""
    for position, name in enumerate(names or ("benign", "malignant")):
        pictures(folder / name, count=count, start=100 * position)


def write_table(folder: Path, *lines: str, name: str = "labels.csv") -> None:
    """A table beside a.png to d.png in ``images``."""
    for position, letter in enumerate("abcd"):
        picture(folder / "images" / f"{letter}.png", position)
    (folder / name).write_text("\n".join(lines) + "\n")


def warned(store: ImageStore, words: str) -> bool:
    """Whether a store's warnings say something."""
    return any(words in warning for warning in store.manifest.warnings)
