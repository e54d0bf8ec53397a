"""Optuna's samplers as an engine.

The sampler works on a study in memory, which the record of trials rebuilds. Its generator is made anew for
each trial from (seed, trial number): a seeded sampler that went on from a fresh stream after a restart would
draw its old configurations again.
"""

import math
import warnings
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.trial import Trial, TrialState

from mammobench.engines.base import Engine, Outcome, Proposal
from mammobench.errors import EngineError
from mammobench.metrics import Direction
from mammobench.seeds import derive_seed
from mammobench.space import SearchSpace, encode

SAMPLERS = ("tpe", "random")

_STUBBORN = 50  # repeated draws in a finite space after which the rest of it is drawn at random


class OptunaEngine(Engine):
    """Random search or the tree-structured Parzen estimator (Bergstra et al. 2011; Watanabe 2023).

    Args:
        space: What to search.
        direction: Of the objective.
        sampler: ``tpe`` or ``random``.
        seed: The study's seed.

    Raises:
        EngineError: For an unknown sampler.
    """

    def __init__(self, space: SearchSpace, *, direction: Direction, sampler: str, seed: int) -> None:
        if sampler not in SAMPLERS:
            raise EngineError(f"unknown sampler {sampler!r}", expected=f"one of {', '.join(SAMPLERS)}")
        self._space, self._sampler, self._seed = space, sampler, seed
        self._study = optuna.create_study(direction=direction)
        self._trials: dict[int, Trial] = {}
        self._proposed: set[tuple[tuple[str, object], ...]] = set()

    def propose(self, number: int) -> Proposal | None:
        """Ask the sampler; a finite space is used up when every configuration has been proposed."""
        if len(self._proposed) >= self._space.size:
            return None
        attempt = 0
        while True:
            self._study.sampler = self._make_sampler(number, attempt)
            trial = self._study.ask()
            values = self._space.suggest(trial)
            key = _key(values)
            if key not in self._proposed or math.isinf(self._space.size):
                self._proposed.add(key)
                self._trials[number] = trial
                return Proposal(number, values)
            # in a finite space nothing is trained twice: the repeated draw is withdrawn
            self._study.tell(trial, state=TrialState.FAIL)
            attempt += 1

    def resume(self, proposal: Proposal) -> None:
        """Enter a running trial into the study in memory."""
        self._study.enqueue_trial({key: encode(value) for key, value in proposal.values.items()})
        self._study.sampler = self._make_sampler(proposal.number, 0)
        trial = self._study.ask()
        self._space.suggest(trial)
        self._proposed.add(_key(proposal.values))
        self._trials[proposal.number] = trial

    def learn(self, outcome: Outcome) -> None:
        """Tell the sampler; failed trials teach it nothing but are not proposed again."""
        if outcome.number not in self._trials:
            self.resume(Proposal(outcome.number, outcome.values))
        trial = self._trials.pop(outcome.number)
        if outcome.objective is None:
            self._study.tell(trial, state=TrialState.FAIL)
        else:
            self._study.tell(trial, outcome.objective)

    def _make_sampler(self, number: int, attempt: int) -> optuna.samplers.BaseSampler:
        seed = derive_seed(self._seed, number, "propose", attempt)
        if self._sampler == "random" or attempt > _STUBBORN:
            return optuna.samplers.RandomSampler(seed=seed)
        with warnings.catch_warnings():
            # `group` lets hyperparameters with conditions be sampled together where they exist together
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True)


def _key(values: Mapping[str, Any]) -> tuple[tuple[str, object], ...]:
    return tuple((key, encode(value)) for key, value in values.items())
