"""Every method against every other: probability of improvement, difference, verdict."""

import math
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from mammobench.benchmark.statistics.differences import (
    Estimate,
    difference,
    seeds_to_decide,
    sign_test,
    verdict,
)
from mammobench.benchmark.statistics.on_table import OnTable
from mammobench.benchmark.statistics.tables_together import probability_of_improvement
from mammobench.core.seeds import derive_seed
from mammobench.evaluation.significance import holm

Floats = npt.NDArray[np.float64]

TOGETHER = "all"
"""What stands for the table where a row is of all tables."""


def pairs_of(there: Mapping[str, OnTable], methods: list[str], baseline: str, seed: int) -> pd.DataFrame:
    """Return the pairs of methods on each table, and on all together; see `Assessment.pairs`.

    Args:
        there: The searches on each table.
        methods: The methods.
        baseline: The method that others are held against, in one family of comparisons a table.
        seed: Of the bootstraps.
    """
    rows: list[dict[str, Any]] = []
    groups: dict[str, list[OnTable]] = {name: [each] for name, each in there.items()}
    if len(there) > 1:
        groups[TOGETHER] = list(there.values())
    for name, group in groups.items():
        equivalence = float(np.mean([each.scale.equivalence for each in group]))
        found: list[tuple[str, str, Estimate, Estimate, int]] = []
        for mine, other in permutations(methods, 2):
            aucs = [[each.measured[method].auc for each in group] for method in (mine, other)]
            gained = probability_of_improvement(aucs[0], aucs[1], derive_seed(seed, name, mine, other))
            found.append((mine, other, gained, _difference(aucs[0], aucs[1]), min(map(len, aucs[0]))))
        # one family a table: every method against the baseline
        family = np.array([each[3].p for each in found if each[1] == baseline])
        corrected = iter(holm(family)) if len(family) else iter(())
        for mine, other, gained, apart, seeds in found:
            p = float(next(corrected)) if other == baseline else apart.p
            rows.append(
                {
                    "table": name,
                    "method": mine,
                    "other": other,
                    "improvement": gained.value,
                    "improvement_low": gained.low,
                    "improvement_high": gained.high,
                    "difference": apart.value,
                    "low": apart.low,
                    "high": apart.high,
                    "p": p,
                    "verdict": verdict(apart, corrected_p=p, equivalence=equivalence),
                    "more_seeds": 0
                    if verdict(apart, corrected_p=p, equivalence=equivalence) != "undecided"
                    else max(1, seeds_to_decide(apart, seeds, equivalence=equivalence)),
                }
            )
    columns = [
        "table", "method", "other", "improvement", "improvement_low", "improvement_high", "difference", "low",
        "high", "p", "verdict", "more_seeds",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _difference(mine: Sequence[Floats], other: Sequence[Floats]) -> Estimate:
    """Return the mean difference over tables, each with the same weight, over paired searches."""
    if len(mine) == 1:
        return difference(mine[0], other[0])
    apart = [difference(*each) for each in zip(mine, other, strict=True)]
    return _mean_over_tables(
        [each.value for each in apart],
        [_standard_error(a - b) for a, b in zip(mine, other, strict=True)],
        [len(each) for each in mine],
    )


def _standard_error(values: Floats) -> float:
    return float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan


def _mean_over_tables(values: list[float], errors: list[float], seeds: list[int]) -> Estimate:
    """Return the mean over fixed tables with the error that searches leave; Welch's degrees of freedom."""
    count = len(values)
    squares = np.array(errors) ** 2 / count**2
    mean, error = float(np.mean(values)), float(np.sqrt(squares.sum()))
    if min(seeds) == 1:
        return Estimate(mean, math.nan, math.nan, 1.0)
    if error == 0:
        return Estimate(mean, mean, mean, sign_test(min(seeds), mean))
    freedom = squares.sum() ** 2 / np.sum(squares**2 / (np.array(seeds) - 1))
    reach = float(stats.t.ppf(0.975, freedom)) * error
    return Estimate(mean, mean - reach, mean + reach, float(2 * stats.t.sf(abs(mean) / error, freedom)))
