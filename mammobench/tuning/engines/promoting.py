"""`PromotingEngine`: what the project's own methods share, which train many a little and the best on.

A trial ends at an epoch that the method says; one that is promoted goes on from its checkpoint, as a trial of
its own.
"""

from abc import abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mammobench.core.errors import EngineError
from mammobench.core.objectives import Direction
from mammobench.core.seeds import generator
from mammobench.space.search_space import SearchSpace
from mammobench.tuning.engines.base import Engine, NoProposal, Outcome, Proposal, require_in_space

Place = tuple[float | None, ...]
"""Where a configuration lies; see `SearchSpace.place`."""

_TRIES = 1_000


@dataclass(frozen=True)
class Spending:
    """What a search may spend, in the epochs of a usual training.

    Attributes:
        epochs: In all.
        start: What a training takes besides its epochs, each time that it is started or goes on.
    """

    epochs: float
    start: float = 0.0


class PromotingEngine(Engine):
    """Random configurations of which the best are trained on.

    Args:
        space: What to search; its budget's epochs are those of a whole training.
        directions: Of the objective; one only.
        seed: The study's.
        spending: What there is to spend; None for the space's budget of trials, promotions among them.

    Raises:
        EngineError: For several objectives.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        directions: Sequence[Direction],
        seed: int,
        spending: Spending | None = None,
    ) -> None:
        if len(directions) != 1:
            raise EngineError(
                "methods that promote compare trials by one objective",
                found=f"{len(directions)} objectives",
                remedy="Ask for one, or for another engine: --engine optuna",
            )
        self._space, self._seed, self._spending = space, seed, spending
        self._most = space.budget.max_epochs
        self._sign = 1.0 if directions[0] == "maximize" else -1.0
        self._begun: dict[int, Proposal] = {}
        self._continued: set[int] = set()
        self._tried: dict[Place, None] = {}
        self._running: set[int] = set()
        self._ended: dict[int, Outcome] = {}

    @abstractmethod
    def propose(self, number: int) -> Proposal | NoProposal:
        """Promote a trial, or begin one."""

    def resume(self, proposal: Proposal, curve: Sequence[float] = ()) -> None:
        """Take note of a running trial.

        Raises:
            EngineError: For values outside the space.
        """
        del curve
        require_in_space(self._space, proposal.values)
        self._enter(proposal)

    def learn(self, outcome: Outcome) -> None:
        """Take note of how a trial ended.

        Raises:
            EngineError: For values outside the space.
        """
        number = outcome.proposal.number
        self.resume(outcome.proposal)
        self._running.discard(number)
        self._ended[number] = outcome

    def _enter(self, proposal: Proposal) -> None:
        number = proposal.number
        if number not in self._ended:
            self._running.add(number)
        if proposal.continues is None:
            self._tried[self._space.place(proposal.values)] = None
        else:
            self._continued.add(proposal.continues)
        # the reference CNN is trained whole, and is nobody's rival
        if proposal.epochs is not None or proposal.continues is not None:
            self._begun[number] = proposal

    def _begin(self, number: int, epochs: int) -> Proposal | None:
        """Return a configuration that has not been tried, drawn uniformly; None where there is none left."""
        values = draw_new(self._space, self._tried.keys(), generator(self._seed, number, "propose"))
        if values is None:
            return None
        proposal = Proposal(number, values, epochs=min(epochs, self._most))
        self._enter(proposal)
        return proposal

    def _promote(self, number: int, trial: int, epochs: int) -> Proposal:
        """Return a proposal to go on with a trial."""
        proposal = Proposal(number, self._begun[trial].values, epochs=epochs, continues=trial)
        self._enter(proposal)
        return proposal

    def _ended_at(self, epochs: int) -> list[Outcome]:
        """Return how those trials ended that were to be trained until an epoch."""
        return [
            outcome
            for number, outcome in self._ended.items()
            if number in self._begun and self._begun[number].epochs == epochs
        ]

    def _ranked(self, outcomes: Sequence[Outcome]) -> list[int]:
        """Return the trials that can go on, the best first, the older one of equals."""
        return [
            number
            for _, number in sorted(
                (-self._sign * outcome.objectives[0], outcome.proposal.number)
                for outcome in outcomes
                if outcome.state == "finished" and outcome.objectives
            )
        ]


def draw_new(
    space: SearchSpace, tried: Collection[Place], numbers: np.random.Generator
) -> dict[str, Any] | None:
    """Return a configuration that has not been tried, drawn uniformly; None where there is none left.

    Args:
        space: What to draw from.
        tried: Places of those tried.
        numbers: What to draw with.
    """
    if len(tried) >= space.size:
        return None
    for _ in range(_TRIES):
        values: dict[str, Any] = {}
        for item in space.hyperparameters:
            if item.active(values):
                values[item.key] = item.at(numbers.random())
        if space.place(values) not in tried:
            return values
    # few are left, of a finite space
    rest = [values for values in space.configurations() if space.place(values) not in tried]
    return rest[int(numbers.integers(len(rest)))] if rest else None
