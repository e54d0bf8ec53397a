"""`SearchSpace`: the declared family that a study searches.

A search space fixes what all trials share and lists the hyperparameters that an engine may choose,
each under the dotted key of a `TrialConfig` field. `mammobench.space.yaml_file` reads one from YAML.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mammobench.space.config import TrialConfig
from mammobench.space.hyperparameters import (
    Choice,
    FloatRange,
    Hyperparameter,
    IntRange,
    Suggester,
    Value,
    encode,
)

__all__ = [
    "Budget",
    "Choice",
    "FloatRange",
    "Hyperparameter",
    "IntRange",
    "SearchSpace",
    "Suggester",
    "Value",
    "encode",
]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much a search may spend unless the command line says otherwise.

    Args:
        trials: Configurations to try.
        max_epochs: Epochs of a trial at the most.
    """

    trials: int
    max_epochs: int


@dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """A family of configurations: what is fixed, what is searched, and how much it may cost.

    Args:
        name: Name of the space, and of its study unless the study is given one.
        task: A task of `mammobench.data.splits.tasks`.
        objective: The validation metric to optimise, a key of `mammobench.core.objectives.OBJECTIVES`.
        image_size: Side of the square input, in pixels.
        base: Dotted keys fixed for all trials, over the family's defaults.
        hyperparameters: What is searched; parents stand before the hyperparameters they condition.
        budget: Trials and epochs.
        description: What the space is for, in a sentence or two.
    """

    name: str
    task: str
    objective: str
    image_size: int
    base: Mapping[str, Any]
    hyperparameters: tuple[Hyperparameter, ...]
    budget: Budget
    description: str = ""

    @property
    def fixed(self) -> dict[str, Any]:
        """Dotted keys and values that every trial of the space shares."""
        return {
            **self.base,
            "data.task": self.task,
            "data.image_size": self.image_size,
            "training.objective": self.objective,
            "training.max_epochs": self.budget.max_epochs,
        }

    def config(self, values: Mapping[str, Any]) -> TrialConfig:
        """Build the configuration of one proposal.

        Raises:
            ConfigError: Where the values contradict each other.
        """
        return TrialConfig.from_values({**self.fixed, **values})

    def values_of(self, config: TrialConfig) -> dict[str, Any] | None:
        """Return the proposal that gives `config`, or None where it lies outside the space."""
        fields = config.values()
        values: dict[str, Any] = {}
        for hyperparameter in self.hyperparameters:
            if hyperparameter.active(values):
                values[hyperparameter.key] = fields[hyperparameter.key]
        return values if self.contains(values) and self.config(values) == config else None

    def suggest(self, trial: Suggester) -> dict[str, Any]:
        """Let an Optuna trial choose the values of one configuration, conditions obeyed.

        Returns:
            Dotted key to value, in the order of the space, without those whose condition fails.
        """
        values: dict[str, Any] = {}
        for hyperparameter in self.hyperparameters:
            if hyperparameter.active(values):
                values[hyperparameter.key] = hyperparameter.suggest(trial)
        return values

    def keras_tuner_config(self, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the space as ``keras_tuner.HyperParameters.from_config`` takes it, for oracles and tuners.

        Lists, truth values and choices of several types travel as their JSON text, and ranges with a step as
        ordered choices; `from_keras_tuner` turns values back.

        Args:
            values: The configuration that it holds; None for the first value of each hyperparameter.
        """
        if values is None:
            values = next(self.configurations())
        items = {item.key: item for item in self.hyperparameters}
        space = []
        for item in self.hyperparameters:
            kind = item.keras_tuner()
            # not by conditional_scope, which finds no second parent inside the scope of a first
            kind["config"]["conditions"] = [
                {
                    "class_name": "Parent",
                    "config": {
                        "name": parent,
                        "values": [items[parent].to_keras_tuner(value) for value in allowed],
                    },
                }
                for parent, allowed in item.when.items()
            ]
            space.append(kind)
        chosen = {key: items[key].to_keras_tuner(value) for key, value in values.items()}
        return {"space": space, "values": chosen}

    def from_keras_tuner(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the configuration of the values of ``HyperParameters`` that `keras_tuner_config` describes.

        Args:
            values: KerasTuner's ``HyperParameters.values``; what tuners add under ``tuner/`` is left out.
        """
        return {
            item.key: item.from_keras_tuner(values[item.key])
            for item in self.hyperparameters
            if item.key in values
        }

    def contains(self, values: Mapping[str, Any]) -> bool:
        """Return whether `values` is a whole configuration of this space, conditions obeyed."""
        active = {item.key: item for item in self.hyperparameters if item.active(values)}
        return active.keys() == values.keys() and all(
            active[key].contains(value) for key, value in values.items()
        )

    def place(self, values: Mapping[str, Any]) -> tuple[float | None, ...]:
        """Return where a configuration lies: equal for equal ones, 0.3 and 0.1 x 3 alike.

        Returns:
            `Hyperparameter.position` of each value to nine decimals, None for a hyperparameter that it lacks.
        """
        return tuple(
            round(item.position(values[item.key]), 9) if item.key in values else None
            for item in self.hyperparameters
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the space as its file has it, JSON-compatible; `space_file.parse_space` reads it back."""
        search: dict[str, Any] = {}
        for item in self.hyperparameters:
            search[item.key] = item.to_dict()
            if item.when:
                search[item.key]["when"] = {parent: list(allowed) for parent, allowed in item.when.items()}
        return {
            "name": self.name,
            "task": self.task,
            "objective": self.objective,
            "image_size": self.image_size,
            "base": dict(self.base),
            "search": search,
            "budget": {"trials": self.budget.trials, "max_epochs": self.budget.max_epochs},
        }

    @property
    def size(self) -> float:
        """How many different configurations there are; infinite with a continuous hyperparameter."""
        return self._count(0, {})

    def _count(self, position: int, values: dict[str, Any]) -> float:
        if position == len(self.hyperparameters):
            return 1
        item = self.hyperparameters[position]
        if not item.active(values):
            return self._count(position + 1, values)
        if math.isinf(item.count) or not any(item.key in other.when for other in self.hyperparameters):
            return item.count * self._count(position + 1, values)
        return sum(self._count(position + 1, {**values, item.key: value}) for value in item.grid())

    def configurations(self) -> Iterator[dict[str, Any]]:
        """Yield every configuration, the last hyperparameter fastest; of continuous ranges both ends."""
        yield from self._expand(0, {})

    def _expand(self, position: int, values: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if position == len(self.hyperparameters):
            yield values
            return
        item = self.hyperparameters[position]
        if not item.active(values):
            yield from self._expand(position + 1, values)
            return
        for value in item.grid():
            yield from self._expand(position + 1, {**values, item.key: value})
