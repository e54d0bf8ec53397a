"""Drawing the values of one trial from an Optuna sampler, as `optuna.Trial` does, but without storing them.

What is drawn may be a repetition and be drawn again; an `optuna.Trial` keeps its first draw.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.study import Study
from optuna.trial import FrozenTrial

from mammobench.core.aliases import FieldValue
from mammobench.space.search_space import Hyperparameter, encode


class Suggestions(ABC):
    """Answers `SearchSpace.suggest`, and keeps the values and distributions in Optuna's terms.

    Attributes:
        values: Dotted key to value, lists as their JSON text.
        distributions: Dotted key to distribution.
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.distributions: dict[str, BaseDistribution] = {}

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> FieldValue:
        """Choose one of several values."""
        return self._keep(name, CategoricalDistribution(choices))

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Choose a number."""
        value: float = self._keep(name, FloatDistribution(low, high, step=step, log=log))
        return value

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Choose a whole number."""
        value: int = self._keep(name, IntDistribution(low, high, step=step, log=log))
        return value

    @abstractmethod
    def _choose(self, name: str, distribution: BaseDistribution) -> FieldValue:
        """Return a value of the distribution."""

    def _keep(self, name: str, distribution: BaseDistribution) -> FieldValue:
        value = canonical(self._choose(name, distribution), distribution)
        self.values[name], self.distributions[name] = value, distribution
        return value


class Drawn(Suggestions):
    """The suggestions of a study's sampler.

    Args:
        study: The study so far, with its sampler.
        trial: The trial to draw for, running and without values.
    """

    def __init__(self, study: Study, trial: FrozenTrial) -> None:
        super().__init__()
        self._study, self._sampler, self._trial = study, study.sampler, copy.copy(trial)
        self._sampler.before_trial(study, trial)
        space = self._sampler.infer_relative_search_space(study, trial)
        self._together = self._sampler.sample_relative(study, trial, space)

    def _choose(self, name: str, distribution: BaseDistribution) -> FieldValue:
        if distribution.single():
            return only_value(distribution)
        if name in self._together:
            return self._together[name]
        # some samplers look at what the trial has got so far
        self._trial.params, self._trial.distributions = dict(self.values), dict(self.distributions)
        return self._sampler.sample_independent(self._study, self._trial, name, distribution)


class Told(Suggestions):
    """Values that are known already."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__()
        self._known = values

    def _choose(self, name: str, _: BaseDistribution) -> FieldValue:
        return encode(self._known[name])


def distribution_of(hyperparameter: Hyperparameter) -> BaseDistribution:
    """Return a hyperparameter's distribution, whether or not its condition holds."""
    told = Told({hyperparameter.key: hyperparameter.samples()[0]})
    hyperparameter.suggest(told)
    return told.distributions[hyperparameter.key]


def only_value(distribution: BaseDistribution) -> FieldValue:
    """Return the value of a distribution that has just one."""
    low = distribution.low if isinstance(distribution, FloatDistribution | IntDistribution) else 0
    return distribution.to_external_repr(low)


def canonical(value: FieldValue, distribution: BaseDistribution) -> FieldValue:
    """Return the value as it is always written: a Python number, 0.3 and not 0.30000000000000004."""
    if isinstance(distribution, IntDistribution):
        return int(value)
    if isinstance(distribution, FloatDistribution):
        if distribution.step is None:
            return float(value)
        low, step = Decimal(str(distribution.low)), Decimal(str(distribution.step))
        return float(low + round((float(value) - distribution.low) / distribution.step) * step)
    return value
