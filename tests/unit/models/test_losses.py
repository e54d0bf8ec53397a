"""Hand-computed values: the arithmetic stands in the tests."""

from math import log
from typing import Any

import keras
import numpy as np
import pytest

from mammobench.core.errors import ConfigError
from mammobench.models.losses import build_loss, class_weights, encode_targets
from mammobench.space.config import LossConfig

HALVES = np.array([0.5, 0.5])


def loss(
    name: str,
    targets: list[int],
    probabilities: Any,
    *,
    classes: int = 2,
    prior: np.ndarray = HALVES,
    weights: Any = None,
    **settings: Any,
) -> float:
    config = LossConfig.model_validate({"name": name, **settings})
    y = encode_targets(np.array(targets, dtype=np.int64), classes)
    p = np.asarray(probabilities, dtype="float32").reshape(len(targets), -1)
    weights = None if weights is None else np.asarray(weights, dtype="float32")
    return float(build_loss(config, classes=classes, prior=prior)(y, p, sample_weight=weights))


def test_targets_are_a_column_for_two_classes_and_one_hot_for_more() -> None:
    np.testing.assert_array_equal(encode_targets(np.array([0, 1]), 2), np.array([[0], [1]], np.float32))
    encoded = encode_targets(np.array([2, 0]), 3)
    np.testing.assert_array_equal(encoded, np.array([[0, 0, 1], [1, 0, 0]], np.float32))
    assert encoded.dtype == np.float32


@pytest.mark.parametrize(
    ("power", "expected"),
    [(0.0, [1.0, 1.0]), (1.0, [0.625, 2.5]), (0.5, [1.118034 / 1.3416408, 2.236068 / 1.3416408])],
)
def test_class_weights_follow_the_prior(power: float, expected: list[float]) -> None:
    prior = np.array([0.8, 0.2])
    weights = class_weights(prior, power)
    assert weights == pytest.approx(expected, rel=1e-6)
    assert prior @ weights == pytest.approx(1.0)


def test_a_class_without_images_weighs_nothing() -> None:
    assert class_weights(np.array([0.75, 0.25, 0.0]), 1.0) == pytest.approx([2 / 3, 2.0, 0.0])


def test_crossentropy_with_smoothing() -> None:
    assert loss("binary_crossentropy", [1, 0], [0.8, 0.3]) == pytest.approx(
        -(log(0.8) + log(0.7)) / 2, rel=1e-5
    )
    smooth = loss("binary_crossentropy", [1], [0.8], label_smoothing=0.2)
    assert smooth == pytest.approx(-(0.9 * log(0.8) + 0.1 * log(0.2)), rel=1e-5)


def test_focal_loss_is_weighted_by_the_error() -> None:
    expected = -(0.2**2) * log(0.8)
    assert loss("binary_focal_crossentropy", [1], [0.8], gamma=2.0) == pytest.approx(expected, rel=1e-4)
    many = loss("categorical_focal_crossentropy", [1], [0.1, 0.8, 0.1], classes=3, gamma=2.0)
    assert many == pytest.approx(expected, rel=1e-4)


def test_categorical_losses_of_two_classes_are_those_of_both_probabilities() -> None:
    targets, p = [1, 0, 1], [0.9, 0.4, 0.2]
    one_hot = encode_targets(np.array(targets), 3)[:, :2]
    columns = np.array([[0.1, 0.9], [0.6, 0.4], [0.8, 0.2]], "float32")
    smooth = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)(one_hot, columns)
    found = loss("categorical_crossentropy", targets, p, label_smoothing=0.1)
    assert found == pytest.approx(float(smooth), rel=1e-5)
    focal = keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=1.5)(one_hot, columns)
    found = loss("categorical_focal_crossentropy", targets, p, gamma=1.5)
    assert found == pytest.approx(float(focal), rel=1e-5)


def test_generalised_crossentropy() -> None:
    expected = ((1 - 0.8**0.7) / 0.7 + (1 - 0.6**0.7) / 0.7) / 2
    name = "categorical_generalized_crossentropy"
    assert loss(name, [1, 0], [0.8, 0.4], q=0.7) == pytest.approx(expected, rel=1e-5)
    many = loss(name, [1, 2], [[0.1, 0.8, 0.1], [0.2, 0.2, 0.6]], classes=3, q=0.7)
    assert many == pytest.approx(expected, rel=1e-5)
    assert loss(name, [1], [0.8], q=1.0) == pytest.approx(0.2, rel=1e-4)


def test_hinge_takes_the_logit_as_the_score() -> None:
    score = log(0.6 / 0.4)
    assert loss("hinge", [1, 0], [0.6, 0.6]) == pytest.approx((1 - score + 1 + score) / 2, rel=1e-5)
    assert loss("hinge", [1], [0.6]) == pytest.approx(1 - score, rel=1e-5)
    assert loss("hinge", [0], [0.2]) == 0.0
    assert loss("squared_hinge", [0], [0.6]) == pytest.approx((1 + score) ** 2, rel=1e-5)


def test_dice_and_tversky_are_keras_own_without_weights() -> None:
    targets, p = [1, 0, 1, 0], np.array([[0.9], [0.4], [0.3], [0.1]], "float32")
    y = encode_targets(np.array(targets), 2)
    assert loss("dice", targets, p) == pytest.approx(float(keras.losses.Dice()(y, p)), rel=1e-6)
    # Keras's alpha weighs false negatives, whatever its documentation says.
    expected = float(keras.losses.Tversky(alpha=0.7, beta=0.3)(y, p))
    assert loss("tversky", targets, p, alpha=0.3, beta=0.7) == pytest.approx(expected, rel=1e-6)


def test_dice_and_tversky_by_hand() -> None:
    # hits 0.9 + 0.3, false positives 0.4 + 0.1, false negatives 0.1 + 0.7
    targets, p = [1, 0, 1, 0], [0.9, 0.4, 0.3, 0.1]
    assert loss("dice", targets, p) == pytest.approx(1 - 2 * 1.2 / (2 + 1.7), rel=1e-6)
    assert loss("tversky", targets, p, alpha=0.3, beta=0.7) == pytest.approx(
        1 - 1.2 / (1.2 + 0.3 * 0.5 + 0.7 * 0.8), rel=1e-6
    )


def test_dice_of_more_classes_is_the_mean_over_classes() -> None:
    p = [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6]]
    by_class = [2 * 0.7 / (1 + 1.0), 2 * 0.6 / (1 + 1.0), 2 * 0.6 / (1 + 1.0)]
    assert loss("dice", [0, 1, 2], p, classes=3) == pytest.approx(1 - sum(by_class) / 3, rel=1e-5)


@pytest.mark.parametrize("name", ["dice", "tversky", "auc_margin"])
def test_weights_of_batch_losses_count_an_example_as_many(name: str) -> None:
    weighted = loss(name, [1, 1, 0, 0], [0.9, 0.3, 0.4, 0.1], weights=[1, 2, 3, 1])
    repeated = loss(name, [1, 1, 1, 0, 0, 0, 0], [0.9, 0.3, 0.3, 0.4, 0.4, 0.4, 0.1])
    assert weighted == pytest.approx(repeated, rel=1e-5)
    assert weighted != pytest.approx(loss(name, [1, 1, 0, 0], [0.9, 0.3, 0.4, 0.1]), rel=1e-3)


@pytest.mark.parametrize("name", ["binary_crossentropy", "asymmetric", "logit_adjusted", "hinge"])
def test_weights_of_pointwise_losses_multiply(name: str) -> None:
    weighted = loss(name, [1, 0], [0.6, 0.4], weights=[3, 0])
    assert weighted == pytest.approx(3 * loss(name, [1], [0.6]) / 2, rel=1e-5)


def test_asymmetric_loss_by_hand() -> None:
    settings: dict[str, Any] = {"gamma_positive": 1.0, "gamma_negative": 4.0, "clip": 0.05}
    assert loss("asymmetric", [1], [0.8], **settings) == pytest.approx(-0.2 * log(0.8), rel=1e-5)
    assert loss("asymmetric", [0], [0.45], **settings) == pytest.approx(-(0.4**4) * log(0.6), rel=1e-5)
    assert loss("asymmetric", [0], [0.04], **settings) == pytest.approx(0.0, abs=1e-12)


def test_asymmetric_loss_without_focusing_is_crossentropy() -> None:
    settings: dict[str, Any] = {"gamma_positive": 0.0, "gamma_negative": 0.0, "clip": 0.0}
    targets, p = [1, 0, 0], [0.7, 0.2, 0.9]
    plain = loss("binary_crossentropy", targets, p)
    assert loss("asymmetric", targets, p, **settings) == pytest.approx(plain, rel=1e-5)


def test_logit_adjustment_by_hand() -> None:
    prior = np.array([0.8, 0.2])
    # logit(0.6) + 2 log(0.2 / 0.8) = log(1.5 / 16)
    adjusted = (1.5 / 16) / (1 + 1.5 / 16)
    assert loss("logit_adjusted", [1], [0.6], prior=prior, tau=2.0) == pytest.approx(-log(adjusted), rel=1e-5)
    assert loss("logit_adjusted", [0], [0.6], prior=prior, tau=2.0) == pytest.approx(
        -log(1 - adjusted), rel=1e-4
    )
    many = loss("logit_adjusted", [2], [0.5, 0.3, 0.2], classes=3, prior=np.array([0.6, 0.3, 0.1]))
    assert many == pytest.approx(-log(0.02 / (0.3 + 0.09 + 0.02)), rel=1e-5)


def test_logit_adjustment_without_strength_is_crossentropy() -> None:
    targets, p, prior = [1, 0], [0.7, 0.2], np.array([0.9, 0.1])
    plain = loss("binary_crossentropy", targets, p)
    assert loss("logit_adjusted", targets, p, prior=prior, tau=0.0) == pytest.approx(plain, rel=1e-5)


def test_auc_margin_by_hand() -> None:
    # positives 0.9 and 0.5: mean 0.7, variance 0.04; negatives 0.4 and 0.2: mean 0.3, variance 0.01
    targets, p = [1, 1, 0, 0], [0.9, 0.5, 0.4, 0.2]
    assert loss("auc_margin", targets, p, margin=1.0) == pytest.approx(0.05 + 0.6**2, rel=1e-5)
    assert loss("auc_margin", targets, p, margin=0.3) == pytest.approx(0.05, rel=1e-5)


def test_auc_margin_is_the_saddle_point_of_the_paper() -> None:
    y, h, margin = np.array([1, 1, 0, 0, 0]), np.array([0.9, 0.5, 0.4, 0.2, 0.7]), 1.0
    a, b, prior = h[y == 1].mean(), h[y == 0].mean(), y.mean()
    alpha = max(0.0, margin + b - a)
    terms = (
        (1 - prior) * (h - a) ** 2 * y + prior * (h - b) ** 2 * (1 - y)
        + 2 * alpha * (prior * (1 - prior) * margin + prior * h * (1 - y) - (1 - prior) * h * y)
        - prior * (1 - prior) * alpha**2
    )  # fmt: skip
    expected = terms.mean() / (prior * (1 - prior))
    assert loss("auc_margin", list(y), h, margin=margin) == pytest.approx(expected, rel=1e-5)


def test_auc_margin_of_one_class_is_its_variance() -> None:
    assert loss("auc_margin", [0, 0], [0.4, 0.2]) == pytest.approx(0.01, rel=1e-5)


def test_a_loss_of_two_classes_is_refused_for_five() -> None:
    with pytest.raises(ConfigError, match="hinge for 5 classes"):
        build_loss(LossConfig(name="hinge"), classes=5, prior=np.full(5, 0.2))
