"""Stress tests: a trial's test scores under image changes, and paired differences to unchanged images."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mammobench.core.errors import StudyError
from mammobench.core.metrics import predicted_classes, scores
from mammobench.data.images.conditions import CONDITIONS
from mammobench.data.splits.split import Split
from mammobench.evaluation.ends import intervals, rarest_groups
from mammobench.evaluation.intervals import Interval, Resamples, resampled_scores
from mammobench.evaluation.predictions import StressedPredictions, open_stressed

METRICS = ("f1", "accuracy")
_ERASING = {condition.name for condition in CONDITIONS if not condition.keeps_lesion}


@dataclass(frozen=True)
class UnderCondition:
    """Test scores under one condition, by metric (`METRICS`).

    Attributes:
        condition: Its name; ``unchanged`` for the images as they are.
        scores: At the threshold that was chosen on unchanged validation.
        changes: Differences to the scores of the unchanged images, paired.
    """

    condition: str
    scores: dict[str, Interval]
    changes: dict[str, Interval]


@dataclass(frozen=True)
class Stressed:
    """A trial under all conditions.

    Attributes:
        trial: Its number.
        name: As the leaderboard names it.
        results: One a condition, unchanged first.
    """

    trial: int
    name: str
    results: tuple[UnderCondition, ...]

    @property
    def worst(self) -> UnderCondition:
        """The condition with the lowest F1 of those that leave the lesion where it is."""
        return min(
            (result for result in self.results if result.condition not in _ERASING),
            key=lambda result: np.nan_to_num(result.scores["f1"].point, nan=np.inf),
        )

    @property
    def columns(self) -> dict[str, Any]:
        """The leaderboard's columns; a drop is the loss under the worst condition."""
        worst, drop = self.worst.scores["f1"], self.worst.changes["f1"]
        return {
            "stress_f1_worst": worst.point,
            "stress_f1_worst_low": worst.low,
            "stress_f1_worst_high": worst.high,
            "stress_f1_worst_condition": self.worst.condition,
            "stress_f1_drop": 0.0 - drop.point,
            "stress_f1_drop_low": 0.0 - drop.high,
            "stress_f1_drop_high": 0.0 - drop.low,
        }


def stressed(
    predictions: StressedPredictions,
    split: Split,
    resamples: Resamples,
    *,
    trial: int,
    name: str,
    threshold: float | None,
    level: float,
    unit: str,
) -> Stressed:
    """Score a trial's predictions under conditions.

    Args:
        predictions: The trial's.
        split: Its split.
        resamples: Of the test images.
        trial: Its number.
        name: As the leaderboard names it.
        threshold: Chosen on unchanged validation; None for more than two classes.
        level: Nominal coverage.
        unit: What was resampled.
    """
    targets, classes = split.test.targets, len(split.class_names)
    groups = rarest_groups(targets, split.test.groups)
    guesses = np.stack([predicted_classes(values, threshold) for values in predictions.test], axis=1)
    samples = resampled_scores(resamples, targets, guesses.astype(np.int8), classes)
    measured = [scores(targets, values, threshold) for values in predictions.test]
    around: dict[str, list[Interval]] = {}
    changes: dict[str, list[Interval]] = {}
    for metric in METRICS:
        points = [values[metric] for values in measured]
        drawn = samples[metric]
        around[metric] = intervals(metric, points, drawn, groups=groups, level=level, unit=unit)
        moved = [point - points[0] for point in points]
        apart = drawn - drawn[:, :1]
        changes[metric] = intervals("difference", moved, apart, groups=groups, level=level, unit=unit)
    return Stressed(
        trial,
        name,
        tuple(
            UnderCondition(condition, _at(around, index), _at(changes, index))
            for index, condition in enumerate(predictions.conditions)
        ),
    )


def _at(intervals: dict[str, list[Interval]], index: int) -> dict[str, Interval]:
    return {metric: values[index] for metric, values in intervals.items()}


def predicted_conditions(trial_folder: Path, split: Split) -> frozenset[str]:
    """Return the names of the conditions that a trial has predicted under; none for a damaged file."""
    try:
        found = open_stressed(trial_folder, split)
    except StudyError:
        return frozenset()
    return frozenset(found.conditions if found else ())
