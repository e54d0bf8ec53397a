"""Losses by name, each of probabilities and with the same targets.

Targets are what the model puts out: float32 of shape (n, 1) holding 0 and 1 for two classes, one-hot of
shape (n, classes) for more (`encode_targets`). Class weights are sample weights (`class_weights`) and
work for every loss: pointwise losses are multiplied by them, losses of a whole batch weigh its examples.

Probabilities of exactly 0 and 1 give finite losses and gradients: logarithms and powers are taken at least
1e-7 away from them.
"""

import keras
import numpy as np

from mammobench.core.errors import ConfigError
from mammobench.core.metrics import BINARY
from mammobench.core.registry import resolve
from mammobench.models.batch_losses import Tversky
from mammobench.space.components import LOSSES
from mammobench.space.config import LossConfig

TWO_CLASSES_ONLY = frozenset(name for name, loss in LOSSES.items() if loss.where_of_many is None)
"""Losses that are defined for two classes."""


def encode_targets(targets: np.ndarray, classes: int) -> np.ndarray:
    """Turn class indices into what every loss of this module takes.

    Args:
        targets: Class per image, int64 of shape (n,), in [0, classes).
        classes: Number of classes.

    Returns:
        float32: shape (n, 1) with 0 and 1 for two classes, else one-hot of shape (n, classes).
    """
    if classes == BINARY:
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
    loss = LOSSES[config.name]
    where = loss.where if classes == BINARY else loss.where_of_many
    if where is None:
        raise ConfigError(
            "this loss is for two classes",
            where="loss.name",
            expected=f"one of {', '.join(name for name in LOSSES if name not in TWO_CLASSES_ONLY)}",
            found=f"{config.name} for {classes} classes",
        )
    arguments = {name: getattr(config, name) for name in loss.fields}
    if loss.takes_prior:
        arguments["prior"] = [float(share) for share in prior]
    return resolve(where)(**arguments)


def categorical_focal(*, gamma: float, label_smoothing: float) -> keras.losses.Loss:
    """Return Keras's focal loss of more than two classes, without its weight of 0.25 for each of them."""
    return keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=gamma, label_smoothing=label_smoothing)


def tversky(*, alpha: float, beta: float) -> keras.losses.Loss:
    """Return the Tversky loss whose `alpha` weighs false positives, as in its paper."""
    return Tversky(false_positives=alpha, false_negatives=beta)
