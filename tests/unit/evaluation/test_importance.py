import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import pytest
from scipy.special import expit
from scipy.stats import kruskal

from mammobench.core.seeds import generator
from mammobench.evaluation.importance import ALPHA, Importances, _chance, _spread, hyperparameter_importances
from mammobench.space.yaml_file import parse_space
from mammobench.study.record import StudyRecord
from mammobench.study.spec import StudySpec
from mammobench.training.result import TrialResult

SPACE = """
name: six
task: malignancy
objective: f1
image_size: 64
search:
  model.activation: {choice: [relu, elu, gelu, silu]}
  model.dropout: {float: [0.0, 0.5]}
  optimizer.learning_rate: {float: [1.0e-4, 1.0e-2], log: true}
  training.batch_size: {choice: [8, 16, 32]}
  loss.name: {choice: [tversky, categorical_focal_crossentropy]}
  loss.gamma: {float: [0.5, 5.0], log: true, when: {loss.name: categorical_focal_crossentropy}}
budget: {trials: 40, max_epochs: 1}
"""
SPLIT = "0" * 64
Effect = Callable[[dict[str, object]], float]


def write(
    folder: Path, *, trials: int = 40, seed: int = 0, effect: Effect = lambda _: 0, sampler: str = "random"
) -> StudyRecord:
    """Write a study whose logit of the objective is noise of SD 1 and an effect of hyperparameters."""
    space = parse_space(SPACE, "six")
    asked = {
        "name": folder.name, "space_name": space.name, "space": space.to_dict(), "objective": "f1",
        "direction": "maximize", "engine": "optuna", "sampler": sampler, "seed": seed, "precision": "float32",
        "data": "none", "fingerprint": "0" * 64, "store": {"synthetic": True}, "versions": {},
        "command": "mammobench search", "created": "2026-01-01T12:00:00+00:00",
    }  # fmt: skip
    study = StudyRecord.create(folder, StudySpec.model_validate(asked))
    samplers = {"random": optuna.samplers.RandomSampler, "tpe": optuna.samplers.TPESampler}
    asks, numbers = optuna.create_study(sampler=samplers[sampler](seed=seed)), generator(seed, "noise")
    for number in range(trials):
        trial = asks.ask()
        values = space.suggest(trial)
        objective = float(expit(effect(values) + numbers.normal()))
        asks.tell(trial, -objective)
        study.start_trial(values, space.config(values), role="searched", seed=number, split=SPLIT, ask=0.0)
        study.finish_trial(number, TrialResult(objective, None, 1, 0, 1, {}, {}), start=0.0, total=1.0)
    return study


def by_dropout(values: dict[str, object]) -> float:
    return 6 * float(str(values["model.dropout"]))


def count_null(folder: Path, studies: int, sampler: str = "random") -> int:
    """Return in how many studies without any effect some hyperparameter is called important."""
    found = [
        hyperparameter_importances(write(folder / f"s{seed}", seed=seed, sampler=sampler))
        for seed in range(studies)
    ]
    assert {len(result.shares) + len(result.unjudged) for result in found} == {6}
    return sum(bool(result.important) for result in found)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Importances:
    return hyperparameter_importances(write(tmp_path_factory.mktemp("true") / "s", effect=by_dropout))


def test_without_any_effect_no_hyperparameter_is_important(tmp_path: Path) -> None:
    # 3 or more of 12 have a probability of 0.003 where each has 2.5 %
    assert count_null(tmp_path, 12) <= 2


@pytest.mark.slow  # issue 14, show 5
@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_in_95_of_100_studies_without_effect_none_is_important(tmp_path: Path, sampler: str) -> None:
    called = count_null(tmp_path, 100, sampler)
    print(f"{sampler}: some hyperparameter called important in {called} of 100 studies without effect")
    assert called <= 5


def test_a_true_effect_is_found_and_no_other(found: Importances) -> None:
    assert found.important == ("model.dropout",)
    assert next(iter(found.shares)) == "model.dropout"
    assert found.p["model.dropout"] <= 0.01
    assert found.shares["model.dropout"] > found.chance["model.dropout"]


@pytest.mark.slow  # writes 50 studies
def test_true_effects_are_found_in_most_studies(tmp_path: Path) -> None:
    times = [
        hyperparameter_importances(write(tmp_path / f"s{seed}", seed=seed, effect=by_dropout)).important
        for seed in range(50)
    ]
    right = sum("model.dropout" in each for each in times)
    others = sum(bool({*each} - {"model.dropout"}) for each in times)
    print(f"found in {right} of 50 studies, another one in {others}")
    assert right >= 35


def test_important_is_what_is_above_its_chance(found: Importances) -> None:
    assert found.reason is None
    for key, share in found.shares.items():
        assert 0 <= share <= 1
        assert (key in found.important) == (found.p[key] <= ALPHA) == (share > found.chance[key])
    rest = [found.shares[key] for key in found.shares if key not in found.important]
    assert rest == sorted(rest, reverse=True)


def test_a_share_is_that_of_kruskal_and_wallis(tmp_path: Path) -> None:
    study = write(tmp_path / "s")
    groups: dict[object, list[float]] = {}
    for trial in study.trials:
        assert trial.objective is not None
        groups.setdefault(trial.hyperparameters["model.activation"], []).append(trial.objective)
    explained = kruskal(*groups.values()).statistic / 39
    expected = max(0, 1 - (1 - explained) * 39 / (40 - len(groups)))
    assert hyperparameter_importances(study).shares["model.activation"] == pytest.approx(expected)


def test_the_interval_holds_the_share_and_is_the_same_twice(tmp_path: Path) -> None:
    study = write(tmp_path / "s", effect=by_dropout)
    found = hyperparameter_importances(study)
    assert list(found.spread) == list(found.shares)
    low, high = found.spread["model.dropout"]
    assert 0 < low < found.shares["model.dropout"] < high < 1
    assert hyperparameter_importances(study) == found


@pytest.mark.parametrize("trials", [3, 9])
def test_too_few_trials_give_a_reason_and_no_ranking(tmp_path: Path, trials: int) -> None:
    found = hyperparameter_importances(write(tmp_path / "few", trials=trials, effect=by_dropout))
    assert not found.shares
    assert found.important == ()
    assert found.reason == f"importances need 10 finished searched trials, and there are {trials}"


def test_a_conditional_hyperparameter_in_few_trials_is_not_judged(simulated_study: StudyRecord) -> None:
    found = hyperparameter_importances(simulated_study)
    assert found.unjudged == {"loss.gamma": "in 5 trials"}
    assert {*found.shares} == {item.key for item in simulated_study.space.hyperparameters} - {"loss.gamma"}


def test_the_reference_cnn_takes_no_part(simulated_study: StudyRecord) -> None:
    assert hyperparameter_importances(simulated_study).trials == 12


def test_what_chose_trials_by_results_is_named(simulated_study: StudyRecord, found: Importances) -> None:
    assert hyperparameter_importances(simulated_study).chosen_by == "tpe"
    assert found.chosen_by == ""


def test_equal_objectives_have_no_importances(tmp_path: Path) -> None:
    study = write(tmp_path / "equal", trials=0)
    for number in range(10):
        config = study.space.config(values := study.space.suggest(optuna.create_study().ask()))
        study.start_trial(values, config, role="searched", seed=number, split=SPLIT, ask=0.0)
        study.finish_trial(number, TrialResult(0.5, None, 1, 0, 1, {}, {}), start=0.0, total=1.0)
    assert hyperparameter_importances(study).reason == "every trial has the same validation objective"


def test_two_hundred_trials_of_ten_hyperparameters_take_less_than_seconds() -> None:
    numbers = generator(0, "speed")
    members = {str(key): np.eye(4, dtype=bool)[numbers.integers(4, size=200)].T for key in range(10)}
    began, ranks = time.process_time(), np.arange(1.0, 201)
    _chance(ranks, members, 4999, numbers)
    _spread(ranks, members, 1000, numbers)
    assert time.process_time() - began < 4
