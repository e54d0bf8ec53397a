"""Image files of no store: found in folders, read one by one, and brought to the size of a model."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from mammobench.core.errors import DataError
from mammobench.data.images.pictures import (
    SUFFIXES,
    Pixels,
    fit_square,
    read_picture,
    resize_square,
    to_8_bit,
    white_of,
)
from mammobench.data.store.derived import INTERPOLATIONS
from mammobench.data.store.records import Images

DICOM_SUFFIXES = frozenset({".dcm", ".dicom"})
_MAGIC_AT, _MAGIC = 128, b"DICM"
_DEEP_BUT_DARK = 4096


def find_images(paths: Iterable[Path]) -> list[Path]:
    """Return image files: those that are named, and those below folders that are named, sorted.

    Raises:
        DataError: Where there is no such file, or no image in a folder.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            below = sorted(file for file in path.rglob("*") if file.is_file() and _is_image(file))
            if not below:
                raise DataError(
                    "no image in the folder",
                    where=path,
                    expected=f"files that end in {', '.join(sorted(SUFFIXES | DICOM_SUFFIXES))}",
                )
            found |= dict.fromkeys(below)
        elif path.is_file():
            found[path] = None
        else:
            raise DataError("no such image", where=path, expected="an image file, or a folder of them")
    if not found:
        raise DataError("there is no image", expected="at least one image file, or a folder of them")
    return list(found)


def read_patch(path: Path, size: int, *, native: int, interpolation: str) -> tuple[Images, str]:
    """Read an image as a model of a study takes its images.

    What is not square is put in the middle of a black square. What is larger than the study's store is
    reduced to its size first, then to the model's, as the study did with its own.

    Args:
        path: A png, jpg, tif, pgm, bmp or DICOM file.
        size: Of the model's input.
        native: Of the images in the study's store.
        interpolation: How the study made them smaller: a key of `INTERPOLATIONS`.

    Returns:
        uint8 (size, size), and what was done to the image, in words; empty for nothing.

    Raises:
        DataError: When the file is damaged or of another kind.
    """
    pixels = read_dicom(path) if _is_dicom(path) else read_picture(path, str(path))
    height, width = pixels.shape
    done = []
    if pixels.dtype == np.uint16 and pixels.max() < _DEEP_BUT_DARK:
        done.append(f"dark: its brightest pixel has {pixels.max()} of 65,535")
    if height != width:
        square: Images = fit_square(pixels, max(height, width))
        done.append("squared with black")
    else:
        square = to_8_bit(pixels, white_of(pixels))
    if square.shape[0] > native > size:
        square = resize_square(square, native)
    if square.shape[0] > size:
        square = np.asarray(
            cv2.resize(square, (size, size), interpolation=INTERPOLATIONS[interpolation]), np.uint8
        )
    elif square.shape[0] < size:
        square = resize_square(square, size)
    if (height, width) != (size, size):
        done.append(f"resized from {width} x {height} to {size} px")
    return square, "; ".join(done)


def read_dicom(path: Path) -> Pixels:
    """Read a grey DICOM image of 8 or 16 bits; see `mammobench.data.sources.cbis_dicom.read_grey`."""
    # pydicom takes a second to import, and most files are pictures
    from mammobench.data.sources.cbis_dicom import read_grey  # noqa: PLC0415

    return read_grey(path, str(path))


def _is_image(path: Path) -> bool:
    return not path.name.startswith(".") and path.suffix.lower() in SUFFIXES | DICOM_SUFFIXES


def _is_dicom(path: Path) -> bool:
    if path.suffix.lower() in DICOM_SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            return file.read(_MAGIC_AT + len(_MAGIC))[_MAGIC_AT:] == _MAGIC
    except OSError as error:
        raise DataError("the image cannot be read", where=path, found=error.strerror) from error
