"""Calibration intercept and slope: whether probabilities mean what they say, with intervals by patient.

The intercept is that of a logistic regression of the class on the logit of the probability at a slope of 1:
above 0, probabilities are too low on average. The slope is that of the regression with both free: below 1,
they are too extreme. Van Calster et al. 2016, doi:10.1016/j.jclinepi.2015.12.005. Both have an unbiased
estimate and a standard error on few images, which a binned calibration error has not. Standard errors are
those of a sandwich over groups (Liang and Zeger 1986).
"""

import numpy as np
import numpy.typing as npt
from scipy import special

from mammobench.core.metrics import Floats, Ints
from mammobench.evaluation.ends import rarest_groups, student_quantile

METRICS = ("calibration_intercept", "calibration_slope")
STEPS = 25
SMALLEST = 1e-7
"""Probabilities are kept this far from 0 and 1, as those of float32 are."""

Estimates = tuple[Floats, Floats]


def calibration(
    positive: npt.ArrayLike, probabilities: npt.NDArray[np.floating], groups: Ints, *, level: float
) -> dict[str, tuple[Floats, Floats, Floats]]:
    """Estimate intercept and slope of k models.

    Args:
        positive: Bool or 0 and 1, (n,).
        probabilities: Of the positive class, 0 to 1, (n, k).
        groups: The unit of each image, (n,).
        level: Nominal coverage.

    Returns:
        For each of `METRICS` the estimates, the lower and the upper ends, each (k,). NaN without both
        classes; the slope is NaN too where probabilities are all equal or separate the classes.
    """
    truth = np.asarray(positive, np.float64)
    codes = np.unique(groups, return_inverse=True)[1]
    half = student_quantile(rarest_groups(truth.astype(np.int64), codes), level)
    result = {}
    for name, (points, errors) in zip(METRICS, _both(truth, probabilities, codes), strict=True):
        result[name] = (points, points - half * errors, points + half * errors)
    return result


def calibration_points(positive: npt.ArrayLike, probabilities: npt.ArrayLike) -> dict[str, float]:
    """Return intercept and slope of one model, without intervals; see `calibration`."""
    truth = np.asarray(positive, np.float64)
    found = _both(truth, np.asarray(probabilities)[:, None], np.arange(len(truth)))
    return {name: float(points[0]) for name, (points, _) in zip(METRICS, found, strict=True)}


def _both(truth: Floats, probabilities: npt.NDArray[np.floating], codes: Ints) -> tuple[Estimates, Estimates]:
    count = probabilities.shape[1]
    nothing = np.full(count, np.nan), np.full(count, np.nan)
    if not truth.size or truth.all() or not truth.any():
        return nothing, nothing
    logits = special.logit(np.clip(probabilities.astype(np.float64), SMALLEST, 1 - SMALLEST))
    ones = np.ones(len(truth))
    intercepts, slopes = (np.array([np.nan, np.nan] * count).reshape(count, 2) for _ in range(2))
    for column, scores in enumerate(logits.T):
        intercepts[column] = _fit(ones[:, None], scores, truth, codes)
        if np.ptp(scores) > 0:
            slopes[column] = _fit(np.stack([scores, ones], axis=1), np.zeros_like(scores), truth, codes)
    return (intercepts[:, 0], intercepts[:, 1]), (slopes[:, 0], slopes[:, 1])


def _fit(design: Floats, offset: Floats, truth: Floats, codes: Ints) -> tuple[float, float]:
    """Return the first coefficient of a logistic regression and its standard error; NaN where none converges.

    Args:
        design: (n, terms).
        offset: Added to the linear predictor, (n,).
        truth: 0 or 1, (n,).
        codes: Group of each image from 0, (n,).
    """
    beta = np.zeros(design.shape[1])
    for _ in range(STEPS):
        mean = special.expit(design @ beta + offset)
        weights = mean * (1 - mean)
        information = (design * weights[:, None]).T @ design
        if np.linalg.cond(information) > 1 / np.finfo(np.float64).eps:
            return np.nan, np.nan
        step = np.linalg.solve(information, design.T @ (truth - mean))
        # a whole step may overshoot where weights are small
        beta += step / max(1.0, float(np.abs(step).max()) / 5)
        if np.abs(step).max() < 1e-8:  # noqa: PLR2004 - of a coefficient of about 1
            break
    else:
        return np.nan, np.nan
    scores = design * (truth - special.expit(design @ beta + offset))[:, None]
    by_group = np.stack([np.bincount(codes, column) for column in scores.T], axis=1)
    bread = np.linalg.inv(information)
    groups = len(by_group)
    variance = bread @ (by_group.T @ by_group) @ bread * groups / max(groups - 1, 1)
    return float(beta[0]), float(np.sqrt(variance[0, 0]))
