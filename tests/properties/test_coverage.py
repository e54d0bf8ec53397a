"""Coverage by simulation: how often 95 % intervals hold the truth, over patients and, wrongly, over images.

Each patient has three images and a difficulty of its own, so that its errors come together.
"""

from collections import defaultdict

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from mammobench.core.seeds import generator
from mammobench.evaluation.curves import resampled_curves
from mammobench.evaluation.intervals import Resamples, percentile_ends, pivotal_ends, resampled_scores
from mammobench.evaluation.points import METRICS, calibration_error, point_scores

PATIENTS, CROPS, DRAWS = 126, 3, 1000
PREVALENCE, SIGNAL, BY_PATIENT, BY_IMAGE, CUT = 0.4, 1.2, 0.8, 0.6, 0.7


def simulate(patients: int, draw: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return targets and probabilities, to be cut at one half."""
    numbers = generator(draw, "coverage", patients)
    of = np.arange(patients * CROPS) // CROPS
    targets = (numbers.random(patients) < PREVALENCE)[of].astype(np.int64)
    score = SIGNAL * targets + BY_PATIENT * numbers.normal(size=patients)[of]
    score += BY_IMAGE * numbers.normal(size=len(of)) - CUT
    return targets, 1 / (1 + np.exp(-2 * score))


def resamples_by(unit: str, count: int) -> Resamples:
    images = np.arange(PATIENTS * CROPS)
    return Resamples(images // CROPS if unit == "patient" else images, count=count, seed=0)


def test_intervals_over_patients_cover_and_those_over_images_do_not() -> None:
    spread = np.hypot(BY_PATIENT, BY_IMAGE)
    found = PREVALENCE * stats.norm.cdf((SIGNAL - CUT) / spread)
    wrong = (1 - PREVALENCE) * stats.norm.cdf(-CUT / spread)
    truth = {"f1": 2 * found / (PREVALENCE + found + wrong), "accuracy": found + 1 - PREVALENCE - wrong}
    drawn = {unit: resamples_by(unit, 500) for unit in ("patient", "image")}
    held = defaultdict(list)
    for draw in range(DRAWS):
        targets, probabilities = simulate(PATIENTS, draw)
        guesses = (probabilities >= 0.5).astype(np.int8)[:, None]
        for unit, resamples in drawn.items():
            samples = resampled_scores(resamples, targets, guesses, 2)
            for metric, value in truth.items():
                low, high = percentile_ends(samples[metric], 0.95)
                held[unit, metric].append(low[0] <= value <= high[0])
    covered = {key: float(np.mean(values)) for key, values in held.items()}
    print(covered)
    for metric in truth:
        assert 0.93 <= covered["patient", metric] <= 0.97
        assert covered["image", metric] < 0.88


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_intervals_of_every_metric_cover() -> None:
    truth = point_scores(*simulate(700_000, -1), 0.5)
    resamples, held = resamples_by("patient", 1000), defaultdict(list)
    for draw in range(DRAWS):
        targets, probabilities = simulate(PATIENTS, draw)
        guesses = (probabilities >= 0.5).astype(np.int8)[:, None]
        samples = resampled_scores(resamples, targets, guesses, 2)
        samples |= resampled_curves(resamples, targets == 1, [probabilities])
        for metric in METRICS:
            low, high = percentile_ends(samples[metric], 0.95)
            if metric == "calibration_error":
                low, high = pivotal_ends([calibration_error(targets, probabilities)], samples[metric], 0.95)
            held[metric].append(low[0] <= truth[metric] <= high[0])
    covered = {metric: float(np.mean(values)) for metric, values in held.items()}
    print(covered)
    # the calibration error is itself too high on so few images, and no end can mend that wholly
    assert covered.pop("calibration_error") > 0.85
    for metric, share in covered.items():
        assert 0.93 <= share <= 0.97, metric
