from collections.abc import Callable
from pathlib import Path

import pytest

from mammobench.analysis.reproduction import selected_trial
from mammobench.core.errors import StudyError, TrialError
from mammobench.evaluation import intervals
from mammobench.evaluation.selection import select_trial, validation_leaders
from mammobench.study.record import StudyRecord
from mammobench.training.filenames import PREDICTIONS

StudyWriter = Callable[..., StudyRecord]


def by_objective(study: StudyRecord) -> list[int]:
    searched = {trial.number: trial.objective or 0.0 for trial in study.trials if trial.role == "searched"}
    return sorted(searched, key=lambda number: (-searched[number], number))


def test_leaders_are_those_of_validation_and_the_reference(write_study: StudyWriter, tmp_path: Path) -> None:
    study = write_study(tmp_path / "f1", trials=4, images=60)
    best = by_objective(study)
    assert [trial.number for trial in validation_leaders(study, top=2)] == [*best[:2], 0]
    assert [trial.number for trial in validation_leaders(study, top=9)] == [*best, 0]
    minimized = write_study(tmp_path / "brier", trials=4, images=60, objective="brier")
    assert [trial.number for trial in validation_leaders(minimized, top=1)] == [
        by_objective(minimized)[-1],
        0,
    ]


def test_a_leader_whose_predictions_are_gone_makes_room_for_the_next(
    write_study: StudyWriter, tmp_path: Path
) -> None:
    study = write_study(tmp_path / "gone", trials=3, images=60)
    best = by_objective(study)
    (study.trial_folder(best[0]) / PREDICTIONS).unlink()
    found = select_trial(study)
    assert found is not None
    assert found.number == best[1]
    assert [trial.number for trial in validation_leaders(study, top=1)] == [best[1], 0]


def test_nothing_is_resampled(
    write_study: StudyWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = write_study(tmp_path / "quick", trials=2, images=60)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a resample was drawn")

    monkeypatch.setattr(intervals.Resamples, "__init__", refuse)
    assert selected_trial(study).number == by_objective(study)[0]


def test_the_reference_alone_is_no_selection(write_study: StudyWriter, tmp_path: Path) -> None:
    study = write_study(tmp_path / "reference", trials=0, images=60)
    assert select_trial(study) is None
    with pytest.raises(StudyError, match="no searched trial has finished"):
        selected_trial(study)


def test_errors_are_those_of_the_leaderboard(write_study: StudyWriter, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no trial has finished"):
        select_trial(write_study(tmp_path / "new", trials=-1, running=1, images=60))
    with pytest.raises(TrialError, match=r"every trial failed.*loss is nan"):
        select_trial(write_study(tmp_path / "failed", trials=0, failed={0: "loss is nan"}, images=60))
    damaged = write_study(tmp_path / "damaged", trials=1, images=60)
    for number in (0, 1):
        (damaged.trial_folder(number) / PREDICTIONS).unlink()
    with pytest.raises(StudyError, match=r"no finished trial can be ranked.*0000"):
        select_trial(damaged)
