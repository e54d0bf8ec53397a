"""Image files of no store."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mammobench.core.errors import DataError
from mammobench.core.seeds import generator
from mammobench.data.sources.loose import find_images, read_patch
from mammobench.data.store.image_store import ImageStore
from tests.cbis_layout import write_dicom


def noise(height: int, width: int, *, bits: int = 8) -> np.ndarray:
    numbers = generator(0, "noise", height, width)
    return numbers.integers(0, 2**bits, (height, width)).astype(np.uint8 if bits == 8 else np.uint16)


def save(path: Path, pixels: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), pixels)
    return path


def read(path: Path, size: int = 32, native: int = 64) -> tuple[np.ndarray, str]:
    return read_patch(path, size, native=native, interpolation="area")


def test_an_image_of_a_store_comes_out_as_the_store_gives_it(phantom: ImageStore, tmp_path: Path) -> None:
    native = phantom.images(phantom.manifest.image_size)
    for row in (0, 7):
        path = save(tmp_path / f"{row}.png", np.asarray(native[row]))
        for interpolation in ("area", "bilinear"):
            found, note = read_patch(
                path, 48, native=phantom.manifest.image_size, interpolation=interpolation
            )
            assert np.array_equal(found, phantom.images(48, interpolation)[row])
            assert note == "resized from 299 x 299 to 48 px"


def test_an_image_of_the_right_size_is_not_touched(tmp_path: Path) -> None:
    pixels = noise(32, 32)
    found, note = read(save(tmp_path / "a.png", pixels))
    assert np.array_equal(found, pixels)
    assert note == ""


@pytest.mark.parametrize("shape", [(64, 32), (16, 48)])
def test_what_is_not_square_gets_black_bands(shape: tuple[int, int], tmp_path: Path) -> None:
    found, note = read(save(tmp_path / "a.png", np.full(shape, 200, np.uint8)))
    assert found.shape == (32, 32)
    band = found[:, :7] if shape[0] > shape[1] else found[:9]
    assert not band.any()
    assert found[16, 16] == 200
    assert note == f"squared with black; resized from {shape[1]} x {shape[0]} to 32 px"


def test_16_bits_are_scaled_and_dark_ones_told(tmp_path: Path) -> None:
    pixels = noise(32, 32, bits=16)
    found, note = read(save(tmp_path / "a.tif", pixels))
    assert np.array_equal(found, np.rint(pixels / 257).astype(np.uint8))
    assert note == ""
    _, note = read(save(tmp_path / "b.tif", pixels // 16))
    assert note.startswith("dark: its brightest pixel has 40")


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("bits", [8, 16])
def test_dicom_reads_as_the_picture_of_the_same_pixels(photometric: str, bits: int, tmp_path: Path) -> None:
    pixels = noise(40, 40, bits=bits)
    write_dicom(tmp_path / "a.dcm", pixels, case="a", PhotometricInterpretation=photometric)
    found, _ = read(tmp_path / "a.dcm")
    shown = np.iinfo(pixels.dtype).max - pixels if photometric == "MONOCHROME1" else pixels
    expected, _ = read(save(tmp_path / "a.tif", shown))
    assert np.array_equal(found, expected)


def test_folders_are_searched_and_each_file_comes_once(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.png", "deep/a.PNG", "notes.txt", ".hidden.png", "c.dcm"):
        (tmp_path / name).write_bytes(b"")
    found = find_images([tmp_path / "deep" / "a.PNG", tmp_path])
    assert [str(path.relative_to(tmp_path)) for path in found] == ["deep/a.PNG", "b.png", "c.dcm"]


def test_what_is_not_there_or_not_an_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing\.png: no such image"):
        find_images([tmp_path / "missing.png"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no image in the folder"):
        find_images([tmp_path / "empty"])
    for name in ("a.png", "a.dcm"):
        (tmp_path / name).write_bytes(b"not an image")
        with pytest.raises(DataError, match=rf"{name}: "):
            read(tmp_path / name)
