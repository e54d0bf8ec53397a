"""Histograms of grey images, and images given another one's."""

import numpy as np
import numpy.typing as npt

Images = npt.NDArray[np.uint8]
Histogram = npt.NDArray[np.float64]
LEVELS = 256
ROWS_AT_ONCE = 256


def mean_histogram(images: Images, rows: npt.NDArray[np.int64]) -> Histogram:
    """Return the mean histogram of some images.

    Args:
        images: uint8 (n, size, size), which may be a memory map; some rows are read at a time.
        rows: Which of them, one or more.

    Returns:
        The share of the pixels at each grey level, float64 (256,), which add up to 1.
    """
    counts = np.zeros(LEVELS, np.int64)
    for start in range(0, len(rows), ROWS_AT_ONCE):
        counts += np.bincount(images[rows[start : start + ROWS_AT_ONCE]].ravel(), minlength=LEVELS)
    return np.asarray(counts / counts.sum(), np.float64)


def match_histograms(images: Images, references: Histogram) -> Images:
    """Change grey levels so that each image has about a reference's histogram; their order is kept.

    A level goes to the reference's quantile of its mid-rank: an image with the reference's histogram stays
    as it is, and one of a single level goes to the reference's median.

    Args:
        images: uint8 (n, size, size).
        references: Shares that add up to 1, float64 (256,) for all images or (n, 256) for each its own.
    """
    cumulated = np.cumsum(np.broadcast_to(references, (len(images), LEVELS)), axis=1)
    changed = np.empty_like(images)
    for image, reference, out in zip(images, cumulated, changed, strict=True):
        counts = np.bincount(image.ravel(), minlength=LEVELS)
        ranks = (np.cumsum(counts) - counts / 2) / image.size
        levels = np.minimum(np.searchsorted(reference, ranks), LEVELS - 1).astype(np.uint8)
        out[...] = levels[image]
    return changed
