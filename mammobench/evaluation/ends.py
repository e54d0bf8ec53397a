"""Ends of intervals that hold their level with few positive groups too, by a bootstrap standard error.

Percentiles of a cluster bootstrap are too narrow where few groups hold a lesion: with 9 such groups those of
F1 hold the truth in 89 % of studies, of AUROC in 86 %. The standard error of the bootstrap is used instead,
with the number of groups that hold an image of the rarest class as the sample size:

- Metrics that counts decide (F1, recall, accuracy, ...): Wilson's score interval at the effective sample size
  (Wilson 1927; for clustered data Korn and Graubard 1998), which bounds a recall of 1 as it should. Means
  over classes and correlations, whose variance is not that of a share, take Student's quantile there.
- Metrics of the probabilities (AUROC, average precision, Brier score): Student's t on the logit scale.
- Paired differences: Student's t.

A bootstrap of m groups underestimates a variance by (m - 1) / m (Hesterberg 2015), which the first two make
good. tests/properties/test_coverage.py has the simulation.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import special

from mammobench.core.counted import COUNTED
from mammobench.core.metrics import Floats, Ints, is_binary
from mammobench.evaluation.intervals import Interval

FEW = 30
"""Below as many groups with a positive image a page says so beside its intervals."""

CAUTIOUS = 10
"""Up to as many the intervals may hold the truth more often than their level."""

Values = npt.NDArray[np.floating]
_OF_CLASS = {"recall": 1, "specificity": 0}
_OF_PROBABILITIES = frozenset({"auroc", "auprc", "brier"})


def rarest_groups(targets: Ints, groups: Ints) -> int:
    """Count the groups that hold an image of the class that fewest groups hold; 0 without images.

    Args:
        targets: True classes, (n,).
        groups: The unit of each image, (n,).
    """
    found = [len(np.unique(groups[targets == value])) for value in np.unique(targets)]
    return min(found, default=0)


def deciding_groups(metric: str, targets: Ints, groups: Ints, *, classes: int) -> int:
    """Count the groups that decide a metric, the sample size of its interval.

    For recall those with a positive image, for specificity those with a negative one, else `rarest_groups`.

    Args:
        metric: Its name, as in `metric_ends`.
        targets: True classes, (n,).
        groups: The unit of each image, (n,).
        classes: Of the task; for more than two, recall is a mean over classes.
    """
    if is_binary(classes) and metric in _OF_CLASS:
        return len(np.unique(groups[targets == _OF_CLASS[metric]]))
    return rarest_groups(targets, groups)


def standard_errors(samples: Values) -> Floats:
    """Return the standard deviation of each column of (resamples, k) over what is defined; NaN below two."""
    defined = np.isfinite(samples)
    count = defined.sum(axis=0)
    values = np.where(defined, samples, 0).astype(np.float64)
    mean = values.sum(axis=0) / np.maximum(count, 1)
    squares = (np.where(defined, values - mean, 0) ** 2).sum(axis=0)
    errors: Floats = np.where(count > 1, np.sqrt(squares / np.maximum(count - 1, 1)), np.nan)
    return errors


def metric_ends(
    metric: str, points: Sequence[float] | Floats, samples: Values, *, groups: int, level: float
) -> tuple[Floats, Floats]:
    """Return the ends of a metric's interval by its name; see the module.

    Args:
        metric: One of `mammobench.evaluation.points.METRICS`, or another share from 0 to 1.
        points: On the data as they are, (k,).
        samples: On every resample, (resamples, k).
        groups: From `deciding_groups`.
        level: Nominal coverage.

    Returns:
        Lower and upper ends, (k,); NaN where a score is not defined.
    """
    if metric in _OF_PROBABILITIES:
        return _logit_ends(points, samples, groups=groups, level=level)
    lowest = COUNTED[metric].lowest if metric in COUNTED else 0.0
    averaged = metric in {"balanced_accuracy", "macro_f1", *COUNTED}
    quantile = student_quantile(groups, level) if averaged else float(special.ndtri((1 + level) / 2))
    return _wilson_ends(points, samples, groups=groups, quantile=quantile, lowest=lowest)


def difference_ends(
    points: Sequence[float] | Floats, samples: Values, *, groups: int, level: float
) -> tuple[Floats, Floats]:
    """Return the ends of paired differences of shares: Student's t with `groups` - 1 degrees of freedom."""
    values = np.asarray(points, np.float64)
    half = student_quantile(groups, level) * standard_errors(samples)
    return np.maximum(values - half, -1), np.minimum(values + half, 1)


def intervals(
    metric: str,
    points: Sequence[float] | Floats,
    samples: Values,
    *,
    groups: int,
    level: float,
    unit: str,
) -> list[Interval]:
    """Put ends around points, one a column of `samples`; ``difference`` names a paired one."""
    ends = difference_ends if metric == "difference" else None
    low, high = (
        ends(points, samples, groups=groups, level=level)
        if ends
        else metric_ends(metric, points, samples, groups=groups, level=level)
    )
    return [
        Interval(float(bottom), float(point), float(top), level, method_of(metric, len(samples)), unit)
        for bottom, point, top in zip(low, points, high, strict=True)
    ]


def method_of(metric: str, resamples: int) -> str:
    """Return how the ends of a metric's interval are found, in words."""
    if metric == "difference":
        how = "Student's t"
    else:
        how = "Student's t on the logit" if metric in _OF_PROBABILITIES else "Wilson score interval"
    return f"{how}, cluster bootstrap of {resamples} resamples"


def student_quantile(groups: int, level: float) -> float:
    """Return the two-sided quantile of Student's t with `groups` - 1 degrees of freedom, at least 1."""
    return float(special.stdtrit(max(groups - 1, 1), (1 + level) / 2)) if groups else np.nan


def _wilson_ends(
    points: Sequence[float] | Floats, samples: Values, *, groups: int, quantile: float, lowest: float
) -> tuple[Floats, Floats]:
    share = (np.asarray(points, np.float64) - lowest) / (1 - lowest)
    z2 = quantile**2
    spread = share * (1 - share)
    variance = (standard_errors(samples) / (1 - lowest)) ** 2 * _corrected(groups)
    # where no resample differs, each group that decides the score counts as one trial
    size = np.where((variance > 0) & (spread > 0), spread / np.maximum(variance, 1e-12), float(groups))
    size = np.where(np.isnan(variance), np.nan, size)
    middle = (share + z2 / (2 * size)) / (1 + z2 / size)
    half = np.sqrt(z2 * (spread / size + z2 / (4 * size**2))) / (1 + z2 / size)
    low, high = (np.clip(middle + sign * half, 0, 1) * (1 - lowest) + lowest for sign in (-1, 1))
    return np.where(share <= 0, lowest, low), np.where(share >= 1, 1.0, high)


def _logit_ends(
    points: Sequence[float] | Floats, samples: Values, *, groups: int, level: float
) -> tuple[Floats, Floats]:
    values = np.asarray(points, np.float64)
    spread = values * (1 - values)
    errors = standard_errors(samples) * np.sqrt(_corrected(groups))
    half = np.divide(errors, spread, out=np.zeros_like(values), where=spread > 0)
    half *= student_quantile(groups, level)
    middle = special.logit(np.where(spread > 0, values, 0.5))
    low, high = (special.expit(middle + sign * half) for sign in (-1, 1))
    # at an end of the range the logit is infinite
    normal = float(special.ndtri((1 + level) / 2))
    sure = _wilson_ends(points, samples, groups=groups, quantile=normal, lowest=0.0)
    defined = ~np.isnan(values)
    inside = spread > 0
    return (
        np.where(defined, np.where(inside, low, sure[0]), np.nan),
        np.where(defined, np.where(inside, high, sure[1]), np.nan),
    )


def _corrected(groups: int) -> float:
    return max(groups, 2) / (max(groups, 2) - 1) if groups else np.nan
