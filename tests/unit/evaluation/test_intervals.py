import numpy as np
import pytest

from mammobench.core.metrics import confusion_matrix, scores_of_confusion
from mammobench.core.seeds import generator
from mammobench.evaluation.ends import standard_errors
from mammobench.evaluation.intervals import Interval, Resamples, resampled_recall, resampled_scores


def repeated(resamples: Resamples, row: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Write a resample out as image numbers, the slow and obvious way."""
    return np.repeat(np.arange(len(resamples.codes)), resamples.weights[row][resamples.codes])


def test_an_interval_shows_three_decimals() -> None:
    assert str(Interval(0.63, 0.7131, 0.783, 0.95, "bootstrap", "image")) == "0.713 [0.630, 0.783]"


def test_a_resample_draws_as_many_groups_as_there_are() -> None:
    resamples = Resamples([5, 5, 9, 9, 9, 2], count=50, seed=0)
    assert (resamples.weights.sum(axis=1) == 3).all()


def test_resamples_of_a_part_are_those_of_the_whole() -> None:
    groups = np.array([0, 0, 1, 2, 3, 3])
    resamples, mask = Resamples(groups, count=30, seed=0), np.array([1, 0, 0, 1, 1, 1], bool)
    part = resamples.of_part(mask)
    values = np.arange(6)[:, None]
    assert (part.totals(values[mask]) == resamples.totals(values * mask[:, None])).all()


def test_the_same_seed_draws_the_same_resamples() -> None:
    first, second, other = (Resamples(range(30), count=20, seed=seed) for seed in (0, 0, 1))
    assert (first.weights == second.weights).all()
    assert (first.weights != other.weights).any()


def test_images_of_a_group_are_drawn_together() -> None:
    resamples = Resamples([0, 0, 1, 1], count=30, seed=0)
    totals = resamples.totals(np.eye(4))
    assert (totals[:, 0] == totals[:, 1]).all()
    assert (totals[:, 2] == totals[:, 3]).all()


@pytest.mark.parametrize("classes", [2, 3])
def test_scores_of_each_resample_are_those_of_its_images_written_out(classes: int) -> None:
    numbers = generator(0, "test")
    targets, guesses = numbers.integers(0, classes, 40), numbers.integers(0, classes, (40, 3)).astype(np.int8)
    resamples = Resamples(np.arange(40) // 4, count=25, seed=0)
    result = resampled_scores(resamples, targets, guesses, classes)
    for row in range(25):
        images = repeated(resamples, row)
        for column in range(3):
            matrix = confusion_matrix(targets[images], guesses[images, column], classes)
            found = {name: float(values[row, column]) for name, values in result.items()}
            expected = {name: float(value) for name, value in scores_of_confusion(matrix).items()}
            assert found == pytest.approx(expected, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("classes", [2, 3])
def test_resamples_of_one_class_have_no_balanced_accuracy_or_mcc(classes: int) -> None:
    resamples = Resamples([0, 1], count=40, seed=0)
    result = resampled_scores(resamples, np.array([0, 1]), np.array([[0], [0]], np.int8), classes)
    both = (resamples.weights > 0).all(axis=1)
    assert (result["balanced_accuracy"][both] == 0.5).all()
    assert (result["mcc"][both] == 0).all()
    for metric in ("balanced_accuracy", "mcc"):
        assert np.isnan(result[metric][~both]).all()


def test_no_image_no_score() -> None:
    result = resampled_scores(Resamples([], count=3, seed=0), np.zeros(0, int), np.zeros((0, 2), np.int8), 2)
    assert all(values.shape == (3, 2) and np.isnan(values).all() for values in result.values())


def test_recall_of_a_subset_is_undefined_where_a_resample_has_none_of_it() -> None:
    resamples = Resamples([0, 1], count=40, seed=0)
    result = resampled_recall(resamples, np.array([True, False]), np.array([[1], [1]], np.int8))
    drawn = resamples.weights[:, 0] > 0
    assert (result[drawn] == 1).all()
    assert np.isnan(result[~drawn]).all()


def test_intervals_over_patients_are_wider_than_over_their_images() -> None:
    patients = np.repeat(np.arange(40), 5)
    targets = generator(0, "targets").integers(0, 2, 40)[patients]
    wrong = generator(0, "errors").random(40)[patients] < 0.3
    guesses = np.where(wrong, 1 - targets, targets).astype(np.int8)[:, None]
    widths = []
    for groups in (patients, np.arange(200)):
        samples = resampled_scores(Resamples(groups, count=500, seed=0), targets, guesses, 2)["accuracy"]
        widths.append(standard_errors(samples)[0])
    assert widths[0] > 1.5 * widths[1]
