"""No method is told anything before it has happened, nor later than it has."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from mammobench.benchmark.replay.methods import Method, parse_method
from mammobench.benchmark.replay.search import replay
from mammobench.benchmark.replay.trace import Budget, Trace
from mammobench.tuning.engines.base import Engine, NoProposal, Outcome, Proposal
from tests.recorded_tables import made_table

DECISIONS = 10_000
METHODS = ("random+median", "random+asha", "random+hyperband", "qmc+median", "i-epoch", "asha")


@dataclass
class Spy(Engine):
    """Passes on what is told and asked, and writes it down.

    Attributes:
        told: Trial and epoch of each value; for an end, the trial and None.
        decided: Trial and epoch of each decision, None for a proposal, with how much had been told.
    """

    engine: Engine
    told: list[tuple[int, int | None]] = field(default_factory=list)
    decided: list[tuple[int, int | None, int]] = field(default_factory=list)
    epoch: dict[int, int] = field(default_factory=dict)

    @property
    def stops(self) -> bool:
        return self.engine.stops

    def propose(self, number: int) -> Proposal | NoProposal:
        answer = self.engine.propose(number)
        if isinstance(answer, Proposal):
            self.decided.append((number, None, len(self.told)))
        return answer

    def resume(self, proposal: Proposal, curve: Sequence[float] = ()) -> None:
        assert not curve
        self.engine.resume(proposal)

    def report(self, number: int, epoch: int, value: float) -> None:
        self.told.append((number, epoch))
        self.epoch[number] = epoch
        self.engine.report(number, epoch, value)

    def should_stop(self, number: int) -> bool:
        self.decided.append((number, self.epoch[number], len(self.told)))
        return self.engine.should_stop(number)

    def learn(self, outcome: Outcome) -> None:
        told = self.epoch.get(outcome.proposal.number, 0)
        self.told += [(outcome.proposal.number, epoch) for epoch in range(told + 1, len(outcome.curve) + 1)]
        self.told.append((outcome.proposal.number, None))
        self.engine.learn(outcome)


def spied(name: str, seed: int, workers: int) -> tuple[Trace, Spy]:
    method, spies = parse_method(name), list[Spy]()

    def make(space: Any, **options: Any) -> Spy:
        spies.append(Spy(method.engine(space, direction=options["directions"][0], seed=options["seed"])))
        return spies[0]

    table, _ = made_table(seed=seed, epochs=9, failing=0.1)
    trace = replay(table, Method(name=name, make=make), seed=seed, budget=Budget(epochs=250), workers=workers)
    return trace, spies[0]


def test_no_decision_rests_on_its_future_and_each_on_its_whole_past() -> None:
    decisions, stops = 0, 0
    for seed in range(1_000):
        workers = 1 + seed % 16
        trace, spy = spied(METHODS[seed % len(METHODS)], seed, workers)
        continues = trace.trials["continues"].to_numpy()
        started, ended = trace.trials["started"].to_numpy(), trace.trials["ended"].to_numpy()
        happened: dict[tuple[int, int | None], float] = {
            (trial, epoch): seconds
            for trial, epoch, seconds in zip(
                trace.events["trial"], trace.events["epoch"], trace.events["seconds"], strict=True
            )
        }
        happened |= {(number, None): ended[number] for number in np.flatnonzero(~np.isnan(ended)).tolist()}
        own = set(happened)
        # a continued trial is told again of the epochs before, which happened in the trial that it continues
        for number in range(len(continues)):
            place = int(continues[number])
            while place >= 0:
                for trial, epoch in [each for each in happened if each[0] == place and each[1]]:
                    happened.setdefault((number, epoch), happened[trial, epoch])
                place = int(continues[place])
        times = np.array([happened[each] for each in spy.told])
        new = np.array([each in own for each in spy.told])
        for number, epoch, told in spy.decided:
            now = started[number] if epoch is None else happened[number, epoch]
            assert told == 0 or times[:told].max() <= now
            # and whatever has happened is known
            assert (times[told:][new[told:]] >= now).all()
        decisions += len(spy.decided)
        stops += int((trace.trials["status"] == "pruned").sum())
        if decisions >= DECISIONS and seed >= 64:
            break
    assert decisions >= DECISIONS
    assert stops > 100


class Rival(Engine):
    """Stops a trial that is worse than the best that is known after the same epoch."""

    def __init__(self, space: Any, **_: Any) -> None:
        self.values = [space.place(each) for each in space.configurations()]
        self.configurations = list(space.configurations())
        self.known: dict[int, dict[int, float]] = {}

    def propose(self, number: int) -> Proposal | NoProposal:
        # behind the reference CNN: first the slow one, then the fast one
        return Proposal(number, self.configurations[number]) if number <= 2 else NoProposal.USED_UP

    def resume(self, proposal: Proposal, curve: Sequence[float] = ()) -> None:
        pass

    def report(self, number: int, epoch: int, value: float) -> None:
        self.known.setdefault(epoch, {})[number] = value

    def should_stop(self, number: int) -> bool:
        if number == 0:
            return False
        epoch = max(epoch for epoch, known in self.known.items() if number in known)
        return self.known[epoch][number] < max(self.known[epoch].values())

    def learn(self, outcome: Outcome) -> None:
        pass


@pytest.mark.parametrize(("slow", "pruned"), [(10.0, ()), (0.1, (2,))])
def test_a_fast_trial_is_not_pruned_on_what_a_slow_rival_will_say(slow: float, pruned: tuple[int]) -> None:
    table, _ = made_table(epochs=5)
    objective, seconds = table.objective.copy(), table.epoch_seconds.copy()
    objective[0], objective[1], objective[2] = 0.1, 0.9, 0.5
    seconds[0], seconds[1], seconds[2] = 100.0, slow, 1.0
    table = replace(table, objective=objective, epoch_seconds=seconds, start_seconds=0 * table.start_seconds)
    trace = replay(table, Method(name="rival", make=Rival), seed=0, budget=Budget(epochs=14), workers=3)
    assert tuple(trace.trials.index[trace.trials["status"] == "pruned"]) == pruned
