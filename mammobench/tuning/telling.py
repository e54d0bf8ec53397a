"""`Teller`: what an engine is told of trials, and when; the same in a search and in its replay on a table."""

from collections.abc import Sequence

from mammobench.tuning.engines.base import Engine, Outcome, Proposal


class Teller:
    """Tells an engine of trials as they stand, each epoch and each end once.

    Args:
        engine: Who is told.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        # epochs of its curve that the engine was told of each running trial; None once it has ended
        self._told: dict[int, int | None] = {}

    def has_ended(self, number: int) -> bool:
        """Return whether the engine was told of a trial's end."""
        return self._told.get(number, 0) is None

    def entered(self, number: int) -> None:
        """Note that a trial that the engine proposed runs."""
        self._told[number] = 0

    def tell_running(self, proposal: Proposal, curve: Sequence[float]) -> None:
        """Tell of a running trial, and of those of its epochs that the engine has not heard of."""
        number = proposal.number
        known = self._told.get(number)
        if known is None:
            self.engine.resume(proposal, curve)
        else:
            for epoch, value in enumerate(curve[known:], start=known + 1):
                self.engine.report(number, epoch, value)
        self._told[number] = len(curve)

    def tell_end(self, outcome: Outcome) -> None:
        """Tell what became of a trial."""
        self.engine.learn(outcome)
        self._told[outcome.proposal.number] = None

    def should_stop(self, number: int, epoch: int) -> bool:
        """Return whether a running trial is to be stopped after the epoch that the engine was told of last.

        A training that began again from an older checkpoint comes past epochs that the record goes beyond:
        after those it was told to go on, and what the engine says now is of the last one.
        """
        return self._told.get(number) == epoch and self.engine.should_stop(number)
