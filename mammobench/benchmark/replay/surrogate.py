"""Answers by a surrogate: forests that were fitted to a table's curves, seconds and failures.

One multi-output forest predicts a configuration's whole curve, its mean over training seeds, and the
logarithms of its seconds; a replicate's residual is added to the curve. Another forest says how likely a
training fails; how it then fails, and when, is drawn from those of the table that did.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from mammobench.benchmark.replay.answers import Encoding, Nearest, Training, key_of
from mammobench.benchmark.tables.observed import Observed
from mammobench.core.errors import DataError
from mammobench.core.seeds import derive_seed, generator
from mammobench.space.search_space import Choice, SearchSpace

Floats = npt.NDArray[np.float64]

TREES = 200
_FEWEST = 8


class Surrogate:
    """Answers proposals with predicted trainings; the same for the same (search seed, proposal, visit).

    Args:
        table: The table.
        seed: Of the forests.

    Raises:
        DataError: For a table with too few whole trainings to fit anything to.
    """

    def __init__(self, table: Observed, *, seed: int = 0) -> None:
        self._table, self._features = table, Features(table.space)
        self._nearest = Nearest(table)
        whole = (table.status == "ok").any(axis=1)
        configs = [config for config in table.searched if whole[config]]
        if len(configs) < _FEWEST:
            raise DataError(
                "too few trainings for a surrogate",
                where=table.name,
                expected=f"{_FEWEST} configurations that trained to the end",
                found=len(configs),
            )
        points = self._features.of([table.proposals[config] or {} for config in configs])
        curves = np.stack([_mean_of(table.objective[config], table.status[config]) for config in configs])
        seconds = np.stack([_seconds_of(table, config) for config in configs])
        # one scale for both, or the curve's errors drown in those of the seconds
        self._centre, self._spread = _scale(np.hstack([curves, seconds]))
        targets = (np.hstack([curves, seconds]) - self._centre) / self._spread
        self._forest = ExtraTreesRegressor(TREES, min_samples_leaf=2, random_state=derive_seed(seed, "curve"))
        self._forest.fit(points, targets)
        self._residuals = _residuals(table, configs)
        self._failures = _Failures(table, self._features, seed)
        self._known: dict[str, Floats] = {}

    def config_of(self, values: Mapping[str, Any]) -> int:
        """Return the nearest recorded configuration, whose place in the table the trial is given."""
        return self._nearest.config_of(values)

    def predict(self, values: Mapping[str, Any]) -> tuple[Floats, Floats]:
        """Return a configuration's mean curve, and its seconds before, in and after an epoch."""
        key = key_of(values)
        if key not in self._known:
            point = self._features.of([values])
            self._known[key] = self._forest.predict(point)[0] * self._spread + self._centre
        found, epochs = self._known[key], self._table.max_epochs
        return found[:epochs], np.exp(found[epochs:])

    def answer(self, values: Mapping[str, Any], visit: int, seed: int) -> Training:
        """Return a predicted training."""
        curve, (start, epoch, end) = self.predict(values)
        draws = generator(seed, key_of(values), visit, "surrogate")
        residual = self._residuals[int(draws.integers(len(self._residuals)))]
        low, high = np.nanmin(self._table.objective), np.nanmax(self._table.objective)
        values_of = np.clip(curve + residual, low, high)
        status, epochs = self._failures.draw(values, draws, self._table.max_epochs)
        training = self._nearest.answer(values, visit, seed)
        return Training(
            config=training.config,
            training_seed=training.training_seed,
            distance=training.distance,
            objective=tuple(values_of[:epochs].tolist()),
            epoch_seconds=(float(epoch),) * epochs,
            start_seconds=float(start),
            end_seconds=float(end),
            good_end_seconds=float(end),
            status=status,
        )


class Features:
    """A configuration as numbers for a forest: ranges on their scale, a column for each choice, -1 for none.

    Args:
        space: The space.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._items, self._encoding = space.hyperparameters, Encoding(space)

    def of(self, proposals: list[Mapping[str, Any]]) -> Floats:
        """Return float64 (proposals, columns)."""
        points = self._encoding.encode(proposals)
        columns = []
        for place, item in enumerate(self._items):
            if isinstance(item, Choice):
                columns += [
                    (points[:, place] == choice).astype(np.float64) for choice in range(int(item.count))
                ]
            else:
                columns.append(np.where(np.isnan(points[:, place]), -1.0, points[:, place]))
        return np.stack(columns, axis=1) if columns else np.zeros((len(proposals), 1))


class _Failures:
    """Which trainings fail, and after how many epochs."""

    def __init__(self, table: Observed, features: Features, seed: int) -> None:
        failed = table.status[table.searched] != "ok"
        self._ends = [
            (str(status), int(epochs))
            for status, epochs in zip(
                table.status[table.searched][failed], table.epochs[table.searched][failed], strict=True
            )
        ]
        self._features, self._classifier = features, None
        if failed.any() and not failed.all():
            points = features.of([table.proposals[config] or {} for config in table.searched])
            self._classifier = ExtraTreesClassifier(
                TREES, min_samples_leaf=2, random_state=derive_seed(seed, "failure")
            )
            self._classifier.fit(np.repeat(points, table.seeds, axis=0), failed.ravel())

    def draw(self, values: Mapping[str, Any], draws: np.random.Generator, most: int) -> tuple[str, int]:
        """Return how a training ends and its epochs."""
        if self._classifier is None:
            return "ok", most
        chance = float(self._classifier.predict_proba(self._features.of([values]))[0, 1])
        if draws.random() >= chance:
            return "ok", most
        return self._ends[int(draws.integers(len(self._ends)))]


def _mean_of(objective: Floats, status: npt.NDArray[np.str_]) -> Floats:
    mean: Floats = objective[status == "ok"].mean(axis=0)
    return mean


def _seconds_of(table: Observed, config: int) -> Floats:
    """Return the logarithm of a configuration's seconds before, in and after an epoch."""
    whole = table.status[config] == "ok"
    parts = (
        table.start_seconds[config][whole].mean(),
        table.epoch_seconds[config][whole].mean(),
        table.end_seconds[config][whole].mean(),
    )
    return np.log(np.maximum(parts, 1e-6))


def _scale(targets: Floats) -> tuple[Floats, Floats]:
    spread = targets.std(axis=0)
    return targets.mean(axis=0), np.where(spread > 0, spread, 1.0)


def _residuals(table: Observed, configs: list[int]) -> Floats:
    """Return how whole trainings differ from the mean of their configuration, at each epoch."""
    found = []
    for config in configs:
        whole = table.objective[config][table.status[config] == "ok"]
        if len(whole) > 1:
            # a mean that holds the training itself lies too near to it
            found.append((whole - whole.mean(axis=0)) * np.sqrt(len(whole) / (len(whole) - 1)))
    return np.concatenate(found) if found else np.zeros((1, table.max_epochs))
