"""Images per second of a training step: Keras's own layers beside the family's, in one run.

``pytest tests/benchmarks/test_models.py -m benchmark`` shows medians; ``--benchmark-json`` also writes
``images_per_second`` and ``ratio_to_stock_float32``. The steps of one network alternate, so that whatever
else the machine does falls on all of them alike; the ratio is the median over the rounds.
"""

import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from mammobench.models.family import build_model
from mammobench.models.losses import build_loss, encode_targets
from mammobench.models.optimizers import build_optimizer
from mammobench.space.config import TrialConfig
from mammobench.space.yaml_file import load_space
from mammobench.training.runtime import choose_precision

BATCH = 32
ROUNDS = 12
# of stock float32's images per second; the family's own layers may not be slower, give or take the noise
WANTED = {"stock-float32": 1.0, "family-float32": 0.9, "family-bfloat16": 1.8}
NETWORKS: dict[str, dict[str, Any]] = {
    "reference-100px": load_space("reference").fixed,
    "three-blocks-64px": {
        "data.image_size": 64,
        "model.filters": [32, 64, 128],
        "model.normalization": "batch",
        "model.dropout": 0.2,
    },
}


def training_step(values: dict[str, Any], *, fast: bool, precision: str) -> Callable[[], None]:
    keras.config.set_dtype_policy(precision)
    config = TrialConfig.from_values(values)
    model = build_model(config, classes=2, seed=0, fast=fast)
    model.compile(
        build_optimizer(config.optimizer, steps_per_epoch=100, max_epochs=10),
        build_loss(config.loss, classes=2, prior=np.array([0.5, 0.5])),
    )
    size = config.data.image_size
    images = np.random.default_rng(0).integers(0, 256, (BATCH, size, size, 1), dtype=np.uint8)
    targets = encode_targets(np.arange(BATCH) % 2, 2)

    def step() -> None:
        model.train_on_batch(images, targets)

    return step


@pytest.fixture(scope="module")
def seconds() -> dict[tuple[str, str], list[float]]:
    """Seconds of each timed step by network and kind."""
    before = keras.config.dtype_policy()
    kinds = {"stock-float32": (False, "float32"), "family-float32": (True, "float32")}
    if choose_precision("auto") == "mixed_bfloat16":
        kinds["family-bfloat16"] = (True, "mixed_bfloat16")
    measured: dict[tuple[str, str], list[float]] = {}
    for network, values in NETWORKS.items():
        steps = {
            kind: training_step(values, fast=fast, precision=precision)
            for kind, (fast, precision) in kinds.items()
        }
        for _ in range(2):
            for step in steps.values():
                step()
        for _ in range(ROUNDS):
            for kind, step in steps.items():
                start = time.perf_counter()
                step()
                measured.setdefault((network, kind), []).append(time.perf_counter() - start)
    keras.config.set_dtype_policy(before)
    return measured


@pytest.mark.benchmark
@pytest.mark.parametrize("kind", ["stock-float32", "family-float32", "family-bfloat16"])
@pytest.mark.parametrize("network", NETWORKS)
def test_training_step(
    network: str, kind: str, seconds: dict[tuple[str, str], list[float]], benchmark: Any
) -> None:
    if (network, kind) not in seconds:
        pytest.skip("neither processor nor GPU multiplies bfloat16 matrices")
    durations = iter(seconds[network, kind])
    clock = [0.0]

    def timer() -> float:
        return clock[0]

    def replay() -> None:
        clock[0] += next(durations)

    benchmark._timer = timer
    benchmark.pedantic(replay, rounds=ROUNDS, iterations=1)
    median = float(np.median(seconds[network, kind]))
    ratio = float(np.median(np.divide(seconds[network, "stock-float32"], seconds[network, kind])))
    benchmark.extra_info["images_per_second"] = round(BATCH / median, 1)
    benchmark.extra_info["ratio_to_stock_float32"] = round(ratio, 3)
    assert ratio >= WANTED[kind]
