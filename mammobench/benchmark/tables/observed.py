"""`Observed`: what a search may know of a table. Nothing here reads a test score."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from mammobench.benchmark.tables.recorded import Recorded, values_of
from mammobench.benchmark.tables.table import Table
from mammobench.core.objectives import Direction
from mammobench.space.search_space import SearchSpace

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
        proposals: By configuration, the values that gives it; None for a reference CNN outside the space.
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
    proposals: tuple[Mapping[str, Any] | None, ...]
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
        return np.flatnonzero([values is not None for values in self.proposals])


def read_observed(table: Table) -> Observed:
    """Return what a search may know of a table: its validation objective, its seconds, its failures."""
    recorded = table.recorded
    objective = cube_of(recorded.curves, f"validation_{table.metadata['objective']}", recorded)
    seconds = cube_of(recorded.curves, "train_seconds", recorded)
    seconds += cube_of(recorded.curves, "validation_seconds", recorded)
    return Observed(
        name=table.name,
        space=recorded.space,
        direction=table.metadata["direction"],
        weights=table.metadata["weights"],
        proposals=values_of(recorded),
        reference=int(np.flatnonzero(recorded.configs["origin"] == "reference")[0]),
        objective=objective,
        epoch_seconds=seconds,
        start_seconds=_plane(recorded, "start_seconds"),
        end_seconds=_plane(recorded, "end_seconds"),
        epochs=_plane(recorded, "epochs").astype(np.int64),
        status=_plane(recorded, "status").astype(np.str_),
    )


def _plane(recorded: Recorded, column: str) -> npt.NDArray[Any]:
    """Return a column of the trainings, shape (configurations, training seeds)."""
    plane: npt.NDArray[Any] = recorded.runs[column].to_numpy().reshape(len(recorded.configs), -1)
    return plane


def cube_of(curves: pd.DataFrame, column: str, recorded: Recorded) -> Floats:
    """Return a column of the epochs, float64, (configurations, training seeds, epochs); NaN for none."""
    seeds = int(recorded.runs["training_seed"].max()) + 1
    cube = np.full((len(recorded.configs), seeds, recorded.space.budget.max_epochs), np.nan)
    places = (curves["config"], curves["training_seed"], curves["epoch"] - 1)
    cube[tuple(place.to_numpy() for place in places)] = curves[column].to_numpy(np.float64)
    return cube
