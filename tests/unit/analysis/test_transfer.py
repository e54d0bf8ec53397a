"""`evaluate` on a set that shares images with the study: refused, or marked wherever a figure stands."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from mammobench.cli import app
from mammobench.data.store.image_store import ImageStore
from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.models.family import build_model
from mammobench.study.record import StudyRecord
from tests.pictures import Listed, patients, picture, store_of_pictures
from tests.small_study import write_small_study

OWN = [*patients(20, "train", "P", start=0, size=64), *patients(8, "test", "Q", start=100, size=64)]
NEW = patients(6, "test", "N", start=500, size=64)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyRecord:
    """A study whose selected model is exported, and was never trained."""
    folder = tmp_path_factory.mktemp("transfer")
    made = write_small_study(folder / "study", store_of_pictures(folder / "own", OWN))
    selected = build_leaderboard(made, resamples=20).selected
    assert selected is not None
    trial = made.trial(int(selected["trial"]))
    (made.folder / "best").mkdir()
    build_model(trial.config, classes=2, seed=0, fast=False).save(made.folder / "best" / "model.keras")
    (made.folder / "best" / "config.json").write_text(json.dumps({"trial": trial.number}))
    return made


def evaluate(study: StudyRecord, store: ImageStore, *words: str) -> Result:
    asked = ["evaluate", str(study.folder), "--data", str(store.path), *words]
    return CliRunner(env={"COLUMNS": "300"}).invoke(app, asked)


def evaluate_json(study: StudyRecord, store: ImageStore, *words: str) -> dict[str, Any]:
    result = evaluate(study, store, *words, "--json", "--quiet")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def refusal(study: StudyRecord, store: ImageStore, *words: str) -> str:
    result = evaluate(study, store, *words)
    assert result.exit_code != 0, result.output
    assert not result.stdout
    return str(result.exception)


@pytest.mark.parametrize(
    ("shared", "told"),
    [
        (OWN[:4],
         "4 of 16 images: 4 are pictures of the training or validation part and 4 are of its patients"),
        (OWN[40:44], "4 of 16 images: 4 are pictures of the test part and 4 are of its patients"),
        ([(image, label, None, split) for image, label, _, split in OWN[4:6]],
         "2 of 14 images: 2 are pictures of the training or validation part and 0 are of its patients"),
        ([(picture(800 + number, 64), 2, f"P{number}", "test") for number in range(3)],
         "3 of 15 images: 0 are pictures of the training or validation part and 3 are of its patients"),
    ],
    ids=["training", "test", "pictures alone", "patients alone"],
)  # fmt: skip
def test_what_the_study_has_seen_is_refused_with_counts(
    study: StudyRecord, tmp_path: Path, shared: list[Listed], told: str
) -> None:
    said = refusal(study, store_of_pictures(tmp_path / "other", [*NEW, *shared]))
    assert "this set holds images or patients that the study was made with" in said
    assert told in said
    assert "--allow-overlap" in said


def test_the_studys_own_store_is_refused_as_ever(study: StudyRecord) -> None:
    own = ImageStore.open(Path(study.spec.data))
    assert "these are the images that the study was made with" in refusal(study, own)


@pytest.mark.slow  # loads TensorFlow to predict, several times
def test_without_the_studys_images_nothing_is_compared_in_silence(study: StudyRecord, tmp_path: Path) -> None:
    other, own = store_of_pictures(tmp_path / "other", NEW), Path(study.spec.data)
    moved = own.rename(own.with_name("moved"))
    try:
        said = refusal(study, other)
        assert "whether this set holds the study's own images cannot be seen" in said
        assert "--study-data" in said
        assert evaluate_json(study, other, "--study-data", str(moved))["overlap"] == "none"
        told = evaluate_json(study, other, "--allow-overlap")
        assert (told["overlap"], told["shared"], told["auroc"]["overlap"]) == (
            "not compared",
            None,
            "not compared",
        )
        out = evaluate(study, other, "--allow-overlap").stdout
        assert "NOT COMPARED with the study's own images" in out
        assert out.count("(not compared)") == 1 + len(told["slices"])
    finally:
        moved.rename(own)


def test_allowed_overlap_is_marked_beside_every_figure(study: StudyRecord, tmp_path: Path) -> None:
    other = store_of_pictures(tmp_path / "other", [*NEW, *OWN[:4], *OWN[40:42]])
    told = evaluate_json(study, other, "--allow-overlap")
    assert told["overlap"] == told["points"]["overlap"] == told["auroc"]["overlap"] == "overlapping"
    assert {row["overlap"] for row in told["slices"]} == {"overlapping"}
    assert told["shared"]["parts"] == {
        "training or validation": {"images": 4, "pictures": 4, "patients": 4},
        "test": {"images": 2, "pictures": 2, "patients": 2},
    }
    out = evaluate(study, other, "--allow-overlap").stdout
    figures = [line for line in out.splitlines() if line.startswith("AUROC") or " images  " in line]
    assert len(figures) == 1 + len(told["slices"])
    assert all(line.endswith("(overlapping)") for line in figures)
    assert "OVERLAPPING with the study's own images. 6 of 18 images: 4 are pictures" in out
    kept = study.folder / "evaluations" / f"other-{other.fingerprint[:8]}"
    assert json.loads((kept / "scores.json").read_text("utf-8")) == told
    assert set(pd.read_csv(kept / "slices.csv")["overlap"]) == {"overlapping"}
    with np.load(kept / "predictions.npz") as saved:
        assert saved["overlapping"].tolist() == [False] * 12 + [True] * 6


@pytest.mark.slow  # loads TensorFlow to predict, several times
def test_a_set_apart_is_tested_as_before(study: StudyRecord, tmp_path: Path) -> None:
    other = store_of_pictures(tmp_path / "apart", NEW, source="elsewhere")
    told = evaluate_json(study, other)
    assert told["overlap"] == told["auroc"]["overlap"] == "none"
    assert told["shared"]["images"] == 0
    assert "(none)" not in evaluate(study, other).stdout
    # a patient of the same name elsewhere is another one, and that is said
    namesake = store_of_pictures(
        tmp_path / "names", [*NEW, (picture(900, 64), 2, "P0", "test")], source="else"
    )
    out = evaluate(study, namesake).stdout
    assert "1 images are of patients whose names stand in the study too" in out
