from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mammobench.evaluation.effects import BINS, Effect, hyperparameter_effects
from mammobench.study.record import StudyRecord


@pytest.fixture(scope="module")
def study(write_study: Callable[..., StudyRecord], tmp_path_factory: pytest.TempPathFactory) -> StudyRecord:
    return write_study(tmp_path_factory.mktemp("effects") / "effects", trials=40, images=60)


@pytest.fixture(scope="module")
def effects(study: StudyRecord) -> dict[str, Effect]:
    return {effect.key: effect for effect in hyperparameter_effects(study)}


def test_every_hyperparameter_has_an_effect(effects: dict[str, Effect], study: StudyRecord) -> None:
    assert list(effects) == [item.key for item in study.space.hyperparameters]


def test_a_choice_has_a_level_for_each_value_with_the_median_of_its_trials(
    effects: dict[str, Effect], study: StudyRecord
) -> None:
    levels = effects["model.activation"].levels
    assert [level.values for level in levels] == [("relu",), ("elu",), ("gelu",), ("silu",)]
    for level in levels:
        scores = [
            trial.objective
            for trial in study.trials
            if trial.role == "searched" and trial.hyperparameters["model.activation"] == level.values[0]
        ]
        assert level.trials == len(scores)
        assert level.median == pytest.approx(np.median(np.array(scores, float)))
        assert level.low <= level.median <= level.high


def test_a_range_is_cut_where_as_many_trials_lie(effects: dict[str, Effect]) -> None:
    levels = effects["optimizer.learning_rate"].levels
    assert len(levels) == BINS
    assert [level.trials for level in levels] == [10] * BINS
    ends = [end for level in levels for end in level.values]
    assert ends == sorted(ends)


def test_a_conditional_hyperparameter_counts_the_trials_that_have_it(
    effects: dict[str, Effect], study: StudyRecord
) -> None:
    having = sum("loss.gamma" in trial.hyperparameters for trial in study.trials)
    assert sum(level.trials for level in effects["loss.gamma"].levels) == having < 40


def test_few_trials_have_a_median_and_no_interval(
    write_study: Callable[..., StudyRecord], tmp_path: Path
) -> None:
    found = hyperparameter_effects(write_study(tmp_path / "one", trials=1, images=60))
    assert all(np.isfinite(level.median) for effect in found for level in effect.levels)
    assert all(np.isnan([level.low, level.high]).all() for effect in found for level in effect.levels)


def test_no_trial_no_effect(write_study: Callable[..., StudyRecord], tmp_path: Path) -> None:
    assert hyperparameter_effects(write_study(tmp_path / "none", trials=0, images=60)) == ()
