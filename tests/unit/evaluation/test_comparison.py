import numpy as np

from mammobench.core.seeds import generator
from mammobench.evaluation.comparison import paired_differences
from mammobench.evaluation.intervals import Resamples, resampled_scores


def test_pairing_tells_apart_what_separate_intervals_cannot() -> None:
    numbers = generator(0, "test")
    targets = numbers.integers(0, 2, 300)
    best = np.where(numbers.random(300) < 0.25, 1 - targets, targets)
    # the second makes every error of the first and a few more
    worse = np.where((best == targets) & (numbers.random(300) < 0.05), 1 - targets, best)
    guesses = np.stack([best, worse], axis=1).astype(np.int8)
    samples = resampled_scores(Resamples(range(300), count=1000, seed=0), targets, guesses, 2)["accuracy"]
    points = [float((guesses[:, column] == targets).mean()) for column in (0, 1)]
    same, other = paired_differences(points, samples, points[0], samples[:, 0], level=0.95, unit="image")
    assert np.quantile(samples[:, 1], 0.975) > np.quantile(samples[:, 0], 0.025)
    assert same.indistinguishable
    assert (same.interval.low, same.interval.high) == (0, 0)
    assert not other.indistinguishable
    assert other.interval.high < 0


def test_an_undefined_difference_tells_nothing_apart() -> None:
    samples = np.full((10, 1), np.nan, np.float32)
    difference = paired_differences([0.5], samples, 0.4, samples[:, 0], level=0.95, unit="image")[0]
    assert difference.indistinguishable
