"""A design in place of a search: configurations and training seeds that are planned before the first trial.

What is planned depends on the space, the seed and the place in the plan alone, so that a plan that grows
keeps all that it has had.
"""

import itertools
import json
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from scipy.stats import qmc

from mammobench.core.errors import EngineError
from mammobench.core.objectives import Direction
from mammobench.core.registry import resolve
from mammobench.core.seeds import derive_seed
from mammobench.space.config import TrialConfig
from mammobench.space.search_space import SearchSpace
from mammobench.study.design import Design
from mammobench.tuning.engines.base import Engine, NoProposal, Outcome, Proposal
from mammobench.tuning.engines.methods import DESIGNS

REFERENCE = 0
"""The place of the reference CNN in a plan; the space's configurations follow."""

_UNPLANNED = 512
"""Configurations of a design that nobody has planned."""

_STUBBORN = 6
"""Doublings of the sequence after which a space is taken to have no more configurations."""


class Planned(NamedTuple):
    """One training of a plan.

    Attributes:
        config: The configuration's place in the plan, from 0.
        replicate: Which of its training seeds, from 0.
    """

    config: int
    replicate: int


class DesignEngine(Engine):
    """Proposes the trainings of a plan, all training seeds of a configuration together; learns nothing.

    The reference CNN is configuration 0, whose first training is the study's trial 0.

    Args:
        space: What the configurations are of.
        directions: Of the objectives, without effect.
        seed: The study's.
        sampler: Of `mammobench.tuning.engines.methods.DESIGNS`.
        constraints: Of the study, without effect.
        design: The plan; None for as many configurations as are asked for, each once, none that was tried.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        directions: Sequence[Direction],
        seed: int,
        sampler: str,
        constraints: int = 0,
        design: Design | None = None,
    ) -> None:
        del directions, constraints
        self._seed = seed
        self._planned = design is not None
        self._design = design or Design(configurations=max(_UNPLANNED, space.budget.trials), seeds=1)
        draw = resolve(DESIGNS[sampler].where)
        self._values: list[dict[str, Any]] = draw(space, seed=seed, count=self._design.configurations)
        # trial 0, which the study enters itself, is the first training of the reference CNN
        self._taken = {Planned(REFERENCE, 0)}

    @property
    def planned(self) -> int:
        """Trainings of the space's configurations that are to be made in all."""
        return sum(
            not self._design.is_there(config, replicate)
            for config in range(1, len(self._values) + 1)
            for replicate in range(self._design.seeds)
        )

    def propose(self, number: int) -> Proposal | NoProposal:
        """Return the first training of the plan that nobody has taken yet."""
        replicates = range(self._design.seeds)
        plan = itertools.starmap(Planned, itertools.product(range(len(self._values) + 1), replicates))
        planned = next(
            (each for each in plan if each not in self._taken and not self._design.is_there(*each)), None
        )
        if planned is None:
            return NoProposal.USED_UP
        reference = planned.config == REFERENCE
        proposal = Proposal(
            number,
            {} if reference else self._values[planned.config - 1],
            memo={"config": planned.config, "replicate": planned.replicate},
            seed=derive_seed(self._seed, planned.config, planned.replicate, "training"),
            reference=reference,
        )
        self._taken.add(planned)
        return proposal

    def resume(self, proposal: Proposal, curve: Sequence[float] = ()) -> None:
        """Take the training as taken.

        Raises:
            EngineError: For a memo that no design has written.
        """
        del curve
        self._take(proposal)

    def learn(self, outcome: Outcome) -> None:
        """Take the training as taken, however it ended."""
        self._take(outcome.proposal)

    def _take(self, proposal: Proposal) -> None:
        planned = planned_of(proposal.memo)
        if proposal.memo and planned is None:
            raise EngineError(
                "a note that no design has written",
                expected="config and replicate, whole numbers",
                found=", ".join(map(str, proposal.memo))[:60],
            )
        if planned is not None:
            self._taken.add(planned)
        elif not self._planned and proposal.values in self._values:
            self._taken.add(Planned(self._values.index(dict(proposal.values)) + 1, 0))


def planned_of(memo: object) -> Planned | None:
    """Return which training of a plan a trial is; None for one that is of no plan."""
    match memo:
        case {"config": int(config), "replicate": int(replicate), **others} if not others:
            return Planned(config, replicate)
    return None


def sobol_design(space: SearchSpace, *, seed: int, count: int) -> list[dict[str, Any]]:
    """Return different configurations: the default one, then points of a scrambled Sobol' sequence.

    Of a finite space with fewer, all are returned. A hyperparameter's default is that of
    `TrialConfig` where it lies in the space, else the middle of its range.

    Args:
        space: What to fill.
        seed: Of the scrambling.
        count: How many; the first of more are the same.

    Source: Owen (1998), Scrambling Sobol' and Niederreiter-Xing points, by `scipy.stats.qmc.Sobol`.
    """
    found: dict[str, dict[str, Any]] = {}
    # what the sequence has not met by then is the rest of a small space
    rest = space.configurations() if math.isfinite(space.size) else iter(())
    for values in itertools.chain([default_values(space)], _sobol(space, seed, count), rest):
        found.setdefault(json.dumps(values, sort_keys=True), values)
        if len(found) == min(count, space.size):
            break
    return list(found.values())


def default_values(space: SearchSpace) -> dict[str, Any]:
    """Return the configuration of each hyperparameter's default, conditions obeyed."""
    defaults = TrialConfig().values()
    values: dict[str, Any] = {}
    for item in space.hyperparameters:
        if item.active(values):
            default = defaults[item.key]
            values[item.key] = default if item.contains(default) else item.at(0.5)
    return values


def _sobol(space: SearchSpace, seed: int, count: int) -> Iterator[dict[str, Any]]:
    coordinates = max(1, len(space.hyperparameters))
    sequence = qmc.Sobol(coordinates, scramble=True, rng=derive_seed(seed, "sobol"))
    power = max(1, (count - 1).bit_length())
    # a power of two of points is balanced; more of them where many are the same configuration
    for doubling in range(_STUBBORN):
        points = sequence.random_base2(power if doubling == 0 else power + doubling - 1)
        for point in points:
            values: dict[str, Any] = {}
            for item, quantile in zip(space.hyperparameters, point, strict=False):
                if item.active(values):
                    values[item.key] = item.at(float(quantile))
            yield values
