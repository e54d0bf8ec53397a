"""Images of a folder: their side, and those that are damaged or not what they seem."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mammobench.core.errors import DataError
from mammobench.core.seeds import generator
from mammobench.data.images.options import PrepareOptions
from mammobench.data.sources.registry import prepare
from tests.folder_layout import picture, pictures, two_classes, warned


@pytest.mark.parametrize(("side", "expected"), [(60, 60), (299, 299), (320, 299), (5, 8)])
def test_the_side_is_that_of_the_largest_image_at_most_299(tmp_path: Path, side: int, expected: int) -> None:
    two_classes(tmp_path / "mine")
    pictures(tmp_path / "mine" / "benign", side=3)
    picture(tmp_path / "mine" / "malignant" / "0.png", 200, side)
    for number in range(1, 4):
        picture(tmp_path / "mine" / "malignant" / f"{number}.png", 100 + number, 4)
    store = prepare(tmp_path / "mine", tmp_path / "store")
    assert store.manifest.image_size == expected
    assert warned(store, f"The largest image has a side of {side} px") == (side > 299)
    assert warned(store, f"The side is {expected} px, that of the largest image") == (side <= 299)


def test_small_images_fill_their_store_and_what_is_derived_from_it(tmp_path: Path) -> None:
    for position, name in enumerate(("benign", "malignant")):
        pictures(tmp_path / "mine" / name, start=100 + 50 * position, side=60)
    store = prepare(tmp_path / "mine", tmp_path / "store")
    assert (store.images(48) >= 100).all()
    assert store.images(48)[:, 24, 24].tolist() == [100, 101, 102, 103, 150, 151, 152, 153]
    with pytest.raises(DataError, match=r"data\.image_size of at most 60, found 64"):
        store.images(64)


def test_a_side_that_is_asked_is_kept(tmp_path: Path) -> None:
    two_classes(tmp_path / "mine")
    store = prepare(tmp_path / "mine", tmp_path / "store", options=PrepareOptions(size=32))
    assert store.manifest.image_size == 32
    assert not warned(store, "The side is")


def noise(path: Path, side: int = 120) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = generator(0, "noise", str(path.stem)).integers(0, 256, (side, side), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def damaged_jpeg(path: Path) -> None:
    noise(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 200] = bytes(200)
    path.write_bytes(content)


def three_pages(path: Path) -> None:
    pages = [Image.new("L", (16, 16), value) for value in (1, 2, 3)]
    pages[0].save(path, save_all=True, append_images=pages[1:])


def bomb(path: Path) -> None:
    Image.new("1", (13_300, 13_300)).save(path)


def broken_off(path: Path) -> None:
    noise(path)
    path.write_bytes(path.read_bytes()[:3000])


BAD = [
    (damaged_jpeg, "x.jpg", r"the image does not decode: .*Corrupt JPEG data"),
    (three_pages, "x.tif", r"the file has several pages: expected one image a file, found 3 pages"),
    (bomb, "x.png", r"the image has too many pixels: expected at most 80,000,000, found 13,300 x 13,300"),
    (broken_off, "x.png", r"the image does not decode: .*truncated"),
]


@pytest.mark.parametrize(("make", "name", "message"), BAD, ids=[make.__name__ for make, _, _ in BAD])
@pytest.mark.parametrize("options", [PrepareOptions(), PrepareOptions(size=16)], ids=["side", "size"])
def test_what_is_damaged_is_refused_by_name(
    tmp_path: Path, make: object, name: str, message: str, options: PrepareOptions
) -> None:
    two_classes(tmp_path / "mine")
    assert callable(make)
    make(tmp_path / "mine" / "benign" / name)
    with pytest.raises(DataError, match=rf"^benign/{name}: {message}"):
        prepare(tmp_path / "mine", tmp_path / "out" / "store", options=options)
    assert not list(tmp_path.glob("out/*"))
    assert not list(tmp_path.glob("out/.*"))


def test_all_damaged_images_are_told_together_before_a_byte_is_written(tmp_path: Path) -> None:
    two_classes(tmp_path / "mine")
    for make, name, _ in BAD:
        make(tmp_path / "mine" / "benign" / f"{make.__name__}{name}")
        make(tmp_path / "mine" / "malignant" / f"{make.__name__}{name}")
    with pytest.raises(DataError, match="8 of 16 images cannot be used") as told:
        prepare(tmp_path / "mine", tmp_path / "store")
    for words in (
        "benign/bombx.png: the image has too many pixels",
        "benign/damaged_jpegx.jpg",
        "and 3 more",
    ):
        assert words in str(told.value)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("quality", [30, 90])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_whole_jpegs_of_every_kind_pass(tmp_path: Path, mode: str, progressive: bool, quality: int) -> None:
    pixels = generator(0, "noise").integers(0, 256, (50, 70), dtype=np.uint8)
    for name in ("benign", "malignant"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        Image.fromarray(pixels).convert(mode).save(
            tmp_path / "mine" / name / "a.jpg", quality=quality, progressive=progressive
        )
    assert prepare(tmp_path / "mine", tmp_path / "store").manifest.image_size == 70


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "1", "I;16"])
def test_every_mode_of_a_picture_gives_its_grey(tmp_path: Path, mode: str) -> None:
    grey = np.zeros((16, 16), dtype=np.uint8)
    grey[:8] = 255
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    else:
        image = Image.fromarray(grey).convert(mode)
    for name in ("benign", "malignant"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        path = tmp_path / "mine" / name / "a.png"
        if mode == "P":
            # each colour with a transparency of its own, of which Pillow warns
            image.save(path, transparency=bytes(range(256)))
        else:
            image.save(path)
    store = prepare(tmp_path / "mine", tmp_path / "store")
    assert np.array_equal(store.images(16)[0], grey)


def test_a_tiff_of_16_bits_whose_white_is_zero_is_inverted(tmp_path: Path) -> None:
    two_classes(tmp_path / "mine")
    image = Image.fromarray(np.full((16, 16), 257 * 51, dtype=np.uint16))
    image.save(tmp_path / "mine" / "benign" / "0.tif", tiffinfo={262: 0})
    store = prepare(tmp_path / "mine", tmp_path / "store")
    (row,) = np.flatnonzero(store.index["source_file"] == "benign/0.tif")
    assert (store.images(16)[row] == 204).all()


def test_a_link_to_a_folder_above_is_not_followed(tmp_path: Path) -> None:
    two_classes(tmp_path / "mine", "benign", "malignant", count=6)
    (tmp_path / "mine" / "benign" / "up").symlink_to("..")
    (tmp_path / "mine" / "all").symlink_to(tmp_path)
    store = prepare(tmp_path / "mine", tmp_path / "store")
    assert len(store) == 12
    assert warned(store, "above themselves were not followed: all, benign/up")


def test_each_file_counts_once_and_links_to_new_ones_are_followed(tmp_path: Path) -> None:
    pictures(tmp_path / "elsewhere" / "b", side=16)
    two_classes(tmp_path / "mine", "malignant")
    (tmp_path / "mine" / "benign").symlink_to(tmp_path / "elsewhere" / "b")
    (tmp_path / "mine" / "malignant" / "again.png").symlink_to("0.png")
    (tmp_path / "mine" / "malignant" / "new.png").symlink_to(picture(tmp_path / "elsewhere" / "c.png", 77))
    store = prepare(tmp_path / "mine", tmp_path / "store")
    assert len(store) == 9
    assert warned(store, "1 links to images that are there already were left out: malignant/again.png")


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_link_that_gives_an_image_a_second_class_or_part_is_refused(tmp_path: Path, kind: str) -> None:
    if kind == "file":
        two_classes(tmp_path / "mine")
        (tmp_path / "mine" / "benign" / "x.png").symlink_to("../malignant/0.png")
    else:
        two_classes(tmp_path / "mine" / "train")
        (tmp_path / "mine" / "test").symlink_to("train")
    with pytest.raises(DataError, match="one file has two classes or parts, through a link"):
        prepare(tmp_path / "mine", tmp_path / "store")


def test_links_that_lead_nowhere_are_told(tmp_path: Path) -> None:
    two_classes(tmp_path / "mine")
    for number in range(2):
        (tmp_path / "mine" / "benign" / f"gone{number}.png").symlink_to("nowhere.png")
    with pytest.raises(DataError, match=r"2 of 10 images .*benign/gone0.png: the link leads nowhere"):
        prepare(tmp_path / "mine", tmp_path / "store")


def test_names_that_are_not_utf_8_are_told_before_any_image_is_read(tmp_path: Path) -> None:
    two_classes(tmp_path / "mine")
    (tmp_path / "mine" / "benign" / "broken.png").write_text("no picture")
    source = os.fsencode(tmp_path / "mine" / "benign")
    for name in (b"M\xfcller.png", b"B\xe4r.png"):
        shutil.copy(source + b"/0.png", source + b"/" + name)
    with pytest.raises(
        DataError, match=r"2 of 11 images .*benign/B\\xe4r.png: the file's name is not UTF-8"
    ) as told:
        prepare(tmp_path / "mine", tmp_path / "store")
    str(told.value).encode()
    assert "convmv" in str(told.value)
    assert "broken" not in str(told.value)


def test_files_of_other_kinds_are_counted(tmp_path: Path) -> None:
    two_classes(tmp_path / "mine")
    for name in ("a.webp", "b.webp", "c.dcm", "notes.txt"):
        (tmp_path / "mine" / "benign" / name).touch()
    assert warned(prepare(tmp_path / "mine", tmp_path / "store"), "left out: 1 .dcm, 2 .webp")


def test_dicom_files_of_another_set_are_told_what_to_become(tmp_path: Path) -> None:
    (tmp_path / "mine" / "benign").mkdir(parents=True)
    (tmp_path / "mine" / "benign" / "a.dcm").touch()
    with pytest.raises(
        DataError, match=r"no known layout: .*found benign/a.dcm\. DICOM files .* convert others"
    ):
        prepare(tmp_path / "mine", tmp_path / "store")


def test_a_zip_with_a_password_is_told(tmp_path: Path) -> None:
    two_classes(tmp_path / "mine", count=1)
    packed = Path(shutil.make_archive(str(tmp_path / "mine"), "zip", tmp_path / "mine"))
    content = bytearray(packed.read_bytes())
    # the bit of an encrypted file, in each header and in the list at the end
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(mark)
        while place >= 0:
            content[place + flags] |= 1
            place = content.find(mark, place + 4)
    packed.write_bytes(content)
    with pytest.raises(DataError, match=r"2 of 2 images .*encrypted, password required.*Unpack it by hand"):
        prepare(packed, tmp_path / "store")
