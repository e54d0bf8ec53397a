"""Searches that are planned beforehand, and trainings that answer them, for tests of the simulator."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mammobench.benchmark.replay.answers import Training
from mammobench.benchmark.replay.simulator import Simulator
from mammobench.benchmark.replay.trace import Budget, Trace
from mammobench.benchmark.tables.observed import Observed
from mammobench.tuning.engines.base import Engine, NoProposal, Outcome, Proposal
from tests.recorded_tables import made_table


@dataclass(frozen=True)
class Plan:
    """One proposal of a plan.

    Attributes:
        training: What it is answered with; ignored where it continues.
        epochs: Until which it is trained.
        continues: The place in the plan of the trial that it continues, from 0.
        stops: The epoch after which it is stopped; None for never.
    """

    training: Training
    epochs: int
    continues: int | None = None
    stops: int | None = None


@dataclass
class PlannedEngine(Engine):
    """Proposes a plan in its order, and notes whatever it is told, with the trial, the epoch and the time."""

    plan: Sequence[Plan]
    told: list[tuple[str, int, int, float]] = field(default_factory=list)
    clock: Callable[[], float] = lambda: 0.0
    ended: set[int] = field(default_factory=set)
    proposed: int = 0
    epochs: dict[int, int] = field(default_factory=dict)

    def propose(self, number: int) -> Proposal | NoProposal:
        if self.proposed == len(self.plan):
            return NoProposal.USED_UP
        each = self.plan[self.proposed]
        # trial 0 is the reference CNN
        continues = None if each.continues is None else each.continues + 1
        if continues is not None and continues not in self.ended:
            return NoProposal.WAIT
        self.proposed += 1
        return Proposal(number, {"place": self.proposed - 1}, epochs=each.epochs, continues=continues)

    def resume(self, proposal: Proposal, curve: Sequence[float] = ()) -> None:
        pass

    def report(self, number: int, epoch: int, value: float) -> None:  # noqa: ARG002 - planned
        self.told.append(("epoch", number, epoch, self.clock()))
        self.epochs[number] = epoch

    def should_stop(self, number: int) -> bool:
        return number > 0 and self.epochs.get(number) == self.plan[number - 1].stops

    def learn(self, outcome: Outcome) -> None:
        number = outcome.proposal.number
        self.ended.add(number)
        self.told.append((outcome.state, number, len(outcome.curve), self.clock()))


@dataclass(frozen=True)
class PlannedAnswers:
    """Answers the place in the plan that a proposal names."""

    plan: Sequence[Plan]

    def config_of(self, values: Mapping[str, Any]) -> int:
        return int(values["place"])

    def answer(self, values: Mapping[str, Any], visit: int, seed: int) -> Training:
        del visit, seed
        return self.plan[int(values["place"])].training


def training(
    seconds: Sequence[float], *, start: float = 0.0, end: float = 0.0, status: str = "ok", value: float = 0.5
) -> Training:
    """Return a training of so many epochs as there are seconds."""
    values = tuple(value + 0.001 * epoch for epoch in range(len(seconds)))
    return Training(1, 0, 0.0, values, tuple(seconds), start, end, status)


def instant_reference(epochs: int) -> Observed:
    """Return a table whose reference CNN takes no time and lies outside the space."""
    observed, _ = made_table(seeds=1, epochs=epochs)
    shape = observed.objective.shape
    return replace(
        observed,
        proposals=(None, *observed.proposals[1:]),
        epoch_seconds=np.zeros(shape),
        start_seconds=np.zeros(shape[:2]),
        end_seconds=np.zeros(shape[:2]),
    )


def simulate(
    plan: Sequence[Plan], *, workers: int, epochs: int, budget: Budget | None = None, asks: bool = True
) -> tuple[Trace, PlannedEngine]:
    """Run a plan on the simulated clock."""
    engine = PlannedEngine(plan)
    simulator = Simulator(
        instant_reference(epochs), PlannedAnswers(plan), engine, asks=asks, seed=0,
        budget=budget or Budget(trials=len(plan)), workers=workers,
    )  # fmt: skip
    engine.clock = lambda: simulator.now
    return simulator.run(table="planned", method="planned"), engine
