"""Tiles that show no breast, or not only: constant, black, saturated, lettered."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from mammobench.data.images.statistics import BORDER
from mammobench.data.store.duplicates import CONSTANT_GREYS
from mammobench.data.store.filenames import images_name
from mammobench.data.store.image_store import ImageStore
from mammobench.data.store.npy import read_chunks
from mammobench.data.store.records import Images

KINDS = {
    "constant": f"at most {CONSTANT_GREYS} grey values",
    "black": "half or more of the pixels are below 10",
    "saturated": "5 % or more of the pixels are 255",
    "lettered": "bright marks of a letter's size on a dark ground",
}
BLACK, BLACK_SHARE = 10, 0.5
SATURATED_SHARE = 0.05
# letters on films are a few millimetres high: of an image of 30 mm they take a thirtieth to a third
LETTER_SIDE = (0.03, 0.34)
LETTER_INK, LETTER_GROUND = 200, 60
LETTER_FILL = (0.15, 0.95)
LETTERS = 2

Masks = dict[str, npt.NDArray[np.bool_]]


def find_tiles(
    store: ImageStore, statistics: pd.DataFrame, *, progress: Callable[[int, int], None] | None = None
) -> Masks:
    """Find the tiles of each of `KINDS`.

    Args:
        store: The store; its native images are read once.
        statistics: Of `mammobench.data.images.statistics`.
        progress: Called with the images done and how many there are.

    Returns:
        Bool (n,) for each kind; an image may be of several.
    """
    constant = (statistics["greys"] <= CONSTANT_GREYS).to_numpy()
    saturated = (statistics["white_share"] >= SATURATED_SHARE).to_numpy()
    dark, lettered = [], []
    for chunk in read_chunks(store.path / images_name(store.manifest.image_size)):
        dark += [np.count_nonzero(image < BLACK) >= BLACK_SHARE * image.size for image in chunk]
        lettered += [is_lettered(image) for image in chunk]
        if progress:
            progress(len(dark), len(store))
    return {
        "constant": constant,
        "black": np.array(dark, dtype=bool),
        "saturated": saturated,
        "lettered": np.array(lettered, dtype=bool),
    }


def is_lettered(image: Images) -> bool:
    """Whether an image has bright marks of a letter's size on a dark ground, two or more.

    Calcifications are bright and small too, but lie in tissue, which is not dark.

    Args:
        image: uint8 (size, size).
    """
    side = len(image)
    ink = (image >= LETTER_INK).astype(np.uint8)
    count, _, boxes, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    low, high = LETTER_SIDE[0] * side, LETTER_SIDE[1] * side
    margin, letters = max(2, round(BORDER * side)), 0
    for left, top, width, height, area in boxes[1:count]:
        right, bottom = left + width, top + height
        inside = left > 0 and top > 0 and right < side and bottom < side
        if not inside or not low <= max(width, height) <= high:
            continue
        if not LETTER_FILL[0] <= area / (width * height) <= LETTER_FILL[1]:
            continue
        around = image[max(0, top - margin) : bottom + margin, max(0, left - margin) : right + margin]
        letters += bool(np.median(around[around < LETTER_INK]) < LETTER_GROUND)
    return letters >= LETTERS


def share_by_class(masks: Mapping[str, npt.NDArray[np.bool_]], classes: pd.Series) -> pd.DataFrame:
    """Return the share of each class that is of each kind: rows classes, columns kinds."""
    return pd.DataFrame(dict(masks)).groupby(classes.to_numpy()).mean()
