"""Losses of single examples that Keras lacks, or that need more than a probability to be Keras's."""

from typing import Any

import keras
from keras import ops

from mammobench.core.aliases import Tensor

_SMALLEST = 1e-7
_SMALLEST_SHARE = 1e-6
_LARGEST_Q = 1 - 1e-6  # Keras takes q below 1 only


def _inside(p: Tensor) -> Tensor:
    return ops.clip(p, _SMALLEST, 1 - _SMALLEST)


def _logit(p: Tensor) -> Tensor:
    p = _inside(p)
    return ops.log(p) - ops.log1p(-p)


@keras.saving.register_keras_serializable(package="mammobench")
class HingeOfLogit(keras.losses.Hinge):
    """Keras's hinge loss of the logit of a probability: max(0, 1 - (2y - 1) logit(p)).

    Targets are 0 and 1, targets and probabilities of shape (n, 1).
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return one loss per example, shape (n,)."""
        return super().call(y_true, _logit(y_pred))


@keras.saving.register_keras_serializable(package="mammobench")
class SquaredHingeOfLogit(keras.losses.SquaredHinge):
    """Keras's squared hinge loss of the logit of a probability: max(0, 1 - (2y - 1) logit(p))^2.

    Targets are 0 and 1, targets and probabilities of shape (n, 1).
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return one loss per example, shape (n,)."""
        return super().call(y_true, _logit(y_pred))


@keras.saving.register_keras_serializable(package="mammobench")
class GeneralizedCrossentropy(keras.losses.CategoricalGeneralizedCrossEntropy):
    """Keras's generalised cross-entropy, (1 - p_y ** q) / q, of this package's targets.

    Zhang and Sabuncu 2018, "Generalized cross entropy loss for training deep neural networks with noisy
    labels". Near q = 0 it is cross-entropy, near q = 1 the absolute error. Targets are of shape (n, 1) for
    two classes and one-hot otherwise.

    Args:
        q: Robustness to wrong labels, in (0, 1]; 1 counts as 1 - 1e-6.
        **kwargs: Keras's arguments of a loss.
    """

    def __init__(self, *, q: float = 0.5, **kwargs: object) -> None:
        super().__init__(q=min(q, _LARGEST_Q), **kwargs)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return one loss per example, shape (n,)."""
        if y_pred.shape[-1] == 1:
            y_pred = ops.concatenate([1 - y_pred, y_pred], axis=-1)
            labels = y_true[:, 0]
        else:
            labels = ops.argmax(y_true, axis=-1)
        return super().call(labels, _inside(y_pred))


@keras.saving.register_keras_serializable(package="mammobench")
class Asymmetric(keras.losses.Loss):
    """Focal loss that forgives easy negatives more than easy positives.

    Ridnik et al. 2021, "Asymmetric loss for multi-label classification":
    ``-(1 - p)^gamma_positive log(p)`` for positives and ``-p_m^gamma_negative log(1 - p_m)`` for
    negatives, with the shifted probability p_m = max(p - clip, 0). Targets are 0 and 1, targets and
    probabilities of shape (n, 1).

    Args:
        gamma_positive: Focusing of positives, 0 or more.
        gamma_negative: Focusing of negatives, 0 or more.
        clip: Probability under which a negative costs nothing, in [0, 1).
        **kwargs: Keras's arguments of a loss.
    """

    def __init__(
        self,
        *,
        gamma_positive: float = 0.0,
        gamma_negative: float = 4.0,
        clip: float = 0.05,
        name: str = "asymmetric",
        **kwargs: object,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.gamma_positive, self.gamma_negative, self.clip = gamma_positive, gamma_negative, clip

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return one loss per example, shape (n,)."""
        p = _inside(y_pred)
        shifted = _inside(y_pred - self.clip)
        positive = (1 - p) ** self.gamma_positive * ops.log(p)
        negative = shifted**self.gamma_negative * ops.log1p(-shifted)
        return -ops.mean(y_true * positive + (1 - y_true) * negative, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {
            **super().get_config(),
            "gamma_positive": self.gamma_positive,
            "gamma_negative": self.gamma_negative,
            "clip": self.clip,
        }


@keras.saving.register_keras_serializable(package="mammobench")
class LogitAdjusted(keras.losses.Loss):
    """Cross-entropy of logits shifted by the prior, so that rare classes get a wider margin.

    Menon et al. 2021, "Long-tail learning via logit adjustment": the cross-entropy of
    ``f_y + tau log(prior_y)``. With tau = 1 the unshifted outputs rank by balanced error. Targets and
    probabilities are of shape (n, 1) for two classes and (n, classes) otherwise.

    Args:
        prior: Share of each class in training; shares under 1e-6 count as 1e-6.
        tau: Strength, 0 or more; 0 is plain cross-entropy.
        **kwargs: Keras's arguments of a loss.
    """

    def __init__(
        self,
        *,
        prior: list[float],
        tau: float = 1.0,
        name: str = "logit_adjusted",
        **kwargs: object,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.prior, self.tau = prior, tau

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return one loss per example, shape (n,)."""
        shift = self.tau * ops.log(
            ops.maximum(ops.convert_to_tensor(self.prior, y_pred.dtype), _SMALLEST_SHARE)
        )
        if y_pred.shape[-1] == 1:
            score = _logit(y_pred) + shift[1] - shift[0]
            return ops.mean(ops.softplus(score) - y_true * score, axis=-1)
        return -ops.sum(y_true * ops.log_softmax(ops.log(_inside(y_pred)) + shift, axis=-1), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "prior": self.prior, "tau": self.tau}
