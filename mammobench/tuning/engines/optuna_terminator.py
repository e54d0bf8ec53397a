"""When more trials would be of no use, by `optuna.terminator`'s evaluators.

Optuna's `Terminator` itself also counts infeasible trials and warns that it will move to OptunaHub in
Optuna 6; the evaluators are what it is made of.
"""

import warnings

import optuna
from optuna.study import StudyDirection
from optuna.terminator import BestValueStagnationEvaluator, EMMREvaluator, MedianErrorEvaluator
from optuna.trial import FrozenTrial

from mammobench.core.objectives import Direction
from mammobench.core.seeds import derive_seed

PATIENCE = 30
"""Trained trials without a better objective after which a search has settled."""

_FEWEST = 30  # what the median of the Gaussian process's first regrets is taken of: 10 to warm up, and 20


class Terminator:
    """Judges the trials so far; the same trials get the same judgement.

    Args:
        direction: Of the objective.
        regret: Judge by a Gaussian process's expected minimum model regret (Ishibashi et al. 2023), for which
            PyTorch is needed, rather than by the number of trials since the best.
        seed: The study's seed.
    """

    def __init__(self, direction: Direction, *, regret: bool, seed: int) -> None:
        self._direction = StudyDirection[direction.upper()]
        self._regret, self._seed = regret, seed
        self._first: list[int] = []
        self._threshold = 0.0

    def reason(self, trials: list[FrozenTrial]) -> str | None:
        """Return why more trials would be of no use, or None.

        Args:
            trials: Those finished, in the order of their numbers.
        """
        if len(trials) < _FEWEST:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return self._by_regret(trials) if self._regret else self._by_stagnation(trials)

    def _by_stagnation(self, trials: list[FrozenTrial]) -> str | None:
        left = BestValueStagnationEvaluator(PATIENCE).evaluate(trials, self._direction)
        return f"no better objective in the last {PATIENCE} trials" if left <= 0 else None

    def _by_regret(self, trials: list[FrozenTrial]) -> str | None:
        regret = self._evaluator(len(trials)).evaluate(trials, self._direction)
        first = [trial.number for trial in trials[:_FEWEST]]
        if first != self._first:
            median = MedianErrorEvaluator(self._evaluator(0))
            self._first, self._threshold = first, median.evaluate(trials, self._direction)
        if regret >= self._threshold:
            return None
        return f"the expected regret, {regret:.2g}, is below a hundredth of what it was in the beginning"

    def _evaluator(self, trials: int) -> EMMREvaluator:
        return EMMREvaluator(seed=derive_seed(self._seed, trials, "regret"))
