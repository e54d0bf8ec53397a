"""Optuna's samplers by name.

| name | method | several objectives | constraints | hyperparameters with conditions |
|---|---|---|---|---|
| tpe | tree-structured Parzen estimator (Watanabe 2023) | yes | yes | with those of the same condition |
| random | uniform at random | ignored | ignored | yes |
| gp | Gaussian process, log expected improvement | yes | yes | at random |
| cmaes | CMA-ES (Hansen 2016) | no | as bad objectives | at random, as are choices |
| qmc | scrambled Sobol' sequence | ignored | ignored | a coordinate each, unused where they do not exist |
| grid | every configuration once, in random order | ignored | ignored | yes |
| nsga2 | NSGA-II (Deb et al. 2002) | yes | yes | at random |

TPE learns from pruned trials; gp, cmaes and nsga2 look at finished and infeasible ones only.

Which hyperparameters are drawn together is known from the space. Optuna's samplers find it out from the
trials so far, at every draw and anew as trials end: that takes most of their time, CMA-ES stops for ever when
a hyperparameter turns out to have a condition, and a Sobol' sequence begins again with another first trial.
"""

import importlib.util
import math
import warnings
from collections.abc import Callable, Iterable, Mapping
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
)
from optuna.study import Study
from optuna.trial import FrozenTrial

from mammobench.core.errors import EngineError
from mammobench.core.seeds import derive_seed
from mammobench.space.search_space import SearchSpace
from mammobench.study.optuna_private import Columns, ConvertingTpe
from mammobench.tuning.engines.optuna_cmaes import PlainCmaEs
from mammobench.tuning.engines.optuna_draw import distribution_of
from mammobench.tuning.engines.optuna_notes import POPULATION, STUBBORN, check_notes

SAMPLERS = ("tpe", "random", "gp", "cmaes", "qmc", "grid", "nsga2")

Distributions = dict[str, BaseDistribution]
_Rows = dict[tuple[str, ...], dict[int, list[float]]]
"""Names to trial's number to the trial's values as TPE's arrays have them; none for one without them."""


class Samplers:
    """Makes the sampler for each draw, seeded by (study, trial, attempt) alone.

    A seeded sampler that went on from a fresh stream after a restart would draw its old configurations
    again.

    Args:
        name: One of `SAMPLERS`.
        space: What it draws from.
        objectives: How many there are.
        seed: The study's seed.

    Raises:
        EngineError: For a sampler that cannot do what it is asked, or whose package is not installed.
    """

    def __init__(self, name: str, space: SearchSpace, *, objectives: int, seed: int) -> None:
        _require_possible(name, space, objectives)
        self._name, self._seed = name, seed
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
                return self._make(seed)
            return BruteForceSampler(seed=seed) if self._finite else RandomSampler(seed=seed)

    def check_notes(self, number: int, notes: object, earlier: Iterable[Mapping[str, Any]]) -> None:
        """Refuse notes of a trial that come from a record and that this sampler cannot have written.

        Raises:
            EngineError: Naming the note.
        """
        check_notes(notes, sampler=self._name, number=number, space=self._numbers, earlier=earlier)

    def _make(self, seed: int) -> BaseSampler:
        common = self._groups[0]
        sampler: BaseSampler
        match self._name:
            case "tpe":
                sampler = _Tpe(self._groups, self._rows, seed=seed, multivariate=True)
            case "gp":
                sampler = _Gp(common, seed=seed, warn_independent_sampling=False)
            case "cmaes":
                sampler = _CmaEs(self._numbers, seed=seed, warn_independent_sampling=False)
            case "nsga2":
                sampler = _Nsga2(common, seed=seed, population_size=POPULATION)
            case "qmc":
                every = {key: each for group in self._groups for key, each in group.items()}
                sequence = derive_seed(self._seed, "sobol")
                sampler = _Sobol(every, seed=sequence, scramble=True, warn_independent_sampling=False)
            case "grid":
                sampler = BruteForceSampler(seed=seed)
            case _:
                sampler = RandomSampler(seed=seed)
        return sampler


class _Together(BaseSampler):
    """Draws together what it is told, whatever the trials so far have in common."""

    def __init__(self, together: Distributions, **options: Any) -> None:  # noqa: ANN401 - the sampler's own
        super().__init__(**options)
        self._together = together

    def infer_relative_search_space(
        self,
        study: Study,  # noqa: ARG002 - it is known without
        trial: FrozenTrial,  # noqa: ARG002
    ) -> Distributions:
        return self._together


class _Gp(_Together, GPSampler):
    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: Distributions
    ) -> dict[str, Any]:
        # Optuna divides nothing by nothing, and goes on rightly, when one point promises all there is
        with np.errstate(invalid="ignore"):
            return super().sample_relative(study, trial, search_space)


class _CmaEs(_Together, PlainCmaEs):
    pass


class _Nsga2(_Together, NSGAIISampler):
    pass


class _Sobol(_Together, QMCSampler):
    pass


class _Tpe(_Together, ConvertingTpe):
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


def _require_possible(name: str, space: SearchSpace, objectives: int) -> None:
    if name not in SAMPLERS:
        raise EngineError(f"unknown sampler {name!r}", expected=f"one of {', '.join(SAMPLERS)}")
    if objectives > 1 and name == "cmaes":
        raise EngineError(
            "CMA-ES searches for one objective",
            found=f"{objectives} objectives",
            remedy="Use --sampler nsga2 or tpe",
        )
    if name == "gp" and importlib.util.find_spec("torch") is None:
        raise EngineError(
            "the sampler gp needs PyTorch, which is not installed",
            remedy="Install the extra with `pip install 'mammobench[gp]'`, or use --sampler tpe",
        )
    if name == "grid" and math.isinf(space.size):
        ranges = [item.key for item in space.hyperparameters if math.isinf(item.count)]
        raise EngineError(
            f"the sampler grid needs a finite space, and {', '.join(ranges)} may be any number in a range",
            where=space.name,
            remedy="Give each a step or a list, such as {choice: [0.0001, 0.001]}, or use --sampler qmc",
        )
