"""Whether two images show the same tissue: points that agree on one move, and pixels that follow."""

import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from mammobench.data.groups.features import Features, Floats, Images, reduced, tissue
from mammobench.data.store.npy import read_header

RATIO = 0.85
REACH = 0.011
ROUNDS = 300
FEWEST_INLIERS = 6
QUARTER = 90.0
MOST_TILT = 1.5
MOST_ZOOM = 0.02
SMOOTHING = 4.0
NOISE = 1.0


@dataclass(frozen=True, eq=False)
class Match:
    """Points of two images that agree on a similarity transform.

    Attributes:
        turn: Degrees, x to y, -180 to 180.
        scale: Size in the second image over size in the first.
        offset: x and y in native pixels, of the images' centres.
        first: float32 (inliers, 2); the points in the first image, mirrored if the match is; from its centre.
        second: float32 (inliers, 2); in the second.
        mirrored: Whether the first image was mirrored.
    """

    turn: float
    scale: float
    offset: tuple[float, float]
    first: Floats
    second: Floats
    mirrored: bool

    @property
    def inliers(self) -> int:
        """How many points agree."""
        return len(self.first)

    @property
    def quarter_turn(self) -> int:
        """The nearest of 0, 90, 180 and 270 degrees."""
        return round(self.turn / QUARTER) % 4 * 90

    @property
    def tilt(self) -> float:
        """Degrees from the nearest quarter turn, 0 to 45."""
        return abs((self.turn + QUARTER / 2) % QUARTER - QUARTER / 2)

    @property
    def upright(self) -> bool:
        """Whether the turn is by a quarter of a circle and the scale 1: what crops of one film differ by."""
        return self.tilt < MOST_TILT and abs(self.scale - 1) < MOST_ZOOM


def match(features: Features, first: int, second: int, *, mirrored: bool, native: int) -> Match | None:
    """Match the points of two images and fit a similarity transform by RANSAC.

    Args:
        features: Of all images.
        first: Row of one image.
        second: Row of the other.
        mirrored: Whether to mirror the first.
        native: Side of the images in pixels.

    Returns:
        None where fewer than `FEWEST_INLIERS` points agree.
    """
    ours, theirs = features.of(first), features.of(second)
    descriptors = (features.mirrored if mirrored else features.plain)[ours].astype(np.float32)
    pairs = _mutual(descriptors, features.plain[theirs].astype(np.float32))
    if len(pairs[0]) < FEWEST_INLIERS:
        return None
    source, target = features.points[ours][pairs[0]], features.points[theirs][pairs[1]]
    if mirrored:
        source = source * np.array([-1, 1], np.float32)
    matrix, inlying = cv2.estimateAffinePartial2D(
        source, target, method=cv2.RANSAC, ransacReprojThreshold=REACH * native, maxIters=ROUNDS
    )
    if matrix is None or inlying.sum() < FEWEST_INLIERS:
        return None
    chosen = inlying.ravel().astype(bool)
    cosine, sine = float(matrix[0, 0]), float(matrix[1, 0])
    return Match(
        turn=float(np.degrees(np.arctan2(sine, cosine))),
        scale=float(np.hypot(cosine, sine)),
        offset=(float(matrix[0, 2]), float(matrix[1, 2])),
        first=source[chosen],
        second=target[chosen],
        mirrored=mirrored,
    )


def _mutual(first: Floats, second: Floats) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return points that are each other's nearest, clearly nearer than the next one."""
    if min(len(first), len(second)) < FEWEST_INLIERS:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    distances = -2 * first @ second.T
    distances += np.einsum("ij,ij->i", first, first)[:, None]
    distances += np.einsum("ij,ij->i", second, second)
    nearest, back = distances.argmin(axis=1), distances.argmin(axis=0)
    two = np.partition(distances, 1, axis=1)[:, :2]
    rows = np.flatnonzero((back[nearest] == np.arange(len(first))) & (two[:, 0] <= RATIO**2 * two[:, 1]))
    return rows, nearest[rows]


class Pixels:
    """Reads images of a store by row, from several threads; a memory map would count as the process's own."""

    def __init__(self, path: Path) -> None:
        self._header = read_header(path)
        self._file = os.open(path, os.O_RDONLY)
        self.native = int(self._header.shape[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    def __getitem__(self, row: int) -> Images:
        size = self._header.row_bytes
        content = os.pread(self._file, size, self._header.offset + row * size)
        return np.frombuffer(content, dtype=np.uint8).reshape(self.native, self.native)


def overlap_of(first: Images, second: Images, found: Match) -> tuple[float, float]:
    """Return the correlation of fine detail where the images overlap, and the share of them that does.

    Coarse brightness is taken out: all breasts darken towards the skin.
    """
    smaller, other_smaller = reduced(first), reduced(second)
    side = smaller.shape[0]
    zoom, half = side / first.shape[0], (side - 1) / 2
    ours, theirs = _detail(smaller), _detail(other_smaller)
    angle = np.radians(found.turn)
    matrix = found.scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if found.mirrored:
        matrix = matrix @ np.diag([-1.0, 1.0])
    shift = zoom * np.array(found.offset) + half - matrix @ np.array([half, half])
    affine = np.column_stack([matrix, shift])
    moved = cv2.warpAffine(ours, affine, (side, side))
    shared = cv2.warpAffine(np.ones_like(smaller), affine, (side, side), flags=cv2.INTER_NEAREST)
    known = cv2.warpAffine(tissue(smaller), affine, (side, side), flags=cv2.INTER_NEAREST)
    seen = (known > 0) & (tissue(other_smaller) > 0)
    if np.count_nonzero(seen) < side:
        return 0.0, 0.0
    one, other = moved[seen], theirs[seen]
    one, other = one - one.mean(), other - other.mean()
    norm = float(np.sqrt((one @ one) * (other @ other)))
    return (float(one @ other) / norm if norm else 0.0), float(shared.mean())


def _detail(image: Images) -> Floats:
    small = image.astype(np.float32)
    detail = small - cv2.GaussianBlur(small, (0, 0), SMOOTHING)
    spread = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), SMOOTHING))
    return np.asarray(detail / (spread + NOISE), dtype=np.float32)
