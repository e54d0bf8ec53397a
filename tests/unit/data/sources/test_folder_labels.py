"""What names of classes mean, in folders and in tables."""

from pathlib import Path

import pytest

from mammobench.core.errors import DataError
from mammobench.data.images.options import PrepareOptions, read_pairs
from mammobench.data.sources.registry import prepare
from tests.folder_layout import two_classes, warned, write_table

MAPPED = {"0": "benign", "1": "malignant"}


def test_numbers_as_class_folders_are_refused_with_the_way_to_name_them(tmp_path: Path) -> None:
    two_classes(tmp_path / "mine", "0", "1")
    with pytest.raises(
        DataError, match=r"number has another meaning.*'0' \(4 images\), '1' \(4 images\)"
    ) as told:
        prepare(tmp_path / "mine", tmp_path / "store")
    assert "--labels '0=benign,1=malignant'" in str(told.value)
    assert not (tmp_path / "store").exists()


def test_numbers_in_a_table_are_refused_too(tmp_path: Path) -> None:
    write_table(tmp_path / "mine", "file,label", "images/a.png,0", "images/b.png,1", "images/c.png,1")
    with pytest.raises(DataError, match=r"row 1, column label: .*number.*'0' \(1 image\), '1' \(2 images\)"):
        prepare(tmp_path / "mine", tmp_path / "store")


def test_numbers_mean_what_the_option_says_in_folders_and_in_a_table(tmp_path: Path) -> None:
    two_classes(tmp_path / "folders", "0", "1")
    write_table(tmp_path / "table", "file,label", "images/a.png,0", "images/b.png,1")
    for name in ("folders", "table"):
        store = prepare(tmp_path / name, tmp_path / f"{name}-store", options=PrepareOptions(labels=MAPPED))
        assert set(store.index["pathology"]) == {"benign", "malignant"}
        assert store.index["pathology"].tolist() == sorted(store.index["pathology"])


def test_a_number_below_a_class_folder_is_no_class(tmp_path: Path) -> None:
    two_classes(tmp_path / "mine", "benign mass/3", "malignant mass/1")
    store = prepare(tmp_path / "mine", tmp_path / "store")
    assert store.index["label"].tolist() == [2] * 4 + [4] * 4


def test_a_mapped_name_stands_beside_the_known_ones(tmp_path: Path) -> None:
    two_classes(tmp_path / "mine", "Cancer", "benign mass")
    store = prepare(
        tmp_path / "mine", tmp_path / "store", options=PrepareOptions(labels={"cancer": "malignant mass"})
    )
    assert store.index["label"].tolist() == [4] * 4 + [2] * 4
    assert not warned(store, "of untold type")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"0": "benign"}, r"'1' \(4 images\)\. Say what each means"),
        ({**MAPPED, "2": "normal"}, r"--labels: a class that no image has: .*'0' \(4 images\).* found '2'"),
        (
            {"0": "bening", "1": "malignant"},
            r"--labels: unknown class: .*did you mean 'benign'.*found 'bening'",
        ),
        ({"0": "1", "1": "4"}, r"--labels: unknown class: .* found '1'"),
        ({"malignant": "benign"}, r"--labels: a known class is given another meaning"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(tmp_path: Path, labels: dict[str, str], message: str) -> None:
    two_classes(tmp_path / "mine", "0", "1")
    with pytest.raises(DataError, match=message):
        prepare(tmp_path / "mine", tmp_path / "store", options=PrepareOptions(labels=labels))


def test_all_unknown_classes_are_told_together(tmp_path: Path) -> None:
    two_classes(tmp_path / "mine", "benign", "Cancer", "dcis")
    with pytest.raises(
        DataError, match=r"unknown class folder: .*'Cancer' \(4 images\), 'dcis' \(4 images\)"
    ) as told:
        prepare(tmp_path / "mine", tmp_path / "store")
    assert "'Cancer=CLASS'" in str(told.value)


def test_a_type_of_lesion_beside_the_label_counts(tmp_path: Path) -> None:
    write_table(tmp_path / "mine", "file,label,lesion_type", "images/a.png,benign,calcification",
                "images/b.png,malignant,mass")  # fmt: skip
    store = prepare(tmp_path / "mine", tmp_path / "store")
    assert store.index["lesion_type"].tolist() == ["calcification", "mass"]
    assert not warned(store, "of untold type")


@pytest.mark.parametrize(
    ("line", "column"),
    [("images/a.png,benign,malignant,", "pathology"), ("images/a.png,benign mass,,calc", "lesion_type")],
)
def test_a_row_that_contradicts_itself_is_refused(tmp_path: Path, line: str, column: str) -> None:
    write_table(tmp_path / "mine", "file,label,pathology,lesion_type", line)
    with pytest.raises(DataError, match=f"row 1, column {column}: the row contradicts itself"):
        prepare(tmp_path / "mine", tmp_path / "store")


@pytest.mark.parametrize("text", ["0", "=benign", "0=", "0=benign,", "0=benign,0=malignant"])
def test_pairs_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(DataError, match="--labels: "):
        read_pairs(text, "--labels")


def test_pairs_keep_spaces_within_and_lose_those_around() -> None:
    assert read_pairs("0=benign mass, 1 = malignant", "--labels") == {"0": "benign mass", "1": "malignant"}
