"""A search method whose every word is written down before, for tests of the simulated clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mammobench.tuning.engines.base import Engine, NoProposal, Outcome, Proposal


@dataclass(frozen=True)
class Line:
    """What the script says of one trial.

    Attributes:
        values: What it tries; without effect where it continues another.
        epochs: Until which epoch; None for the whole training.
        stop: The epoch after which it is stopped.
        after: The trial whose end it waits for.
        continues: The trial that it goes on with, whose end it waits for too.
    """

    values: Mapping[str, Any]
    epochs: int | None = None
    stop: int | None = None
    after: int | None = None
    continues: int | None = None

    @property
    def needs(self) -> set[int]:
        return {number for number in (self.after, self.continues) if number is not None}


@dataclass
class Scripted(Engine):
    """Says what its lines say: the first is trial 1."""

    lines: Sequence[Line]
    ended: set[int] = field(default_factory=set)
    epoch: dict[int, int] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)

    def propose(self, number: int) -> Proposal | NoProposal:
        if number > len(self.lines):
            return NoProposal.USED_UP
        line = self.lines[number - 1]
        if not line.needs <= self.ended:
            return NoProposal.WAIT
        return Proposal(number, line.values, line.epochs, line.continues)

    def resume(self, proposal: Proposal, curve: Sequence[float] = ()) -> None:
        pass

    def report(self, number: int, epoch: int, value: float) -> None:
        del value
        self.epoch[number] = epoch

    def should_stop(self, number: int) -> bool:
        return number > 0 and self.lines[number - 1].stop == self.epoch[number]

    def learn(self, outcome: Outcome) -> None:
        self.ended.add(outcome.proposal.number)
        self.outcomes.append(outcome)
