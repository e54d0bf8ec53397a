"""Tables with known truth, for tests of replay, statistics and the page: synthetic, nothing was trained."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mammobench.benchmark.tables.observed import Observed
from mammobench.benchmark.tables.recorded import Recorded, to_column
from mammobench.benchmark.tables.sealed import Sealed
from mammobench.benchmark.tables.table import Table
from mammobench.benchmark.tables.writing import write_table
from mammobench.space.search_space import Budget, Choice, FloatRange, IntRange, SearchSpace


def made_space(*, finite: bool, epochs: int) -> SearchSpace:
    """Return a space of 48 configurations, or one with a continuous learning rate."""
    rate = (
        Choice(key="optimizer.learning_rate", values=(1e-4, 1e-3, 1e-2, 3e-2))
        if finite
        else FloatRange(key="optimizer.learning_rate", low=1e-4, high=3e-2, log=True)
    )
    return SearchSpace(
        name="made",
        task="malignancy",
        objective="f1",
        image_size=16,
        base={"training.patience": 0},
        hyperparameters=(
            rate,
            Choice(key="model.activation", values=("relu", "elu", "gelu")),
            IntRange(key="training.batch_size", low=16, high=64, step=16),
        ),
        budget=Budget(trials=16, max_epochs=epochs),
    )


def made_table(
    *,
    seed: int = 0,
    configurations: int = 48,
    seeds: int = 3,
    epochs: int = 9,
    failing: float = 0.0,
    finite: bool = True,
    noise: float = 0.02,
    gap: float = 0.0,
) -> tuple[Observed, Sealed]:
    """Return what a search may know of a synthetic table, and its test scores.

    Args:
        seed: Of the truth and the noise.
        configurations: Of the space; with `finite` all 48 of them where it is 48.
        seeds: Training seeds.
        epochs: Of a whole training.
        failing: Share of trainings that fail, some at epoch 1.
        finite: Whether the space has no continuous range.
        noise: Standard deviation between training seeds.
        gap: How much validation reads above test, in the mean.
    """
    rng = np.random.default_rng(seed)
    space = made_space(finite=finite, epochs=epochs)
    if finite:
        values = list(itertools.islice(space.configurations(), configurations))
    else:
        activations = ("relu", "elu", "gelu")
        values = [
            {
                "optimizer.learning_rate": float(np.exp(rng.uniform(np.log(1e-4), np.log(3e-2)))),
                "model.activation": str(rng.choice(activations)),
                "training.batch_size": int(rng.choice((16, 32, 48, 64))),
            }
            for _ in range(configurations)
        ]
    rates = np.log10([each["optimizer.learning_rate"] for each in values])
    sizes = np.array([each["training.batch_size"] for each in values])
    kinds = np.array([("relu", "elu", "gelu").index(each["model.activation"]) for each in values])
    final = 0.8 - 0.12 * (rates + 2.7) ** 2 - 0.03 * kinds - 0.0008 * np.abs(sizes - 32)
    speed = 0.25 + 0.2 * (rates + 4)
    count = len(values)
    shape = (count, seeds, epochs)
    steps = np.arange(1, epochs + 1)
    curve = final[:, None, None] * (1 - np.exp(-speed[:, None, None] * steps))
    test = curve + rng.normal(0, noise, (count, seeds, 1))
    objective = test + gap + rng.normal(0, noise / 2, shape)
    trained = np.full((count, seeds), epochs)
    status = np.full((count, seeds), "ok", dtype="<U13")
    fails = rng.random((count, seeds)) < failing
    trained[fails] = rng.integers(0, epochs, fails.sum())
    status[fails] = rng.choice(["diverged", "out of memory", "timeout", "error"], fails.sum())
    beyond = steps > trained[:, :, None]
    # the weights that predict are those of the best epoch so far
    best = np.zeros(shape, dtype=int)
    for epoch in range(1, epochs):
        better = objective[:, :, epoch] > np.take_along_axis(
            objective, best[:, :, epoch - 1 : epoch], axis=2
        ).squeeze(2)
        best[:, :, epoch] = np.where(better, epoch, best[:, :, epoch - 1])
    test = np.take_along_axis(test, best, axis=2)
    seconds = rng.uniform(0.5, 2.0, (count, 1, 1)) * rng.uniform(0.95, 1.05, shape)
    observed = Observed(
        name=f"made-{seed}",
        space=space,
        direction="maximize",
        weights="best",
        proposals=tuple(values),
        reference=0,
        objective=np.where(beyond, np.nan, objective),
        epoch_seconds=np.where(beyond, np.nan, seconds),
        start_seconds=rng.uniform(0.5, 1.5, (count, seeds)),
        end_seconds=rng.uniform(0.1, 0.3, (count, seeds)),
        epochs=trained,
        status=status,
    )
    sealed = Sealed("f1", "maximize", np.where(beyond, np.nan, test), np.arange(count))
    return observed, sealed


def write_made_table(folder: Path, **how: Any) -> Table:
    """Write what `made_table` gives as a table, and open it.

    Args:
        folder: The table's, whose name is the table's.
        **how: As `made_table` takes it.
    """
    observed, sealed = made_table(**how)
    configs, runs, curves = [], [], []
    for config, values in enumerate(observed.proposals):
        origin = "reference" if config == observed.reference else "sobol"
        columns = {
            item.key: to_column(item, (values or {}).get(item.key)) for item in observed.space.hyperparameters
        }
        configs.append({"config": config, "origin": origin, **columns})
        for seed in range(observed.seeds):
            epochs = int(observed.epochs[config, seed])
            times = observed.epoch_seconds[config, seed, :epochs]
            start, end = observed.start_seconds[config, seed], observed.end_seconds[config, seed]
            runs.append(
                {
                    "config": config, "training_seed": seed, "status": observed.status[config, seed],
                    "epochs": epochs, "seconds": start + times.sum() + end, "start_seconds": start,
                    "end_seconds": end, "weights": 1000, "flops": 1e6, "peak_memory": 2**28, "reason": "",
                }
            )  # fmt: skip
            curves.append(
                pd.DataFrame(
                    {
                        "config": config, "training_seed": seed, "epoch": np.arange(1, epochs + 1),
                        "validation_f1": observed.objective[config, seed, :epochs],
                        "test_f1": sealed.test[config, seed, :epochs],
                        "train_seconds": 0.9 * times, "validation_seconds": 0.1 * times,
                    }
                )
            )  # fmt: skip
    metadata = {
        "name": folder.name, "description": "", "task": "malignancy", "class_names": ["benign", "malignant"],
        "objective": "f1", "direction": "maximize", "weights": "last", "seed": 0,
        "design": {"sampler": "sobol"},
        "data": {"fingerprint": "0" * 64, "source": "numbers that were drawn", "synthetic": True,
                 "licence": "none", "citations": [], "warnings": []},
        "images": {"train": 1, "validation": 1, "test": 1}, "independent_test_groups": 1, "split": "official",
        "splits": ["0" * 64], "training_share": 1.0, "precision": "float32", "threads": 1,
        "processor": "none", "gpu": None, "versions": {"mammobench": "0"},
        "created": "2026-01-01T00:00:00+00:00",
        "command": "",
    }  # fmt: skip
    recorded = Recorded(
        pd.DataFrame(configs),
        pd.concat(curves, ignore_index=True),
        pd.DataFrame(runs),
        observed.space,
        metadata,
    )
    write_table(folder, recorded)
    return Table.open(folder)
