import numpy as np
import pytest
from scipy import special
from sklearn.linear_model import LogisticRegression

from mammobench.core.seeds import generator
from mammobench.evaluation.calibration import calibration, calibration_points


def predictions(count: int) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float64]], ...]:
    numbers = generator(0, "calibration", count)
    logits = numbers.normal(-0.5, 1.2, count)
    return (numbers.random(count) < special.expit(logits)).astype(float), logits


def test_calibrated_probabilities_have_intercept_0_and_slope_1() -> None:
    truth, logits = predictions(200_000)
    found = calibration_points(truth, special.expit(logits))
    assert found["calibration_intercept"] == pytest.approx(0, abs=0.02)
    assert found["calibration_slope"] == pytest.approx(1, abs=0.02)


def test_the_slope_is_that_of_a_logistic_regression_and_the_intercept_that_with_an_offset() -> None:
    truth, logits = predictions(300)
    found = calibration_points(truth, special.expit(2 * logits + 1))
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
    model.fit((2 * logits + 1)[:, None], truth)
    assert found["calibration_slope"] == pytest.approx(model.coef_[0, 0], rel=1e-4)
    # at the maximum of the likelihood the mean probability is the share of positives
    shifted = special.expit(2 * logits + 1 + found["calibration_intercept"])
    assert shifted.mean() == pytest.approx(truth.mean(), abs=1e-8)


def test_too_extreme_probabilities_have_a_slope_below_1_and_too_low_ones_an_intercept_above_0() -> None:
    truth, logits = predictions(50_000)
    assert calibration_points(truth, special.expit(2 * logits))["calibration_slope"] == pytest.approx(
        0.5, abs=0.02
    )
    assert calibration_points(truth, special.expit(logits - 1))["calibration_intercept"] == pytest.approx(
        1, abs=0.05
    )


def test_copied_images_widen_nothing_but_count_as_one_group() -> None:
    truth, logits = predictions(150)
    groups = np.arange(150)
    once = calibration(truth, special.expit(logits)[:, None], groups, level=0.95)
    images = np.repeat(groups, 4)
    copied = calibration(truth[images], special.expit(logits[images])[:, None], groups[images], level=0.95)
    for metric, ends in once.items():
        assert np.array(copied[metric]) == pytest.approx(np.array(ends), rel=1e-6)


def test_undefined_where_one_class_is_there_or_probabilities_are_equal_or_separate() -> None:
    groups, truth = np.arange(6), np.array([0, 0, 0, 1, 1, 1])
    assert np.isnan(list(calibration_points(np.zeros(6), np.full(6, 0.3)).values())).all()
    equal = calibration_points(truth, np.full(6, 0.25))
    assert equal["calibration_intercept"] == pytest.approx(special.logit(0.5) - special.logit(0.25))
    assert np.isnan(equal["calibration_slope"])
    assert np.isnan(calibration_points(truth, np.linspace(0.1, 0.9, 6))["calibration_slope"])
    sure = calibration(truth, np.array([[0.0], [1.0], [0.0], [1.0], [0.0], [1.0]]), groups, level=0.95)
    assert np.isfinite(sure["calibration_slope"][0]).all()
