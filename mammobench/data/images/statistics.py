"""What can be said of an image without looking at it: mean, spread, extremes, percentiles, blocks, border.

A lesion has little to do with them, a scanner, an export or a clipping rule much. So they serve to judge the
hygiene of a set, and as the features of the shortcut baseline.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from mammobench.core.files import written_aside
from mammobench.data.store.filenames import IMAGE_STATISTICS, images_name
from mammobench.data.store.image_store import ImageStore
from mammobench.data.store.npy import read_chunks
from mammobench.data.store.records import Images

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
BORDER = 0.03
"""Width of the border, as a share of the image's side."""

GREYS = 256
PERIODS = (4, 8)
STATISTICS = (
    "mean", "spread", "minimum", "maximum",
    *(f"percentile_{percent}" for percent in PERCENTILES),
    "greys", "black_share", "white_share",
    *(f"blockiness_{period}" for period in PERIODS),
    "border_mean", "border_spread", "border_black_share", "border_white_share", "border_contrast",
)  # fmt: skip


def image_statistics(image: Images) -> npt.NDArray[np.float32]:
    """Describe one image.

    Args:
        image: uint8 (size, size).

    Returns:
        float32, one of each of `STATISTICS`: grey values from 0 to 255, shares from 0 to 1, ``greys`` the
        number of grey values in use, and ``blockiness`` of a period the mean step between neighbours across
        the period's grid over the mean step elsewhere (1 without blocks; Wang et al. 2000,
        doi:10.1109/ICIP.2000.899622), on which JPEG of 8 pixels leaves its mark, halved images that of 4.
    """
    counts = np.bincount(image.ravel(), minlength=GREYS)
    cumulated, pixels = np.cumsum(counts), image.size
    percentiles = np.searchsorted(cumulated, np.array(PERCENTILES) / 100 * pixels)
    width = max(1, round(BORDER * len(image)))
    inner = image[width:-width, width:-width]
    inside = np.bincount(inner.ravel(), minlength=GREYS)
    frame = counts - inside
    mean, spread = _moments(counts)
    border_mean, border_spread = _moments(frame)
    present = np.flatnonzero(counts)
    return np.array(
        [
            mean, spread, present[0], present[-1], *percentiles,
            len(present), counts[0] / pixels, counts[-1] / pixels,
            *_blockiness(image),
            border_mean, border_spread, frame[0] / frame.sum(), frame[-1] / frame.sum(),
            border_mean - _moments(inside)[0],
        ],
        dtype=np.float32,
    )  # fmt: skip


def store_statistics(
    store: ImageStore, *, progress: Callable[[int, int], None] | None = None
) -> pd.DataFrame:
    """Describe every image of a store at its native size; kept beside the images.

    Args:
        store: The store.
        progress: Called with the images done and how many there are.

    Returns:
        float32, one row an image, columns `STATISTICS`.
    """
    path = store.path / IMAGE_STATISTICS
    if path.exists():
        kept = pd.read_parquet(path)
        if kept.attrs.get("fingerprint") == store.fingerprint and tuple(kept.columns) == STATISTICS:
            return kept
    rows: list[npt.NDArray[np.float32]] = []
    for chunk in read_chunks(store.path / images_name(store.manifest.image_size)):
        rows.extend(image_statistics(image) for image in chunk)
        if progress:
            progress(len(rows), len(store))
    frame = pd.DataFrame(np.stack(rows), columns=list(STATISTICS))
    frame.attrs["fingerprint"] = store.fingerprint
    with written_aside(path) as aside:
        frame.to_parquet(aside)
    return frame


def _moments(counts: npt.NDArray[np.integer]) -> tuple[float, float]:
    greys, pixels = np.arange(GREYS), counts.sum()
    mean = float(counts @ greys / pixels)
    return mean, float(np.sqrt(counts @ (greys - mean) ** 2 / pixels))


def _blockiness(image: Images) -> list[float]:
    ratios = []
    across = np.abs(np.diff(image.astype(np.int16), axis=1)).mean(axis=0)
    down = np.abs(np.diff(image.astype(np.int16), axis=0)).mean(axis=1)
    for period in PERIODS:
        on, off = 0.0, 0.0
        for steps in (across, down):
            grid = np.arange(1, len(steps) + 1) % period == 0
            on, off = on + float(steps[grid].mean()), off + float(steps[~grid].mean())
        # a constant image has no steps at all
        ratios.append(on / off if off else 1.0)
    return ratios
