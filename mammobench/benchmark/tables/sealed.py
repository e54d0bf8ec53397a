"""`Sealed`: the test scores of a table, for statistics alone."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mammobench.benchmark.tables.observed import Observed, cube_of, read_observed
from mammobench.benchmark.tables.table import Table
from mammobench.core.errors import DataError
from mammobench.core.objectives import Direction

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Sealed:
    """What the trainings of a table came to on test.

    Attributes:
        metric: The objective's name, measured on test with the threshold that validation chose.
        direction: Of the metric.
        test: float64, shape (configurations, training seeds, epochs): the score of the weights that a
            training stopped after that epoch predicts with, which is those of its best epoch so far by
            validation, or of the last; NaN where there is none.
        searched: Configurations of the space; the reference CNN may lie outside.
        at_random: Those of them that were drawn at random; None for all.
        replicates: Trainings of one configuration under other seeds, for trainings that are a configuration
            each; None where training seeds have an axis of their own.
    """

    metric: str
    direction: Direction
    test: Floats
    searched: Places
    at_random: Places | None = None
    replicates: Places | None = None


def read_sealed(table: Table) -> Sealed:
    """Return the test scores of a table.

    Raises:
        DataError: For a table of a search that kept none after each epoch.
    """
    metric = str(table.metadata["objective"])
    column = f"test_{metric}"
    if column not in table.curves or table.curves[column].isna().all():
        raise DataError(
            "the table has no test scores after each epoch",
            where=table.folder,
            expected=f"a column {column}",
            remedy="`mammobench record` keeps them; a search does not",
        )
    return seal(metric, cube_of(table.curves, column, table.recorded), read_observed(table))


def seal(
    metric: str,
    test: Floats,
    observed: Observed,
    *,
    at_random: Places | None = None,
    replicates: Places | None = None,
) -> Sealed:
    """Return the test scores of trainings that are stopped after each epoch.

    Args:
        metric: Of the scores.
        test: Of the weights after each epoch, float64 (configurations, training seeds, epochs).
        observed: What a search may know of these trainings.
        at_random: As `Sealed` has it.
        replicates: As `Sealed` has it.
    """
    if observed.weights == "best":
        test = np.take_along_axis(test, best_so_far(observed.objective, observed.direction), axis=2)
    beyond = np.arange(test.shape[2]) >= observed.epochs[:, :, None]
    test = np.where(beyond, np.nan, test)
    return Sealed(metric, observed.direction, test, observed.searched, at_random, replicates)


def best_so_far(objective: Floats, direction: Direction) -> npt.NDArray[np.int64]:
    """Return the place of the best epoch up to each, the earlier one of equals, along the last axis."""
    values = np.where(np.isnan(objective), -np.inf, objective if direction == "maximize" else -objective)
    best = np.maximum.accumulate(values, axis=-1)
    improves = np.concatenate(
        [np.ones_like(values[..., :1], bool), values[..., 1:] > best[..., :-1]], axis=-1
    )
    places = np.where(improves, np.arange(values.shape[-1]), 0)
    return np.maximum.accumulate(places, axis=-1)
