"""`Observed`: what a search may know of a table. Nothing here reads a test score."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from mammobench.core.objectives import Direction
from mammobench.space.search_space import SearchSpace

Status = Literal["ok", "diverged", "out of memory", "timeout", "infeasible", "error"]
STATUSES: tuple[Status, ...] = get_args(Status)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Observed:
    """The trainings of a table, each of a configuration with a training seed, as a search sees them.

    A training that failed has the epochs up to its failure, and NaN after them; no value is imputed.

    Attributes:
        name: Of the table.
        space: What was searched.
        direction: Of the objective.
        weights: Whose weights predict, ``best`` epoch's by validation or ``last``; of `TrainingConfig`.
        values: By configuration, the proposal that gives it; None for a reference CNN outside the space.
        reference: The configuration that is the reference CNN.
        objective: float64, shape (configurations, training seeds, epochs): the validation objective after
            each epoch; NaN where there is none.
        epoch_seconds: float64, as `objective`: what the epoch took, training and validation.
        start_seconds: float64, shape (configurations, training seeds): before the first epoch.
        end_seconds: As `start_seconds`: after the last epoch.
        epochs: int64, shape (configurations, training seeds): epochs trained.
        status: Of each training, same shape, a `Status` each.
    """

    name: str
    space: SearchSpace
    direction: Direction
    weights: Literal["best", "last"]
    values: tuple[Mapping[str, Any] | None, ...]
    reference: int
    objective: Floats
    epoch_seconds: Floats
    start_seconds: Floats
    end_seconds: Floats
    epochs: npt.NDArray[np.int64]
    status: npt.NDArray[np.str_]

    @property
    def max_epochs(self) -> int:
        """Epochs of a whole training."""
        return int(self.objective.shape[2])

    @property
    def seeds(self) -> int:
        """Training seeds of each configuration."""
        return int(self.objective.shape[1])

    @property
    def searched(self) -> npt.NDArray[np.int64]:
        """Configurations that a search may be answered with: those of the space."""
        return np.flatnonzero([values is not None for values in self.values])
