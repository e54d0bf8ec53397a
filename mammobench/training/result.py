"""What training tells the search of a trial, and the costs that a search may bound or lower."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mammobench.core.errors import TrialError

COSTS = ("weights", "flops", "latency_ms")
"""What a model costs to use: its number of weights; multiplications and additions of one image's forward
pass; milliseconds to predict one image, measured. All of them are better when lower."""


class InfeasibleError(TrialError):
    """A model that costs more than it may, found out before it was trained.

    Args:
        name: The cost that is over its limit.
        limit: The limit.
        costs: All costs of the model.
    """

    def __init__(self, name: str, limit: float, costs: Mapping[str, float]) -> None:
        super().__init__(
            "the model costs more than it may",
            where=name,
            expected=f"at most {limit:g}",
            found=f"{costs[name]:g}",
        )
        self.costs = dict(costs)


class DivergedError(TrialError):
    """A training whose loss or objective is no longer a number."""


@dataclass(frozen=True)
class TrialResult:
    """What the search may know of a trained trial; its test predictions stay sealed in its folder.

    Attributes:
        objective: The objective on validation, of the weights that predicted.
        threshold: The threshold that maximises F1 on validation; None for more than two classes.
        epochs: Epochs trained.
        best_epoch: The epoch whose weights predicted, from 1.
        weights: Number of weights of the model.
        seconds: Wall-clock seconds by part.
        environment: From `mammobench.training.runtime.configure`.
        stopped: Whether the trial was told to stop before its last epoch.
        curve: The objective after each epoch, from epoch 1, those of earlier processes included.
        costs: Name, of `COSTS`, to value; ``latency_ms`` only where it was asked for.
    """

    objective: float
    threshold: float | None
    epochs: int
    best_epoch: int
    weights: int
    seconds: Mapping[str, float]
    environment: Mapping[str, Any]
    stopped: bool = False
    curve: tuple[float, ...] = ()
    costs: Mapping[str, float] = field(default_factory=dict)
