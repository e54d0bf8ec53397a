import csv
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mammobench.core.errors import DataError
from mammobench.data.images.options import PrepareOptions
from mammobench.data.sources.archive import Archive
from mammobench.data.sources.cbis import shared_patients
from mammobench.data.sources.cbis_tables import read_tables
from mammobench.data.sources.registry import prepare
from mammobench.data.splits.split import make_split
from mammobench.data.store.image_store import ImageStore
from mammobench.space.config import DataConfig
from tests.cbis_layout import BRIGHT, CASES, HEIGHT, TISSUE, WIDTH, CbisLayout, write_dicom

SMALL = PrepareOptions(size=46, tiles=1, crops=2)
MASS_TRAIN = "mass_case_description_train_set.csv"


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> CbisLayout:
    return CbisLayout(tmp_path_factory.mktemp("cbis") / "set").write()


@pytest.fixture(scope="module")
def store(layout: CbisLayout) -> ImageStore:
    return prepare(layout.folder, layout.folder.parent / "store", options=SMALL)


def test_the_four_real_tables_parse_whole(shared: Path) -> None:
    rows = read_tables(Archive(shared / "data" / "cbis-ddsm-csv"))
    assert len(rows) == 3568
    assert len({row.patient for row in rows}) == 1566
    assert len({row.film for row in rows}) == 3032
    assert len({row.film_case for row in rows}) == 3103
    assert len(shared_patients(rows)) == 31
    assert sum(row.density is None for row in rows) == 2
    assert sum(row.subtlety is None for row in rows) == 2
    assert [sum(int(row.label) == label for row in rows) for label in range(5)] == [0, 1199, 912, 673, 784]


def test_lesions_are_in_their_patches_and_not_in_the_background(store: ImageStore) -> None:
    brightest = store.images(46).max(axis=(1, 2))
    lesion = (store.index["label"] > 0).to_numpy()
    assert (brightest[lesion] == round(BRIGHT / 257)).all()
    assert (brightest[~lesion] == round((TISSUE + 25) / 257)).all()
    assert store.index["label"].value_counts().to_dict() == {0: 5, 1: 2, 2: 4, 3: 4, 4: 4}
    assert store.index["id"].is_unique


def test_rows_know_what_the_tables_say(store: ImageStore) -> None:
    by_lesion = store.index.drop_duplicates("lesion").set_index("lesion").to_dict("index")
    first = by_lesion["P_00001_LEFT_CC_mass_1"]
    known = ["patient", "group", "laterality", "view", "density", "subtlety", "assessment", "split", "film"]
    assert [first[name] for name in known] == [
        "P_00001", "P_00001", "LEFT", "CC", "3", 4, 4, "train", "P_00001_LEFT_CC",
    ]  # fmt: skip
    assert by_lesion["P_00001_LEFT_CC_mass_2"]["pathology"] == "benign"
    assert by_lesion["P_00016_LEFT_CC_mass_1"]["density"] is None
    assert by_lesion["P_00038_LEFT_CC_calcification_1"]["subtlety"] is None
    negatives = store.index[store.index["label"] == 0]
    assert negatives["lesion"].isna().all()
    assert negatives["subtlety"].isna().all()
    assert set(negatives["patient"]) == set(store.index["patient"])


def test_patients_of_both_tables_are_counted_and_left_out_of_training(store: ImageStore) -> None:
    assert any(
        "1 patients stand in training and test tables: a clean split leaves their 2 training images"
        in warning
        for warning in store.manifest.warnings
    )
    split = make_split(store, DataConfig(task="screening", validation_fraction=0.4))
    patients = store.index["patient"]
    train = set(patients.iloc[np.concatenate([split.train.rows, split.validation.rows])])
    test = set(patients.iloc[split.test.rows])
    assert "P_00100" in test
    assert not train & test


def test_swapped_masks_are_found_and_counted(store: ImageStore) -> None:
    assert any("2 masks lay where the tables have the crop" in warning for warning in store.manifest.warnings)


def test_newer_folders_a_zip_and_flat_files_give_the_same_store(
    store: ImageStore, layout: CbisLayout, tmp_path: Path
) -> None:
    renamed = CbisLayout(tmp_path / "renamed", renamed=True).write()
    assert prepare(renamed.folder, tmp_path / "second", options=SMALL).fingerprint == store.fingerprint
    packed = tmp_path / "set.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(layout.folder.rglob("*.*")):
            archive.write(file, file.relative_to(layout.folder))
    assert prepare(packed, tmp_path / "third", options=SMALL).fingerprint == store.fingerprint
    # files that lost their folders are known by their PatientID
    for number, file in enumerate(sorted(renamed.folder.rglob("*.dcm"))):
        file.rename(renamed.folder / f"{number}.dcm")
    shutil.rmtree(renamed.folder / "manifest-1")
    assert prepare(renamed.folder, tmp_path / "fourth", options=SMALL).fingerprint == store.fingerprint


def test_two_films_of_one_view_give_no_background(tmp_path: Path) -> None:
    cases = [CASES[5], replace(CASES[6], film_seed=1)]
    others = [case for case in CASES if case.patient != "P_00100"]
    layout = CbisLayout(tmp_path / "set", cases=[*cases, *others]).write()
    store = prepare(layout.folder, tmp_path / "store", options=SMALL)
    assert (store.index.query("patient == 'P_00100'")["label"] > 0).all()
    assert any("1 views have two different films" in warning for warning in store.manifest.warnings)


def test_a_white_film_is_turned_round_and_a_mask_of_another_size_is_resized(
    store: ImageStore, tmp_path: Path
) -> None:
    layout = CbisLayout(tmp_path / "set").write()
    case = CASES[3].film_case
    film = np.full((HEIGHT, WIDTH), 65_535 - TISSUE, dtype=np.uint16)
    film[300:420, 500:600] = 65_535 - BRIGHT
    write_dicom(layout.files(case)[0], film, case=case, PhotometricInterpretation="MONOCHROME1")
    mask = np.zeros((HEIGHT // 2, WIDTH // 2), dtype=np.uint8)
    mask[150:210, 250:300] = 255
    write_dicom(layout.files(f"{case}_1")[0], mask, case=case, description="ROI mask images")
    turned = prepare(layout.folder, tmp_path / "store", options=SMALL)
    of = (
        (turned.index["lesion"] == f"{CASES[3].patient}_RIGHT_MLO_calcification_1")
        .fillna(value=False)
        .to_numpy()
    )
    before = store.images(46)[of].astype(int)
    assert np.abs(before - turned.images(46)[of]).max() <= 80  # the air at the rim alone
    assert np.array_equal(turned.images(46)[of] > 200, before > 200)
    assert any("1 masks had another size" in warning for warning in turned.manifest.warnings)


@pytest.mark.parametrize("description", ["ROI mask images", ""])
def test_a_mask_of_other_proportions_leaves_its_lesion_and_background_out(
    tmp_path: Path, description: str
) -> None:
    layout = CbisLayout(tmp_path / "set", cases=CASES[:5]).write()
    mask_of(255, (HEIGHT, WIDTH - 100), description)(layout)
    store = prepare(layout.folder, tmp_path / "store", options=SMALL)
    of_film = store.index[store.index["film"] == "P_00001_LEFT_CC"]
    assert of_film["lesion"].tolist() == ["P_00001_LEFT_CC_mass_2"] * 2
    assert any("1 lesions were left out" in warning for warning in store.manifest.warnings)


def table_rows(layout: CbisLayout, name: str = MASS_TRAIN) -> list[list[str]]:
    with (layout.folder / name).open(newline="") as file:
        return list(csv.reader(file))[1:]


def cell(column: int, value: str) -> Callable[[CbisLayout], None]:
    def change(layout: CbisLayout) -> None:
        rows = table_rows(layout)
        rows[1][column] = value
        layout.write_table(MASS_TRAIN, rows)

    return change


def twice(layout: CbisLayout) -> None:
    rows = table_rows(layout)
    layout.write_table(MASS_TRAIN, [*rows, rows[0]])


def no_table(layout: CbisLayout) -> None:
    (layout.folder / MASS_TRAIN).unlink()


def no_column(layout: CbisLayout) -> None:
    path = layout.folder / MASS_TRAIN
    path.write_text(path.read_text().replace("pathology", "patology", 1))


def empty_table(layout: CbisLayout) -> None:
    layout.write_table(MASS_TRAIN, [])


def no_files(layout: CbisLayout) -> None:
    shutil.rmtree(layout.folder / "manifest-1" / "CBIS-DDSM" / f"{CASES[0].film_case}_2")


def truncated(layout: CbisLayout) -> None:
    path = layout.files(CASES[0].film_case)[0]
    path.write_bytes(path.read_bytes()[:100_000])


def cut_header(layout: CbisLayout) -> None:
    path = layout.files(CASES[0].film_case)[0]
    path.write_bytes(path.read_bytes()[:300])


def no_dicom(layout: CbisLayout) -> None:
    layout.files(CASES[0].film_case)[0].write_text("a letter")


def film_of(
    dtype: type[np.generic], shape: tuple[int, int] = (700, 700), **tags: int | None
) -> Callable[[CbisLayout], None]:
    def change(layout: CbisLayout) -> None:
        case = CASES[0].film_case
        write_dicom(layout.files(case)[0], np.ones(shape, dtype=dtype), case=case, description="", **tags)

    return change


def mask_of(value: int, shape: tuple[int, int], description: str) -> Callable[[CbisLayout], None]:
    def change(layout: CbisLayout) -> None:
        case = f"{CASES[0].film_case}_1"
        image = np.full(shape, value, dtype=np.uint8)
        write_dicom(layout.files(case)[1], image, case=case, description=description)

    return change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (no_table, rf"set: CBIS-DDSM is not complete: .*found no {MASS_TRAIN}\. Download the tables"),
        (no_column, rf"{MASS_TRAIN}: a column is missing: expected the column 'pathology' \(did you mean"),
        (empty_table, rf"{MASS_TRAIN}: the table is empty"),
        (twice, rf"{MASS_TRAIN}, row 3: an abnormality stands there twice: .* in {MASS_TRAIN}, row 1 too"),
        (cell(0, "00001"), rf"{MASS_TRAIN}, row 2: unknown patient id: .* found '00001'"),
        (cell(1, "7"), rf"{MASS_TRAIN}, row 2: unknown breast density: .*from 0 to 4, found '7'"),
        (cell(2, "LETF"), r"row 2: unknown left or right breast: .*did you mean 'LEFT'"),
        (cell(3, ""), r"row 2: unknown image view: expected CC or MLO, found ''"),
        (cell(5, "calcification"), r"row 2: unknown abnormality type: expected mass, found"),
        (cell(7, "MALIGNENT"), r"row 2: unknown pathology: .*did you mean 'MALIGNANT'"),
        (cell(8, "many"), r"row 2: unknown subtlety"),
        (cell(9, "x/000000.dcm"), r"row 2: unknown image file path: .*found 'x/000000.dcm'"),
        (no_files, rf"{MASS_TRAIN}, row 2, column ROI mask file path: files are missing: .*_CC_2 of "),
        (truncated, r"000000.dcm: the DICOM file cannot be read"),
        (cut_header, r"000000.dcm: (no image in the DICOM file|the DICOM file cannot be read)"),
        (no_dicom, r"000000.dcm: the DICOM file cannot be read: expected a whole DICOM file"),
        (film_of(np.uint16, PixelData=None), r"000000.dcm: no image in the DICOM file: .*no pixel data"),
        (film_of(np.uint8), r"000000.dcm: the image is of another kind: expected .* 16 bits, found bits 8"),
        (film_of(np.uint32), r"000000.dcm: the image is of another kind: .*bits 32"),
        (film_of(np.uint16, BitsStored=12, HighBit=11), r"of another kind: .*bits in use 12"),
        (film_of(np.uint16, (700, 500)), r"000000.dcm: the film is smaller than a patch: .*found 500 x 700"),
        (mask_of(0, (HEIGHT, WIDTH), "ROI mask images"), r"_1/.*/000001.dcm: the mask is empty"),
        (mask_of(255, (80, 80), "cropped images"), r"row 1, folder .*_1: no mask: .*000000.dcm of 120 x 100"),
        (mask_of(255, (80, 80), ""), r"row 1, folder .*_1: no mask: "),
    ],
)  # fmt: skip
def test_every_defect_is_named_and_leaves_nothing(
    tmp_path: Path, damage: Callable[[CbisLayout], None], message: str
) -> None:
    layout = CbisLayout(tmp_path / "set", cases=[*CASES[:2], CASES[4], *CASES[2:4]]).write()
    damage(layout)
    with pytest.raises(DataError, match=message):
        prepare(layout.folder, tmp_path / "out" / "store", options=SMALL)
    assert not list(tmp_path.glob("out/*"))
    assert not list(tmp_path.glob("out/.*"))
