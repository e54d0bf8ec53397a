"""Tests of each configuration against the selected one, corrected for how many are compared."""

import numpy as np
import numpy.typing as npt
from scipy import special

from mammobench.core.metrics import Floats, Ints
from mammobench.evaluation.intervals import Samples

Bools = npt.NDArray[np.bool_]


def mcnemar_p(right: Bools, selected: Bools, groups: Ints) -> Floats:
    """Test whether each configuration is right as often as the selected one.

    McNemar's test supposes independent images. Where groups hold several, the test of Yang, Sun and Hardin
    2010 (doi:10.1002/bimj.201000035) takes its place: Obuchowski's for clustered matched pairs with the
    variance under no difference, which with groups of one image is McNemar's without its continuity
    correction. Durkalski et al. 2003 (doi:10.1002/sim.1438) weighs groups alike instead of images.

    Args:
        right: Whether each of k configurations is right about each image, (n, k).
        selected: Whether the selected one is, (n,).
        groups: The unit that errors cluster by, (n,).

    Returns:
        p-values, (k,): of McNemar's exact test where every image is a group of its own, else of the clustered
        test. 1 where both are right about the same images. It is a test of accuracy, not of F1.
    """
    apart = right.astype(np.int8) - selected[:, None].astype(np.int8)
    _, codes = np.unique(groups, return_inverse=True)
    if not codes.size:
        return np.ones(right.shape[1])
    if codes.max() + 1 == len(codes):
        return _exact((apart > 0).sum(axis=0), (apart < 0).sum(axis=0))
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    sums = np.add.reduceat(apart[order].astype(np.int64), starts, axis=0).astype(np.float64)
    squares = (sums**2).sum(axis=0)
    statistic = np.divide(sums.sum(axis=0) ** 2, squares, out=np.zeros_like(squares), where=squares > 0)
    p: Floats = special.chdtrc(1, statistic)
    return p


def difference_p(points: Floats, samples: Samples) -> Floats:
    """Test paired differences by their bootstrap standard error, two-sided and normal.

    The share of resamples on one side of 0 would be no smaller than 1 in their number, which no correction
    for many comparisons survives.

    Args:
        points: Differences on the data as they are, (k,).
        samples: On every resample, (resamples, k).

    Returns:
        p-values, (k,); 1 where no resample differs, NaN where a difference is not defined.
    """
    defined = np.isfinite(samples)
    count = defined.sum(axis=0)
    values = np.where(defined, samples, 0).astype(np.float64)
    mean = values.sum(axis=0) / np.maximum(count, 1)
    squares = (np.where(defined, values - mean, 0) ** 2).sum(axis=0)
    error = np.sqrt(squares / np.maximum(count - 1, 1))
    z = np.divide(points, error, out=np.where(points == 0, 0.0, np.inf), where=error > 0)
    p: Floats = np.where(np.isnan(points) | (count <= 1), np.nan, 2 * special.ndtr(-np.abs(z)))
    return p


def holm(p: Floats, shortlist: Bools) -> Floats:
    """Correct p-values for many comparisons by Holm's method (1979).

    Args:
        p: (k,); NaN stays NaN and is not counted.
        shortlist: The comparisons planned ahead, (k,): corrected among themselves. The others are corrected
            among all.

    Returns:
        Adjusted p-values, (k,).
    """
    adjusted = np.full(len(p), np.nan)
    for family, answers in ((np.ones(len(p), bool), ~shortlist), (shortlist, shortlist)):
        tested = family & ~np.isnan(p)
        if tested.any():
            values = np.full(len(p), np.nan)
            values[tested] = _holm(p[tested])
            adjusted[answers] = values[answers]
    return adjusted


def _holm(p: Floats) -> Floats:
    """Correct the p-values of one family: the smallest times k, the next times k - 1, never decreasing."""
    order = np.argsort(p)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return adjusted


def _exact(better: Ints, worse: Ints) -> Floats:
    """Return two-sided p-values of the sign test, a fair coin's: 1 where nothing is discordant."""
    # imported here: it costs every command half a second
    from scipy import stats  # noqa: PLC0415

    p: Floats = np.minimum(2 * stats.binom.cdf(np.minimum(better, worse), better + worse, 0.5), 1)
    return p
