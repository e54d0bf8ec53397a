"""The simulated clock: one heap of (seconds, sequence number), one event for the end of an epoch.

A method is told of an epoch's value at that epoch's time and decides at events alone, so that nothing that it
decides on lies in its future. Its own thinking takes no simulated time. Trials are told, asked and continued
as in a real search; see `mammobench.tuning.loop` and `mammobench.tuning.proposer`.
"""

import heapq
import itertools
import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from mammobench.benchmark.replay.answers import Answers, Training, key_of, training_of
from mammobench.benchmark.replay.trace import Budget, Trace
from mammobench.benchmark.tables.observed import Observed
from mammobench.core.errors import EngineError
from mammobench.core.seeds import derive_seed
from mammobench.tuning.engines.base import (
    Ending,
    Engine,
    NoProposal,
    Outcome,
    Proposal,
    require_in_space,
)
from mammobench.tuning.telling import Teller

_Kind = Literal["resumed", "epoch", "end"]


@dataclass
class _Trial:
    """A trial on its way.

    Attributes:
        proposal: What it tries.
        training: The training that answers it.
        until: The epoch at which it is to end.
        worker: Who runs it.
        started: Simulated seconds.
        searched: Whether the method proposed it.
        told: Whether the method is told of it; the reference CNN may lie outside the space.
        begun: Epochs that it goes on from.
        curve: Values so far, those before a promotion included once it runs again.
        stopped: Whether the method has stopped it.
        state: How it ended; None while it runs.
        ended: When.
    """

    proposal: Proposal
    training: Training
    until: int
    worker: int
    started: float
    searched: bool = True
    told: bool = True
    begun: int = 0
    curve: list[float] = field(default_factory=list)
    stopped: bool = False
    state: Ending | None = None
    ended: float = float("nan")

    def fails(self, max_epochs: int) -> bool:
        """Return whether its training ends badly before it would end itself.

        Args:
            max_epochs: Of a whole training, behind which it may still fail.
        """
        reached = len(self.training.objective)
        return self.training.status != "ok" and (self.until > reached or self.until >= max_epochs)

    def epochs(self) -> int:
        """Return the epochs trained so far, those before a promotion included."""
        return max(self.begun, len(self.curve))


class Simulator:
    """One search of a method on a table.

    Args:
        table: What it may know of the table.
        answers: What answers proposals.
        engine: The method, which knows of no trial yet.
        seed: Of the search.
        budget: When it ends.
        workers: Trials at a time.
        speed: How many times as fast as they were recorded trainings run.
        constraints: How many constraint values finished and infeasible trials have.
    """

    def __init__(
        self,
        table: Observed,
        answers: Answers,
        engine: Engine,
        *,
        seed: int,
        budget: Budget,
        workers: int,
        speed: float = 1.0,
        constraints: int = 0,
    ) -> None:
        self._table, self._answers, self._asks = table, answers, engine.stops
        self._seed, self._budget, self._speed = seed, budget, speed
        self._teller, self._constraints = Teller(engine), constraints
        self.now = 0.0
        """Simulated seconds."""
        self._queue: list[tuple[float, int, int, _Kind]] = []
        self._sequence = itertools.count()
        self._idle = list(range(workers))
        self._trials: list[_Trial] = []
        self._untold: set[int] = set()
        self._visits: Counter[int] = Counter()
        self._events: list[tuple[float, int, int, float]] = []
        self._thinking: list[float] = []
        self._used_up = False

    def run(self, *, table: str, method: str) -> Trace:
        """Search until the budget is spent, or the method has nothing more to propose."""
        self._fill()
        while self._queue:
            seconds, _, number, kind = heapq.heappop(self._queue)
            if self._budget.seconds is not None and seconds > self._budget.seconds:
                break
            self.now = seconds
            self._happen(self._trials[number], kind)
            if self._budget.epochs is not None and len(self._events) >= self._budget.epochs * self._speed:
                break
            self._fill()
        return Trace(
            table=table,
            method=method,
            seed=self._seed,
            trials=self._trials_frame(),
            events=pd.DataFrame(
                {
                    "seconds": np.array([event[0] for event in self._events], np.float64),
                    "trial": np.array([event[1] for event in self._events], np.int64),
                    "epoch": np.array([event[2] for event in self._events], np.int64),
                    "value": np.array([event[3] for event in self._events], np.float64),
                }
            ),
            budget=self._budget,
            thinking=np.array(self._thinking, np.float64),
            speed=self._speed,
        )

    def _fill(self) -> None:
        # what would begin when the time is over has not begun
        while self._idle and not self._used_up and self.now < (self._budget.seconds or math.inf):
            trial = self._next()
            if trial is None:
                return
            self._start(trial)

    def _next(self) -> _Trial | None:
        """Return the next trial; the first is the reference CNN."""
        number = len(self._trials)
        worker = self._idle[0]
        if number == 0:
            return self._reference(worker)
        searched = sum(trial.searched for trial in self._trials)
        if self._budget.trials is not None and searched >= self._budget.trials * self._speed:
            self._used_up = True
            return None
        with self._think():
            self._catch_up()
            engine = self._teller.engine
            settled = engine.settled()
            answer = NoProposal.USED_UP if settled is not None else engine.propose(number)
        if isinstance(answer, NoProposal):
            self._used_up = answer is NoProposal.USED_UP
            if answer is NoProposal.WAIT and not self._queue:
                raise EngineError("the method waits, and no trial runs that it could wait for")
            return None
        self._check(answer, number)
        self._teller.entered(number)
        until = min(answer.epochs or self._table.max_epochs, self._table.max_epochs)
        if answer.continues is not None:
            origin = self._trials[answer.continues]
            begun = origin.epochs() if self._has_checkpoint(origin) else 0
            return _Trial(answer, origin.training, until, worker, self.now, begun=begun)
        config = self._answers.config_of(answer.values)
        training = self._answers.answer(answer.values, self._visits[config], self._seed)
        self._visits[config] += 1
        return _Trial(answer, training, until, worker, self.now)

    def _check(self, proposal: Proposal, number: int) -> None:
        """Refuse what no study could enter in its record."""
        require_in_space(self._table.space, proposal.values)
        known = proposal.continues is None or 0 <= proposal.continues < number
        origin = self._trials[proposal.continues] if known and proposal.continues is not None else None
        faults = {
            f"the number {proposal.number}": proposal.number != number,
            f"epochs until {proposal.epochs}": proposal.epochs is not None and proposal.epochs < 1,
            f"to go on with trial {proposal.continues}, which there is not": not known,
            f"to go on with trial {proposal.continues}, which runs": origin is not None and not origin.state,
            f"to go on with trial {proposal.continues} with other hyperparameters": origin is not None
            and dict(origin.proposal.values) != dict(proposal.values),
        }
        if any(faults.values()):
            raise EngineError(
                "the method proposed what cannot be tried",
                where=f"trial {number}",
                found=", ".join(fault for fault, there in faults.items() if there),
            )

    def _has_checkpoint(self, trial: _Trial) -> bool:
        # as in a search: one that was to be trained to the end leaves none, nor does one that failed
        return trial.state in {"finished", "pruned"} and trial.until < self._table.max_epochs

    def _reference(self, worker: int) -> _Trial:
        config = self._table.reference
        values = self._table.proposals[config]
        proposal = Proposal(0, dict(values or {}))
        if values is not None:
            with self._think():
                self._teller.engine.resume(proposal)
            self._teller.entered(0)
        training = training_of(self._table, config, self._visits[config], self._seed)
        self._visits[config] += 1
        return _Trial(
            proposal,
            training,
            self._table.max_epochs,
            worker,
            self.now,
            searched=False,
            told=values is not None,
        )

    def _start(self, trial: _Trial) -> None:
        self._idle.remove(trial.worker)
        self._trials.append(trial)
        if trial.told:
            self._untold.add(trial.proposal.number)
        number, training = trial.proposal.number, trial.training
        if training.status == "infeasible":
            self._push(training.start_seconds + training.end_seconds, number, "end")
        elif trial.begun:
            self._push(training.start_seconds, number, "resumed")
        else:
            self._schedule(trial, training.start_seconds)

    def _schedule(self, trial: _Trial, before: float) -> None:
        """Queue a trial's next epoch, or its end where it has none.

        Args:
            trial: The trial.
            before: Seconds that pass before the epoch begins.
        """
        done, number = len(trial.curve), trial.proposal.number
        if trial.stopped or done >= min(trial.until, len(trial.training.objective)):
            fails = not trial.stopped and trial.fails(self._table.max_epochs)
            training = trial.training
            self._push(before + (training.end_seconds if fails else training.good_end_seconds), number, "end")
        else:
            self._push(before + trial.training.epoch_seconds[done], number, "epoch")

    def _push(self, seconds: float, number: int, kind: _Kind) -> None:
        heapq.heappush(self._queue, (self.now + seconds / self._speed, next(self._sequence), number, kind))

    def _happen(self, trial: _Trial, kind: _Kind) -> None:
        if kind == "end":
            self._end(trial)
            return
        if kind == "resumed":
            trial.curve = list(trial.training.objective[: trial.begun])
        else:
            value = trial.training.objective[len(trial.curve)]
            trial.curve.append(value)
            self._events.append((self.now, trial.proposal.number, len(trial.curve), value))
        if self._asks and trial.told:
            with self._think():
                self._catch_up()
                number, epoch = trial.proposal.number, len(trial.curve)
                asked = self._teller.should_stop(number, epoch)
            # behind its last epoch a trial ends by itself
            trial.stopped = asked and len(trial.curve) < trial.until
        self._schedule(trial, 0.0)

    def _end(self, trial: _Trial) -> None:
        if trial.training.status == "infeasible":
            trial.state = "infeasible"
        elif trial.stopped:
            trial.state = "pruned"
        else:
            trial.state = "failed" if trial.fails(self._table.max_epochs) else "finished"
        trial.ended = self.now
        self._idle = sorted([*self._idle, trial.worker])

    def _catch_up(self) -> None:
        """Tell the engine what has happened since it was told last, in the order of the trials' numbers."""
        for number in sorted(self._untold):
            trial = self._trials[number]
            if trial.state is None:
                self._teller.tell_running(trial.proposal, trial.curve)
                continue
            self._untold.remove(number)
            self._teller.tell_end(
                Outcome(
                    trial.proposal,
                    trial.state,
                    self._objectives(trial),
                    tuple(trial.curve),
                    self._constraints_of(trial.state),
                )
            )

    def _objectives(self, trial: _Trial) -> tuple[float, ...] | None:
        """Return the objective of the weights that predict; none of a trial that has none."""
        if trial.state not in {"finished", "pruned"}:
            return None
        if self._table.weights == "last":
            return (trial.curve[-1],)
        return (max(trial.curve) if self._table.direction == "maximize" else min(trial.curve),)

    def _constraints_of(self, state: Ending) -> tuple[float, ...]:
        # the table knows which side of its limit a model is on, and no more
        known = {"finished": -1.0, "pruned": -1.0, "infeasible": 1.0}
        return (known[state],) * self._constraints if state in known else ()

    @contextmanager
    def _think(self) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._thinking.append(time.perf_counter() - began)

    def _trials_frame(self) -> pd.DataFrame:
        def column(kind: type, values: list[Any]) -> np.ndarray[Any, np.dtype[Any]]:
            return np.array(values, kind)

        trials = self._trials
        proposals = [trial.proposal for trial in trials]
        return pd.DataFrame(
            {
                "trial": column(np.int64, [each.number for each in proposals]),
                "config": column(np.int64, [trial.training.config for trial in trials]),
                "training_seed": column(np.int64, [trial.training.training_seed for trial in trials]),
                "continues": column(
                    np.int64, [-1 if each.continues is None else each.continues for each in proposals]
                ),
                "until": column(np.int64, [trial.until for trial in trials]),
                "worker": column(np.int64, [trial.worker for trial in trials]),
                "started": column(np.float64, [trial.started for trial in trials]),
                "ended": column(np.float64, [trial.ended for trial in trials]),
                "epochs": column(np.int64, [trial.epochs() for trial in trials]),
                "status": [trial.state or "running" for trial in trials],
                "distance": column(np.float64, [trial.training.distance for trial in trials]),
                "values": [key_of(each.values) for each in proposals],
            }
        )


def method_seed(seed: int, method: str) -> int:
    """Return the seed of a method's own draws in a search.

    Args:
        seed: Of the search, which methods share that are compared.
        method: The method's name.
    """
    return derive_seed(seed, method, "replay")
