"""A table's scores as regret between constants of the table: 0 its best configuration, 1 its median one."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mammobench.benchmark.statistics.known import mean_of_known
from mammobench.benchmark.tables.observed import Observed
from mammobench.benchmark.tables.sealed import Places, Sealed, best_so_far
from mammobench.core.errors import DataError
from mammobench.core.objectives import Direction

Floats = npt.NDArray[np.float64]

TARGET_TRAININGS = 100
"""The target is the quality that so many whole random trainings reach, in the mean."""


@dataclass(frozen=True)
class Scale:
    """Regret on a table: constants that follow from its trainings, so that a method more changes no score.

    Attributes:
        test: Regret of each configuration on test, float64 (configurations, epochs): of trainings that stop
            after that epoch, the mean over training seeds; NaN where none got so far.
        validation: The same on validation, on the scale that validation has.
        target: Regret that `TARGET_TRAININGS` whole random trainings reach, in the mean.
        equivalence: Half the width of the region of practical equivalence: the standard deviation between
            training seeds, of the median configuration, in regret.
        best: Test score of the configuration of regret 0.
        median: Test score of regret 1.
        value: Validation value of a stopped training, float64 (configurations, seeds, epochs), better when
            larger.
    """

    test: Floats
    validation: Floats
    target: float
    equivalence: float
    best: float
    median: float
    value: Floats


def scale_of(observed: Observed, sealed: Sealed) -> Scale:
    """Return a table's scale.

    Raises:
        DataError: For a table whose configurations are all equally good, or none was trained to the end.
    """
    value = value_when_stopped(observed)
    drawn = sealed.searched if sealed.at_random is None else sealed.at_random
    places = sealed.searched, drawn
    test, best, median = _regret(sealed.test, places, sealed.direction, observed.name)
    validation, _, _ = _regret(_signed_back(value, observed), places, observed.direction, observed.name)
    seeds = sealed.test[sealed.searched, :, -1]
    if sealed.replicates is not None:
        seeds = sealed.test[sealed.replicates, :, -1].reshape(1, -1)
    spread = np.array(
        [np.std(each[np.isfinite(each)], ddof=1) for each in seeds if np.isfinite(each).sum() > 1]
    )
    equivalence = float(np.median(spread) / abs(best - median)) if len(spread) else 0.0
    target = expected_best(value[drawn, :, -1], test[drawn, -1], TARGET_TRAININGS)
    return Scale(test, validation, target, equivalence, best, median, value)


def value_when_stopped(observed: Observed) -> Floats:
    """Return what validation says of a training stopped after each epoch, better when larger, NaN for none.

    It is that of the weights that predict: the best epoch's so far, or the last one's.
    """
    signed = observed.objective if observed.direction == "maximize" else -observed.objective
    if observed.weights == "last":
        return signed
    found = np.take_along_axis(signed, best_so_far(observed.objective, observed.direction), axis=2)
    return np.where(np.isnan(observed.objective), np.nan, found)


def expected_best(value: Floats, score: Floats, trainings: int) -> float:
    """Return the mean score of what validation selects among whole random trainings, with replacement.

    Args:
        value: What validation says of each training, float64 (configurations, seeds), better when larger; NaN
            for one that failed, which is never selected.
        score: Of each configuration, float64 (configurations,).
        trainings: How many are drawn.
    """
    flat = np.where(np.isnan(value), -np.inf, value).ravel()
    scores = np.repeat(score, value.shape[1])
    order = np.argsort(flat, kind="stable")
    ranks = np.arange(len(flat) + 1) / len(flat)
    chance = np.diff(ranks**trainings)
    known = np.isfinite(flat[order])
    if not known.any():
        return float("nan")
    return float(np.sum(chance[known] * scores[order][known]) / chance[known].sum())


def _signed_back(value: Floats, observed: Observed) -> Floats:
    return value if observed.direction == "maximize" else -value


def _regret(
    score: Floats, places: tuple[Places, Places], direction: Direction, name: str
) -> tuple[Floats, float, float]:
    """Return the mean over training seeds as regret, and the scores of regret 0 and 1.

    Args:
        score: Float64 (configurations, training seeds, epochs).
        places: Configurations whose best one has regret 0, and those whose median one has 1.
        direction: Of the score.
        name: Of the table.
    """
    mean = mean_of_known(score, axis=1)
    whole, drawn = (each[np.isfinite(each)] for each in (mean[place, -1] for place in places))
    if not len(drawn):
        raise DataError("no configuration was trained to the end", where=name)
    best = float(whole.max() if direction == "maximize" else whole.min())
    median = float(np.median(drawn))
    if best == median:
        raise DataError(
            "the table's best configuration is no better than its median one",
            where=name,
            expected="configurations that differ",
            found=f"{best:g}",
        )
    return (best - mean) / (best - median), best, median
