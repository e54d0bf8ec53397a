"""The marginal effect of each hyperparameter: the median objective at each of its values, with an interval.

The other hyperparameters vary as the engine proposed them, so that effects are confounded: a value that was
mostly proposed together with good values of others looks better than it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mammobench.core.metrics import Floats
from mammobench.core.seeds import generator
from mammobench.space.hyperparameters import Choice, Hyperparameter
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord

BINS = 4
RESAMPLES = 1000
LEVEL = 0.95
# the range of six values covers the median in 96.9 % of samples, that of five in 93.8 %
ENOUGH_FOR_INTERVAL = 6


@dataclass(frozen=True)
class Level:
    """One value of a hyperparameter, or one range of its values.

    Attributes:
        values: The value; or the lowest and the highest that trials of this range had.
        trials: How many.
        median: Of their validation objective.
        low: Lower end of its interval; NaN below six trials.
        high: Upper end.
    """

    values: tuple[Any, ...]
    trials: int
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Effect:
    """The marginal effect of a hyperparameter.

    Attributes:
        key: Dotted key.
        levels: Choices in their order, or ranges from low to high with as many trials each.
    """

    key: str
    levels: tuple[Level, ...]


def hyperparameter_effects(
    study: StudyRecord, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Effect, ...]:
    """Compute the effect of each hyperparameter that finished searched trials have, in the space's order.

    Intervals are 95 % percentile bootstraps over the trials of a level: how sure the median is, were as many
    trials searched again.

    Args:
        study: The study.
        resamples: Of the trials of a level.
        seed: Of the resamples.
    """
    trials = finished_searched(study)
    numbers = generator(seed, "effects")
    effects = []
    for item in study.space.hyperparameters:
        known = [trial for trial in trials if item.key in trial.hyperparameters]
        if known:
            effects.append(Effect(item.key, _levels(item, known, resamples, numbers)))
    return tuple(effects)


def finished_searched(study: StudyRecord) -> list[TrialRecord]:
    """Return the trials that effects and importances rest on."""
    return [trial for trial in study.trials if trial.state == "finished" and trial.role == "searched"]


def groups_of(
    item: Hyperparameter, values: Sequence[Any]
) -> list[tuple[tuple[Any, ...], npt.NDArray[np.bool_]]]:
    """Group trials by their value: a choice, or a quarter of the trials where a range has many values.

    Args:
        item: The hyperparameter.
        values: Of each trial that has it, at least one.

    Returns:
        Of each group with a trial, the value, or the lowest and the highest, and which trials are in it.
    """
    if isinstance(item, Choice) or len({*values}) <= BINS:
        every = item.grid() if isinstance(item, Choice) else sorted({*values})
        grouped: list[tuple[tuple[Any, ...], npt.NDArray[np.bool_]]] = [
            ((value,), np.array([each == value for each in values])) for value in every
        ]
    else:
        found: npt.NDArray[np.float64] = np.asarray(values, np.float64)
        edges = np.unique(np.quantile(found, np.linspace(0, 1, BINS + 1)[1:-1]))
        ranges = np.searchsorted(edges, found)
        places = [ranges == place for place in range(len(edges) + 1)]
        grouped = [((found[inside].min(), found[inside].max()), inside) for inside in places if inside.any()]
    return [(value, inside) for value, inside in grouped if inside.any()]


def _levels(
    item: Hyperparameter, trials: Sequence[TrialRecord], resamples: int, numbers: np.random.Generator
) -> tuple[Level, ...]:
    scores = np.array([trial.objective for trial in trials], np.float64)
    return tuple(
        Level(
            tuple(each.item() if isinstance(each, np.generic) else each for each in value),
            int(inside.sum()), *_median(scores[inside], resamples, numbers),
        )
        for value, inside in groups_of(item, [trial.hyperparameters[item.key] for trial in trials])
    )  # fmt: skip


def _median(scores: Floats, resamples: int, numbers: np.random.Generator) -> tuple[float, float, float]:
    if len(scores) < ENOUGH_FOR_INTERVAL:
        return float(np.median(scores)), np.nan, np.nan
    drawn = np.median(scores[numbers.integers(0, len(scores), (resamples, len(scores)))], axis=1)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(np.median(scores)), float(low), float(high)
