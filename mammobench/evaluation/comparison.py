"""Paired differences between each configuration and the selected one, and which are significant."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mammobench.core.metrics import Floats
from mammobench.data.splits.split import Split
from mammobench.evaluation.entries import Entry
from mammobench.evaluation.intervals import Interval, Samples, bootstrap_intervals
from mammobench.evaluation.selection import ascending
from mammobench.evaluation.significance import difference_p, holm, mcnemar_p

SHORTLIST = 20
"""How many of the best by validation are compared by plan."""


@dataclass(frozen=True)
class Difference:
    """A configuration's score minus the selected one's, on the same images.

    Attributes:
        interval: The paired difference; its level is not corrected for how many are compared.
    """

    interval: Interval

    @property
    def indistinguishable(self) -> bool:
        """Whether the interval includes no difference at all; true where it is undefined."""
        return not (self.interval.low > 0 or self.interval.high < 0)


def paired_differences(
    points: Sequence[float] | Floats,
    samples: npt.NDArray[np.float32],
    selected_point: float,
    selected_samples: npt.NDArray[np.float32],
    *,
    level: float,
    unit: str,
) -> list[Difference]:
    """Compare configurations with the selected one over the same bootstrap resamples.

    Args:
        points: Scores of k configurations on the data as they are.
        samples: Their scores on every resample, (resamples, k).
        selected_point: The selected configuration's score.
        selected_samples: Its scores on the same resamples, (resamples,).
        level: Nominal coverage.
        unit: What was resampled.
    """
    differences = bootstrap_intervals(
        np.asarray(points) - selected_point, samples - selected_samples[:, None], level=level, unit=unit
    )
    return [Difference(interval) for interval in differences]


def add_comparison(
    entries: Sequence[Entry], split: Split, samples: Samples, *, direction: str, level: float, unit: str
) -> None:
    """Compare every row on a split with the selected one; nothing where that is on another.

    Args:
        entries: Rows on this split.
        split: The split.
        samples: Their test F1 on every resample, (resamples, rows).
        direction: Of the objective on validation.
        level: Nominal coverage, and 1 minus the level of significance.
        unit: What was resampled.
    """
    place = next((place for place, entry in enumerate(entries) if entry.row.get("selected")), None)
    if place is None:
        return
    points = np.array([entry.row["test_f1"] for entry in entries])
    differences = paired_differences(
        points, samples, points[place], samples[:, place], level=level, unit=unit
    )
    guesses = np.stack([entry.answers["test"].guesses for entry in entries], axis=1)
    right = guesses == split.test.targets[:, None]
    others, shortlist = np.arange(len(entries)) != place, _shortlist(entries, place, direction)
    p, mcnemar = np.full((2, len(entries)), np.nan)
    p[others] = difference_p(points[others] - points[place], samples[:, others] - samples[:, place, None])
    mcnemar[others] = mcnemar_p(right[:, others], right[:, place], split.test.groups)
    p_holm, mcnemar_holm = holm(p, shortlist), holm(mcnemar, shortlist)
    for row, (entry, difference) in enumerate(zip(entries, differences, strict=True)):
        entry.row.update(
            difference=difference.interval.point,
            difference_low=difference.interval.low,
            difference_high=difference.interval.high,
            difference_p=p[row],
            difference_p_holm=p_holm[row],
            indistinguishable=difference.indistinguishable,
            mcnemar_p=mcnemar[row],
            mcnemar_p_holm=mcnemar_holm[row],
            shortlisted=bool(shortlist[row]) or row == place,
            band=2 if p_holm[row] < 1 - level else 1,
        )


def _shortlist(entries: Sequence[Entry], place: int, direction: str) -> npt.NDArray[np.bool_]:
    """Mark what is compared by plan: the best by validation, the reference CNN and the baselines."""
    searched = [row for row, entry in enumerate(entries) if entry.row["role"] == "searched" and row != place]
    searched.sort(key=lambda row: ascending(entries[row].row["objective"], direction))
    beside = [row for row, entry in enumerate(entries) if entry.row["role"] != "searched" and row != place]
    return np.isin(np.arange(len(entries)), [*searched[:SHORTLIST], *beside])
