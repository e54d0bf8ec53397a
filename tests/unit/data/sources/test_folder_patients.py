"""Patients in the names of files, as public sets have them."""

from pathlib import Path

import pytest

from mammobench.core.errors import DataError
from mammobench.data.images.options import PrepareOptions
from mammobench.data.sources.registry import prepare
from tests.folder_layout import picture, two_classes, warned, write_table


@pytest.mark.parametrize(
    ("names", "pattern", "patients"),
    [
        (  # BreakHis: the slide of a patient, then magnification and number
            [f"SOB_B_A-14-{name}.png" for name in ("22549AB-40-001", "22549AB-100-003", "29960CD-40-002")],
            r"^SOB_[BM]_[A-Z]+-(\d+-\w+)-\d+-\d+",
            ["14-22549AB", "14-22549AB", "14-29960CD"],
        ),
        (  # INbreast
            ["20586908_6c613a14b80a8591_MG_R_CC_ANON.png", "20586934_6c613a14b80a8591_MG_L_CC_ANON.png"],
            r"_(?P<patient>[0-9a-f]{16})_MG_",
            ["6c613a14b80a8591", "6c613a14b80a8591"],
        ),
        (["case_0012_L_MLO.png", "case_0013_L_CC.png"], r"case_(\d+)_", ["0012", "0013"]),
        (["left/p7/1.png", "left/p8/1.png"], r"/(p\d)/", ["p7", "p8"]),
    ],
    ids=["breakhis", "inbreast", "case", "path"],
)  # fmt: skip
def test_the_patient_is_found_in_the_name(
    tmp_path: Path, names: list[str], pattern: str, patients: list[str]
) -> None:
    for name in names:
        picture(tmp_path / "mine" / "benign" / name)
    store = prepare(tmp_path / "mine", tmp_path / "store", options=PrepareOptions(patient_pattern=pattern))
    by_file = dict(zip(store.index["source_file"], store.index["patient"], strict=True))
    assert by_file == {f"benign/{name}": patient for name, patient in zip(names, patients, strict=True)}
    assert store.index["group"].tolist() == store.index["patient"].tolist()
    assert not warned(store, "name no patient")


def test_names_that_do_not_match_are_counted_and_the_first_are_shown(tmp_path: Path) -> None:
    for number in range(8):
        picture(tmp_path / "mine" / "benign" / f"case_{number}_.png")
        picture(tmp_path / "mine" / "malignant" / f"other{number}.png")
    options = PrepareOptions(patient_pattern=r"case_(\d*)_")
    with pytest.raises(DataError, match="--patient-pattern: 8 of 16 files do not match") as told:
        prepare(tmp_path / "mine", tmp_path / "store", options=options)
    assert "malignant/other0.png, malignant/other1.png" in str(told.value)
    assert "and 3 more" in str(told.value)


@pytest.mark.parametrize("pattern", ["case", "case_([0-9_", "(?P<patient"])
def test_what_is_no_pattern_with_a_group_is_refused(tmp_path: Path, pattern: str) -> None:
    two_classes(tmp_path / "mine")
    with pytest.raises(DataError, match="--patient-pattern: no pattern of a patient"):
        prepare(tmp_path / "mine", tmp_path / "store", options=PrepareOptions(patient_pattern=pattern))


def test_a_table_and_a_pattern_do_not_both_name_the_patient(tmp_path: Path) -> None:
    write_table(tmp_path / "mine", "file,label,patient", "images/a.png,benign,P1")
    with pytest.raises(DataError, match="both tell the patient"):
        prepare(tmp_path / "mine", tmp_path / "store", options=PrepareOptions(patient_pattern="(.)"))


def test_a_set_without_patients_is_told_of_the_option(tmp_path: Path) -> None:
    two_classes(tmp_path / "mine")
    assert warned(prepare(tmp_path / "mine", tmp_path / "store"), "`--patient-pattern`")
