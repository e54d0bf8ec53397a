"""Search, report, reproduce: the three commands that people come for."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from mammobench.data.images.phantom import make_phantom
from mammobench.study.record import StudyRecord
from tests.integration.command_line import CommandLine
from tests.page_reader import ReadPage

# one worker makes the searched study once
pytestmark = pytest.mark.xdist_group("searched")


def study_of(command_line: CommandLine) -> StudyRecord:
    return StudyRecord.open(command_line.folder / "reports" / "tiny")


def test_a_search_ends_with_its_winner_its_report_and_how_to_reproduce_it(searched: CommandLine) -> None:
    study = study_of(searched)
    out = (searched.folder / "out.txt").read_text()
    page = ReadPage((study.folder / "index.html").read_text("utf-8"))
    assert page.lead.startswith("The model of trial ")
    assert " ".join(out.split()).startswith(f"{page.lead} Synthetic data. ")
    assert str(Path("reports/tiny/index.html")) in out
    assert "mammobench reproduce tiny" in out
    assert [(trial.role, trial.state) for trial in study.trials] == [
        ("reference", "finished"), *[("searched", "finished")] * 4
    ]  # fmt: skip
    assert (
        "Synthetic" in (study.folder / "index.html").read_text()
        or "SYNTHETIC" in (study.folder / "index.html").read_text()
    )
    assert not list(study.folder.rglob("checkpoint.npz"))


def test_the_table_has_every_trial_and_the_constant_answer_with_intervals(searched: CommandLine) -> None:
    frame = pd.read_csv(searched.folder / "reports" / "tiny" / "leaderboard.csv")
    assert set(frame["role"]) == {"reference", "searched", "constant", "shortcut"}
    assert frame["selected"].sum() == 1
    assert (frame["test_f1_low"] <= frame["test_f1"]).all()
    assert (frame["test_accuracy"] <= frame["test_accuracy_high"]).all()
    assert {"model.filters", "model.dropout", "optimizer.learning_rate"} <= set(frame.columns)


def test_seconds_are_stored_by_part(searched: CommandLine) -> None:
    for trial in study_of(searched).trials:
        parts = {"ask", "start", "data", "build", "trace", "train", "validate", "predict", "write"}
        assert trial.seconds.keys() == parts | {"costs", "wait", "other"}
        assert all(seconds >= 0 for seconds in trial.seconds.values())


def test_the_same_command_again_adds_nothing(searched: CommandLine) -> None:
    before = study_of(searched).trials
    done = searched.run_json(*searched.search_words)
    assert done["finished"] == 5
    assert done["synthetic"] is True
    assert study_of(searched).trials == before


def test_reproducing_gives_no_difference_and_a_model_that_opens_in_plain_keras(searched: CommandLine) -> None:
    done = searched.run_json("reproduce", "tiny")
    assert done["identical"] is True
    assert done["largest_difference"] == 0
    best = searched.folder / "reports" / "tiny" / "best"
    config = json.loads((best / "config.json").read_text())
    assert config["trial"] == done["trial"]
    model = keras.saving.load_model(best / "model.keras")
    assert not [layer for layer in model.layers if type(layer).__module__.startswith("mammobench")]
    answer = model.predict_on_batch(np.zeros((1, 16, 16, 1)))
    assert answer.shape == (1, 1)
    assert "Synthetic data" in (best / "model_card.md").read_text()


def test_other_images_are_refused_before_any_training(searched: CommandLine, tmp_path: Path) -> None:
    other = make_phantom(tmp_path / "other", images=48, seed=1).path
    _, err = searched.run("reproduce", "tiny", "--data", str(other), status=2)
    assert "fingerprint" in err
    _, err = searched.run(*searched.search_words[:-1], str(other), status=2)
    assert "data fingerprint" in err


@pytest.mark.slow  # trains once more
def test_changed_predictions_are_not_called_the_same(searched: CommandLine, tmp_path: Path) -> None:
    study = tmp_path / "tampered"
    shutil.copytree(searched.folder / "reports" / "tiny", study, ignore=shutil.ignore_patterns("best"))
    path = study / "trials" / "0001" / "predictions.npz"
    with np.load(path) as saved:
        arrays = dict(saved)
    arrays["test_probability"] = np.clip(arrays["test_probability"] + np.float32(1e-4), 0, 1)
    np.savez_compressed(path, allow_pickle=False, **arrays)
    _, err = searched.run("reproduce", str(study), "--trial", "1", status=1)
    assert "was not reproduced" in err
    assert "difference 0" in err
    assert not (study / "best").exists()


def test_another_request_under_the_same_name_is_refused_and_named(searched: CommandLine) -> None:
    options = ["--seed", "1", "--sampler", "random", "--objective", "auroc"]
    _, err = searched.run(*searched.search_words, *options, status=2)
    assert all(option.strip("-") in err for option in options[::2])
    assert "--study" in err
