"""What mammobench relies on in KerasTuner beyond its documentation; each message says what is lost."""

from typing import Any

import keras_tuner
import numpy as np
import pytest


def hyperparameters() -> keras_tuner.HyperParameters:
    known = keras_tuner.HyperParameters()
    known.Float("x", 0.0, 1.0)
    known.Int("n", 1, 64, sampling="log")
    return known


@pytest.mark.parametrize(
    "oracle",
    [
        keras_tuner.oracles.RandomSearchOracle,
        keras_tuner.oracles.BayesianOptimizationOracle,
        keras_tuner.oracles.HyperbandOracle,
    ],
)
def test_an_oracle_draws_by_random_values(oracle: type) -> None:
    made = type("Watched", (oracle,), {"_random_values": lambda _: {"x": 0.25, "n": 7}})(
        objective=keras_tuner.Objective("o", "max"), hyperparameters=hyperparameters(), seed=1
    )
    values = made.populate_space("0")["values"]
    told = f"{oracle.__name__} draws otherwise than by _random_values: configurations are proposed twice"
    assert (values["x"], values["n"]) == (0.25, 7), told


def completed(trial_id: str, x: float) -> Any:
    known = hyperparameters()
    known.values = {"x": x, "n": 1 + int(60 * x)}
    trial = keras_tuner.engine.trial.Trial(known, trial_id, "COMPLETED")
    trial.score = x
    return trial


def test_the_bayesian_oracle_searches_between_its_bounds() -> None:
    class Watched(keras_tuner.oracles.BayesianOptimizationOracle):
        def _get_hp_bounds(self) -> Any:
            assert super()._get_hp_bounds().tolist() == [[0, 1], [0, 1]]
            return np.array([[0.4, 0.41], [0.0, 1.0]])

    made = Watched(
        objective=keras_tuner.Objective("o", "max"), hyperparameters=hyperparameters(), seed=1,
        num_initial_points=3,
    )  # fmt: skip
    made.trials = {str(number): completed(str(number), number / 5) for number in range(4)}
    x = made.populate_space("9")["values"]["x"]
    told = "the Bayesian oracle takes its bounds from elsewhere: whole numbers come out beyond their range"
    assert 0.4 <= x <= 0.41, told


def test_hyperbands_rounds_are_as_large_as_get_size_says_and_its_state_holds_its_brackets() -> None:
    class Watched(keras_tuner.oracles.HyperbandOracle):
        def _get_size(self, bracket_num: int, round_num: int) -> int:
            assert super()._get_size(bracket_num, round_num) >= 1
            return 1

    made = Watched(
        objective=keras_tuner.Objective("o", "max"), max_epochs=9, hyperparameters=hyperparameters(), seed=1
    )
    state = made.get_state()
    assert {"brackets", "current_bracket", "current_iteration"} <= state.keys()
    (bracket,) = state["brackets"]
    assert bracket == {"bracket_num": 2, "rounds": [[], [], []]}
    told = "HyperbandOracle._get_size does not make a round's size: a round waits for trials that cannot be"
    for number in ("0", "1"):
        made.populate_space(number)
        made.trials[number] = completed(number, 0.5)
        made.trials[number].status = "RUNNING"
    # the same dictionary that the oracle writes to, or what a trial noted could not be told
    assert bracket["rounds"] == [[{"past_id": None, "id": "0"}], [], []], told
    assert len(made.get_state()["brackets"]) == 2, told


def test_the_grid_goes_on_from_the_first_trial_that_an_oracle_has() -> None:
    made = keras_tuner.oracles.GridSearchOracle(
        objective=keras_tuner.Objective("o", "max"), hyperparameters=hyperparameters(), seed=1
    )
    made.trials["4"] = completed("4", 0.5)
    made.trials["4"].hyperparameters.values = dict(made.populate_space("4")["values"])
    made.start_order = ["4"]
    told = "GridSearchOracle does not go on from the trial that it began with: the grid begins again"
    assert made.populate_space("5")["values"] != made.trials["4"].hyperparameters.values, told
