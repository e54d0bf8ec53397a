import numpy as np
import pytest
from scipy import stats

from mammobench.core.seeds import generator
from mammobench.evaluation.ends import difference_ends, intervals, metric_ends, rarest_groups, standard_errors


def normal_samples(point: float, error: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    drawn = generator(0, "ends").normal(size=(4000, 1))
    samples: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = (drawn - drawn.mean()) / drawn.std(ddof=1)
    return point + error * samples


def test_the_rarest_class_decides_how_many_groups_count() -> None:
    targets, groups = np.array([1, 1, 0, 0, 1, 0]), np.array([3, 3, 3, 4, 5, 6])
    assert rarest_groups(targets, groups) == 2
    assert rarest_groups(np.zeros(0, int), np.zeros(0, int)) == 0


def test_a_share_of_many_independent_images_has_wilsons_interval() -> None:
    error = np.sqrt(0.8 * 0.2 / 50 * 49 / 50)
    low, high = metric_ends("accuracy", [0.8], normal_samples(0.8, error), groups=50, level=0.95)
    expected = stats.binomtest(40, 50).proportion_ci(method="wilson")
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize("metric", ["recall", "auroc"])
def test_a_perfect_score_in_every_resample_is_not_certain(metric: str) -> None:
    low, high = metric_ends(metric, [1.0], np.ones((100, 1)), groups=8, level=0.95)
    expected = stats.binomtest(8, 8).proportion_ci(method="wilson")
    assert (low[0], high[0]) == pytest.approx((expected.low, 1.0))
    low, high = metric_ends(metric, [0.0], np.zeros((100, 1)), groups=8, level=0.95)
    assert (low[0], high[0]) == pytest.approx((0.0, 1 - expected.low))


def test_few_groups_widen_intervals_and_without_any_there_are_none() -> None:
    samples = normal_samples(0.7, 0.05)
    widths = [np.ptp(metric_ends("auroc", [0.7], samples, groups=few, level=0.95)) for few in (5, 20, 500)]
    assert widths[0] > 1.3 * widths[1] > 1.3 * widths[2]
    for metric in ("f1", "auroc"):
        assert np.isnan(metric_ends(metric, [0.7], samples, groups=0, level=0.95)).all()
    assert np.isnan(difference_ends([0.7], samples, groups=0, level=0.95)).all()


def test_ends_stay_in_a_metrics_range() -> None:
    samples = normal_samples(0.97, 0.1)
    for metric, lowest in (("f1", 0.0), ("auroc", 0.0), ("mcc", -1.0)):
        for point in (0.97, 0.03 if lowest == 0 else -0.97):
            low, high = metric_ends(metric, [point], samples, groups=6, level=0.95)
            assert lowest <= low[0] < point < high[0] <= 1


def test_what_is_not_defined_has_no_ends() -> None:
    samples = np.full((20, 1), np.nan)
    assert np.isnan(standard_errors(samples)).all()
    assert np.isnan(standard_errors(np.empty((0, 1)))).all()
    for metric in ("f1", "auroc"):
        assert np.isnan(metric_ends(metric, [np.nan], samples, groups=9, level=0.95)).all()
    (found,) = intervals("difference", [np.nan], samples, groups=9, level=0.95, unit="image")
    assert np.isnan([found.low, found.point, found.high]).all()


def test_standard_errors_are_over_what_is_defined() -> None:
    samples = np.array([[1.0, np.nan], [np.nan, np.nan], [3.0, 2.0]])
    errors = standard_errors(samples)
    assert errors[0] == pytest.approx(np.sqrt(2))
    assert np.isnan(errors[1])


def test_an_interval_says_how_it_was_found() -> None:
    samples = normal_samples(0.7, 0.05)
    (share,) = intervals("f1", [0.7], samples, groups=9, level=0.95, unit="image")
    (area,) = intervals("auroc", [0.7], samples, groups=9, level=0.95, unit="image")
    assert share.method == "Wilson score interval, cluster bootstrap of 4000 resamples"
    assert area.method == "Student's t on the logit, cluster bootstrap of 4000 resamples"
