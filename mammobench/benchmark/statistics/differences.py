"""Two methods, or one and a number: means over searches with intervals, speed-up, and what would decide."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
Verdict = Literal["better", "worse", "equivalent", "undecided"]

LEVEL = 0.95
MOST_SEEDS = 100_000
"""More seeds than that are not named: there is no use in them."""


_FEWEST = 3
"""The jackknife of two is one difference."""


@dataclass(frozen=True)
class Estimate:
    """A number with its interval.

    Attributes:
        value: The estimate; NaN where there is none.
        low: Lower end.
        high: Upper end.
        p: Of the value 0 (of 1 for a ratio), two-sided; NaN where it is not asked.
    """

    value: float
    low: float
    high: float
    p: float = math.nan


def mean_of(values: Floats) -> Estimate:
    """Return the mean over searches, with Student's t interval at `LEVEL`, and p of a mean of 0.

    One search has no interval. Searches that all came to one value have the p-value of the sign test.
    """
    count = len(values)
    mean = float(np.mean(values))
    if count == 1:
        return Estimate(mean, math.nan, math.nan, 1.0)
    if np.ptp(values) == 0:
        return Estimate(mean, mean, mean, sign_test(count, mean))
    error = float(np.std(values, ddof=1) / math.sqrt(count))
    quantile = float(stats.t.ppf((1 + LEVEL) / 2, count - 1))
    p = float(2 * stats.t.sf(abs(mean) / error, count - 1))
    return Estimate(mean, mean - quantile * error, mean + quantile * error, p)


def sign_test(count: int, value: float) -> float:
    """Return the two-sided p-value of so many differences of one sign; 1 for differences of 0."""
    return float(min(1.0, 2 * 0.5**count)) if value else 1.0


def difference(mine: Floats, other: Floats) -> Estimate:
    """Return how much larger a measure is than another method's, in the mean over paired searches."""
    return mean_of(mine - other)


def expected_time(spent: Floats, reached: Floats) -> float:
    """Return the expected running time until the target is reached; infinite where no search reached it.

    Searches that did not reach it count with the time that they spent.

    Source: Auger and Hansen (2005), Performance evaluation of an advanced local search evolutionary
    algorithm.
    """
    hits = float(reached.sum())
    return float(spent.sum()) / hits if hits else math.inf


def speedup(spent: Floats, reached: Floats, base_spent: Floats, base_reached: Floats) -> Estimate:
    """Return how many times sooner than another method one reaches the target, over paired searches.

    The interval is Student's on the logarithm, its standard error by the jackknife over searches (Efron and
    Stein 1981). Where a method never reached the target there is no interval.
    """
    count = len(spent)

    def logarithm(keep: npt.NDArray[np.bool_] | slice) -> float:
        mine = expected_time(spent[keep], reached[keep])
        base = expected_time(base_spent[keep], base_reached[keep])
        return math.log(base) - math.log(mine) if math.isfinite(mine) and math.isfinite(base) else math.nan

    whole = logarithm(slice(None))
    if not math.isfinite(whole):
        mine, base = expected_time(spent, reached), expected_time(base_spent, base_reached)
        value = math.nan if math.isinf(mine) and math.isinf(base) else 0.0 if math.isinf(mine) else math.inf
        return Estimate(value, math.nan, math.nan)
    if count < _FEWEST:
        return Estimate(math.exp(whole), math.nan, math.nan)
    left_out = ~np.eye(count, dtype=bool)
    each = np.array([logarithm(keep) for keep in left_out])
    if not np.isfinite(each).all():
        return Estimate(math.exp(whole), math.nan, math.nan)
    error = math.sqrt((count - 1) / count * float(np.sum((each - each.mean()) ** 2)))
    if error == 0:
        return Estimate(math.exp(whole), math.exp(whole), math.exp(whole), sign_test(count, whole))
    reach = float(stats.t.ppf((1 + LEVEL) / 2, count - 1)) * error
    p = float(2 * stats.t.sf(abs(whole) / error, count - 1))
    return Estimate(math.exp(whole), math.exp(whole - reach), math.exp(whole + reach), p)


def verdict(found: Estimate, *, corrected_p: float, equivalence: float) -> Verdict:
    """Return what a difference in regret means, of which less is better.

    Args:
        found: The difference, mine less the other's.
        corrected_p: Its p-value, corrected for the number of comparisons.
        equivalence: Differences up to this are of no practical use.
    """
    if -equivalence < found.low and found.high < equivalence:
        return "equivalent"
    if corrected_p < 1 - LEVEL:
        return "better" if found.value < 0 else "worse"
    return "undecided"


def seeds_to_decide(found: Estimate, seeds: int, *, equivalence: float) -> int:
    """Return how many searches more would decide, if the difference and its spread stay as they are.

    Either the interval leaves out 0, or it lies within the region of practical equivalence, whichever needs
    fewer.
    """
    half = (found.high - found.low) / 2
    room = max(abs(found.value), equivalence - abs(found.value))
    if math.isnan(half):
        return 1
    if half <= 0 or room <= 0:
        return 0
    wanted = seeds * (half / room) ** 2
    return int(min(max(0, math.ceil(wanted) - seeds), MOST_SEEDS))


def share(hits: int, count: int) -> Estimate:
    """Return a share with Wilson's interval at `LEVEL`."""
    if not count:
        return Estimate(math.nan, math.nan, math.nan)
    found = stats.binomtest(hits, count).proportion_ci(LEVEL, method="wilson")
    return Estimate(hits / count, float(found.low), float(found.high))
