"""What the folders above an image say: class, part of the split, and whose set it is."""

from pathlib import Path

import numpy as np
import pytest

from mammobench.core.errors import DataError
from mammobench.data.images.options import PrepareOptions
from mammobench.data.sources.registry import prepare
from mammobench.data.splits.split import make_split
from mammobench.space.config import DataConfig
from tests.folder_layout import picture, pictures, two_classes, warned


@pytest.mark.parametrize("name", ["val", "valid", "Validation"])
def test_a_validation_folder_is_kept_and_used_by_the_official_split(tmp_path: Path, name: str) -> None:
    for part in ("train", name, "test"):
        two_classes(tmp_path / "mine" / part)
    store = prepare(tmp_path / "mine", tmp_path / "store")
    counts = store.manifest.counts
    assert (counts["train"], counts["validation"], counts["test"]) == (8, 8, 8)
    split = make_split(store, DataConfig())
    folders = store.index["source_file"].str.split("/").str[0]
    for part, folder in (("train", "train"), ("validation", name), ("test", "test")):
        assert np.array_equal(getattr(split, part).rows, np.flatnonzero(folders == folder))


def test_parts_below_the_classes_are_read_too(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        for label in ("benign", "malignant"):
            picture(tmp_path / "mine" / label / part / "a.png")
    store = prepare(tmp_path / "mine", tmp_path / "store")
    assert store.index["split"].tolist() == ["test", "train", "validation"] * 2


@pytest.mark.parametrize("name", ["External_test", "testset", "hold-out", "TrainImages", "val 2", "external"])
def test_a_neighbouring_set_is_refused_not_merged(tmp_path: Path, name: str) -> None:
    two_classes(tmp_path / "mine")
    two_classes(tmp_path / "mine" / name)
    with pytest.raises(
        DataError, match=rf"no part of the split: .*found {name} \(8 images\)\. Rename.*--all-test"
    ):
        prepare(tmp_path / "mine", tmp_path / "store")


def test_a_set_beside_the_parts_is_refused_by_its_name(tmp_path: Path) -> None:
    for part in ("train", "test", "clinic_b"):
        two_classes(tmp_path / "mine" / part)
    with pytest.raises(DataError, match=r"no part of the split: .*found clinic_b \(8 images\)"):
        prepare(tmp_path / "mine", tmp_path / "store")


def test_class_folders_in_several_places_are_taken_together_and_told(tmp_path: Path) -> None:
    for view in ("CC", "MLO"):
        two_classes(tmp_path / "mine" / view)
    store = prepare(tmp_path / "mine", tmp_path / "store")
    assert len(store) == 16
    assert warned(store, "in 2 places were taken together: CC (8 images), MLO (8 images)")


def test_a_folder_above_all_images_may_be_called_anything(tmp_path: Path) -> None:
    two_classes(tmp_path / "mine" / "External_test")
    store = prepare(tmp_path / "mine", tmp_path / "store")
    assert len(store) == 8
    assert not warned(store, "places")


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        ("train/test/benign", r"an image in two parts of the split: .*found train and test"),
        ("benign/malignant", r"an image in two classes: .*found benign and malignant"),
    ],
)
def test_two_answers_above_one_image_are_refused(tmp_path: Path, folders: str, message: str) -> None:
    two_classes(tmp_path / "mine" / "train")
    picture(tmp_path / "mine" / folders / "x.png")
    with pytest.raises(DataError, match=message):
        prepare(tmp_path / "mine", tmp_path / "store")


def test_a_class_folder_may_make_the_one_above_it_clearer(tmp_path: Path) -> None:
    two_classes(tmp_path / "mine", "benign/benign calcification", "malignant mass/malignant")
    store = prepare(tmp_path / "mine", tmp_path / "store")
    assert store.index["label"].tolist() == [1] * 4 + [4] * 4


@pytest.mark.parametrize("above", ["", "train"])
def test_an_external_set_is_used_whole(tmp_path: Path, above: str) -> None:
    two_classes(tmp_path / "mine" / above)
    store = prepare(tmp_path / "mine", tmp_path / "store", options=PrepareOptions(all_test=True))
    assert store.index["split"].tolist() == ["test"] * 8
    assert warned(store, "All images were made test images, as asked")
    assert warned(store, "8 of them in spite of their folders") == bool(above)
    assert not warned(store, "were drawn for test")


def test_a_set_without_test_images_says_which_split_it_takes(tmp_path: Path) -> None:
    for part in ("train", "val"):
        two_classes(tmp_path / "mine" / part)
    assert warned(prepare(tmp_path / "mine", tmp_path / "store"), "`--split grouped`")


def test_a_set_without_validation_counts_none(tmp_path: Path) -> None:
    two_classes(tmp_path / "mine")
    assert "validation" not in prepare(tmp_path / "mine", tmp_path / "store").manifest.counts


def test_a_class_is_looked_for_where_the_others_are(tmp_path: Path) -> None:
    two_classes(tmp_path / "mine" / "set", "Benign/0029", "Cancer/0030", "Normal/0031")
    with pytest.raises(DataError, match=r"unknown class folder: .*found 'Cancer' \(4 images\)"):
        prepare(tmp_path / "mine", tmp_path / "store")


@pytest.mark.parametrize("name", ["benign (1)_mask.png", "masks/1.png", "1-segmentation.png"])
def test_masks_beside_the_images_are_refused(tmp_path: Path, name: str) -> None:
    two_classes(tmp_path / "mine")
    picture(tmp_path / "mine" / "benign" / name)
    with pytest.raises(DataError, match="1 of 9 images seem to be masks"):
        prepare(tmp_path / "mine", tmp_path / "store")


def test_folders_as_deep_as_those_of_breakhis_are_read(tmp_path: Path) -> None:
    for name in ("benign", "malignant"):
        pictures(
            tmp_path / "mine" / "BreaKHis_v1/histology_slides/breast" / name / "SOB/adenosis/SOB_B_A/40X"
        )
    assert len(prepare(tmp_path / "mine", tmp_path / "store")) == 8


def test_names_in_the_plural_are_classes(tmp_path: Path) -> None:
    two_classes(tmp_path / "mine", "Benign Masses", "Malignant calcifications")
    assert set(prepare(tmp_path / "mine", tmp_path / "store").index["label"]) == {2, 3}
