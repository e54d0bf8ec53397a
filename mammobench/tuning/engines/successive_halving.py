"""ASHA with promotion: asynchronous successive halving that goes on from checkpoints.

Source: Li et al. (2020), A system for massively parallel hyperparameter tuning, MLSys. Optuna's pruner of
that name stops trials instead; here a trial ends at its rung, and one of the best there is continued.
"""

from collections.abc import Sequence

from mammobench.core.objectives import Direction
from mammobench.core.seeds import derive_seed
from mammobench.space.search_space import SearchSpace
from mammobench.tuning.engines.base import Engine, NoProposal, Outcome, Proposal, require_in_space
from mammobench.tuning.engines.i_epoch import draw_new

REDUCTION = 3
"""One trial in so many is promoted from a rung to the next."""


class AshaEngine(Engine):
    """Random configurations, the best third of each rung promoted to the next: 1, 3, 9, 27 epochs.

    Args:
        space: What to search; its budget's epochs are the last rung.
        sampler: Without effect; there is one.
        directions: Of the objective; the first is taken.
        seed: The study's.
    """

    def __init__(
        self, space: SearchSpace, *, sampler: str = "asha", directions: Sequence[Direction], seed: int
    ) -> None:
        del sampler
        self._space, self._seed = space, seed
        self._sign = 1.0 if directions[0] == "maximize" else -1.0
        self.rungs = rungs(space.budget.max_epochs)
        self._proposed: dict[int, Proposal] = {}
        self._ended: dict[int, Outcome] = {}

    def propose(self, number: int) -> Proposal | NoProposal:
        """Promote from the highest rung that has somebody to promote, else begin a new configuration."""
        promoted = {each.continues for each in self._proposed.values()}
        for place in reversed(range(len(self.rungs) - 1)):
            for candidate in self._best(place):
                if candidate not in promoted:
                    proposal = Proposal(
                        number,
                        self._proposed[candidate].values,
                        epochs=self.rungs[place + 1],
                        continues=candidate,
                    )
                    self.resume(proposal)
                    return proposal
        begun = [each for each in self._proposed.values() if each.continues is None]
        values = draw_new(self._space, derive_seed(self._seed, number, "propose"), begun)
        if values is None:
            running = any(each not in self._ended for each in self._proposed)
            return NoProposal.WAIT if running else NoProposal.USED_UP
        proposal = Proposal(number, values, epochs=self.rungs[0])
        self.resume(proposal)
        return proposal

    def resume(self, proposal: Proposal, curve: Sequence[float] = ()) -> None:
        """Note a trial that was proposed elsewhere."""
        del curve
        require_in_space(self._space, proposal.values)
        # the reference CNN is trained whole and stands on no rung
        if proposal.epochs is not None:
            self._proposed[proposal.number] = proposal

    def learn(self, outcome: Outcome) -> None:
        """Note how a trial ended."""
        self.resume(outcome.proposal)
        if outcome.proposal.number in self._proposed:
            self._ended[outcome.proposal.number] = outcome

    def _best(self, place: int) -> list[int]:
        """Return the trials of a rung that are to be promoted, the best first."""
        there = [outcome for outcome in self._ended.values() if outcome.proposal.epochs == self.rungs[place]]
        scored = sorted(
            (
                (-self._sign * outcome.objectives[0], outcome.proposal.number)
                for outcome in there
                if outcome.state == "finished" and outcome.objectives
            ),
        )
        return [number for _, number in scored[: len(there) // REDUCTION]]


def rungs(most: int) -> tuple[int, ...]:
    """Return the epochs of each rung: powers of `REDUCTION`, and the budget's epochs last."""
    found, epochs = [], 1
    while epochs < most:
        found.append(epochs)
        epochs *= REDUCTION
    return (*found, most)
