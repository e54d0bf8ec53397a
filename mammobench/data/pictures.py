"""Image files to square grey images of 8 bits."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from mammobench.data.records import Images
from mammobench.errors import DataError

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
AnyPixels = npt.NDArray[np.integer | np.floating]
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".pgm", ".bmp"})
DEEP_MODES = ("I", "I;16", "I;16B", "I;16L")
WHITE_8, WHITE_16 = 255, 65_535


def read_picture(path: Path, where: str) -> Pixels:
    """Decode an image file to grey; colours become luma by ITU-R 601, transparency is dropped.

    Args:
        path: The file.
        where: What to call it in an error.

    Returns:
        uint8 or uint16 of shape (height, width).

    Raises:
        DataError: When it does not decode, or has values that are no 8 or 16 bit integers.
    """
    # Pillow, because OpenCV hands a truncated file out as a picture that is grey below; imported here,
    # because commands that read no pictures need not wait for it
    from PIL import Image  # noqa: PLC0415

    try:
        with Image.open(path) as image:
            image.load()
            mode = image.mode
            pixels: npt.NDArray[np.integer] = np.asarray(image if mode in DEEP_MODES else image.convert("L"))
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise DataError(
            "the image does not decode",
            where=where,
            expected="a whole png, jpg, tif, pgm or bmp file",
            found=str(error).replace(str(path), where) or type(error).__name__,
            remedy="Replace or remove the file",
        ) from error
    if mode == "F" or (mode in DEEP_MODES and (pixels.min() < 0 or pixels.max() > WHITE_16)):
        raise DataError(
            "the image has another bit depth",
            where=where,
            expected="integers of 8 or 16 bits",
            found="floating point values" if mode == "F" else f"{pixels.min()} to {pixels.max()}",
            remedy="Convert it to 8 or 16 bits",
        )
    if mode in DEEP_MODES:
        return pixels.astype(np.uint16)
    return pixels.astype(np.uint8)


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
