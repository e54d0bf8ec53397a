"""ASHA with promotion: asynchronous successive halving that goes on from checkpoints.

Source: Li et al. (2020), A system for massively parallel hyperparameter tuning, MLSys. Optuna's pruner of
that name stops trials instead; here a trial ends at its rung, and one of the best there is continued.
"""

from collections.abc import Sequence

from mammobench.core.objectives import Direction
from mammobench.space.search_space import SearchSpace
from mammobench.tuning.engines.base import NoProposal, Proposal
from mammobench.tuning.engines.promoting import PromotingEngine, Spending

REDUCTION = 3
"""One trial in so many is promoted from a rung to the next."""


class AshaEngine(PromotingEngine):
    """Random configurations, the best third of each rung promoted to the next: 1, 3, 9, 27 epochs.

    A trial that failed counts as the worst of its rung. Where a space has no more configurations, the best
    that is left is promoted, until all have been trained to the end.

    Args:
        space: What to search; its budget's epochs are the last rung.
        directions: Of the objective; one only.
        seed: The study's.
        spending: Without effect: it goes on for as long as it is asked.

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
        super().__init__(space, directions=directions, seed=seed, spending=spending)
        self.rungs = rungs(space.budget.max_epochs)

    def propose(self, number: int) -> Proposal | NoProposal:
        """Promote from the highest rung that has somebody to promote, else begin a new configuration."""
        promoted = self._promotion(number, REDUCTION)
        if promoted is None:
            begun = self._begin(number, self.rungs[0])
            return begun or self._promotion(number, 1) or self._nothing()
        return promoted

    def _promotion(self, number: int, reduction: int) -> Proposal | None:
        for place in reversed(range(len(self.rungs) - 1)):
            there = self._ended_at(self.rungs[place])
            for trial in self._ranked(there)[: len(there) // reduction]:
                if trial not in self._continued:
                    return self._promote(number, trial, self.rungs[place + 1])
        return None

    def _nothing(self) -> NoProposal:
        promotable = any(
            self._begun[trial].epochs != self._most for trial in self._running & self._begun.keys()
        )
        return NoProposal.WAIT if promotable else NoProposal.USED_UP


def rungs(most: int) -> tuple[int, ...]:
    """Return the epochs of each rung: powers of `REDUCTION`, and the budget's epochs last."""
    found, epochs = [], 1
    while epochs < most:
        found.append(epochs)
        epochs *= REDUCTION
    return (*found, most)
