"""`TrialResult`: what training tells the search of a finished trial."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CHECKPOINT = "checkpoint.npz"
"""In a trial's folder while it runs; the record's keeper removes it when the trial has ended."""


@dataclass(frozen=True)
class TrialResult:
    """What the search may know of a finished trial; its test predictions stay sealed in its folder.

    Attributes:
        objective: The objective on validation, of the weights that predicted.
        threshold: The threshold that maximises F1 on validation; None for more than two classes.
        epochs: Epochs trained.
        best_epoch: The epoch whose weights predicted, from 1.
        weights: Number of weights of the model.
        seconds: Wall-clock seconds by part.
        environment: From `mammobench.runtime.configure`.
    """

    objective: float
    threshold: float | None
    epochs: int
    best_epoch: int
    weights: int
    seconds: Mapping[str, float]
    environment: Mapping[str, Any]
