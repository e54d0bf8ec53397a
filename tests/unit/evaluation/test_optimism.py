import numpy as np
import numpy.typing as npt
import pytest

from mammobench.core.seeds import generator
from mammobench.evaluation.intervals import Resamples, resampled_scores
from mammobench.evaluation.optimism import corrected_best

CONFIGURATIONS, CROPS, DRAWS = 100, 3, 40
Guesses = npt.NDArray[np.int8]


def equal_configurations(
    images: int, draw: int
) -> tuple[npt.NDArray[np.int64], Guesses, npt.NDArray[np.int64]]:
    """Return targets, guesses and patients of configurations that are all right equally often.

    A patient is hard or easy for all, and each configuration errs by patient and by image besides.
    """
    numbers = generator(draw, "equal", images)
    patients = np.arange(images) // CROPS
    targets = (numbers.random(patients.max() + 1) < 0.4)[patients].astype(np.int64)
    shape = (images, CONFIGURATIONS)
    hard = numbers.normal(size=patients.max() + 1)[patients][:, None]
    own = numbers.normal(size=(patients.max() + 1, CONFIGURATIONS))[patients]
    wrong = 0.5 * hard + 0.6 * own + 0.6 * numbers.normal(size=shape) > 0.65
    return targets, np.where(wrong, 1 - targets[:, None], targets[:, None]).astype(np.int8), patients


@pytest.mark.parametrize("images", [378, 704])
def test_four_fifths_of_the_best_of_a_hundred_equal_ones_luck_are_taken_away(images: int) -> None:
    naive, corrected, truth = [], [], []
    for draw in range(DRAWS):
        targets, guesses, patients = equal_configurations(images, draw)
        resamples = Resamples(patients, count=100, seed=draw)
        samples = resampled_scores(resamples, targets, guesses, 2)["f1"]
        points = resampled_scores(Resamples.once(images), targets, guesses, 2)["f1"][0]
        found = corrected_best(
            resamples, targets, guesses, samples, classes=2, level=0.95, unit="patient or lesion group"
        )
        naive.append(points.max())
        corrected.append(found.point)
        # all are equal, so that their mean over many draws is the score of each
        truth.append(points.mean())
    planted = np.mean(naive) - np.mean(truth)
    left = np.mean(corrected) - np.mean(truth)
    print(f"n = {images}: planted {100 * planted:.1f} points, {100 * left:.2f} left")
    assert planted > 0.03
    assert abs(left) < 0.2 * planted


def test_a_configuration_that_is_best_by_far_loses_next_to_nothing() -> None:
    numbers = generator(0, "test")
    targets = numbers.integers(0, 2, 600)
    wrong = numbers.random((600, 10)) < np.r_[0.05, np.full(9, 0.4)]
    guesses = np.where(wrong, 1 - targets[:, None], targets[:, None]).astype(np.int8)
    resamples = Resamples(range(600), count=400, seed=0)
    samples = resampled_scores(resamples, targets, guesses, 2)["f1"]
    found = corrected_best(resamples, targets, guesses, samples, classes=2, level=0.95, unit="image")
    point = resampled_scores(Resamples.once(600), targets, guesses[:, :1], 2)["f1"][0, 0]
    assert found.point == pytest.approx(point, abs=0.005)
    assert found.low < found.point < found.high
    assert found.method == "bootstrap bias correction, 400 resamples"


def test_without_positive_images_nothing_is_corrected() -> None:
    targets, guesses = np.zeros(9, np.int64), np.zeros((9, 2), np.int8)
    resamples = Resamples(range(9), count=20, seed=0)
    samples = resampled_scores(resamples, targets, guesses, 2)["f1"]
    found = corrected_best(resamples, targets, guesses, samples, classes=2, level=0.95, unit="image")
    assert np.isnan([found.low, found.point, found.high]).all()
