from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from mammobench.core.errors import StudyError
from mammobench.core.metrics import scores
from mammobench.data.splits.split import Split
from mammobench.evaluation.intervals import Resamples
from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.evaluation.predictions import StressedPredictions, open_stressed, open_test, open_validation
from mammobench.evaluation.stress import predicted_conditions, stressed
from mammobench.study.record import StudyRecord
from tests.conftest import simulate_split

StudyWriter = Callable[..., StudyRecord]
CONDITIONS = ("unchanged", "gamma 2", "contrast x 2", "border only")
Floats = npt.NDArray[np.float64]


def write_stress(study: StudyRecord, number: int, **arrays: object) -> Path:
    """Write predictions under stress: darker ones, the same, and none found by the border alone."""
    folder = study.trial_folder(number)
    parts = {"validation": open_validation(folder), "test": open_test(folder)}
    known: dict[str, object] = {
        f"{part}_probability": np.stack([values, 0.8 * values, values, 0 * values]).astype(np.float32)
        for part, values in parts.items()
    }
    path = folder / "stress.npz"
    np.savez(path, **(known | {"conditions": np.array(CONDITIONS)} | arrays))  # type: ignore[arg-type]
    return path


@pytest.fixture
def study(write_study: StudyWriter, tmp_path: Path) -> StudyRecord:
    return write_study(tmp_path / "stressed", trials=3, images=60)


def test_scores_and_changes_by_hand() -> None:
    split = simulate_split("malignancy", images=12, leaks=False, grouped=False, seed=0)
    truth = split.test.targets.astype(np.float64)
    half = truth.copy()
    half[np.flatnonzero(truth)[1:]] = 0  # one positive found of all
    test = np.stack([truth, half, truth, np.zeros(12)])
    found = stressed(
        StressedPredictions(CONDITIONS, test, test), split, Resamples(split.test.groups, count=200, seed=0),
        trial=3, name="trial 3", threshold=0.5, level=0.95, unit="image",
    )  # fmt: skip
    positives = int(truth.sum())
    expected = 2 / (positives + 1)
    points = [result.scores["f1"].point for result in found.results]
    assert points == pytest.approx([1, expected, 1, 0])
    accuracies = [result.scores["accuracy"].point for result in found.results]
    assert accuracies == pytest.approx([1, (13 - positives) / 12, 1, 1 - positives / 12])
    # the border alone takes the lesion away, and is no failure of the model
    assert found.worst.condition == "gamma 2"
    assert found.columns["stress_f1_drop"] == pytest.approx(1 - expected)
    assert 0 <= found.columns["stress_f1_drop_low"] <= found.columns["stress_f1_drop_high"] <= 1
    same = found.results[2].changes["f1"]
    assert (same.low, same.point, same.high) == (0, 0, 0)


def test_the_leaderboard_has_the_worst_condition_and_what_it_costs(study: StudyRecord) -> None:
    before = build_leaderboard(study)
    assert before.frame["stress_f1_worst"].isna().all()
    assert before.stress == ()
    for number in (0, 2):
        write_stress(study, number)
    board = build_leaderboard(study)
    rows = {row["trial"]: row for row in board.rows if row["role"] != "constant"}
    split = next(iter(board.splits.values()))
    record = study.trial(2)
    darker = 0.8 * open_test(record.folder).astype(np.float32)
    worst = scores(split.test.targets, darker, record.threshold)["f1"]
    if worst < rows[2]["test_f1"]:
        assert rows[2]["stress_f1_worst_condition"] == "gamma 2"
        assert rows[2]["stress_f1_worst"] == pytest.approx(worst)
    assert rows[2]["stress_f1_drop"] == pytest.approx(rows[2]["test_f1"] - rows[2]["stress_f1_worst"])
    assert rows[2]["stress_f1_worst_low"] <= rows[2]["stress_f1_worst"] <= rows[2]["stress_f1_worst_high"]
    assert np.isnan(rows[1]["stress_f1_worst"])
    assert [trial.trial for trial in board.stress] == [
        row["trial"] for row in board.rows if row["trial"] in {0, 2}
    ]
    # what is there already stays what it was
    shared = [name for name in map(str, before.frame) if not name.startswith("stress")]
    assert before.frame[shared].equals(board.frame[shared])


def test_none_are_none_and_damaged_ones_are_named_but_do_not_hinder_a_ranking(study: StudyRecord) -> None:
    record = study.trial(1)
    split = Split.load(study.split_path(record.split))
    assert open_stressed(record.folder, split) is None
    path = write_stress(study, 1)
    found = open_stressed(record.folder, split)
    assert found is not None
    assert found.conditions == CONDITIONS
    assert predicted_conditions(record.folder, split) == set(CONDITIONS)
    assert np.allclose(found.test[0], open_test(record.folder))
    whole = path.read_bytes()
    for damage, words in (
        (lambda: path.write_bytes(whole[:50]), "cannot be read"),
        (lambda: write_stress(study, 1, conditions=np.array(["gamma 2"])), "incomplete"),
        (lambda: write_stress(study, 1, test_probability=np.zeros((4, 3))), "do not belong to this split"),
    ):
        damage()
        with pytest.raises(StudyError, match=words) as error:
            open_stressed(record.folder, split)
        assert str(path) in str(error.value)
        assert predicted_conditions(record.folder, split) == frozenset()
        assert build_leaderboard(study).stress == ()
