"""Losses by name, each of probabilities and with the same targets.

Targets are what the model puts out: float32 of shape (n, 1) holding 0 and 1 for two classes, one-hot of
shape (n, classes) for more (`encode_targets`). Class weights are sample weights (`class_weights`) and
work for every loss: pointwise losses are multiplied by them, losses of a whole batch weigh its examples.

Probabilities of exactly 0 and 1 give finite losses and gradients: logarithms and powers are taken at least
1e-7 away from them.
"""

from collections.abc import Callable

import keras
import numpy as np

from mammobench.config import LossConfig, LossName
from mammobench.errors import ConfigError
from mammobench.models.batch_losses import AucMargin, Dice, Tversky
from mammobench.models.pointwise_losses import (
    Asymmetric,
    GeneralizedCrossentropy,
    HingeOfLogit,
    LogitAdjusted,
    SquaredHingeOfLogit,
)

TWO_CLASSES_ONLY: frozenset[LossName] = frozenset(
    {"binary_crossentropy", "binary_focal_crossentropy", "hinge", "squared_hinge", "asymmetric", "auc_margin"}
)
"""Losses that are defined for two classes."""

_LARGEST_Q = 1 - 1e-6  # Keras takes q below 1 only; at 1 the loss is the absolute error


def encode_targets(targets: np.ndarray, classes: int) -> np.ndarray:
    """Turn class indices into what every loss of this module takes.

    Args:
        targets: Class per image, int64 of shape (n,), in [0, classes).
        classes: Number of classes.

    Returns:
        float32: shape (n, 1) with 0 and 1 for two classes, else one-hot of shape (n, classes).
    """
    if classes == 2:  # noqa: PLR2004 - one output unit
        return targets.astype(np.float32)[:, None]
    one_hot: np.ndarray = np.eye(classes, dtype=np.float32)[targets]
    return one_hot


def class_weights(prior: np.ndarray, power: float) -> np.ndarray:
    """Return a weight per class, proportional to ``prior ** -power``.

    Power 0 weighs all alike, 1 gives every class the same total weight, and between them the weights are
    tempered. Weights are scaled so that their mean over the images is 1.

    Args:
        prior: Share of each class in the training images, shape (classes,).
        power: From 0 to 1.

    Returns:
        float64 of shape (classes,); 0 for a class that has no images.
    """
    prior = np.asarray(prior, dtype=np.float64)
    raw: np.ndarray = np.where(prior > 0, np.where(prior > 0, prior, 1.0) ** -power, 0.0)
    weights: np.ndarray = raw / float(prior @ raw) * float(prior.sum())
    return weights


def build_loss(config: LossConfig, *, classes: int, prior: np.ndarray) -> keras.losses.Loss:
    """Build a loss by name.

    Of two classes, the categorical losses are those of the two probabilities 1 - p and p (with smoothing,
    the focal one is Keras's binary focal loss, which also smooths its focusing). Hinge losses
    take the logit of p as the score, so that the decision lies at p = 0.5. ``class_weight`` is not part of
    the loss: give `class_weights` to training as sample weights.

    Args:
        config: The loss's name and hyperparameters.
        classes: Number of classes.
        prior: Share of each class in the training images, shape (classes,); logit adjustment uses it.

    Raises:
        ConfigError: For a loss of two classes and a task of more.
    """
    if classes > 2 and config.name in TWO_CLASSES_ONLY:  # noqa: PLR2004 - as the name says
        raise ConfigError(
            "this loss is for two classes",
            where="loss.name",
            expected="a categorical loss, dice, tversky or logit_adjusted",
            found=f"{config.name} for {classes} classes",
        )
    if config.name == "logit_adjusted":
        return LogitAdjusted(prior=[float(share) for share in prior], tau=config.tau)
    makers = _MAKERS if classes == 2 else _MAKERS | _MAKERS_OF_MANY  # noqa: PLR2004 - one output unit
    return makers[config.name](config)


def _binary_crossentropy(config: LossConfig) -> keras.losses.Loss:
    return keras.losses.BinaryCrossentropy(label_smoothing=config.label_smoothing)


def _binary_focal(config: LossConfig) -> keras.losses.Loss:
    return keras.losses.BinaryFocalCrossentropy(gamma=config.gamma, label_smoothing=config.label_smoothing)


def _asymmetric(config: LossConfig) -> keras.losses.Loss:
    return Asymmetric(
        gamma_positive=config.gamma_positive, gamma_negative=config.gamma_negative, clip=config.clip
    )


_MAKERS: dict[str, Callable[[LossConfig], keras.losses.Loss]] = {
    "binary_crossentropy": _binary_crossentropy,
    "categorical_crossentropy": _binary_crossentropy,
    "binary_focal_crossentropy": _binary_focal,
    "categorical_focal_crossentropy": _binary_focal,
    "categorical_generalized_crossentropy": lambda config: GeneralizedCrossentropy(
        q=min(config.q, _LARGEST_Q)
    ),
    "hinge": lambda _: HingeOfLogit(),
    "squared_hinge": lambda _: SquaredHingeOfLogit(),
    "dice": lambda _: Dice(),
    "tversky": lambda config: Tversky(false_positives=config.alpha, false_negatives=config.beta),
    "asymmetric": _asymmetric,
    "auc_margin": lambda config: AucMargin(margin=config.margin),
}

_MAKERS_OF_MANY: dict[str, Callable[[LossConfig], keras.losses.Loss]] = {
    "categorical_crossentropy": lambda config: keras.losses.CategoricalCrossentropy(
        label_smoothing=config.label_smoothing
    ),
    "categorical_focal_crossentropy": lambda config: keras.losses.CategoricalFocalCrossentropy(
        alpha=1.0, gamma=config.gamma, label_smoothing=config.label_smoothing
    ),
}
