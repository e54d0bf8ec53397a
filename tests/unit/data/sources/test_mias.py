from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mammobench.core.errors import DataError
from mammobench.data.images.options import PrepareOptions
from mammobench.data.sources.mias_info import read_info
from mammobench.data.sources.registry import prepare
from mammobench.data.store.image_store import ImageStore
from tests.mias_layout import INFO, write_films

SMALL = PrepareOptions(size=30, tiles=2)


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return prepare(write_films(tmp_path / "mias"), tmp_path / "store", options=SMALL)


def test_lesions_are_in_their_patches_and_not_in_the_background(store: ImageStore) -> None:
    bright = (store.images(30) > 150).any(axis=(1, 2))
    assert bright.tolist() == (store.index["label"] > 0).tolist()
    counts = store.index.groupby(["film", "label"]).size().to_dict()
    assert counts == {
        ("mdb001", 0): 2, ("mdb001", 2): 3, ("mdb002", 0): 2, ("mdb003", 0): 2, ("mdb003", 2): 3,
        ("mdb003", 3): 3, ("mdb006", 0): 2, ("mdb006", 4): 3, ("mdb008", 0): 2,
    }  # fmt: skip


def test_rows_know_patient_side_density_and_lesion(store: ImageStore) -> None:
    known = store.index.drop_duplicates("film").set_index("film").to_dict("index")
    columns = ["patient", "group", "laterality", "view", "density"]
    pair = "mdb001-mdb002"
    assert [known["mdb001"][name] for name in columns] == [pair, pair, "RIGHT", "MLO", "fatty-glandular"]
    assert [known["mdb002"][name] for name in columns] == [pair, pair, "LEFT", "MLO", "dense-glandular"]
    assert known["mdb001"]["lesion"] == "mdb001-1"
    assert (store.index.groupby("patient")["split"].nunique() == 1).all()
    assert store.index["id"].is_unique


def test_what_is_left_out_is_said(store: ImageStore) -> None:
    said = " ".join(store.manifest.warnings)
    assert "2 lesions without a place in Info.txt and 1 whose place is outside the breast" in said
    assert "background of their 3 films" in said
    assert "no split of its own" in said
    assert "seed 0" in said


def test_png_and_pgm_agree_and_another_seed_does_not(store: ImageStore, tmp_path: Path) -> None:
    write_films(tmp_path / "png", ".png")
    assert prepare(tmp_path / "png", tmp_path / "second", options=SMALL).fingerprint == store.fingerprint
    other = PrepareOptions(size=30, tiles=2, seed=1)
    assert prepare(tmp_path / "png", tmp_path / "third", options=other).fingerprint != store.fingerprint


def test_without_jitter_all_crops_of_a_lesion_have_it_in_the_middle(
    store: ImageStore, tmp_path: Path
) -> None:
    middle = prepare(
        store.path.parent / "mias",
        tmp_path / "middle",
        options=PrepareOptions(size=30, tiles=0, jitter=0, crops=2),
    )
    patches = middle.images(30)[(middle.index["film"] == "mdb006").to_numpy()]
    assert len(patches) == 2
    rows, columns = np.nonzero(patches[0] > 150)
    assert abs(rows.mean() - 14.5) < 0.5
    assert abs(columns.mean() - 14.5) < 0.5


def line(old: str, new: str) -> Callable[[Path], None]:
    def replaced(folder: Path) -> None:
        (folder / "Info.txt").write_text(INFO.replace(old, new))

    return replaced


def damaged_film(folder: Path) -> None:
    path = folder / "mdb006.pgm"
    path.write_bytes(path.read_bytes()[:5000])


def small_film(folder: Path) -> None:
    cv2.imwrite(str(folder / "mdb006.pgm"), np.zeros((512, 512), dtype=np.uint8))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (line("mdb002 D", "mdb002 X"), r"Info.txt, line 5: unknown background tissue: .*found 'X'"),
        (line("CIRC B 535", "CRIC B 535"), r"line 4: unknown class of abnormality: .*mean 'CIRC'"),
        (line("CALC M *", "CALC Q *"), r"line 8: unknown severity: expected one of B, M, found 'Q'"),
        (line("535 425 97", "535 425"), r"line 4: not a place on the film: .*found 535 425"),
        (line("535 425 97", "535 4250 97"), r"line 4: not a place on the film"),
        (line("mdb002 D NORM", "mdb002 D"), r"line 5: the record is cut off"),
        (line("mdb002 D NORM", "mdb008 D NORM"), r"line 12: a record stands there twice: .*line 5 too"),
        (lambda folder: (folder / "Info.txt").write_text("nothing"), r"Info.txt: no films"),
        (
            lambda folder: (folder / "Info.txt").unlink(),
            r"mias: mini-MIAS is not complete: expected Info.txt",
        ),
        (
            lambda folder: (folder / "mdb006.pgm").unlink(),
            r"Info.txt, line 10: a film is missing: .*mdb006.pgm",
        ),
        (damaged_film, r"mdb006.pgm: the image does not decode"),
        (small_film, r"mdb006.pgm: the film has another size: expected 1024 x 1024 pixels, found 512 x 512"),
    ],
)
def test_every_defect_is_named_and_leaves_nothing(
    tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(write_films(tmp_path / "mias"))
    with pytest.raises(DataError, match=message):
        prepare(tmp_path / "mias", tmp_path / "out" / "store", options=SMALL)
    assert not list(tmp_path.glob("out/*"))
    assert not list(tmp_path.glob("out/.*"))


def test_the_real_records_parse_whole(shared: Path) -> None:
    records = read_info(shared / "data" / "mini-mias" / "Info.txt", "Info.txt")
    assert len(records) == 322
    assert len({record.patient for record in records}) == 161
    assert sum(len(record.lesions) for record in records) == 119
    assert sum(record.unplaced for record in records) == 4


@pytest.mark.slow
def test_the_real_films_make_a_store(shared: Path, tmp_path: Path) -> None:
    store = prepare(shared / "data" / "mini-mias", tmp_path / "store", options=PrepareOptions(size=64))
    assert store.manifest.counts["patients"] == 161
    assert store.index["label"].gt(0).sum() == 3 * 117
    assert not set(store.index.query("split == 'train'")["patient"]) & set(
        store.index.query("split == 'test'")["patient"]
    )
