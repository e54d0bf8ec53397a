"""Hyperparameters: what an engine may choose, each under the dotted key of a `TrialConfig` field.

One class a kind: a choice, a range of numbers, a range of whole numbers. Each knows how Optuna and KerasTuner
are asked for it.
"""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mammobench.core.aliases import FieldValue

Value = bool | int | float | str
"""What an engine sees of a hyperparameter; a list, such as filters, travels as its JSON text."""


class Suggester(Protocol):
    """What `SearchSpace.suggest` needs of an `optuna.Trial`."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> FieldValue:
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
    def grid(self) -> tuple[Any, ...]:
        """Return every value, the smallest first; of a continuous range, both ends."""

    @abstractmethod
    def contains(self, value: FieldValue) -> bool:
        """Return whether an engine may choose `value`."""

    @abstractmethod
    def at(self, quantile: float) -> FieldValue:
        """Return the value below which this share of the range lies, on its scale.

        Args:
            quantile: At least 0, below 1.
        """

    @abstractmethod
    def position(self, value: FieldValue) -> float:
        """Return where a value lies: from 0 to 1 on the scale of a range, the place of a choice among all."""

    @abstractmethod
    def suggest(self, trial: Suggester) -> FieldValue:
        """Let an Optuna trial choose a value."""

    @abstractmethod
    def keras_tuner(self) -> dict[str, Any]:
        """Return KerasTuner's hyperparameter of the same values, as its ``deserialize`` reads it."""

    def to_keras_tuner(self, value: FieldValue) -> Value:
        """Return a value of this hyperparameter as that of KerasTuner has it."""
        return encode(value)

    @abstractmethod
    def from_keras_tuner(self, value: Value) -> FieldValue:
        """Return a value of KerasTuner's hyperparameter as this one has it."""

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

    def grid(self) -> tuple[Any, ...]:
        """Return every value, in the order given."""
        return self.values

    def contains(self, value: FieldValue) -> bool:
        """Return whether `value` is one of the choices, of the same type."""
        return encode(value) in [encode(choice) for choice in self.values]

    def at(self, quantile: float) -> FieldValue:
        """Return one of the choices, each for a share of the same size."""
        chosen: FieldValue = self.values[_place(quantile, len(self.values))]
        return chosen

    def position(self, value: FieldValue) -> float:
        """Return the place among the choices, from 0."""
        return [encode(choice) for choice in self.values].index(encode(value))

    def suggest(self, trial: Suggester) -> FieldValue:
        """Let an Optuna trial choose; lists travel as JSON text."""
        chosen = trial.suggest_categorical(self.key, [encode(value) for value in self.values])
        return next(value for value in self.values if encode(value) == chosen)

    def keras_tuner(self) -> dict[str, Any]:
        """Return a ``Choice`` of the values, or of their JSON text."""
        return _choice(self.key, [self.to_keras_tuner(value) for value in self.values])

    def to_keras_tuner(self, value: FieldValue) -> Value:
        """Return a text or number as it is, and any other value as its JSON text."""
        # KerasTuner's Choice refuses several types in one and turns bools into whole numbers
        kinds = {type(encode(choice)) for choice in self.values}
        value = next(choice for choice in self.values if encode(choice) == encode(value))
        return json.dumps(value) if len(kinds) > 1 or kinds == {bool} else encode(value)

    def from_keras_tuner(self, value: Value) -> FieldValue:
        """Return the choice that `to_keras_tuner` turned into `value`."""
        return next(choice for choice in self.values if self.to_keras_tuner(choice) == value)

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

    def grid(self) -> tuple[float, ...]:
        """Return every value, rounded as Optuna rounds it; without a step, both ends."""
        if self.step is None:
            return self.samples()
        return tuple(min(self.low + index * self.step, self.high) for index in range(int(self.count)))

    def contains(self, value: FieldValue) -> bool:
        """Return whether `value` lies in the range and on the grid of steps."""
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not self.low <= value <= self.high
        ):
            return False
        return self.step is None or math.isclose(remainder(value - self.low, self.step), 0, abs_tol=1e-9)

    def at(self, quantile: float) -> float:
        """Return the number there; with a step, each of the grid for a share of the same size."""
        if self.step is not None:
            return self.grid()[_place(quantile, int(self.count))]
        return _within(self.low, self.high, quantile, log=self.log)

    def position(self, value: FieldValue) -> float:
        """Return where the number lies, from 0 to 1, on a log scale where the range has one."""
        return _share(self.low, self.high, float(value), log=self.log)

    def suggest(self, trial: Suggester) -> float:
        """Let an Optuna trial choose a number."""
        return trial.suggest_float(self.key, self.low, self.high, step=self.step, log=self.log)

    def keras_tuner(self) -> dict[str, Any]:
        """Return a ``Float``, or with a step an ordered ``Choice``."""
        if self.step is not None:
            # a Float from 0 to 0.5 in steps of 0.1 never takes 0.5 (keras-tuner's issue 1001)
            return _choice(self.key, list(self.grid()))
        return _range("Float", self.key, self.low, self.high, step=None, log=self.log)

    def to_keras_tuner(self, value: FieldValue) -> float:
        """Return the number, with a step the very one of the grid."""
        return float(value) if self.step is None else min(self.grid(), key=lambda near: abs(near - value))

    def from_keras_tuner(self, value: Value) -> float:
        """Return the number, inside the range where rounding on a log scale left it."""
        return min(max(float(value), self.low), self.high)

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

    def grid(self) -> tuple[int, ...]:
        """Return every value."""
        return tuple(range(self.low, self.high + 1, self.step))

    def contains(self, value: FieldValue) -> bool:
        """Return whether `value` lies in the range and on the grid of steps."""
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and self.low <= value <= self.high and (value - self.low) % self.step == 0

    def at(self, quantile: float) -> int:
        """Return the whole number there, each for a share of the same size, or its share of a log scale."""
        if not self.log:
            return self.grid()[_place(quantile, int(self.count))]
        value = round(_within(self.low - 0.5, self.high + 0.5, quantile, log=True))
        return min(max(value, self.low), self.high)

    def position(self, value: FieldValue) -> float:
        """Return where the number lies, from 0 to 1, on a log scale where the range has one."""
        return _share(self.low, self.high, float(value), log=self.log)

    def suggest(self, trial: Suggester) -> int:
        """Let an Optuna trial choose a whole number."""
        return trial.suggest_int(self.key, self.low, self.high, step=self.step, log=self.log)

    def keras_tuner(self) -> dict[str, Any]:
        """Return an ``Int``; on a log scale KerasTuner knows factors instead of steps, and takes none."""
        step = None if self.log else self.step
        return _range("Int", self.key, self.low, self.high, step=step, log=self.log)

    def from_keras_tuner(self, value: Value) -> int:
        """Return the whole number, inside the range where rounding on a log scale left it."""
        return min(max(int(value), self.low), self.high)

    def describe(self) -> str:
        """Return the range, with its step or scale."""
        scale = " (log)" if self.log else f" in steps of {self.step}" if self.step != 1 else ""
        return f"{self.low} to {self.high}{scale}"

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"int": [low, high], ...}``."""
        step = {} if self.step == 1 else {"step": self.step}
        return {"int": [self.low, self.high], **step, **({"log": True} if self.log else {})}


def encode(value: FieldValue) -> Value:
    """Return a value as an engine's storage can hold it: lists become their JSON text."""
    if isinstance(value, list | tuple):
        return json.dumps(list(value))
    plain: Value = value
    return plain


def remainder(value: float, step: float) -> float:
    """Return the signed distance of `value` from the nearest multiple of `step`."""
    return value - round(value / step) * step


def _place(quantile: float, count: int) -> int:
    return min(int(quantile * count), count - 1)


def _within(low: float, high: float, quantile: float, *, log: bool) -> float:
    if log:
        value = math.exp(math.log(low) + quantile * (math.log(high) - math.log(low)))
    else:
        value = low + quantile * (high - low)
    return min(max(value, low), high)


def _share(low: float, high: float, value: float, *, log: bool) -> float:
    if low == high:
        return 0.0
    if log:
        low, high, value = math.log(low), math.log(high), math.log(value)
    return (value - low) / (high - low)


def _choice(key: str, values: list[Any]) -> dict[str, Any]:
    ordered = not isinstance(values[0], str)
    config = {"name": key, "values": values, "default": values[0], "ordered": ordered}
    return {"class_name": "Choice", "config": config}


def _range(kind: str, key: str, low: float, high: float, *, step: float | None, log: bool) -> dict[str, Any]:
    sampling = "log" if log else "linear"
    config = {"name": key, "min_value": low, "max_value": high, "step": step, "sampling": sampling}
    return {"class_name": kind, "config": config}
