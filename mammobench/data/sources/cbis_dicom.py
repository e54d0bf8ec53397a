"""Films and masks of CBIS-DDSM out of DICOM files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError

from mammobench.core.errors import DataError
from mammobench.data.images.patches import Mask

FILM_BITS = (16,)
MASK_BITS = (8, 16)
# what pydicom and its decoders raise for damaged files
_DAMAGE = (
    InvalidDicomError,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    NotImplementedError,
    RuntimeError,
)


@dataclass(frozen=True, slots=True)
class Header:
    """What a DICOM file says of its image.

    Attributes:
        case: PatientID, which in CBIS-DDSM is the name of the case and its abnormality.
        kind: ``film``, ``mask`` or ``crop`` by the SeriesDescription, else None.
        shape: Rows and columns.
    """

    case: str
    kind: str | None
    shape: tuple[int, int]


def read_header(path: Path, where: str) -> Header:
    """Read a file's header.

    Raises:
        DataError: When it is no DICOM file or has no image.
    """
    dataset = _read(path, where, pixels=False)
    description = str(dataset.get("SeriesDescription", "")).lower()
    kinds = {"full mammogram": "film", "mask": "mask", "crop": "crop"}
    kind = next((kind for word, kind in kinds.items() if word in description), None)
    try:
        shape = (int(dataset.Rows), int(dataset.Columns))
    except (AttributeError, TypeError, ValueError) as error:
        raise _no_image(where, "no rows and columns") from error
    return Header(str(dataset.get("PatientID", "")), kind, shape)


def read_film(path: Path, where: str) -> npt.NDArray[np.uint16]:
    """Read a film; what is white on it has high values.

    Returns:
        uint16 of shape (rows, columns).

    Raises:
        DataError: When the file is damaged or its image is not grey with 16 bits.
    """
    pixels, inverted = _pixels(path, where, FILM_BITS)
    film = pixels.astype(np.uint16)
    return np.iinfo(np.uint16).max - film if inverted else film


def read_grey(path: Path, where: str) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """Read a grey image of 8 or 16 bits, such as a crop; what is white on it has high values.

    Returns:
        uint8 or uint16 of shape (rows, columns).

    Raises:
        DataError: When the file is damaged or its image is of another kind.
    """
    pixels, inverted = _pixels(path, where, MASK_BITS)
    if pixels.dtype.itemsize > 1:
        wide = pixels.astype(np.uint16)
        return np.iinfo(np.uint16).max - wide if inverted else wide
    narrow = pixels.astype(np.uint8)
    return np.iinfo(np.uint8).max - narrow if inverted else narrow


def read_mask(path: Path, where: str) -> Mask:
    """Read a mask, True on the lesion; shape (rows, columns).

    Raises:
        DataError: When the file is damaged, its image is not grey with 8 or 16 bits, or nothing is marked.
    """
    pixels, _ = _pixels(path, where, MASK_BITS)
    mask: Mask = np.asarray(pixels != 0)
    if not mask.any():
        raise DataError(
            "the mask is empty",
            where=where,
            expected="a marked lesion",
            found="zeros alone",
            remedy="Download the file again",
        )
    return mask


def _pixels(path: Path, where: str, bits: tuple[int, ...]) -> tuple[npt.NDArray[np.generic], bool]:
    dataset = _read(path, where, pixels=True)
    if "PixelData" not in dataset:
        raise _no_image(where, "no pixel data")
    kind = {
        "bits": dataset.get("BitsAllocated"),
        "bits in use": dataset.get("BitsStored"),
        "values a pixel": dataset.get("SamplesPerPixel", 1),
        "signed": dataset.get("PixelRepresentation", 0),
        "photometric interpretation": dataset.get("PhotometricInterpretation"),
    }
    grey = (
        kind["photometric interpretation"] in {"MONOCHROME1", "MONOCHROME2"} and kind["values a pixel"] == 1
    )
    if kind["bits"] not in bits or kind["bits in use"] != kind["bits"] or kind["signed"] or not grey:
        raise DataError(
            "the image is of another kind",
            where=where,
            expected=f"unsigned grey values of {' or '.join(map(str, bits))} bits",
            found=", ".join(f"{name} {value}" for name, value in kind.items()),
            remedy="Use the files as TCIA publishes them",
        )
    try:
        pixels = dataset.pixel_array
    except _DAMAGE as error:
        raise _damaged(where, error) from error
    if pixels.ndim != 2:  # noqa: PLR2004 - one frame of rows and columns
        raise _no_image(where, f"an image of shape {pixels.shape}")
    return pixels, kind["photometric interpretation"] == "MONOCHROME1"


def _read(path: Path, where: str, *, pixels: bool) -> Dataset:
    try:
        return dcmread(path, stop_before_pixels=not pixels)
    except _DAMAGE as error:
        raise _damaged(where, error) from error


def _damaged(where: str, error: BaseException) -> DataError:
    return DataError(
        "the DICOM file cannot be read",
        where=where,
        expected="a whole DICOM file",
        found=(str(error).strip() or type(error).__name__).splitlines()[0].rstrip("."),
        remedy="Download it again",
    )


def _no_image(where: str, found: str) -> DataError:
    return DataError(
        "no image in the DICOM file",
        where=where,
        expected="one image of rows and columns",
        found=found,
        remedy="Download it again",
    )
