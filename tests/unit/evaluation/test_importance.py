from collections.abc import Callable
from pathlib import Path

import pytest

from mammobench.evaluation.importance import hyperparameter_importances
from mammobench.study.record import StudyRecord


def test_importances_cover_every_hyperparameter_and_sum_to_one(simulated_study: StudyRecord) -> None:
    result = hyperparameter_importances(simulated_study)
    assert set(result.shares) == {item.key for item in simulated_study.space.hyperparameters}
    assert sum(result.shares.values()) == pytest.approx(1)
    assert list(result.shares.values()) == sorted(result.shares.values(), reverse=True)
    assert result.reason is None


def test_the_reference_cnn_takes_no_part(simulated_study: StudyRecord) -> None:
    assert hyperparameter_importances(simulated_study).trials == 12


def test_too_few_trials_give_a_reason(write_study: Callable[..., StudyRecord], tmp_path: Path) -> None:
    result = hyperparameter_importances(write_study(tmp_path / "few", trials=3))
    assert result.shares == {}
    assert result.reason == "importances need 10 finished searched trials, and there are 3"


def test_shares_have_a_spread_over_resampled_trials(simulated_study: StudyRecord) -> None:
    result = hyperparameter_importances(simulated_study)
    assert list(result.spread) == list(result.shares)
    assert all(0 <= low <= high <= 1 for low, high in result.spread.values())
    assert any(high - low > 0.05 for low, high in result.spread.values())
    assert hyperparameter_importances(simulated_study).spread == result.spread
