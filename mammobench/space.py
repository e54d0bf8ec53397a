"""Hyperparameters, conditions and `SearchSpace`: the declared family that a study searches.

A search space fixes what all trials share and lists the hyperparameters that an engine may choose,
each under the dotted key of a `TrialConfig` field. `mammobench.space_file` reads one from YAML.
"""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mammobench.config import TrialConfig

Value = bool | int | float | str
"""What an engine sees of a hyperparameter; a list, such as filters, travels as its JSON text."""


class Suggester(Protocol):
    """What `SearchSpace.suggest` needs of an `optuna.Trial`."""

    def suggest_categorical(self, name: str, choices: Any) -> Any:  # noqa: ANN401 - Optuna's overloads
        """Choose one of several values."""
        ...

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Choose a number."""
        ...

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Choose a whole number."""
        ...


@dataclass(frozen=True, kw_only=True)
class Hyperparameter(ABC):
    """One searched field of `TrialConfig`.

    Args:
        key: Its dotted key, such as ``loss.gamma``.
        when: It exists only where each of these hyperparameters has one of these values.
    """

    key: str
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @property
    @abstractmethod
    def count(self) -> float:
        """How many values there are; infinite for a continuous range."""

    @abstractmethod
    def samples(self) -> tuple[Any, ...]:
        """Return values that touch every bound: all choices, or both ends of a range."""

    @abstractmethod
    def contains(self, value: Any) -> bool:  # noqa: ANN401 - the field decides the type
        """Return whether an engine may choose `value`."""

    @abstractmethod
    def suggest(self, trial: Suggester) -> Any:  # noqa: ANN401 - the field decides the type
        """Let an Optuna trial choose a value."""

    @abstractmethod
    def describe(self) -> str:
        """Return the values in a few words."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the values as a search space file writes them, without the condition."""

    def active(self, values: Mapping[str, Any]) -> bool:
        """Return whether this hyperparameter exists beside `values` already chosen."""
        return all(parent in values and values[parent] in allowed for parent, allowed in self.when.items())


@dataclass(frozen=True, kw_only=True)
class Choice(Hyperparameter):
    """One of several values of any kind."""

    values: tuple[Any, ...]

    @property
    def count(self) -> float:
        """How many values there are."""
        return len(self.values)

    def samples(self) -> tuple[Any, ...]:
        """Return every value."""
        return self.values

    def contains(self, value: Any) -> bool:  # noqa: ANN401
        """Return whether `value` is one of the choices, of the same type."""
        return encode(value) in {encode(choice) for choice in self.values}

    def suggest(self, trial: Suggester) -> Any:  # noqa: ANN401
        """Let an Optuna trial choose; lists travel as JSON text."""
        chosen = trial.suggest_categorical(self.key, [encode(value) for value in self.values])
        return next(value for value in self.values if encode(value) == chosen)

    def describe(self) -> str:
        """Return the choices, with bars between."""
        return " | ".join(str(encode(value)) for value in self.values)

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"choice": [...]}``."""
        return {"choice": list(self.values)}


@dataclass(frozen=True, kw_only=True)
class FloatRange(Hyperparameter):
    """A number from `low` to `high`, both included."""

    low: float
    high: float
    step: float | None = None
    log: bool = False

    @property
    def count(self) -> float:
        """How many values there are; infinite without a step."""
        return math.inf if self.step is None else math.floor((self.high - self.low) / self.step + 1e-9) + 1

    def samples(self) -> tuple[float, ...]:
        """Return both ends."""
        return (self.low, self.high)

    def contains(self, value: Any) -> bool:  # noqa: ANN401
        """Return whether `value` lies in the range and on the grid of steps."""
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not self.low <= value <= self.high
        ):
            return False
        return self.step is None or math.isclose(remainder(value - self.low, self.step), 0, abs_tol=1e-9)

    def suggest(self, trial: Suggester) -> float:
        """Let an Optuna trial choose a number."""
        return trial.suggest_float(self.key, self.low, self.high, step=self.step, log=self.log)

    def describe(self) -> str:
        """Return the range, with its step or scale."""
        scale = " (log)" if self.log else f" in steps of {self.step:g}" if self.step else ""
        return f"{self.low:g} to {self.high:g}{scale}"

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"float": [low, high], ...}``."""
        step = {} if self.step is None else {"step": self.step}
        return {"float": [self.low, self.high], **step, **({"log": True} if self.log else {})}


@dataclass(frozen=True, kw_only=True)
class IntRange(Hyperparameter):
    """A whole number from `low` to `high`, both included."""

    low: int
    high: int
    step: int = 1
    log: bool = False

    @property
    def count(self) -> float:
        """How many values there are."""
        return (self.high - self.low) // self.step + 1

    def samples(self) -> tuple[int, ...]:
        """Return both ends."""
        return (self.low, self.high)

    def contains(self, value: Any) -> bool:  # noqa: ANN401
        """Return whether `value` lies in the range and on the grid of steps."""
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and self.low <= value <= self.high and (value - self.low) % self.step == 0

    def suggest(self, trial: Suggester) -> int:
        """Let an Optuna trial choose a whole number."""
        return trial.suggest_int(self.key, self.low, self.high, step=self.step, log=self.log)

    def describe(self) -> str:
        """Return the range, with its step or scale."""
        scale = " (log)" if self.log else f" in steps of {self.step}" if self.step != 1 else ""
        return f"{self.low} to {self.high}{scale}"

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"int": [low, high], ...}``."""
        step = {} if self.step == 1 else {"step": self.step}
        return {"int": [self.low, self.high], **step, **({"log": True} if self.log else {})}


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
        task: A task of `mammobench.data.tasks`.
        objective: The validation metric to optimise, a key of `mammobench.metrics.OBJECTIVES`.
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

    def contains(self, values: Mapping[str, Any]) -> bool:
        """Return whether `values` is a whole configuration of this space, conditions obeyed."""
        active = {item.key: item for item in self.hyperparameters if item.active(values)}
        return active.keys() == values.keys() and all(
            active[key].contains(value) for key, value in values.items()
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
        if not any(item.key in other.when for other in self.hyperparameters):
            return item.count * self._count(position + 1, values)
        return sum(self._count(position + 1, {**values, item.key: value}) for value in item.samples())


def encode(value: Any) -> Value:  # noqa: ANN401 - whatever a field holds
    """Return a value as an engine's storage can hold it: lists become their JSON text."""
    if isinstance(value, list | tuple):
        return json.dumps(list(value))
    plain: Value = value
    return plain


def remainder(value: float, step: float) -> float:
    """Return the signed distance of `value` from the nearest multiple of `step`."""
    return value - round(value / step) * step
