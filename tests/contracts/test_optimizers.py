"""Every optimizer and schedule trains: a few steps on one batch lower its loss."""

import keras
import numpy as np
import pytest

from mammobench.models.optimizers import build_optimizer
from mammobench.space.components import OPTIMIZERS
from mammobench.space.config import OptimizerConfig


@pytest.mark.parametrize(
    ("name", "schedule"),
    [
        *((name, "cosine") for name in OPTIMIZERS),
        *(("adam", schedule) for schedule in ("constant", "exponential", "plateau")),
    ],
)
def test_an_optimizer_lowers_the_loss(name: str, schedule: str) -> None:
    config = OptimizerConfig.model_validate(
        {"name": name, "learning_rate": 0.02, "schedule": schedule, "warmup_epochs": 1, "clip_norm": 1.0,
         "momentum": 0.5, "weight_decay": 1e-3}
    )  # fmt: skip
    initial = [keras.initializers.GlorotUniform(seed=seed) for seed in (1, 2)]
    model = keras.Sequential([
        keras.Input((6,)),
        keras.layers.Dense(5, activation="relu", kernel_initializer=initial[0], name="hidden1"),
        keras.layers.Dense(1, activation="sigmoid", kernel_initializer=initial[1], name="probability"),
    ])  # fmt: skip
    optimizer = build_optimizer(config, steps_per_epoch=2, max_epochs=6)
    model.compile(optimizer, "binary_crossentropy", run_eagerly=True)
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(16, 6)), (np.arange(16) % 2).astype("float32")[:, None]
    before = model.test_on_batch(x + y, y)
    for _ in range(8):
        model.train_on_batch(x + y, y)
    assert model.test_on_batch(x + y, y) < before
