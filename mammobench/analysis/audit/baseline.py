"""The shortcut baseline of a store, task by task, with intervals."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mammobench.core.errors import DataError
from mammobench.core.metrics import predicted_classes, scores
from mammobench.data.splits.split import Split, make_split
from mammobench.data.splits.tasks import TASKS
from mammobench.data.store.image_store import ImageStore
from mammobench.evaluation.curves import resampled_curves
from mammobench.evaluation.ends import intervals, rarest_groups
from mammobench.evaluation.intervals import Interval, Resamples, resampled_scores
from mammobench.evaluation.leaderboard import LEVEL, unit_of
from mammobench.evaluation.shortcut import Shortcut, fit_shortcuts
from mammobench.space.config import DataConfig

RESAMPLES = 2000
CONFOUNDED = 0.9
"""Test AUROC from which on a task is called solved without the lesion."""


@dataclass(frozen=True)
class Baseline:
    """One classifier on one task.

    Attributes:
        task: Name of the task.
        split: Name of the split.
        method: Of the classifier.
        auroc: On test; NaN for more than two classes without one.
        f1: On test, at the threshold chosen on validation.
        accuracy: Likewise.
        majority: Accuracy of always predicting the majority class of the test set.
    """

    task: str
    split: str
    method: str
    auroc: Interval
    f1: Interval
    accuracy: Interval
    majority: float


def baselines(
    store: ImageStore,
    statistics: pd.DataFrame,
    tasks: Iterable[str],
    *,
    split: str = "official",
    seed: int = 0,
) -> tuple[list[Baseline], list[tuple[str, str]]]:
    """Fit and score the shortcut classifiers.

    Args:
        store: The store.
        statistics: Of `mammobench.data.images.statistics`.
        tasks: Names of tasks.
        split: Name of the split.
        seed: Of the resamples and of gradient boosting.

    Returns:
        The baselines, and for each task that the store cannot serve its name and the reason.
    """
    found: list[Baseline] = []
    left_out: list[tuple[str, str]] = []
    for task in tasks:
        try:
            cut = make_split(store, DataConfig.model_validate({"task": task, "split": split}))
        except DataError as error:
            left_out.append((task, error.problem))
            continue
        drawn = Resamples(cut.test.groups, count=RESAMPLES, seed=seed)
        fitted = fit_shortcuts(statistics.to_numpy(), cut, seed=seed)
        found += [_scored(shortcut, cut, drawn) for shortcut in fitted]
    return found, left_out


def _scored(shortcut: Shortcut, split: Split, drawn: Resamples) -> Baseline:
    targets, classes = split.test.targets, TASKS[split.task].classes
    guesses = predicted_classes(shortcut.test, shortcut.threshold).astype(np.int8)[:, None]
    points = scores(targets, shortcut.test, shortcut.threshold)
    groups = rarest_groups(targets, split.test.groups)
    samples = resampled_scores(drawn, targets, guesses, classes)
    if shortcut.threshold is not None:
        samples["auroc"] = resampled_curves(drawn, targets == 1, [shortcut.test])["auroc"]
    else:
        samples["auroc"] = np.empty((0, 1), np.float32)
    ends = {
        name: intervals(name, [points[name]], samples[name], groups=groups, level=LEVEL, unit=unit_of(split))[
            0
        ]
        for name in ("auroc", "f1", "accuracy")
    }
    return Baseline(
        split.task,
        split.name,
        shortcut.method,
        **ends,
        majority=float(np.bincount(targets).max() / len(targets)),
    )
