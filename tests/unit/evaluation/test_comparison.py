import numpy as np
import pytest

from mammobench.core.seeds import generator
from mammobench.evaluation.comparison import ALIKE, BETTER, WORSE, verdict_of
from mammobench.evaluation.ends import difference_ends
from mammobench.evaluation.intervals import Resamples, resampled_scores
from mammobench.evaluation.significance import difference_p


def test_pairing_finds_a_difference_that_separate_intervals_hide() -> None:
    numbers = generator(0, "test")
    targets = numbers.integers(0, 2, 300)
    best = np.where(numbers.random(300) < 0.25, 1 - targets, targets)
    # the second makes every error of the first and a few more
    worse = np.where((best == targets) & (numbers.random(300) < 0.05), 1 - targets, best)
    guesses = np.stack([best, worse], axis=1).astype(np.int8)
    samples = resampled_scores(Resamples(range(300), count=1000, seed=0), targets, guesses, 2)["accuracy"]
    points = (guesses == targets[:, None]).mean(axis=0)
    low, high = difference_ends(points - points[0], samples - samples[:, :1], groups=140, level=0.95)
    assert np.quantile(samples[:, 1], 0.975) > np.quantile(samples[:, 0], 0.025)
    assert (low[0], high[0]) == (0, 0)
    assert high[1] < 0


@pytest.mark.parametrize("point", [0.05, 0.09, 0.11, 0.3])
def test_an_interval_leaves_out_0_just_where_its_p_is_below_one_minus_its_level(point: float) -> None:
    samples = point + generator(0, "test").normal(0, 0.05, (500, 1))
    low, _ = difference_ends([point], samples, groups=20, level=0.95)
    p = difference_p(np.array([point]), samples.astype(np.float32), groups=20)
    assert (low[0] > 0) == (p[0] < 0.05)


def test_a_verdict_names_the_direction_and_is_none_where_nothing_is_defined() -> None:
    assert verdict_of(0.1, 0.049, 0.95) == BETTER
    assert verdict_of(-0.1, 0.049, 0.95) == WORSE
    assert verdict_of(-0.1, 0.051, 0.95) == ALIKE
    assert verdict_of(np.nan, np.nan, 0.95) is None
