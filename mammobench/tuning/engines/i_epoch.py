"""i-Epoch: train every configuration for a few epochs, then the best of them to the end.

Source: Egele et al. (2023), Is one epoch all you need for multi-fidelity hyperparameter optimization?,
arXiv 2307.15422. What is trained on goes on from its checkpoint.
"""

from collections.abc import Sequence
from typing import Any

import optuna

from mammobench.core.objectives import Direction
from mammobench.core.seeds import derive_seed
from mammobench.space.search_space import SearchSpace
from mammobench.tuning.engines.base import Engine, NoProposal, Outcome, Proposal, require_in_space

EPOCHS = 1
"""How long all are trained."""

_SHARE = 10
"""One configuration in so many is trained on."""

_TRIES = 1_000


class IEpochEngine(Engine):
    """Random configurations for one epoch each, then the best tenth of them for all epochs.

    They are so many that both take what whole trainings would take in epochs, of the space's budget of
    trials. Trials that are trained on count as trials too.

    Args:
        space: What to search, and the budget.
        sampler: Without effect; there is one.
        directions: Of the objective; the first is taken.
        seed: The study's.
    """

    def __init__(
        self, space: SearchSpace, *, sampler: str = "i-epoch", directions: Sequence[Direction], seed: int
    ) -> None:
        del sampler
        self._space, self._seed = space, seed
        self._sign = 1.0 if directions[0] == "maximize" else -1.0
        self._first, self._kept = plan(space)
        self._proposed: dict[int, Proposal] = {}
        self._ended: dict[int, Outcome] = {}

    def propose(self, number: int) -> Proposal | NoProposal:
        """Return a random configuration for the first epochs, or the best that is not trained on yet."""
        begun = [each for each in self._proposed.values() if each.continues is None]
        if len(begun) < self._first:
            values = draw_new(self._space, derive_seed(self._seed, number, "propose"), begun)
            if values is not None:
                proposal = Proposal(number, values, epochs=min(EPOCHS, self._space.budget.max_epochs))
                self.resume(proposal)
                return proposal
        continued = {each.continues for each in self._proposed.values() if each.continues is not None}
        if any(each.number not in self._ended for each in begun):
            return NoProposal.WAIT
        scored = [
            (self._sign * (outcome.objectives or (0.0,))[0], -number)
            for number, outcome in self._ended.items()
            if outcome.state == "finished" and outcome.proposal.continues is None
        ]
        best = [-place for _, place in sorted(scored, reverse=True)[: self._kept]]
        for place in best:
            if place not in continued:
                proposal = Proposal(number, self._proposed[place].values, continues=place)
                self.resume(proposal)
                return proposal
        return NoProposal.USED_UP

    def resume(self, proposal: Proposal, curve: Sequence[float] = ()) -> None:
        """Note a trial that was proposed elsewhere."""
        del curve
        require_in_space(self._space, proposal.values)
        # the reference CNN is trained whole, and no configuration of the first round
        if proposal.epochs is not None or proposal.continues is not None:
            self._proposed[proposal.number] = proposal

    def learn(self, outcome: Outcome) -> None:
        """Note how a trial ended."""
        self.resume(outcome.proposal)
        if outcome.proposal.number in self._proposed:
            self._ended[outcome.proposal.number] = outcome


def plan(space: SearchSpace) -> tuple[int, int]:
    """Return how many configurations are trained for the first epochs, and how many of them to the end."""
    most = space.budget.max_epochs
    budget = space.budget.trials * most
    if most <= EPOCHS:
        return space.budget.trials, 0
    # N first epochs and N / 10 further trainings come to the budget
    kept = max(1, round(budget / (_SHARE * EPOCHS + most - EPOCHS)))
    first = max(kept, (budget - kept * (most - EPOCHS)) // EPOCHS)
    return int(min(first, space.size)), kept


def draw_new(space: SearchSpace, seed: int, tried: Sequence[Proposal]) -> dict[str, Any] | None:
    """Return a configuration uniformly at random that is not among those tried; None where there is none."""
    known = [dict(each.values) for each in tried]
    if len(known) >= space.size:
        return None
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    for _ in range(_TRIES):
        values = space.suggest(study.ask())
        if values not in known:
            return values
    return next((values for values in space.configurations() if values not in known), None)
