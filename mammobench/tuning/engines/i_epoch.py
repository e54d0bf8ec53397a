"""i-Epoch: train every configuration for a few epochs, then the best of them to the end.

Source: Egele et al. (2023), Is one epoch all you need for multi-fidelity hyperparameter optimization?,
arXiv 2307.15422. What is trained on goes on from its checkpoint.
"""

from collections.abc import Sequence

from mammobench.core.objectives import Direction
from mammobench.space.search_space import SearchSpace
from mammobench.tuning.engines.base import NoProposal, Proposal
from mammobench.tuning.engines.promoting import PromotingEngine, Spending

EPOCHS = 1
"""How long all are trained."""

_SHARE = 10
"""One configuration in so many is trained on."""


class IEpochEngine(PromotingEngine):
    """Random configurations for one epoch each, then the best of them for all epochs, the best first.

    There are so many that a tenth of them can be trained to the end. Whoever goes on asking then gets the
    next best, until all are trained.

    Args:
        space: What to search, and the budget.
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
        super().__init__(space, directions=directions, seed=seed, spending=spending)
        self.first = first_round(space, spending)

    def propose(self, number: int) -> Proposal | NoProposal:
        """Begin a trial of the first round, or go on with the best that has not gone on yet."""
        begun = sum(each.continues is None for each in self._begun.values())
        if begun < self.first:
            proposal = self._begin(number, EPOCHS)
            if proposal is not None:
                return proposal
        first = [each for each in self._begun.values() if each.continues is None]
        if any(each.number in self._running for each in first):
            return NoProposal.WAIT
        outcomes = [self._ended[each.number] for each in first]
        best = next((trial for trial in self._ranked(outcomes) if trial not in self._continued), None)
        if best is None or self._most <= EPOCHS:
            return NoProposal.USED_UP
        return self._promote(number, best, self._most)


def first_round(space: SearchSpace, spending: Spending | None) -> int:
    """Return how many configurations are trained for the first epochs.

    N first epochs and N / 10 trainings that go on come to what there is to spend; where nothing is said of
    that, to the space's budget of trials.
    """
    trials, most = space.budget.trials, space.budget.max_epochs
    if most <= EPOCHS:
        return trials
    if spending is None:
        return max(1, round(trials / (1 + 1 / _SHARE)))
    each = EPOCHS + spending.start + (most - EPOCHS + spending.start) / _SHARE
    return max(1, round(spending.epochs / each))
