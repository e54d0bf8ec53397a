import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mammobench.core.errors import DataError
from mammobench.data.images.options import PrepareOptions
from mammobench.data.sources.registry import prepare
from mammobench.data.store.image_store import ImageStore

SMALL = PrepareOptions(size=16)


def picture(path: Path, value: int = 100, shape: tuple[int, ...] = (16, 16), dtype: Any = np.uint8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full(shape, value, dtype=dtype))


def classes(folder: Path, *, above: str = "") -> None:
    for number, name in enumerate(("negative", "Benign_Mass", "malignant-calcification")):
        for index in range(5):
            picture(folder / above / name / f"{index}.png", 10 * number + index)


def table(folder: Path, *lines: str) -> None:
    for name in "abcd":
        picture(folder / "images" / f"{name}.png", ord(name))
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")


def warned(store: ImageStore, words: str) -> bool:
    return any(words in warning for warning in store.manifest.warnings)


def test_class_subfolders_become_labels_and_a_drawn_split(tmp_path: Path) -> None:
    classes(tmp_path / "mine")
    store = prepare(tmp_path / "mine", tmp_path / "store", options=SMALL)
    assert store.index["source_file"].tolist()[0] == "Benign_Mass/0.png"
    assert store.index["label"].tolist() == [2] * 5 + [3] * 5 + [0] * 5
    assert store.images(16)[:, 0, 0].tolist() == [10, 11, 12, 13, 14, 20, 21, 22, 23, 24, 0, 1, 2, 3, 4]
    assert store.index["id"].is_unique
    assert store.index[store.index["split"] == "test"]["label"].tolist() == [2, 3, 0]
    assert warned(store, "No split was given")
    assert warned(store, "15 of 15 images name no patient")
    again = prepare(tmp_path / "mine", tmp_path / "again", options=SMALL)
    assert again.fingerprint == store.fingerprint


def test_train_and_test_above_the_classes_are_honoured(tmp_path: Path) -> None:
    classes(tmp_path / "mine", above="set/train")
    classes(tmp_path / "mine", above="set/Test")
    store = prepare(tmp_path / "mine", tmp_path / "store", options=SMALL)
    of_test = store.index["source_file"].str.startswith("set/Test")
    assert (store.index["split"] == "test").tolist() == of_test.tolist()
    assert not warned(store, "No split")


def test_a_table_says_all_that_it_knows(tmp_path: Path) -> None:
    table(
        tmp_path / "mine",
        "File,Pathology,Lesion_Type,Patient,Group,Split,Laterality,View,Density,Subtlety",
        "images/a.png,BENIGN_WITHOUT_CALLBACK,mass,P1,G1,train,left,cc,3,4",
        "images\\b.png,malignant,,P1,,test,R,MLO,,",
        "images/c.png,normal,,,,train,,,,",
    )
    store = prepare(tmp_path / "mine", tmp_path / "store", options=SMALL)
    assert store.index["label"].tolist() == [2, 4, 0]
    known = ["patient", "group", "split", "laterality", "view", "density", "subtlety"]
    assert store.index[known].iloc[0].tolist() == ["P1", "G1", "train", "LEFT", "CC", "3", 4]
    assert store.index[known].iloc[1, :5].tolist() == ["P1", "P1", "test", "RIGHT", "MLO"]
    assert store.index[known].iloc[2].isna().tolist() == [True, True, False, True, True, True, True]
    for words in (
        "1 patients stand in training and test",
        "1 lesions are of untold type",
        "1 images that labels.csv",
    ):
        assert warned(store, words)


def test_every_kind_of_picture_is_read_and_fitted(tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "train" / "normal"
    picture(folder / "a.tif", 65_535, (32, 32), np.uint16)
    picture(folder / "b.bmp", 200, (16, 32, 3))
    picture(folder / "c.pgm", 257 * 7, (16, 16), np.uint16)
    picture(folder / "d.jpg", 90, (8, 8))
    picture(tmp_path / "mine" / "test" / "benign calc" / "e.png", 255, (64, 64, 4))
    store = prepare(tmp_path / "mine", tmp_path / "store", options=SMALL)
    images = store.images(16)[[1, 2, 3, 4]]  # that of test comes first
    assert (images[0] == 255).all()
    assert (images[1, 4:12] == 200).all()
    assert not images[1, :4].any()
    assert not images[1, 12:].any()
    assert (images[2] == 7).all()
    assert (images[3, 4:12, 4:12] == 90).all()
    assert images[3].sum() == 90 * 64
    for words in ("1 images are not square", "1 images are smaller than 16", "2 images of 16 bits"):
        assert warned(store, words)


def test_a_zip_gives_the_same_store(tmp_path: Path) -> None:
    classes(tmp_path / "mine")
    picture(tmp_path / "mine" / "__MACOSX" / "mass" / "._0.png")
    packed = Path(shutil.make_archive(str(tmp_path / "mine"), "zip", tmp_path / "mine"))
    from_zip = prepare(packed, tmp_path / "from-zip", options=SMALL)
    assert from_zip.fingerprint == prepare(tmp_path / "mine", tmp_path / "store", options=SMALL).fingerprint


def misspelt_class(folder: Path) -> None:
    classes(folder)
    picture(folder / "malignent mass" / "x.png")


def loose_image(folder: Path) -> None:
    classes(folder)
    picture(folder / "x.png")


def half_a_split(folder: Path) -> None:
    classes(folder)
    classes(folder, above="test")


def truncated(folder: Path) -> None:
    classes(folder)
    rng = np.random.default_rng(0)
    path = folder / "negative" / "x.png"
    assert cv2.imwrite(str(path), rng.integers(0, 255, (64, 64), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:2000])


def no_image(folder: Path) -> None:
    classes(folder)
    (folder / "negative" / "x.jpg").write_text("not a picture")


def floats(folder: Path) -> None:
    picture(folder / "negative" / "x.tif", 1, (8, 8), np.float32)


def of(*lines: str) -> Callable[[Path], None]:
    return lambda folder: table(folder, *lines)


def two_tables(folder: Path) -> None:
    table(folder, "file,label", "images/a.png,normal")
    (folder / "labels.csv").rename(folder / "one.csv")
    shutil.copy(folder / "one.csv", folder / "two.csv")


def binary_table(folder: Path) -> None:
    table(folder)
    (folder / "labels.csv").write_bytes(b"\xff\xfe\x00file")


def latin_zip(folder: Path) -> None:
    folder.mkdir()
    (folder / "empty.txt").touch()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (misspelt_class, r"malignent mass/x.png: unknown class folder: .*did you mean 'malignant mass'"),
        (loose_image, r"mine/x.png: an image without a class: expected images in subfolders named negative"),
        (half_a_split, r"mine: a folder that is no part of the split: .*found Benign_Mass \(5 images\)"),
        (truncated, r"negative/x.png: the image does not decode: .*truncated"),
        (no_image, r"negative/x.jpg: the image does not decode: .*cannot identify"),
        (floats, r"negative/x.tif: the image has another bit depth: .*floating"),
        (two_tables, r"mine: several tables: .* found one.csv, two.csv\. Name"),
        (binary_table, r"labels.csv: the table cannot be read: expected a CSV file in UTF-8"),
        (latin_zip, r"no known layout: .*found empty.txt"),
        (of(), r"labels.csv: the table cannot be read: .* No columns"),
        (of("file,label"), r"labels.csv: the table is empty"),
        (of("fiel,label", "x,0"), r"labels.csv: a column is missing: .*'file' \(did you mean 'fiel'\?\)"),
        (of("file,lable", "x,0"), r"labels.csv: a column is missing: .*did you mean 'lable'"),
        (of("file,label,Label", "x,normal,normal"), r"labels.csv: a column stands there twice"),
        (of("file,label", "images/a.png,normal", "images/x.png,normal"), r"labels.csv, row 2: no such image"),
        (
            of("file,label", "images/a.png,normal", "images/a.png,benign"),
            r"row 2: a file stands there twice: .*row 1",
        ),
        (of("file,label", "images/a.png,7"), r"row 1, column label: unknown label: a number .* found '7'"),
        (of("file,label", "images/a.png,bening"), r"row 1, column label: unknown .*mean 'benign'"),
        (of("file,pathology", "images/a.png,maligant"), r"row 1, column pathology: .*mean 'malignant'"),
        (of("file,pathology,lesion_type", "images/a.png,benign,lump"), r"column lesion_type: .*found 'lump'"),
        (of("file,label,split", "images/a.png,normal,trian"), r"column split: .*mean 'train'"),
        (of("file,label,view", "images/a.png,normal,XX"), r"row 1, column view: unknown view"),
    ],
)
def test_every_defect_is_named_and_leaves_nothing(
    tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(tmp_path / "mine")
    with pytest.raises(DataError, match=message):
        prepare(tmp_path / "mine", tmp_path / "out" / "store", options=SMALL)
    assert not list(tmp_path.glob("out/*"))
    assert not list(tmp_path.glob("out/.*"))


def test_an_option_of_another_layout_is_refused(tmp_path: Path) -> None:
    classes(tmp_path / "mine")
    with pytest.raises(DataError, match=r"--crops: not an option of the layout folder: .*--seed, .*--size"):
        prepare(tmp_path / "mine", tmp_path / "store", options=PrepareOptions(crops=2))
    with pytest.raises(DataError, match="--size: out of range: expected 8 to 2048, found 4"):
        prepare(tmp_path / "mine", tmp_path / "store", options=PrepareOptions(size=4))
