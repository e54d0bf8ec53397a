"""What a table answers to a proposal: the recorded training that stands for it."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from mammobench.benchmark.tables.observed import Observed
from mammobench.core.errors import DataError
from mammobench.core.seeds import generator
from mammobench.space.search_space import Choice, SearchSpace

Floats = npt.NDArray[np.float64]
Answering = Literal["exact", "nearest", "surrogate"]


@dataclass(frozen=True)
class Training:
    """One training from its start to its end.

    Attributes:
        config: The recorded configuration.
        training_seed: Which of its training seeds, from 0.
        distance: From the proposal to the configuration; see `Encoding`.
        objective: Validation objective after each epoch.
        epoch_seconds: Of each of these epochs.
        start_seconds: Before the first epoch, of the training and of each of its continuations.
        end_seconds: After the last epoch, likewise.
        good_end_seconds: The same where the method ends the training before it fails.
        status: ``ok``, ``infeasible``, or how it failed after the last of these epochs.
    """

    config: int
    training_seed: int
    distance: float
    objective: tuple[float, ...]
    epoch_seconds: tuple[float, ...]
    start_seconds: float
    end_seconds: float
    good_end_seconds: float
    status: str


class Answers(Protocol):
    """Answers proposals with trainings."""

    def answer(self, values: Mapping[str, Any], visit: int, seed: int) -> Training:
        """Return the training of a proposal.

        Args:
            values: The proposal's.
            visit: How often the search has tried the same configuration before.
            seed: Of the search.
        """
        ...

    def config_of(self, values: Mapping[str, Any]) -> int:
        """Return the recorded configuration that stands for a proposal."""
        ...


def key_of(values: Mapping[str, Any]) -> str:
    """Return a proposal as JSON with sorted keys."""
    return json.dumps(values, sort_keys=True)


def training_of(table: Observed, config: int, visit: int, seed: int, distance: float = 0.0) -> Training:
    """Return a recorded training; which seed's follows from (search seed, configuration, visit)."""
    order = generator(seed, config, "training seed").permutation(table.seeds)
    training_seed = int(order[visit % table.seeds])
    epochs, end_seconds = (
        int(table.epochs[config, training_seed]),
        float(table.end_seconds[config, training_seed]),
    )
    status = str(table.status[config, training_seed])
    return Training(
        config=config,
        training_seed=training_seed,
        distance=distance,
        objective=tuple(table.objective[config, training_seed, :epochs].tolist()),
        epoch_seconds=tuple(table.epoch_seconds[config, training_seed, :epochs].tolist()),
        start_seconds=float(table.start_seconds[config, training_seed]),
        end_seconds=end_seconds,
        good_end_seconds=end_seconds if status == "ok" else _good_end(table, config),
        status=status,
    )


def _good_end(table: Observed, config: int) -> float:
    """Return what a training takes behind its last epoch if it does not fail, in the median."""
    for ends, status in (
        (table.end_seconds[config], table.status[config]),
        (table.end_seconds, table.status),
    ):
        if (status == "ok").any():
            return float(np.median(ends[status == "ok"]))
    return 0.0


class Exact:
    """Answers of a finite space that was recorded whole.

    Args:
        table: The table.

    Raises:
        DataError: Where configurations are missing.
    """

    def __init__(self, table: Observed) -> None:
        self._table = table
        self._places = {
            table.space.place(values): config
            for config, values in enumerate(table.proposals)
            if values is not None
        }
        if not is_exact(table):
            raise DataError(
                "the table does not have all configurations of the space",
                where=table.name,
                expected=f"{table.space.size:g} configurations",
                found=len(self._places),
                remedy="Use the nearest answer or the surrogate",
            )

    def config_of(self, values: Mapping[str, Any]) -> int:
        """Return the recorded configuration."""
        return self._places[self._table.space.place(values)]

    def answer(self, values: Mapping[str, Any], visit: int, seed: int) -> Training:
        """Return one of the configuration's recorded trainings."""
        return training_of(self._table, self.config_of(values), visit, seed)


class Nearest:
    """Answers by the nearest recorded configuration in the space's own encoding.

    Args:
        table: The table.
    """

    def __init__(self, table: Observed) -> None:
        self._table, self._configs = table, table.searched
        self._encoding = Encoding(table.space)
        known = [table.proposals[config] or {} for config in self._configs]
        self._points = self._encoding.encode(known)
        self._found: dict[str, tuple[int, float]] = {}

    def config_of(self, values: Mapping[str, Any]) -> int:
        """Return the nearest recorded configuration, the first of several."""
        return self._nearest(values)[0]

    def answer(self, values: Mapping[str, Any], visit: int, seed: int) -> Training:
        """Return one of the trainings of the nearest recorded configuration."""
        config, distance = self._nearest(values)
        return training_of(self._table, config, visit, seed, distance)

    def _nearest(self, values: Mapping[str, Any]) -> tuple[int, float]:
        key = key_of(values)
        if key not in self._found:
            distances = self._encoding.distances(self._encoding.encode([values])[0], self._points)
            place = int(np.argmin(distances))
            self._found[key] = int(self._configs[place]), float(distances[place])
        return self._found[key]


class Encoding:
    """A space's configurations as points, with Gower's distance between them.

    The distance is the mean over the hyperparameters of: the difference on the scale of a range, from 0 to 1;
    0 or 1 for choices that are equal or differ, and where one of the two does not have the hyperparameter; 0
    where neither has.

    Args:
        space: The space.

    Source: Gower (1971), A general coefficient of similarity and some of its properties.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._items = space.hyperparameters
        self._choices = np.array([isinstance(item, Choice) for item in self._items], bool)

    def encode(self, proposals: list[Mapping[str, Any]]) -> Floats:
        """Return points, float64 (proposals, hyperparameters); NaN where one does not have it."""
        points = np.full((len(proposals), len(self._items)), np.nan)
        for place, values in enumerate(proposals):
            for column, item in enumerate(self._items):
                if item.key in values:
                    points[place, column] = item.position(values[item.key])
        return points

    def distances(self, point: Floats, points: Floats) -> Floats:
        """Return the distance from one point to each of several, float64 (points,)."""
        if not self._items:
            return np.zeros(len(points))
        differences = np.abs(points - point)
        differences[:, self._choices] = differences[:, self._choices] > 0
        none, one = np.isnan(points) & np.isnan(point), np.isnan(points) ^ np.isnan(point)
        mean: Floats = np.where(none, 0.0, np.where(one, 1.0, differences)).mean(axis=1)
        # two that are equally far stay so, whatever the last bit says
        return np.round(mean, 12)


def is_exact(table: Observed) -> bool:
    """Return whether a table has every configuration of its space."""
    size = table.space.size
    return math.isfinite(size) and size == len(
        {table.space.place(values) for values in table.proposals if values is not None}
    )
