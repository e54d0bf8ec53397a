"""Local features of all images of a store, small enough to hold for 71,249 of them: 80 bytes a point.

SIFT (Lowe, IJCV 2004, 60:91) on images brought to 150 pixels and equalised by CLAHE (contrast limited
adaptive histogram equalisation): mammograms are smooth, and without it a quarter of them have fewer than ten
points. A descriptor is kept in two forms, of the image and of its mirror image. The second needs no second
look at the pixels: mirroring a patch reorders the 4 x 4 x 8 bins of its SIFT descriptor.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from mammobench.core.seeds import generator
from mammobench.data.store.npy import read_chunks, read_header

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.int8]
Images = npt.NDArray[np.uint8]

_Compact = tuple[Floats, Floats, Floats, Bytes, Bytes]
_Basis = tuple[Floats, Floats, float]

SIDE = 150
POINTS = 128
DIMENSIONS = 32
CLIP_LIMIT, CLAHE_TILES = 8.0, 8
LAYERS, CONTRAST, EDGE, SIGMA = 3, 0.01, 15, 1.6
BASIS_IMAGES = 300
HARSH = 128  # grey levels that no tissue rises by within 2 mm
_NEAR = np.ones((11, 11), np.uint8)
_MIRROR = np.arange(128).reshape(4, 4, 8)[::-1][:, :, -np.arange(8) % 8].ravel()


@dataclass(frozen=True, eq=False)
class Features:
    """Points and descriptors of n images, P in all.

    Attributes:
        starts: int64 (n + 1,); image i has the points ``starts[i]`` to ``starts[i + 1]``.
        points: float32 (P, 2); x and y from the image's centre, in native pixels.
        turns: float32 (P,); direction of each point in degrees, x to y.
        sizes: float32 (P,); diameter in native pixels.
        plain: int8 (P, DIMENSIONS); descriptors of the image.
        mirrored: int8 (P, DIMENSIONS); descriptors of its mirror image.
    """

    starts: npt.NDArray[np.int64]
    points: Floats
    turns: Floats
    sizes: Floats
    plain: Bytes
    mirrored: Bytes

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of(self, image: int) -> slice:
        """Return where an image's points are."""
        return slice(int(self.starts[image]), int(self.starts[image + 1]))

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Points of each image, int64 (n,)."""
        return np.diff(self.starts)


def threads() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def one_thread_each() -> Iterator[ThreadPoolExecutor]:
    """Give a pool with a thread a core, in which OpenCV and linear algebra start no threads of their own."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    pool = ThreadPoolExecutor(threads())
    try:
        with threadpool_limits(1):
            yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        cv2.setNumThreads(before)


def extract_features(
    path: Path, *, seed: int, progress: Callable[[int, int], None] | None = None
) -> Features:
    """Compute the features of all images of an ``.npy`` file, in its order.

    Args:
        path: uint8 of shape (n, side, side).
        seed: Chooses the images that the basis of the short descriptors is made from.
        progress: Told of images done and in all.
    """
    count, native = read_header(path).shape[:2]
    parts: list[_Compact] = []
    with one_thread_each() as pool:
        basis = _basis(path, count, seed, pool)
        for images in read_chunks(path):
            parts.extend(pool.map(lambda image: _compact(*_detect(image), native, basis), images))
            if progress:
                progress(len(parts), count)
    return _gathered(parts)


def extract_from(images: Images) -> Features:
    """Compute the features of a few images, uint8 (n, side, side), with a basis of their own."""
    detected = [_detect(image) for image in images]
    basis = _principal(np.concatenate([descriptors for _, descriptors in detected]))
    return _gathered([_compact(*each, images.shape[1], basis) for each in detected])


def _gathered(parts: list[_Compact]) -> Features:
    starts = np.concatenate([[0], np.cumsum([len(part[0]) for part in parts])]).astype(np.int64)
    return Features(
        starts,
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] for part in parts]),
        np.concatenate([part[3] for part in parts]),
        np.concatenate([part[4] for part in parts]),
    )


def reduced(image: Images) -> Images:
    """Bring an image to the side at which its points are looked for."""
    if image.shape[0] > SIDE:
        return np.asarray(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return image


def tissue(small: Images) -> Images:
    """Mark with 1 what no lettering or edge of a label is near, uint8 of the same shape.

    Labels of different films show the same letters, and match as well as the same tissue does.
    """
    rise = cv2.subtract(cv2.dilate(small, _NEAR), cv2.erode(small, _NEAR))
    harsh = np.asarray(rise >= HARSH, dtype=np.uint8)
    return np.asarray(1 - cv2.dilate(harsh, _NEAR), dtype=np.uint8)


def mirror(descriptors: Floats) -> Floats:
    """Turn SIFT descriptors (n, 128) into those of the mirror image."""
    return descriptors[:, _MIRROR]


def _detect(image: Images) -> tuple[Floats, Floats]:
    """Return x, y, direction and size (n, 4) in working pixels, and SIFT descriptors (n, 128)."""
    small = reduced(image)
    equalised = cv2.createCLAHE(CLIP_LIMIT, (CLAHE_TILES, CLAHE_TILES)).apply(small)
    sift = cv2.SIFT.create(POINTS, LAYERS, CONTRAST, EDGE, SIGMA)
    points, descriptors = sift.detectAndCompute(equalised, tissue(small))
    points = points[:POINTS]
    if not points:
        return np.zeros((0, 4), np.float32), np.zeros((0, 128), np.float32)
    half = (small.shape[0] - 1) / 2
    table = np.array([(*point.pt, point.angle, point.size) for point in points], dtype=np.float32)
    table[:, :2] -= half
    return table, np.asarray(descriptors[:POINTS], dtype=np.float32)


def _compact(table: Floats, descriptors: Floats, native: int, basis: _Basis) -> _Compact:
    mean, axes, step = basis
    zoom = np.float32(native / min(native, SIDE))
    short = [
        np.clip(np.rint((each - mean) @ axes / step), -127, 127).astype(np.int8)
        for each in (descriptors, mirror(descriptors))
    ]
    return table[:, :2] * zoom, table[:, 2].copy(), table[:, 3] * zoom, short[0], short[1]


def _basis(path: Path, count: int, seed: int, pool: ThreadPoolExecutor) -> _Basis:
    images = np.load(path, mmap_mode="r")
    chosen = np.sort(generator(seed, "basis").permutation(count)[:BASIS_IMAGES])
    found = list(pool.map(lambda row: _detect(np.array(images[row]))[1], chosen))
    return _principal(np.concatenate(found))


def _principal(found: Floats) -> _Basis:
    """Return mean (128,), principal axes (128, DIMENSIONS) and step of a byte, alike for mirror images."""
    if not len(found):
        return np.zeros(128, np.float32), np.eye(128, DIMENSIONS, dtype=np.float32), 1.0
    both = np.concatenate([found, mirror(found)])
    mean = both.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov(both - mean, rowvar=False))
    axes = axes[:, ::-1][:, :DIMENSIONS].astype(np.float32)
    return mean, axes, max(1e-6, float(np.abs((both - mean) @ axes).max()) / 127)
