"""Several tables together: interquartile mean, probability of improvement, ranks and critical difference."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from mammobench.benchmark.statistics.differences import LEVEL, Estimate

Floats = npt.NDArray[np.float64]

DRAWS = 2_000
FEWEST_TABLES = 6
"""Tables from which on mean ranks are compared; with fewer the test finds next to nothing."""

_FEWEST_METHODS = 3
"""Friedman's test is of so many or more."""


def interquartile_mean(scores: Sequence[Floats], seed: int) -> Estimate:
    """Return the mean of the middle half of all searches, with a stratified percentile bootstrap.

    Args:
        scores: Of each table's searches, float64 (searches,).
        seed: Of the bootstrap.

    Source: Agarwal et al. (2021), Deep reinforcement learning at the edge of the statistical precipice.
    """
    rng = np.random.default_rng(seed)
    value = float(stats.trim_mean(np.concatenate(scores), 0.25))
    if min(map(len, scores)) == 1:
        # one search shows no spread
        return Estimate(value, math.nan, math.nan)
    drawn = np.concatenate(
        [each[rng.integers(len(each), size=(DRAWS, len(each)))] for each in scores], axis=1
    )
    low, high = np.quantile(stats.trim_mean(drawn, 0.25, axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high))


def probability_of_improvement(mine: Sequence[Floats], other: Sequence[Floats], seed: int) -> Estimate:
    """Return how likely a search of one method ends with a lower score than one of another, over tables.

    Args:
        mine: Of each table's searches; less is better.
        other: The same of the other method.
        seed: Of the stratified bootstrap.

    Source: Agarwal et al. (2021), as above; ties count half.
    """
    rng = np.random.default_rng(seed)
    values, drawn = [], []
    for mine_there, other_there in zip(mine, other, strict=True):
        wins = (mine_there[:, None] < other_there) + 0.5 * (mine_there[:, None] == other_there)
        values.append(float(wins.mean()))
        weights = [
            rng.multinomial(count, np.full(count, 1 / count), size=DRAWS) / count for count in wins.shape
        ]
        drawn.append(np.einsum("bi,ij,bj->b", weights[0], wins, weights[1], optimize=True))
    low, high = np.quantile(np.mean(drawn, axis=0), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(np.mean(values)), float(low), float(high))


@dataclass(frozen=True)
class Ranks:
    """Methods ranked on each table.

    Attributes:
        mean: Mean rank of each method, 1 the best.
        friedman_p: That all methods are equal.
        critical_difference: Mean ranks that differ by less are not told apart (Nemenyi); NaN where there is
            no test.
        no_diagram: Why there is none, or empty.
    """

    mean: Floats
    friedman_p: float
    critical_difference: float
    no_diagram: str


def ranks_of(scores: Floats) -> Ranks:
    """Rank methods by their mean score on each table; less is better.

    Args:
        scores: Float64 (tables, methods).

    Source: Demšar (2006), Statistical comparisons of classifiers over multiple data sets.
    """
    tables, methods = scores.shape
    mean = stats.rankdata(scores, axis=1).mean(axis=0)
    if methods < _FEWEST_METHODS:
        return Ranks(mean, math.nan, math.nan, "two methods are compared directly, and need no ranks")
    if tables < FEWEST_TABLES:
        told = f"{tables} table{'s' if tables != 1 else ''}; mean ranks are compared from {FEWEST_TABLES} on"
        return Ranks(mean, math.nan, math.nan, told)
    found = stats.friedmanchisquare(*scores.T)
    return Ranks(mean, float(found.pvalue), critical_difference(methods, tables), "")


def critical_difference(methods: int, tables: int, *, level: float = LEVEL) -> float:
    """Return Nemenyi's critical difference of mean ranks."""
    quantile = float(stats.studentized_range.ppf(level, methods, np.inf)) / math.sqrt(2)
    return quantile * math.sqrt(methods * (methods + 1) / (6 * tables))
