"""Neither the fast layers nor bfloat16 cost F1: five seeds each, paired, with the difference's interval."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from mammobench.data.phantom import make_phantom

SEEDS = 5
SCRIPT = """
import json, sys
from pathlib import Path
from mammobench.config import TrialConfig
from mammobench.data.splits import make_split
from mammobench.data.store import ImageStore
from mammobench.evaluation.predictions import open_test
from mammobench.metrics import scores
from mammobench.runtime import configure

kind, path, seed, folder = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
store = ImageStore.open(path)
environment = configure(precision="mixed_bfloat16" if kind == "bfloat16" else "float32", threads=2, seed=seed)
from mammobench.training import run_trial

config = TrialConfig.from_values({
    "data.image_size": 48, "data.intensity": "z-score", "model.filters": [16, 32, 64],
    "model.normalization": "batch", "model.dropout": 0.2, "optimizer.learning_rate": 0.003,
    "training.max_epochs": 9, "training.patience": 0, "training.weights": "last",
})
split = make_split(store, config.data)
result = run_trial(
    config, store, split, seed=seed, folder=folder, environment=environment, fast=kind != "stock"
)
print(json.dumps(scores(split.test.targets, open_test(folder), result.threshold)["f1"]))
"""


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["fast", "bfloat16"])
def test_f1_is_that_of_stock_float32_layers_within_what_seeds_explain(kind: str, tmp_path: Path) -> None:
    store = make_phantom(tmp_path / "store", images=2000, difficulty=0.35)

    def f1(layers: str, seed: int) -> float:
        folder = tmp_path / f"{layers}-{seed}"
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, layers, store.path, str(seed), folder],
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return float(json.loads(done.stdout))

    scores = np.array([[f1(layers, seed) for layers in ("stock", kind)] for seed in range(SEEDS)])
    difference = scores[:, 1] - scores[:, 0]
    half = stats.t.ppf(0.975, SEEDS - 1) * stats.sem(difference)
    low, high = difference.mean() - half, difference.mean() + half
    print(
        f"{kind} minus stock float32 on synthetic patches, {SEEDS} seeds: F1 {scores[:, 0].mean():.3f} -> "
        f"{scores[:, 1].mean():.3f}, difference {difference.mean():+.3f} [{low:+.3f}, {high:+.3f}]"
    )
    # a cost is a difference below zero that the spread between seeds does not explain
    assert high >= 0
    assert scores.min() > 0.6
