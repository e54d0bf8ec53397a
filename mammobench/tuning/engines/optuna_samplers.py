"""Optuna's samplers, as `mammobench.tuning.engines.methods` names them.

Which hyperparameters are drawn together is known from the space. Optuna's samplers find it out from the
trials so far, at every draw and anew as trials end: that takes most of their time, CMA-ES stops for ever when
a hyperparameter turns out to have a condition, and a Sobol' sequence begins again with another first trial.
"""

import importlib.util
import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import (
    BaseSampler,
    BruteForceSampler,
    GPSampler,
    NSGAIISampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)
from optuna.study import Study
from optuna.trial import FrozenTrial

from mammobench.core.errors import EngineError
from mammobench.core.registry import resolve
from mammobench.core.seeds import derive_seed
from mammobench.space.search_space import SearchSpace
from mammobench.study.optuna_private import Columns, ConvertingTpe
from mammobench.tuning.engines.methods import OPTUNA
from mammobench.tuning.engines.optuna_cmaes import PlainCmaEs
from mammobench.tuning.engines.optuna_draw import distribution_of
from mammobench.tuning.engines.optuna_notes import POPULATION, STUBBORN, check_notes
from mammobench.tuning.engines.registry import Sampler

Distributions = dict[str, BaseDistribution]
_Rows = dict[tuple[str, ...], dict[int, list[float]]]
"""Names to trial's number to the trial's values as TPE's arrays have them; none for one without them."""


@dataclass(frozen=True)
class Draw:
    """What the sampler of one draw is made from.

    Attributes:
        seed: Of this draw.
        study_seed: The study's.
        groups: The hyperparameters of each condition, first those without; what has one value is left out.
        numbers: Those without condition that are no choices.
        rows: Kept by TPE from draw to draw.
    """

    seed: int
    study_seed: int
    groups: list[Distributions]
    numbers: Distributions
    rows: _Rows

    @property
    def common(self) -> Distributions:
        """Those without condition."""
        return self.groups[0]


class Samplers:
    """Makes the sampler for each draw, seeded by (study, trial, attempt) alone.

    A seeded sampler that went on from a fresh stream after a restart would draw its old configurations
    again.

    Args:
        name: Of `methods.OPTUNA`.
        space: What it draws from.
        objectives: How many there are.
        seed: The study's seed.

    Raises:
        EngineError: For a sampler that cannot do what it is asked, or whose package is not installed.
    """

    def __init__(self, name: str, space: SearchSpace, *, objectives: int, seed: int) -> None:
        self._sampler = _possible(name, space, objectives)
        self._seed = seed
        self._finite = math.isfinite(space.size)
        self._groups = _groups(space)
        self._numbers = {
            key: each
            for key, each in self._groups[0].items()
            if not isinstance(each, CategoricalDistribution)
        }
        self._rows: _Rows = {}

    def make(self, number: int, attempt: int) -> BaseSampler:
        """Return the sampler for one draw; draws for a trial that repeat another's are counted as attempts.

        A method that does nothing but repeat itself is helped out by another that finds something new.
        """
        seed = derive_seed(self._seed, number, "propose", attempt)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            if attempt < STUBBORN:
                draw = Draw(seed, self._seed, self._groups, self._numbers, self._rows)
                made: BaseSampler = resolve(self._sampler.where)(draw)
                return made
            return BruteForceSampler(seed=seed) if self._finite else RandomSampler(seed=seed)

    def check_notes(self, number: int, notes: object, earlier: Iterable[Mapping[str, Any]]) -> None:
        """Refuse notes of a trial that come from a record and that this sampler cannot have written.

        Raises:
            EngineError: Naming the note.
        """
        check_notes(notes, sampler=self._sampler, number=number, space=self._numbers, earlier=earlier)


def tpe(draw: Draw) -> BaseSampler:
    """Return TPE for one draw."""
    return _Tpe(draw.groups, draw.rows, seed=draw.seed, multivariate=True)


def tpe_univariate(draw: Draw) -> BaseSampler:
    """Return TPE for one draw, each hyperparameter by itself."""
    return TPESampler(seed=draw.seed, multivariate=False)


def random(draw: Draw) -> BaseSampler:
    """Return random search for one draw."""
    return RandomSampler(seed=draw.seed)


def gp(draw: Draw) -> BaseSampler:
    """Return Bayesian optimisation for one draw."""
    return _Gp(draw.common, seed=draw.seed, warn_independent_sampling=False)


def cmaes(draw: Draw) -> BaseSampler:
    """Return CMA-ES for one draw."""
    return _CmaEs(draw.numbers, seed=draw.seed, warn_independent_sampling=False)


def qmc(draw: Draw) -> BaseSampler:
    """Return a Sobol' sequence, the same for all draws of a study."""
    every = {key: each for group in draw.groups for key, each in group.items()}
    sequence = derive_seed(draw.study_seed, "sobol")
    return _Sobol(every, seed=sequence, scramble=True, warn_independent_sampling=False)


def grid(draw: Draw) -> BaseSampler:
    """Return a search of every configuration for one draw."""
    return BruteForceSampler(seed=draw.seed)


def nsga2(draw: Draw) -> BaseSampler:
    """Return NSGA-II for one draw."""
    return _Nsga2(draw.common, seed=draw.seed, population_size=POPULATION)


class Together(BaseSampler):
    """Draws together what it is told, whatever the trials so far have in common."""

    def __init__(self, together: Distributions, **options: Any) -> None:  # noqa: ANN401 - the sampler's own
        super().__init__(**options)
        self._together = together

    def infer_relative_search_space(
        self,
        study: Study,  # noqa: ARG002 - it is known without
        trial: FrozenTrial,  # noqa: ARG002
    ) -> Distributions:
        """Return it."""
        return self._together


class _Gp(Together, GPSampler):
    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: Distributions
    ) -> dict[str, Any]:
        # Optuna divides nothing by nothing, and goes on rightly, when one point promises all there is
        with np.errstate(invalid="ignore"):
            return super().sample_relative(study, trial, search_space)


class _CmaEs(Together, PlainCmaEs):
    pass


class _Nsga2(Together, NSGAIISampler):
    pass


class _Sobol(Together, QMCSampler):
    pass


class _Tpe(Together, ConvertingTpe):
    """TPE that draws those without condition together, and then each group with a condition that holds."""

    def __init__(self, groups: list[Distributions], rows: _Rows, **options: Any) -> None:  # noqa: ANN401
        super().__init__(groups[0], **options)
        self._others, self._rows = groups[1:], rows
        self._drawn: dict[str, Any] = {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:  # noqa: ANN401 - the distribution's type
        if param_name not in self._drawn:
            group = next((each for each in self._others if param_name in each), {})
            self._drawn |= self.sample_relative(study, trial, group)
        if param_name in self._drawn:
            return self._drawn[param_name]
        return super().sample_independent(study, trial, param_name, param_distribution)

    def convert(
        self,
        trials: list[FrozenTrial],
        space: Distributions,
        by_optuna: Callable[[list[FrozenTrial]], Columns],
    ) -> Columns:
        """Convert an ended trial once, since its values never change."""
        known = self._rows.setdefault(tuple(space), {})
        for trial in trials:
            if trial.number not in known:
                single = by_optuna([trial])
                known[trial.number] = [column[0] for column in single.values() if column.size]
        rows = [row for trial in trials if (row := known[trial.number])]
        columns = list(zip(*rows, strict=True)) or [()] * len(space)
        return {key: np.asarray(column) for key, column in zip(space, columns, strict=True)}


def _groups(space: SearchSpace) -> list[Distributions]:
    """Return the hyperparameters of each condition, first those without; what has one value is left out."""
    groups: dict[str, Distributions] = {_condition({}): {}}
    for item in space.hyperparameters:
        distribution = distribution_of(item)
        if not distribution.single():
            groups.setdefault(_condition(item.when), {})[item.key] = distribution
    return list(groups.values())


def _condition(when: Mapping[str, tuple[Any, ...]]) -> str:
    return repr(sorted(when.items()))


def _possible(name: str, space: SearchSpace, objectives: int) -> Sampler:
    if name not in OPTUNA:
        raise EngineError(f"unknown sampler {name!r}", expected=f"one of {', '.join(OPTUNA)}")
    sampler = OPTUNA[name]
    if objectives > 1 and sampler.objectives == "one":
        raise EngineError(
            sampler.one_objective or f"the sampler {name} searches for one objective",
            found=f"{objectives} objectives",
            remedy="Use --sampler nsga2 or tpe",
        )
    package = sampler.package
    if package and importlib.util.find_spec(package.module) is None:
        raise EngineError(
            f"the sampler {name} needs {package.title}, which is not installed",
            remedy=f"Install the extra with `pip install 'mammobench[{package.extra}]'`, "
            "or use --sampler tpe",
        )
    if sampler.only_finite and math.isinf(space.size):
        ranges = [item.key for item in space.hyperparameters if math.isinf(item.count)]
        raise EngineError(
            f"the sampler {name} needs a finite space, and {', '.join(ranges)} may be any number in a range",
            where=space.name,
            remedy="Give each a step or a list, such as {choice: [0.0001, 0.001]}, or use --sampler qmc",
        )
    return sampler
