"""Tests of each configuration against the selected one, corrected for how many are compared."""

import numpy as np
import numpy.typing as npt
from scipy import special

from mammobench.core.metrics import Floats, Ints
from mammobench.evaluation.ends import standard_errors
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


def difference_p(points: Floats, samples: Samples, *, groups: int) -> Floats:
    """Test paired differences by their bootstrap standard error, two-sided, with Student's t.

    Agrees with `mammobench.evaluation.ends.difference_ends`: below 0.05 where the 95 % interval leaves out 0.

    Args:
        points: Differences on the data as they are, (k,).
        samples: On every resample, (resamples, k).
        groups: From `mammobench.evaluation.ends.rarest_groups`; one less are the degrees of freedom.

    Returns:
        p-values, (k,); 1 where no resample differs, NaN where a difference is not defined.
    """
    errors = standard_errors(samples)
    t = np.divide(np.abs(points), errors, out=np.where(points == 0, 0.0, np.inf), where=errors > 0)
    known = ~np.isnan(points) & ~np.isnan(errors) & (groups > 0)
    p: Floats = np.where(known, 2 * special.stdtr(max(groups - 1, 1), -t), np.nan)
    return p


def family_p(points: Floats, samples: Samples, *, groups: int, one_sided: Bools | None = None) -> Floats:
    """Correct the p-values of paired differences for how many are made, by the single-step minP method.

    The smallest p-value of the family under no difference is taken from the resamples, so that differences
    that go together count as fewer comparisons. Westfall and Young 1993, Resampling-Based Multiple Testing.

    Args:
        points: Differences on the data as they are, (k,).
        samples: On the same resamples, (resamples, k).
        groups: As in `difference_p`.
        one_sided: Which differences the family tests for being above 0 alone, (k,); each way without it.

    Returns:
        Adjusted p-values, (k,), none below that of `difference_p`; NaN where a difference is not defined, or
        is below 0 and was to be tested for being above alone.
    """
    above = np.zeros(len(points), bool) if one_sided is None else one_sided
    p = difference_p(points, samples, groups=groups)
    p[above & (points < 0)] = np.nan
    tested = np.isfinite(p)
    if (tested | above).sum() <= 1:
        return p
    errors = standard_errors(samples)
    smallest = np.ones(len(samples))
    for column in np.flatnonzero((tested | above) & (errors > 0)):
        away = (samples[:, column].astype(np.float64) - points[column]) / errors[column]
        away = np.maximum(away, 0) if above[column] else np.abs(away)
        # a resample in which the difference is not defined says nothing of it
        np.minimum(smallest, 2 * special.ndtr(-np.nan_to_num(away)), out=smallest)
    smallest.sort()
    share = (1 + np.searchsorted(smallest, p, side="right")) / (1 + len(smallest))
    adjusted: Floats = np.where(tested, np.minimum(np.maximum(share, p), 1), np.nan)
    return adjusted


def holm(p: Floats) -> Floats:
    """Correct the p-values of one family by Holm's method (1979).

    Args:
        p: (k,); NaN stays NaN and is not counted.

    Returns:
        Adjusted p-values, (k,): the smallest times k, the next times k - 1, never decreasing, 1 at most.
    """
    adjusted = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1)
    return adjusted


def _exact(better: Ints, worse: Ints) -> Floats:
    """Return two-sided p-values of the sign test, a fair coin's: 1 where nothing is discordant."""
    # imported here: it costs every command half a second
    from scipy import stats  # noqa: PLC0415

    p: Floats = np.minimum(2 * stats.binom.cdf(np.minimum(better, worse), better + worse, 0.5), 1)
    return p
