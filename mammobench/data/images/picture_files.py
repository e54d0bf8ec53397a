"""Reads image files with Pillow, and refuses what Pillow would hand out as if nothing were wrong."""

import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image

from mammobench.core.errors import DataError
from mammobench.data.images.pictures import WHITE_16, Pixels

MOST_PIXELS = 80_000_000  # a film of 24 x 30 cm at 30 micrometres
DEEP_MODES = ("I", "I;16", "I;16B", "I;16L")
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0  # a tag of TIFF
_DAMAGED_JPEG = re.compile("corrupt|premature end", re.IGNORECASE)
# what Pillow and its decoders raise for damaged files
_DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    RuntimeError,
    struct.error,
    zlib.error,
)


def read_shape(path: Path, where: str) -> tuple[int, int]:
    """Return height and width of an image file, and refuse what its header shows to be no single picture.

    Args:
        path: The file.
        where: What to call it in an error.

    Raises:
        DataError: When it is no picture, has several pages, or more than `MOST_PIXELS`.
    """
    with _opened(path, where) as image:
        return image.height, image.width


def read_grey(path: Path, where: str) -> Pixels:
    """Decode an image file to grey; colours become luma by ITU-R 601, transparency is dropped.

    Args:
        path: The file.
        where: What to call it in an error.

    Returns:
        uint8 or uint16 of shape (height, width).

    Raises:
        DataError: When it is damaged, has several pages or more than `MOST_PIXELS`, or has values that are no
            8 or 16 bit integers.
    """
    with _opened(path, where) as image:
        image.load()
        # Pillow warns of a transparent palette; nothing of it is used
        image.info.pop("transparency", None)
        mode = image.mode
        pixels: npt.NDArray[np.integer] = np.asarray(image if mode in DEEP_MODES else image.convert("L"))
        # Pillow inverts a TIFF whose white is 0, but not one of 16 bits
        inverted = mode in DEEP_MODES and getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == _WHITE_IS_ZERO
        damage = _jpeg_damage(path, mode) if image.format in {"JPEG", "MPO"} else None
    if damage:
        raise _undecodable(where, damage)
    if mode == "F" or (mode in DEEP_MODES and (pixels.min() < 0 or pixels.max() > WHITE_16)):
        raise DataError(
            "the image has another bit depth",
            where=where,
            expected="integers of 8 or 16 bits",
            found="floating point values" if mode == "F" else f"{pixels.min()} to {pixels.max()}",
            remedy="Convert it to 8 or 16 bits",
        )
    if mode in DEEP_MODES:
        return (WHITE_16 - pixels if inverted else pixels).astype(np.uint16)
    return pixels.astype(np.uint8)


@contextmanager
def _opened(path: Path, where: str) -> Iterator[Image.Image]:
    try:
        with warnings.catch_warnings():
            # of many pixels, of which this function has its own limit, and of damaged notes beside the pixels
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                _require_one_page(image, where)
                yield image
    except Image.DecompressionBombError as error:
        raise _too_large(where, str(error)) from error
    except _DAMAGE as error:
        raise _undecodable(where, str(error).replace(str(path), where) or type(error).__name__) from error


def _require_one_page(image: Image.Image, where: str) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise _too_large(where, f"{image.width:,} x {image.height:,}")
    pages = getattr(image, "n_frames", 1)
    if pages > 1:
        raise DataError(
            "the file has several pages",
            where=where,
            expected="one image a file",
            found=f"{pages} pages",
            remedy="Save the page that is meant as a file of its own",
        )


def _jpeg_damage(path: Path, mode: str) -> str | None:
    """Return what the decoder says of a damaged stream, which Pillow fills up in silence."""
    try:
        simplejpeg.decode_jpeg(path.read_bytes(), "CMYK" if mode == "CMYK" else "GRAY", strict=True)
    except ValueError as error:
        # of other kinds of JPEG, which Pillow reads, it complains in other words
        return str(error) if _DAMAGED_JPEG.search(str(error)) else None
    return None


def _undecodable(where: str, found: str) -> DataError:
    return DataError(
        "the image does not decode",
        where=where,
        expected="a whole png, jpg, tif, pgm or bmp file",
        found=found.rstrip("."),
        remedy="Replace or remove the file",
    )


def _too_large(where: str, found: str) -> DataError:
    return DataError(
        "the image has too many pixels",
        where=where,
        expected=f"at most {MOST_PIXELS:,}",
        found=found.rstrip("."),
        remedy="Reduce or remove the file",
    )
