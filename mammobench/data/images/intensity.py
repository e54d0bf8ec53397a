"""Intensity normalisations of whole numbers, image by image, ahead of the model.

Those of `mammobench.models.family` are arithmetic and part of the model; these are tables and tiles, which
OpenCV and NumPy do on uint8 in less time than the model takes for an image. Each image is changed by itself:
nothing is learnt from a data set, so nothing can leak.
"""

import math
from collections.abc import Callable

import cv2
import numpy as np

from mammobench.data.images.histograms import LEVELS, Histogram, Images, match_histograms

STANDARD_MEAN, STANDARD_DEVIATION = 127.5, 42.5
CLAHE_CLIP_LIMIT, CLAHE_TILES, CLAHE_TILE_PIXELS = 2.0, 8, 16


def standard_histogram() -> Histogram:
    """Return the normal distribution of mean 127.5 and standard deviation 42.5 cut to 0 to 255, (256,)."""
    edges = (np.arange(LEVELS + 1) - 0.5 - STANDARD_MEAN) / (STANDARD_DEVIATION * math.sqrt(2))
    below = np.array([math.erf(edge) for edge in edges])
    shares = np.diff(below)
    return np.asarray(shares / shares.sum())


def to_standard_histogram(images: Images) -> Images:
    """Match each image, uint8 (n, size, size), to `standard_histogram`."""
    return match_histograms(images, _STANDARD)


def equalise_locally(images: Images) -> Images:
    """Equalise each image, uint8 (n, size, size), by CLAHE (Zuiderveld 1994) with a clip limit of 2.

    There are 8 by 8 tiles, fewer where a tile would be narrower than 16 pixels.
    """
    tiles = min(CLAHE_TILES, max(1, images.shape[1] // CLAHE_TILE_PIXELS))
    clahe = cv2.createCLAHE(CLAHE_CLIP_LIMIT, (tiles, tiles))
    changed = np.empty_like(images)
    for image, out in zip(images, changed, strict=True):
        out[...] = clahe.apply(image)
    return changed


def prepared(images: Images, intensity: str) -> Images:
    """Return pixels as a model of this ``data.intensity`` takes them: changed, or the same array.

    Args:
        images: Raw pixels, uint8 (n, size, size).
        intensity: A value of ``data.intensity``.
    """
    change = AHEAD_OF_MODEL.get(intensity)
    return images if change is None else change(images)


AHEAD_OF_MODEL: dict[str, Callable[[Images], Images]] = {
    "histogram": to_standard_histogram,
    "clahe": equalise_locally,
}
"""The values of ``data.intensity`` that are not part of the model, which then takes values of 0 to 1."""

_STANDARD = standard_histogram()
