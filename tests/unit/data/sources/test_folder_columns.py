"""Which file is the table, what its columns are called, and what its cells say."""

import json
from pathlib import Path

import pandas as pd
import pytest

from mammobench.core.errors import DataError
from mammobench.data.images.options import PrepareOptions
from mammobench.data.sources.registry import prepare
from tests.folder_layout import picture, two_classes, warned, write_table


def rows(*more: str, separator: str = ",") -> list[str]:
    """Four rows of file, label and what else is asked."""
    labels = ("benign", "malignant", "benign", "malignant")
    lines = (["images/" + f"{letter}.png", label] for letter, label in zip("abcd", labels, strict=True))
    return [separator.join([*line, *more]) for line in lines]


def test_columns_go_by_the_names_that_the_table_has(tmp_path: Path) -> None:
    write_table(tmp_path / "mine", "Filename,label,patient_id", *rows("P1"))
    columns = {"patient": "patient_id", "file": "filename"}
    store = prepare(tmp_path / "mine", tmp_path / "store", options=PrepareOptions(columns=columns))
    assert store.index["patient"].tolist() == ["P1"] * 4
    assert not warned(store, "may tell the patient")


def test_a_column_that_is_mapped_comes_before_one_of_that_name(tmp_path: Path) -> None:
    write_table(
        tmp_path / "mine", "file,label,diagnosis", *[f"images/{name}.png,7,benign" for name in "abcd"]
    )
    store = prepare(
        tmp_path / "mine", tmp_path / "store", options=PrepareOptions(columns={"label": "Diagnosis"})
    )
    assert set(store.index["pathology"]) == {"benign"}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"pateint": "patient_id"}, r"--columns: unknown column: .*did you mean 'patient'"),
        ({"patient": "patient_ids"}, r"--columns, patient: no such column: .*did you mean 'patient id'"),
        ({"file": "path"}, r"labels.csv: a column is missing: expected a column 'path'"),
    ],
)  # fmt: skip
def test_a_column_that_is_not_there_is_named(tmp_path: Path, columns: dict[str, str], message: str) -> None:
    write_table(tmp_path / "mine", "file,label,patient_id", *rows("P1"))
    with pytest.raises(DataError, match=message):
        prepare(tmp_path / "mine", tmp_path / "store", options=PrepareOptions(columns=columns))


@pytest.mark.parametrize("options", [PrepareOptions(columns={"file": "x"}), PrepareOptions(separator=";")])
def test_options_of_a_table_need_one(tmp_path: Path, options: PrepareOptions) -> None:
    two_classes(tmp_path / "mine")
    with pytest.raises(DataError, match=r"there is no table: .*no CSV file"):
        prepare(tmp_path / "mine", tmp_path / "store", options=options)


@pytest.mark.parametrize("name", ["patient_id", "Patient ID", "PatientID", "subject", "case", "case-number"])
def test_a_column_that_looks_like_a_patient_and_is_not_used_is_named(tmp_path: Path, name: str) -> None:
    write_table(tmp_path / "mine", f"file,label,{name},showcase", *rows("P1", "x"))
    store = prepare(tmp_path / "mine", tmp_path / "store")
    (told,) = [warning for warning in store.manifest.warnings if "may tell the patient" in warning]
    assert name.lower().replace("_", " ") in told
    assert "--columns patient=" in told
    assert "showcase" not in told


@pytest.mark.parametrize("nothing", ["", "nan", "NaN", "None", "NA", "N/A", "null"])
def test_words_for_nothing_are_no_patient_and_no_group(tmp_path: Path, nothing: str) -> None:
    write_table(tmp_path / "mine", "file,label,patient,group,view", *rows(nothing, nothing, nothing))
    store = prepare(tmp_path / "mine", tmp_path / "store")
    assert store.index[["patient", "group", "view"]].isna().all(axis=None)
    assert store.manifest.counts["patients"] == 0
    assert warned(store, "4 of 4 images name no patient")


def test_rows_without_a_label_are_counted(tmp_path: Path) -> None:
    lines = ["images/a.png,benign", "images/b.png,nan", "images/c.png,"]
    write_table(tmp_path / "mine", "file,label", *lines)
    with pytest.raises(DataError, match=r"labels.csv, row 2: 2 of 3 rows have no label"):
        prepare(tmp_path / "mine", tmp_path / "store")


@pytest.mark.parametrize(("separator", "asked"), [(";", ";"), ("\t", r"\t"), ("|", "|")])
def test_another_separator_is_named_and_taken_when_it_is_asked(
    tmp_path: Path, separator: str, asked: str
) -> None:
    lines = [separator.join(["file", "label", "patient"]), *rows("P,1", separator=separator)]
    write_table(tmp_path / "mine", *lines, name="data.csv")
    with pytest.raises(DataError, match=r"data\.csv: the table has another separator") as told:
        prepare(tmp_path / "mine", tmp_path / "store")
    assert f"Add --separator '{asked}'." in str(told.value)
    store = prepare(tmp_path / "mine", tmp_path / "store", options=PrepareOptions(separator=asked))
    assert store.index["patient"].tolist() == ["P,1"] * 4


@pytest.mark.parametrize("separator", ["", ";;", '"', "\n"])
def test_a_separator_is_one_character(tmp_path: Path, separator: str) -> None:
    write_table(tmp_path / "mine", "file,label", *rows())
    with pytest.raises(DataError, match="--separator: no separator"):
        prepare(tmp_path / "mine", tmp_path / "store", options=PrepareOptions(separator=separator))


def test_a_stray_table_beside_class_folders_is_told_and_left_alone(tmp_path: Path) -> None:
    two_classes(tmp_path / "mine")
    (tmp_path / "mine" / "history.csv").write_text("epoch,loss\n1,0.5\n")
    store = prepare(tmp_path / "mine", tmp_path / "store")
    assert len(store) == 8
    assert warned(store, "history.csv was not read as a table: columns are missing")


def test_a_stray_table_does_not_hide_what_is_wrong_with_the_folders(tmp_path: Path) -> None:
    two_classes(tmp_path / "mine", "0", "1")
    (tmp_path / "mine" / "history.csv").write_text("epoch,loss\n1,0.5\n")
    with pytest.raises(DataError, match="unknown class folder: a number"):
        prepare(tmp_path / "mine", tmp_path / "store")


def test_a_stray_table_does_not_hide_the_true_one_below(tmp_path: Path) -> None:
    write_table(tmp_path / "mine" / "set", "file,label", *rows(), name="truth.csv")
    (tmp_path / "mine" / "history.csv").write_text("epoch,loss\n1,0.5\n")
    assert len(prepare(tmp_path / "mine", tmp_path / "store")) == 4


def test_several_tables_with_the_columns_are_named(tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        write_table(tmp_path / "mine", "file,label", *rows(), name=name)
    write_table(tmp_path / "mine", "epoch,loss", "1,2", name="history.csv")
    with pytest.raises(DataError, match=r"several tables: .*found one.csv, two.csv\."):
        prepare(tmp_path / "mine", tmp_path / "store")


def test_a_table_without_images_in_class_folders_is_what_was_meant(tmp_path: Path) -> None:
    write_table(tmp_path / "mine", "filename,label", *rows(), name="truth.csv")
    with pytest.raises(
        DataError, match=r"truth.csv: a column is missing: .*'file' \(did you mean 'filename'"
    ) as told:
        prepare(tmp_path / "mine", tmp_path / "store")
    assert "--columns file=" in str(told.value)


def test_missing_files_are_told_together(tmp_path: Path) -> None:
    lines = [f"images/{letter}.png,benign" for letter in "axbyczstuv"]
    write_table(tmp_path / "mine", "file,label", *lines)
    with pytest.raises(DataError, match=r"labels\.csv: 7 of 10 images are not there") as told:
        prepare(tmp_path / "mine", tmp_path / "store")
    assert "'images/x.png' (row 2), 'images/y.png' (row 4)" in str(told.value)
    assert "and 2 more" in str(told.value)
    assert "did you mean" not in str(told.value)
    assert "No file has such a name" in str(told.value)


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("a.png", "the path to it from the table is: images/a.png"),
        ("a", "with its folder and its ending it is: images/a.png"),
        ("images/a.jpg", "it has another ending: images/a.png"),
        ("images/A.PNG", "another case: images/a.png"),
        ("scan.dcm", "scan.dcm is there, but is no image of a kind that is read"),
        ("long", "its name goes on: images/long_R_CC.png"),
        ("elsewhere.png", "No file has such a name"),
    ],
)
def test_the_hint_to_a_missing_file_is_what_is_there(tmp_path: Path, asked: str, hint: str) -> None:
    write_table(tmp_path / "mine", "file,label", f"{asked},benign")
    picture(tmp_path / "mine" / "images" / "long_R_CC.png")
    (tmp_path / "mine" / "scan.dcm").touch()
    with pytest.raises(DataError, match="row 1: no such image") as told:
        prepare(tmp_path / "mine", tmp_path / "store")
    assert hint in str(told.value)


def test_validation_in_a_table_is_kept(tmp_path: Path) -> None:
    lines = [
        f"{line},{split}" for line, split in zip(rows(), ("train", "val", "Validation", "test"), strict=True)
    ]
    write_table(tmp_path / "mine", "file,label,split", *lines)
    store = prepare(tmp_path / "mine", tmp_path / "store")
    assert store.index["split"].tolist() == ["train", "validation", "validation", "test"]
    assert json.loads((store.path / "manifest.json").read_text())["counts"]["validation"] == 2
    assert pd.read_parquet(store.path / "index.parquet")["split"].nunique() == 3


def test_several_tables_that_lack_columns_are_named_where_folders_say_nothing(tmp_path: Path) -> None:
    for study in ("s1", "s2"):
        picture(tmp_path / "mine" / "images" / study / "a.png")
    for name in ("findings.csv", "metadata.csv"):
        (tmp_path / "mine" / name).write_text("image_id,birads\na,1\n")
    with pytest.raises(DataError, match=r"'s1' .*say what findings.csv or metadata.csv calls its columns"):
        prepare(tmp_path / "mine", tmp_path / "store")


def test_a_row_with_too_many_cells_is_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "mine", "file,label", "images/a.png,benign,P1", "images/b.png,malignant")
    with pytest.raises(DataError, match=r"labels.csv: the table cannot be read: .*loss of data"):
        prepare(tmp_path / "mine", tmp_path / "store")


def test_a_path_may_lead_up_and_down_again(tmp_path: Path) -> None:
    write_table(tmp_path / "mine", *["file,label", *(row.replace("images", "../images") for row in rows())])
    (tmp_path / "mine" / "csv").mkdir()
    (tmp_path / "mine" / "labels.csv").rename(tmp_path / "mine" / "csv" / "labels.csv")
    assert len(prepare(tmp_path / "mine", tmp_path / "store")) == 4
