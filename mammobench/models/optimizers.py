"""Optimizers and learning-rate schedules by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras

from mammobench.core.aliases import Tensor
from mammobench.core.registry import resolve
from mammobench.space.components import OPTIMIZERS
from mammobench.space.config import OptimizerConfig

_LAST_SHARE = 0.01


@keras.saving.register_keras_serializable(package="mammobench")
class Warmup(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that rises linearly to its target before it starts (Goyal et al. 2017).

    Step s of the first `steps` (from 0) has the rate ``(s + 1) / steps`` times the target's first rate;
    the target's own count starts when the rise is over.

    Args:
        target: A schedule, or a constant rate.
        steps: Length of the rise, 1 or more.
    """

    def __init__(self, target: keras.optimizers.schedules.LearningRateSchedule | float, steps: int) -> None:
        self.target, self.steps = target, steps

    def __call__(self, step: Tensor) -> Tensor:
        """Return the rate of a step."""
        step = keras.ops.cast(step, "float32")
        after = self._rate(keras.ops.maximum(step - self.steps, 0.0))
        return after * keras.ops.minimum((step + 1.0) / self.steps, 1.0)

    def _rate(self, step: Tensor) -> Tensor:
        return self.target(step) if callable(self.target) else self.target

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"target": keras.saving.serialize_keras_object(self.target), "steps": self.steps}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Warmup":
        """Return the schedule that `get_config` described."""
        return cls(keras.saving.deserialize_keras_object(config["target"]), config["steps"])


@dataclass(frozen=True)
class Plateau:
    """Lowers the learning rate while the objective stands still; the schedule ``plateau``.

    It has no state of its own: the factor follows from the objective's history, so that a resumed trial
    goes on as if it had never stopped.

    Attributes:
        direction: Whether a better objective is larger or smaller.
        patience: Epochs without a better objective before the rate falls.
        factor: What the rate is multiplied by each time.
        smallest: The factor's lower end.
        warmup_epochs: Epochs over which the rate rises linearly first; they never lower it.
    """

    direction: Literal["maximize", "minimize"] = "maximize"
    patience: int = 4
    factor: float = 0.5
    smallest: float = 1e-3
    warmup_epochs: int = 0

    def rate_after(self, objective_history: Sequence[float]) -> float:
        """Return the factor on the first rate for the epoch after those of the history.

        Args:
            objective_history: The objective after each epoch so far, oldest first. NaN is no improvement.
        """
        done = len(objective_history)
        if done < self.warmup_epochs:
            return (done + 1) / self.warmup_epochs
        sign = 1.0 if self.direction == "maximize" else -1.0
        best, waited, factor = -float("inf"), 0, 1.0
        for epoch, objective in enumerate(objective_history):
            if sign * objective > best:
                best, waited = sign * objective, 0
            elif epoch >= self.warmup_epochs:
                waited += 1
                if waited >= self.patience:
                    factor, waited = factor * self.factor, 0
        return max(factor, self.smallest)


def build_optimizer(
    config: OptimizerConfig, *, steps_per_epoch: int, max_epochs: int
) -> keras.optimizers.Optimizer:
    """Build an optimizer with its schedule.

    ``cosine`` falls to zero (Loshchilov and Hutter 2017) and ``exponential`` to a hundredth of the rate
    over the epochs after the warm-up. ``plateau`` leaves a plain rate, which the training loop sets at the
    end of each epoch from `Plateau`. Weight decay is decoupled for every optimizer. Keras's Muon
    orthogonalises the matrices of hidden dense layers and treats all else as AdamW does.

    Args:
        config: Name, rate, schedule and the rest.
        steps_per_epoch: Batches an epoch.
        max_epochs: Epochs that the schedule spans.
    """
    optimizer = OPTIMIZERS[config.name]
    return resolve(optimizer.where)(
        learning_rate=learning_rate(config, steps_per_epoch=steps_per_epoch, max_epochs=max_epochs),
        weight_decay=config.weight_decay,
        global_clipnorm=config.clip_norm or None,
        **{name: getattr(config, name) for name in optimizer.fields},
    )


def muon(*, weight_decay: float, **options: object) -> keras.optimizers.Optimizer:
    """Return Keras's Muon: one weight decay for all weights, AdamW for the layer of the probability."""
    return keras.optimizers.Muon(
        weight_decay=weight_decay, adam_weight_decay=weight_decay, exclude_layers=["probability"], **options
    )


def learning_rate(
    config: OptimizerConfig, *, steps_per_epoch: int, max_epochs: int
) -> keras.optimizers.schedules.LearningRateSchedule | float:
    """Return the schedule of an optimizer, or a number where the rate does not follow from the step.

    See `build_optimizer` for the arguments.
    """
    warmup = config.warmup_epochs * steps_per_epoch
    span = max(1, max_epochs * steps_per_epoch - warmup)
    rate: keras.optimizers.schedules.LearningRateSchedule | float = config.learning_rate
    match config.schedule:
        case "plateau":
            return rate
        case "cosine":
            rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, span)
        case "exponential":
            rate = keras.optimizers.schedules.ExponentialDecay(config.learning_rate, span, _LAST_SHARE)
    return Warmup(rate, warmup) if warmup else rate
