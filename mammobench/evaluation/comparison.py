"""Paired differences between each trained model and the selected one, and which are significant."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from mammobench.core.metrics import Floats
from mammobench.data.splits.split import Split
from mammobench.evaluation.ends import difference_ends, rarest_groups
from mammobench.evaluation.entries import Entry
from mammobench.evaluation.intervals import Samples
from mammobench.evaluation.significance import difference_p, family_p, holm, mcnemar_p

Verdict = Literal["better", "worse", "not significantly different"]
BETTER: Verdict = "better"
WORSE: Verdict = "worse"
ALIKE: Verdict = "not significantly different"


def verdict_of(difference: float, p: float, level: float) -> Verdict | None:
    """Return what a difference with its corrected p-value says of a model; None where it is not defined."""
    if np.isnan(p):
        return None
    if p >= 1 - level:
        return ALIKE
    return BETTER if difference > 0 else WORSE


def add_comparison(entries: Sequence[Entry], split: Split, samples: Samples, *, level: float) -> None:
    """Compare every row on a split with the selected one; nothing where that is on another.

    Two families, each corrected for how many comparisons it makes. Planned: whether the selected row is
    better than the reference CNN and each baseline, one-sided at half of what the level leaves, by Holm's
    method. Exploratory: whether a row that was searched is better or worse, and whether the reference CNN or
    a baseline is better, by minP.

    Args:
        entries: Rows on this split.
        split: The split.
        samples: Their test F1 on every resample, (resamples, rows).
        level: Nominal coverage, and 1 minus the level of significance.
    """
    place = next((place for place, entry in enumerate(entries) if entry.row.get("selected")), None)
    if place is None:
        return
    test, groups = split.test, rarest_groups(split.test.targets, split.test.groups)
    points = np.array([entry.row["test_f1"] for entry in entries])
    guesses = np.stack([entry.answers["test"].guesses for entry in entries], axis=1)
    right = guesses == test.targets[:, None]
    differences, apart = points - points[place], samples - samples[:, place, None]
    low, high = difference_ends(differences, apart, groups=groups, level=level)
    others = np.arange(len(entries)) != place
    p, adjusted, mcnemar, mcnemar_adjusted = np.full((4, len(entries)), np.nan)
    p[others] = difference_p(differences[others], apart[:, others], groups=groups)
    mcnemar[others] = mcnemar_p(right[:, others], right[:, place], test.groups)
    baseline = others & np.array([entry.row["role"] != "searched" for entry in entries])
    adjusted[others] = family_p(
        differences[others], apart[:, others], groups=groups, one_sided=baseline[others]
    )
    # twice the one-sided p-value, so that 1 - level bounds it as it bounds the others
    one_sided = np.where(differences > 0, 2 - p, p)
    planned = baseline & ~(differences > 0)
    adjusted[planned] = holm(one_sided[baseline])[planned[baseline]]
    for family in (baseline, others & ~baseline):
        mcnemar_adjusted[family] = holm(mcnemar[family])
    for row, entry in enumerate(entries):
        entry.row.update(
            difference=differences[row],
            difference_low=_or_zero(low, row, place),
            difference_high=_or_zero(high, row, place),
            difference_p=p[row],
            difference_p_adjusted=adjusted[row],
            family=None if row == place else "planned" if planned[row] else "exploratory",
            verdict=verdict_of(differences[row], adjusted[row], level),
            mcnemar_p=mcnemar[row],
            mcnemar_p_adjusted=mcnemar_adjusted[row],
        )


def _or_zero(ends: Floats, row: int, place: int) -> float:
    """The selected row has no difference to itself."""
    return 0.0 if row == place else float(ends[row])
