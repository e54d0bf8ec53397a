import math
from typing import Any

import keras
import pytest

from mammobench.models.optimizers import Plateau, Warmup, build_optimizer, learning_rate
from mammobench.space.config import OptimizerConfig


def rates(steps: list[int], **settings: Any) -> list[float]:
    rate = learning_rate(OptimizerConfig(learning_rate=0.1, **settings), steps_per_epoch=10, max_epochs=5)
    return [float(rate(step)) if callable(rate) else rate for step in steps]


def test_a_constant_rate_stays() -> None:
    assert rates([0, 49]) == [0.1, 0.1]


def test_cosine_falls_to_zero_over_the_epochs() -> None:
    expected = [0.1, 0.05, 0.05 * (1 + math.cos(math.pi * 49 / 50)), 0.0]
    assert rates([0, 25, 49, 50], schedule="cosine") == pytest.approx(expected, abs=1e-7)


def test_exponential_falls_to_a_hundredth() -> None:
    assert rates([0, 25, 50], schedule="exponential") == pytest.approx([0.1, 0.01, 0.001], rel=1e-5)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "exponential"])
def test_warmup_rises_linearly_and_then_starts_the_schedule(schedule: str) -> None:
    warm = rates([0, 9, 19, 20, 30], schedule=schedule, warmup_epochs=2)
    assert warm[:4] == pytest.approx([0.005, 0.05, 0.1, 0.1], rel=1e-5)
    assert (warm[4] == pytest.approx(0.1)) == (schedule == "constant")


def test_a_warmup_that_fills_all_epochs_still_has_a_schedule() -> None:
    assert rates([49], schedule="cosine", warmup_epochs=5) == pytest.approx([0.1])


def test_a_plateau_leaves_a_rate_that_training_can_set() -> None:
    optimizer = build_optimizer(
        OptimizerConfig(schedule="plateau", warmup_epochs=2), steps_per_epoch=10, max_epochs=5
    )
    optimizer.learning_rate = 0.25
    assert float(optimizer.learning_rate) == 0.25


def test_a_warm_schedule_survives_saving() -> None:
    warm = Warmup(keras.optimizers.schedules.CosineDecay(0.1, 30), 20)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(warm))
    assert [float(again(step)) for step in (3, 40)] == [float(warm(step)) for step in (3, 40)]


@pytest.mark.parametrize(
    ("history", "factor"),
    [
        ([], 1.0),
        ([0.5, 0.4], 1.0),
        ([0.5, 0.4, 0.4], 0.5),
        ([0.5, 0.4, 0.6, 0.5], 1.0),
        ([0.5, 0.4, float("nan")], 0.5),
        ([0.5] * 5, 0.25),
        ([0.5] * 99, 0.01),
    ],
)
def test_a_plateau_lowers_the_rate_after_its_patience(history: list[float], factor: float) -> None:
    assert Plateau(patience=2, factor=0.5, smallest=0.01).rate_after(history) == factor


def test_a_plateau_can_wait_for_smaller_objectives() -> None:
    plateau = Plateau(direction="minimize", patience=1)
    assert plateau.rate_after([0.5, 0.4]) == 1.0
    assert plateau.rate_after([0.5, 0.6]) == 0.5


def test_a_plateau_warms_up_by_epoch_and_waits_until_then() -> None:
    plateau = Plateau(patience=1, warmup_epochs=4)
    assert [plateau.rate_after([0.5] * done) for done in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 0.5]


def test_settings_reach_the_optimizer() -> None:
    config = OptimizerConfig(name="sgd", momentum=0.8, weight_decay=0.02, clip_norm=1.5, learning_rate=0.3)
    optimizer = build_optimizer(config, steps_per_epoch=1, max_epochs=1)
    assert (optimizer.momentum, optimizer.weight_decay, optimizer.global_clipnorm) == (0.8, 0.02, 1.5)
    assert float(optimizer.learning_rate) == pytest.approx(0.3)
