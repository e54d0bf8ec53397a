import numpy as np
import pytest

from mammobench.core.seeds import generator
from mammobench.data.splits.split import Split
from mammobench.evaluation.configurations import Configuration, compare_configurations
from mammobench.evaluation.intervals import Resamples
from mammobench.report.claims import groups_in_words
from tests.conftest import simulate_split


@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize(("images", "words"), [(18, "cautious"), (60, "fewer than 30"), (400, "test image")])
def test_the_number_of_groups_and_what_to_think_of_few(images: int, words: str, *, grouped: bool) -> None:
    # groups are of two images or more
    count = 2 * images if grouped else images
    split = simulate_split("malignancy", images=count, leaks=False, grouped=grouped, seed=0)
    (sentence,) = groups_in_words(split)
    assert words in sentence
    assert ("group" in sentence) is grouped
    assert sentence.count("image") == 1


def replicates(split: Split, seeds: int, spread: float, draw: int, name: str) -> Configuration:
    """Return replicates that differ by seed in how often they err, and by image."""
    numbers = generator(draw, "replicates", name)
    wrong = np.clip(0.25 + spread * numbers.normal(size=seeds), 0, 1)
    errs = numbers.random((len(split.test), seeds)) < wrong
    guesses = np.where(errs, 1 - split.test.targets[:, None], split.test.targets[:, None])
    return Configuration(1, name, guesses.astype(np.int8))


@pytest.mark.parametrize("spread", [0.0, 0.03])
def test_equally_good_configurations_are_seldom_called_different(spread: float) -> None:
    split = simulate_split("malignancy", images=600, leaks=False, grouped=False, seed=0)
    resamples, false = Resamples(split.test.groups, count=200, seed=0), []
    for draw in range(60):
        known = [replicates(split, 5, spread, draw, str(place)) for place in range(8)]
        found = compare_configurations(known[0], known[1:], split, resamples, level=0.95, unit="image")
        assert len(found) == 7
        false.append(any(each.p_adjusted < 0.05 for each in found))
    # 5 % of 60 studies and three standard errors
    assert np.mean(false) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)


def test_a_configuration_that_is_better_by_far_is_called_so_and_one_seed_compares_nothing() -> None:
    split = simulate_split("malignancy", images=600, leaks=False, grouped=False, seed=0)
    resamples = Resamples(split.test.groups, count=200, seed=0)
    worse = replicates(split, 5, 0.01, 0, "worse")
    perfect = Configuration(2, "perfect", np.repeat(split.test.targets[:, None], 5, axis=1).astype(np.int8))
    (found,) = compare_configurations(worse, [perfect], split, resamples, level=0.95, unit="image")
    assert found.verdict == "better"
    assert found.interval.low > 0
    once = Configuration(1, "once", worse.guesses[:, :1])
    assert compare_configurations(once, [perfect], split, resamples, level=0.95, unit="image") == ()
