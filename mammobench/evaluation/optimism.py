"""The selection bias of the best test score of many trained models (the winner's curse).

The best of 100 equally good models on 378 images is five points of F1 too high on average. How far the scores
of the models differ in truth is estimated from how far they differ on this test set and from their standard
errors (the nonparametric maximum likelihood estimate of an empirical Bayes prior: Kiefer and Wolfowitz 1956,
Koenker and Mizera 2014, doi:10.1080/01621459.2013.869224). In simulated studies with such scores, and with
errors as the bootstrap has them, the best is selected again; by how much its score is too high on average is
the selection bias. What is common to all models, since they are scored on the same images, is left alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mammobench.core.metrics import Floats
from mammobench.core.seeds import generator
from mammobench.evaluation.ends import student_quantile
from mammobench.evaluation.intervals import Interval, Samples

GRID = 81
ITERATIONS = 200


@dataclass(frozen=True)
class Optimism:
    """The selection bias of the best score.

    Attributes:
        tried: Searched trials ranked on the selected one's test set.
        best_test: The highest test F1 of them.
        corrected: `best_test` corrected for selection bias, an estimate.
        bias: `best_test` less `corrected`.
        interval: Around `corrected`.
        gap: The selected trial's F1 on validation, which selected it, minus that on test.
    """

    tried: int
    best_test: float
    corrected: float
    bias: float
    interval: Interval
    gap: float


def corrected_best(
    points: Sequence[float] | Floats, samples: Samples, *, groups: int, level: float, unit: str, seed: int = 0
) -> Interval:
    """Correct the best score of k models for having been chosen among them.

    Args:
        points: Scores on the data as they are, (k,).
        samples: On every resample, (resamples, k).
        groups: From `mammobench.evaluation.ends.rarest_groups`.
        level: Nominal coverage.
        unit: What was resampled.
        seed: Of the simulated studies.

    Returns:
        The corrected score and its interval; NaN where fewer than two scores are defined.
    """
    values = np.asarray(points, np.float64)
    known = ~np.isnan(values)
    drawn = samples[:, known][~np.isnan(samples[:, known]).any(axis=1)].astype(np.float64)
    values, count = values[known], int(known.sum())
    method = f"empirical Bayes correction, {len(drawn)} resamples"
    if count <= 1 or len(drawn) <= 1:
        return Interval(np.nan, np.nan, np.nan, level, method, unit)
    errors = drawn - drawn.mean(axis=0)
    own = errors - errors.mean(axis=1, keepdims=True)
    variances = own.var(axis=0, ddof=1) * count / (count - 1)
    # each is estimated from the same few groups: half of the way to their mean steadies them
    variances = np.maximum((variances + variances.mean()) / 2, 1e-12)
    excess = _excess(_posterior_means(values, variances), errors)
    corrected = float(values.max() - excess.mean())
    spread = _spread(values, errors, variances.mean(), corrected, seed)
    half = student_quantile(groups, level) * spread * np.sqrt((count + 1) / (count - 1))
    return Interval(max(corrected - half, 0.0), corrected, min(corrected + half, 1.0), level, method, unit)


def _excess(truth: Floats, errors: Floats) -> Floats:
    """Return how far the best score lies above its truth in each simulated study, (studies,).

    Args:
        truth: (k,) or (studies, k).
        errors: (studies, k).
    """
    scores = truth + errors
    best = scores.argmax(axis=1)
    studies = np.arange(len(errors))
    excess: Floats = scores[studies, best] - np.broadcast_to(truth, errors.shape)[studies, best]
    return excess


def _posterior_means(values: Floats, variances: Floats) -> Floats:
    """Shrink scores by the nonparametric maximum likelihood estimate of where true ones lie."""
    grid = np.linspace(values.min(), values.max(), GRID)
    # only ratios of likelihoods count, so that the nearest grid point may have any
    distance = (values[:, None] - grid) ** 2 / (2 * variances[:, None])
    likelihood = np.exp(distance.min(axis=1, keepdims=True) - distance)
    weights = np.full(GRID, 1 / GRID)
    for _ in range(ITERATIONS):
        posterior = likelihood * weights
        posterior /= posterior.sum(axis=1, keepdims=True)
        weights = posterior.mean(axis=0)
    means: Floats = posterior @ grid
    return means


def _spread(values: Floats, errors: Floats, variance: float, corrected: float, seed: int) -> float:
    """Return the standard error of the corrected score.

    That of the best score about its truth where true scores are normal (James and Stein's estimate of their
    spread), and how far such a correction and `corrected` lie apart.
    """
    count, mean = len(values), values.mean()
    shrunk = max(count - 3, 1) / (count - 1) * variance / max(values.var(ddof=1), 1e-12)
    share = max(0.0, 1 - shrunk)
    noise = generator(seed, "optimism").normal(size=errors.shape)
    truth = mean + share * (values - mean) + np.sqrt(share * variance) * noise
    excess = _excess(truth, errors)
    return float(np.hypot(excess.std(ddof=1), values.max() - excess.mean() - corrected))
