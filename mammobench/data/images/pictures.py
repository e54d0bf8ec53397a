"""Image files to square grey images of 8 bits."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from mammobench.data.store.records import Images

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
AnyPixels = npt.NDArray[np.integer | np.floating]
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".pgm", ".bmp"})
WHITE_8, WHITE_16 = 255, 65_535


def picture_shape(path: Path, where: str) -> tuple[int, int]:
    """Return height and width of an image file; see `mammobench.data.images.picture_files.read_shape`."""
    # Pillow is imported here and below, because commands that read no pictures need not wait for it
    from mammobench.data.images.picture_files import read_shape  # noqa: PLC0415

    return read_shape(path, where)


def read_picture(path: Path, where: str) -> Pixels:
    """Decode an image file to grey; see `mammobench.data.images.picture_files.read_grey`."""
    from mammobench.data.images.picture_files import read_grey  # noqa: PLC0415

    return read_grey(path, where)


def to_8_bit(pixels: AnyPixels, white: int) -> Images:
    """Scale values from [0, white] to [0, 255] and round; the same rule for every film.

    Args:
        pixels: Any shape.
        white: The largest value that the format can hold, not the largest that is there.
    """
    scaled = pixels.astype(np.float32) * np.float32(WHITE_8 / white)
    rounded: Images = np.clip(np.rint(scaled), 0, WHITE_8).astype(np.uint8)
    return rounded


def white_of(pixels: Pixels) -> int:
    """Return the largest value of the array's dtype."""
    return int(np.iinfo(pixels.dtype).max)


def resize_square(patch: Pixels, size: int) -> Images:
    """Bring a square patch to a size and to 8 bits: mean of the covered pixels, or Lanczos to enlarge.

    Args:
        patch: uint8 or uint16 of shape (side, side).
        size: The new side.

    Returns:
        uint8 of shape (size, size).
    """
    white = white_of(patch)
    flag = cv2.INTER_AREA if size <= patch.shape[0] else cv2.INTER_LANCZOS4
    return to_8_bit(cv2.resize(patch.astype(np.float32), (size, size), interpolation=flag), white)


def fit_square(pixels: Pixels, size: int) -> Images:
    """Reduce an image until it fits into a square and fill the rest with black; nothing is enlarged.

    Args:
        pixels: uint8 or uint16 of shape (height, width).
        size: Side of the square.

    Returns:
        uint8 of shape (size, size), the image in its middle, its proportions kept.
    """
    height, width = pixels.shape
    factor = min(1.0, size / max(height, width))
    new = (max(1, round(width * factor)), max(1, round(height * factor)))
    small: AnyPixels = pixels.astype(np.float32)
    if factor < 1:
        small = cv2.resize(small, new, interpolation=cv2.INTER_AREA)
    square = np.zeros((size, size), dtype=np.uint8)
    top, left = (size - new[1]) // 2, (size - new[0]) // 2
    square[top : top + new[1], left : left + new[0]] = to_8_bit(small, white_of(pixels))
    return square
