"""Cuts square patches from a film: lesions with what surrounds them, and background of the same film.

Lesion and background patches come from one film, in one way: same width in millimetres, same resampling, same
rule for grey values, no flips or turns for either. What tells them apart is then the tissue alone.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from mammobench.core.seeds import generator
from mammobench.data.images.options import PrepareOptions
from mammobench.data.images.pictures import Pixels, resize_square, white_of
from mammobench.data.store.records import Images

Mask = npt.NDArray[np.bool_]
Corner = tuple[int, int]
SIZE = 299
CROPS = 3
TILES = 3
CELLS = 12  # a window is this many cells wide where background is looked for
TISSUE = 20 / 255  # darker than this share of white is air; films are black outside the breast
BREAST_SHARE = 0.5
MARGIN = 2.4  # a lesion's extent with some margin, in radii, and then a few pixels: the Kaggle set's rule
MARGIN_PIXELS = 5


@dataclass(frozen=True, slots=True)
class Cutter:
    """How patches are cut from the films of one source.

    Attributes:
        source: Name of the source.
        window: Side of a patch on the film, in pixels.
        size: Side of a patch in the store, in pixels.
        crops: Patches of each lesion.
        tiles: Background patches of each film, at most.
        jitter: Share of the possible offset that is used, 0 to 1.
        seed: Root of all random numbers.
    """

    source: str
    window: int
    size: int
    crops: int
    tiles: int
    jitter: float
    seed: int

    @classmethod
    def of(cls, options: PrepareOptions, source: str, window: int) -> "Cutter":
        """Fill what the options leave open: 299 pixels, 3 crops, 3 tiles, full jitter, seed 0."""
        return cls(
            source,
            window,
            SIZE if options.size is None else options.size,
            CROPS if options.crops is None else options.crops,
            TILES if options.tiles is None else options.tiles,
            1.0 if options.jitter is None else options.jitter,
            options.seed or 0,
        )

    @property
    def recipe(self) -> str:
        """What was done, in a sentence for the reader of a store."""
        return (
            f"Each patch is {self.window} film pixels wide, brought to {self.size}: {self.crops} of each "
            f"lesion (jitter {self.jitter:g}) and at most {self.tiles} of each film's background, "
            f"seed {self.seed}."
        )

    def lesion(self, film: Pixels, centre: tuple[float, float], radius: float, name: str) -> Images:
        """Cut patches around a lesion, each with an offset that leaves the lesion within where it can.

        Args:
            film: Shape (height, width), at least `window` either way.
            centre: Row and column.
            radius: Half of the lesion's greatest extent, in pixels.
            name: The lesion's; the offsets depend on it and on the seed alone.

        Returns:
            uint8 of shape (crops, size, size).
        """
        rng = generator(self.seed, self.source, "lesion", name)
        slack = self.jitter * max(1.0, (self.window - MARGIN * radius - MARGIN_PIXELS) / 2)
        corners = []
        for offset in rng.uniform(-slack, slack, (self.crops, 2)):
            corner = np.rint(np.asarray(centre) + offset - self.window / 2)
            top, left = np.clip(corner, 0, np.asarray(film.shape) - self.window).astype(int)
            corners.append((int(top), int(left)))
        return self._cut(film, corners)

    def background(self, film: Pixels, lesions: Mask, name: str) -> Images:
        """Cut patches that do not touch each other or a lesion, and show breast on half of their area.

        Args:
            film: Shape (height, width).
            lesions: True where a lesion is; same shape.
            name: The film's.

        Returns:
            uint8 of shape (n, size, size), n at most `tiles`, 0 where the film has no such place.
        """
        candidates = background_corners(film, lesions, self.window)
        order = generator(self.seed, self.source, "background", name).permutation(len(candidates))
        chosen: list[Corner] = []
        for position in order:
            if len(chosen) == self.tiles:
                break
            top, left = candidates[position]
            if all(max(abs(top - y), abs(left - x)) >= self.window for y, x in chosen):
                chosen.append((top, left))
        return self._cut(film, chosen)

    def _cut(self, film: Pixels, corners: list[Corner]) -> Images:
        patches = [
            resize_square(film[top : top + self.window, left : left + self.window], self.size)
            for top, left in corners
        ]
        return np.array(patches, dtype=np.uint8).reshape(-1, self.size, self.size)


def background_corners(film: Pixels, lesions: Mask, window: int) -> list[Corner]:
    """Return the upper left corners (row, column) of all windows on a grid that show breast and no lesion.

    Args:
        film: uint8 or uint16 of shape (height, width).
        lesions: True where a lesion is; same shape.
        window: Side of a window, in pixels.
    """
    cell = max(1, window // CELLS)
    cells = -(-window // cell)
    rows, columns = film.shape[0] // cell, film.shape[1] // cell
    if rows < cells or columns < cells:
        return []
    whole = film[: rows * cell, : columns * cell]
    small = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
    breast = _largest_region(np.asarray(small > TISSUE * white_of(film)))
    blocks = lesions[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell)
    touched: Mask = np.any(blocks, axis=(1, 3))
    shares = _window_sums(breast, cells) / cells**2
    free = (shares >= BREAST_SHARE) & (_window_sums(touched, cells) == 0)
    return [(int(row) * cell, int(column) * cell) for row, column in np.argwhere(free)]


def _largest_region(mask: Mask) -> Mask:
    """Keep the breast: the largest region, without letters and scratches, which opening cuts off."""
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), dtype=np.uint8))
    count, regions, statistics, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    if count == 1:
        return np.zeros_like(mask)
    largest: Mask = regions == 1 + int(np.argmax(statistics[1:, cv2.CC_STAT_AREA]))
    return largest


def _window_sums(mask: Mask, side: int) -> npt.NDArray[np.int64]:
    """Count what is True in every window of ``side`` cells; shape (rows - side + 1, columns - side + 1)."""
    sums = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), dtype=np.int64)
    sums[1:, 1:] = mask.cumsum(axis=0).cumsum(axis=1)
    counts: npt.NDArray[np.int64] = (
        sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    )
    return counts
