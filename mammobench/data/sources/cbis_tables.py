"""The four case description tables of CBIS-DDSM, one row an abnormality on one film."""

import re
from dataclasses import dataclass

from mammobench.core.errors import DataError
from mammobench.data.sources.archive import Archive
from mammobench.data.sources.tables import read_table
from mammobench.data.store.labels import Label
from mammobench.data.store.records import SplitName
from mammobench.space.config import nearest

TABLES: dict[str, tuple[str, SplitName]] = {
    "mass_case_description_train_set.csv": ("mass", "train"),
    "mass_case_description_test_set.csv": ("mass", "test"),
    "calc_case_description_train_set.csv": ("calcification", "train"),
    "calc_case_description_test_set.csv": ("calcification", "test"),
}
PUBLISHED_ROWS = 3568
COLUMNS = (
    "patient id",
    "breast density",
    "left or right breast",
    "image view",
    "abnormality id",
    "abnormality type",
    "assessment",
    "pathology",
    "subtlety",
    "image file path",
    "cropped image file path",
    "roi mask file path",
)
PATHOLOGIES = {"BENIGN": "benign", "BENIGN_WITHOUT_CALLBACK": "benign", "MALIGNANT": "malignant"}
CASE = re.compile(r"(Mass|Calc)-(Training|Test)_P_\d+_(LEFT|RIGHT)_(CC|MLO)(_\d+)?")
HIGHEST_DENSITY, HIGHEST_SUBTLETY, HIGHEST_ASSESSMENT = 4, 5, 6


@dataclass(frozen=True, slots=True)
class Abnormality:
    """One row of a table.

    Attributes:
        where: Table and row, for errors.
        patient: Such as ``P_00001``.
        laterality: ``LEFT`` or ``RIGHT``.
        view: ``CC`` or ``MLO``.
        lesion: Patient, breast, view, type and number; unique.
        label: 1 to 4.
        split: The table's.
        density: ``1`` (fatty) to ``4`` (extremely dense), None where the table says 0.
        subtlety: 1 (subtle) to 5 (obvious), None where the table says 0.
        assessment: BI-RADS, 0 to 6.
        film_case: Folder of the whole film.
        lesion_case: Folder of the mask and the crop.
        mask_path: Where the table expects the mask; often where the crop is.
    """

    where: str
    patient: str
    laterality: str
    view: str
    lesion: str
    label: Label
    split: SplitName
    density: str | None
    subtlety: int | None
    assessment: int
    film_case: str
    lesion_case: str
    mask_path: str

    @property
    def film(self) -> str:
        """Patient, breast and view, which both a mass case and a calcification case may show."""
        return f"{self.patient}_{self.laterality}_{self.view}"


def read_tables(archive: Archive) -> list[Abnormality]:
    """Read the four tables.

    Raises:
        DataError: When a table or column is missing, or a row is not understood or stands there twice.
    """
    found = {name: archive.find(name) for name in TABLES}
    missing = [name for name, file in found.items() if file is None]
    if missing:
        raise DataError(
            "CBIS-DDSM is not complete",
            where=archive.path,
            expected=f"the {len(TABLES)} case description tables beside the DICOM files",
            found=f"no {', no '.join(missing)}",
            remedy="Download the tables from the collection's page at TCIA into this folder",
        )
    abnormalities: list[Abnormality] = []
    seen: dict[str, str] = {}
    for name, file in found.items():
        with archive.open(str(file)) as path:
            rows = read_table(path, name, COLUMNS)
        for number, row in enumerate(rows, start=1):
            abnormality = _parse(row, *TABLES[name], f"{name}, row {number}")
            if abnormality.lesion in seen:
                raise DataError(
                    "an abnormality stands there twice",
                    where=abnormality.where,
                    expected="one row an abnormality and film",
                    found=f"{abnormality.lesion} in {seen[abnormality.lesion]} too",
                )
            seen[abnormality.lesion] = abnormality.where
            abnormalities.append(abnormality)
    return abnormalities


def _parse(row: dict[str, str], lesion_type: str, split: SplitName, where: str) -> Abnormality:
    patient = row["patient id"]
    if not re.fullmatch(r"P_\d+", patient):
        raise _unknown("patient id", where, "P_ and a number", patient)
    laterality = _one_of(row, "left or right breast", ("LEFT", "RIGHT"), where)
    view = _one_of(row, "image view", ("CC", "MLO"), where)
    _one_of(row, "abnormality type", (lesion_type,), where)
    pathology = PATHOLOGIES[_one_of(row, "pathology", tuple(PATHOLOGIES), where)]
    number = _number(row, "abnormality id", 1, 99, where)
    density = _number(row, "breast density", 0, HIGHEST_DENSITY, where)
    return Abnormality(
        where=where,
        patient=patient,
        laterality=laterality,
        view=view,
        lesion=f"{patient}_{laterality}_{view}_{lesion_type}_{number}",
        label=Label.of(pathology, lesion_type),
        split=split,
        density=str(density) if density else None,
        subtlety=_number(row, "subtlety", 0, HIGHEST_SUBTLETY, where) or None,
        assessment=_number(row, "assessment", 0, HIGHEST_ASSESSMENT, where),
        film_case=_case(row, "image file path", where),
        lesion_case=_case(row, "roi mask file path", where),
        mask_path=row["roi mask file path"],
    )


def _one_of(row: dict[str, str], column: str, known: tuple[str, ...], where: str) -> str:
    if row[column] not in known:
        expected = f"{' or '.join(known)}{nearest(row[column], list(known))}"
        raise _unknown(column, where, expected, row[column])
    return row[column]


def _number(row: dict[str, str], column: str, low: int, high: int, where: str) -> int:
    text = row[column]
    if not text.isdecimal() or not low <= int(text) <= high:
        raise _unknown(column, where, f"a whole number from {low} to {high}", text)
    return int(text)


def _case(row: dict[str, str], column: str, where: str) -> str:
    case = row[column].replace("\\", "/").split("/")[0]
    if not CASE.fullmatch(case):
        raise _unknown(column, where, "a path in a folder such as Mass-Training_P_00001_LEFT_CC", row[column])
    return case


def _unknown(column: str, where: str, expected: str, found: str) -> DataError:
    return DataError(
        f"unknown {column}",
        where=where,
        expected=expected,
        found=repr(found),
        remedy="Download the table again from TCIA",
    )
