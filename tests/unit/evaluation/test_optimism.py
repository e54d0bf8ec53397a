import numpy as np
import numpy.typing as npt
import pytest

from mammobench.core.seeds import generator
from mammobench.evaluation.ends import rarest_groups
from mammobench.evaluation.intervals import Interval, Resamples, resampled_scores
from mammobench.evaluation.optimism import corrected_best

CROPS, MANY = 3, 900_000
ERRORS = 0.4
Guesses = npt.NDArray[np.int8]


def study(
    images: int, count: int, draw: int, *, spread: bool, correlation: float
) -> tuple[npt.NDArray[np.int64], Guesses, npt.NDArray[np.int64]]:
    """Return targets, guesses and patients of models that are equally good, or whose errors differ evenly.

    A patient is hard or easy for all models in part (`correlation`), and each errs by image besides.
    """
    numbers = generator(draw, "study", images, count)
    patients = np.arange(images) // CROPS
    people = int(patients[-1]) + 1
    targets = (numbers.random(people) < ERRORS)[patients].astype(np.int64)
    hard, own = numbers.normal(size=(people, 1)), numbers.normal(size=(people, count))
    trouble = np.sqrt(correlation) * hard + np.sqrt(1 - correlation) * own
    noise = np.sqrt(correlation) * numbers.normal(size=(images, 1))
    noise = noise + np.sqrt(1 - correlation) * numbers.normal(size=(images, count))
    wrong = 0.7 * trouble[patients] + 0.7 * noise > 0.6 + skills(count, spread=spread)
    return targets, np.where(wrong, 1 - targets[:, None], targets[:, None]).astype(np.int8), patients


def skills(count: int, *, spread: bool) -> npt.NDArray[np.float64]:
    return np.linspace(-0.25, 0.25, count) if spread else np.zeros(count)


def true_scores(count: int, *, spread: bool) -> npt.NDArray[np.float64]:
    """Return the F1 of each model on all the images that there could be."""
    from scipy import stats  # noqa: PLC0415 - of this function alone

    wrong = stats.norm.sf((0.6 + skills(count, spread=spread)) / np.hypot(0.7, 0.7))
    hits = ERRORS * (1 - wrong)
    scores: npt.NDArray[np.float64] = 2 * hits / (2 * hits + ERRORS * wrong + (1 - ERRORS) * wrong)
    return scores


def correct(
    targets: npt.NDArray[np.int64], guesses: Guesses, patients: npt.NDArray[np.int64], count: int = 200
) -> tuple[npt.NDArray[np.float64], Interval]:
    drawn = Resamples(patients, count=count, seed=0)
    samples = resampled_scores(drawn, targets, guesses, 2)["f1"]
    points = resampled_scores(Resamples.once(len(targets)), targets, guesses, 2)["f1"][0].astype(np.float64)
    groups = rarest_groups(targets, patients)
    return points, corrected_best(points, samples, groups=groups, level=0.95, unit="image")


def bias_and_coverage(
    count: int, draws: int, *, spread: bool, correlation: float, images: int = 600
) -> tuple[float, float, float]:
    """Return the bias of the best score, of the corrected one, and how often its interval holds the truth."""
    truth = true_scores(count, spread=spread)
    naive, corrected, held = [], [], []
    for draw in range(draws):
        points, found = correct(*study(images, count, draw, spread=spread, correlation=correlation))
        best = truth[int(points.argmax())]
        naive.append(points.max() - best)
        corrected.append(found.point - best)
        held.append(found.low <= best <= found.high)
    return float(np.mean(naive)), float(np.mean(corrected)), float(np.mean(held))


@pytest.mark.parametrize("spread", [False, True])
@pytest.mark.parametrize("count", [5, 40])
def test_the_best_score_is_corrected_without_bias(count: int, *, spread: bool) -> None:
    naive, corrected, held = bias_and_coverage(count, 80, spread=spread, correlation=0.5)
    print(count, spread, naive, corrected, held)
    # three standard errors of a mean over 80 studies
    assert abs(corrected) < 0.01 + 3 * 0.03 / np.sqrt(80)
    assert naive > corrected + 0.003
    assert held > 0.85


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("spread", [False, True])
@pytest.mark.parametrize("count", [5, 40, 200, 1000])
def test_bias_and_coverage_of_the_corrected_best(count: int, correlation: float, *, spread: bool) -> None:
    draws = {5: 600, 40: 400, 200: 200, 1000: 100}[count]
    naive, corrected, held = bias_and_coverage(count, draws, spread=spread, correlation=correlation)
    kind = "spread" if spread else "equal"
    print(f"K = {count}, {kind}, correlation {correlation}: naive {naive:+.3f}, corrected {corrected:+.3f}, "
          f"interval holds {100 * held:.1f} %")  # fmt: skip
    assert abs(corrected) <= 0.01 + 2 * 0.03 / np.sqrt(draws)
    assert held >= 0.93 - 2.5 * np.sqrt(0.05 * 0.95 / draws)


def test_a_model_that_is_best_by_far_loses_next_to_nothing() -> None:
    numbers = generator(0, "test")
    targets = numbers.integers(0, 2, 600)
    wrong = numbers.random((600, 10)) < np.r_[0.05, np.full(9, 0.4)]
    guesses = np.where(wrong, 1 - targets[:, None], targets[:, None]).astype(np.int8)
    points, found = correct(targets, guesses, np.arange(600), count=400)
    assert found.point == pytest.approx(points.max(), abs=0.005)
    assert found.low < found.point < found.high
    assert found.method == "empirical Bayes correction, 400 resamples"


def test_failed_trainings_do_not_hide_the_selection_bias_of_the_others() -> None:
    left = []
    for draw in range(40):
        targets, guesses, patients = study(600, 40, draw, spread=False, correlation=0.5)
        guesses[:, 20:] = (generator(draw, "failed").random((600, 20)) < 0.05).astype(np.int8)
        _, found = correct(targets, guesses, patients)
        left.append(found.point - true_scores(1, spread=False)[0])
    assert abs(np.mean(left)) < 0.01 + 3 * 0.03 / np.sqrt(40)


def test_without_positive_images_or_with_one_model_nothing_is_corrected() -> None:
    for targets, count in ((np.zeros(9, np.int64), 2), (np.arange(9) % 2, 1)):
        _, found = correct(targets, np.zeros((9, count), np.int8), np.arange(9), count=20)
        assert np.isnan([found.low, found.point, found.high]).all()
