"""Losses of a whole batch: overlaps and the area under the ROC curve.

Sample weights count an example as so many; Keras would multiply the batch's one value by their mean.
"""

from abc import abstractmethod
from typing import Any

import keras
from keras import ops

from mammobench.core.aliases import Tensor

_SMALLEST = 1e-7


class BatchLoss(keras.losses.Loss):
    """Base of losses with one value per batch, in which sample weights are multiplicities."""

    @abstractmethod
    def batch(self, y_true: Tensor, y_pred: Tensor, weight: Tensor) -> Tensor:
        """Return the scalar loss of targets and probabilities (n, k) with weights (n, 1)."""

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> Tensor:
        """Return the scalar loss; `sample_weight` of shape (n,) or (n, 1) defaults to ones."""
        y_pred = ops.convert_to_tensor(y_pred, self.dtype)
        y_true = ops.convert_to_tensor(y_true, self.dtype)
        if sample_weight is None:
            weight = ops.ones_like(y_pred[:, :1])
        else:
            weight = ops.reshape(ops.convert_to_tensor(sample_weight, self.dtype), (-1, 1))
        return self.batch(y_true, y_pred, weight)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the scalar loss of equally weighted examples."""
        return self(y_true, y_pred)


@keras.saving.register_keras_serializable(package="mammobench")
class Tversky(BatchLoss):
    """Tversky loss of a batch, 1 - TP / (TP + a FP + b FN), averaged over classes.

    Salehi et al. 2017, "Tversky loss function for image segmentation using 3D fully convolutional deep
    networks". TP, FP and FN are sums of probabilities over the batch. Without sample weights it is
    `keras.losses.Tversky` over axis 0, whose own ``alpha`` weighs false negatives. For two classes only
    the positive class counts.

    Args:
        false_positives: Weight of false positives, 0 or more.
        false_negatives: Weight of false negatives, 0 or more.
        **kwargs: Keras's arguments of a loss.
    """

    def __init__(
        self,
        *,
        false_positives: float = 0.5,
        false_negatives: float = 0.5,
        name: str = "tversky",
        **kwargs: object,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.false_positives, self.false_negatives = false_positives, false_negatives

    def batch(self, y_true: Tensor, y_pred: Tensor, weight: Tensor) -> Tensor:
        """Return one minus the mean of the classes' Tversky indices."""
        hits = ops.sum(weight * y_true * y_pred, axis=0)
        false_positives = ops.sum(weight * (1 - y_true) * y_pred, axis=0)
        false_negatives = ops.sum(weight * y_true * (1 - y_pred), axis=0)
        errors = self.false_positives * false_positives + self.false_negatives * false_negatives
        return 1 - ops.mean(hits / (hits + errors + _SMALLEST))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {
            **super().get_config(),
            "false_positives": self.false_positives,
            "false_negatives": self.false_negatives,
        }


@keras.saving.register_keras_serializable(package="mammobench")
class Dice(BatchLoss):
    """Dice loss of a batch, 1 - 2 sum(y p) / (sum(y) + sum(p)), averaged over classes.

    Milletari et al. 2016, "V-Net". Without sample weights it is `keras.losses.Dice` over axis 0. For two
    classes only the positive class counts, which makes it one minus a soft F1.
    """

    def __init__(self, *, name: str = "dice", **kwargs: object) -> None:
        super().__init__(name=name, **kwargs)

    def batch(self, y_true: Tensor, y_pred: Tensor, weight: Tensor) -> Tensor:
        """Return one minus the mean of the classes' Dice coefficients."""
        overlap = ops.sum(weight * y_true * y_pred, axis=0)
        total = ops.sum(weight * (y_true + y_pred), axis=0)
        return 1 - ops.mean(2 * overlap / (total + _SMALLEST))


@keras.saving.register_keras_serializable(package="mammobench")
class AucMargin(BatchLoss):
    """AUC-margin loss: positives score above negatives by a margin, each class close together.

    Yuan et al. 2021, "Large-scale robust deep AUC maximization", divided by the prior's
    p (1 - p). Its saddle point over a, b and alpha has a closed form on a batch: a and b are the classes'
    mean scores and alpha = max(0, margin + b - a), which leaves
    ``var(positives) + var(negatives) + max(0, margin + b - a)^2``. The score is the probability, so that
    margins over 1 are never reached. A class that is missing from a batch drops out, and the margin with
    it. Weights common to a class cancel: the area under the curve does not see the prior.

    Args:
        margin: How far the mean scores should be apart, over 0.
        **kwargs: Keras's arguments of a loss.
    """

    def __init__(self, *, margin: float = 1.0, name: str = "auc_margin", **kwargs: object) -> None:
        super().__init__(name=name, **kwargs)
        self.margin = margin

    def batch(self, y_true: Tensor, y_pred: Tensor, weight: Tensor) -> Tensor:
        """Return both classes' variances plus the squared lack of margin."""
        positive_mean, positive_variance, positives = _moments(y_pred, weight * y_true)
        negative_mean, negative_variance, negatives = _moments(y_pred, weight * (1 - y_true))
        lack = ops.relu(self.margin + negative_mean - positive_mean)
        both = ops.cast(ops.logical_and(positives > 0, negatives > 0), y_pred.dtype)
        return positive_variance + negative_variance + both * lack**2

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "margin": self.margin}


def _moments(scores: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    total = ops.sum(weight)
    safe = ops.maximum(total, _SMALLEST)
    mean = ops.sum(weight * scores) / safe
    return mean, ops.sum(weight * (scores - mean) ** 2) / safe, total
