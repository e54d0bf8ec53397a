"""The clock of a live search: the seconds that its trials took, as a search of W workers spends them.

What no replay counts is left out here too: the method's own thinking, and the time between an interruption
and the moment at which the search went on.
"""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mammobench.benchmark.exporting import history_of, run_of
from mammobench.benchmark.replay.trace import Budget
from mammobench.study.trial_record import TrialRecord
from mammobench.tuning.engines.design import Planned


@dataclass(frozen=True)
class Timed:
    """One trial of a live search, and what it took.

    Attributes:
        record: The trial.
        training: The first trial of its training: itself, unless it goes on from another.
        curve: Every epoch of the training so far, as `mammobench.benchmark.exporting.history_of` has them.
        begun: Epochs that it went on from.
        start: Seconds before its first epoch.
        end: Seconds after its last.
    """

    record: TrialRecord
    training: int
    curve: pd.DataFrame
    begun: int
    start: float
    end: float

    @property
    def epoch_seconds(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Seconds of each of its own epochs, float64 (epochs,)."""
        own = self.curve[["train_seconds", "validation_seconds"]].to_numpy(np.float64).sum(axis=1)
        return np.asarray(own[self.begun :], np.float64)

    @property
    def seconds(self) -> float:
        """What it took in all; infinite while it runs."""
        if self.record.state == "running":
            return math.inf
        return self.start + float(self.epoch_seconds.sum()) + self.end


def timed(trials: Sequence[TrialRecord]) -> list[Timed]:
    """Return a study's trials in the order of their numbers, with what each took; breaks no seal."""
    found: list[Timed] = []
    for record in trials:
        planned = Planned(record.number, 0)
        curve = history_of(record, planned)
        run = run_of(record, planned, curve, {})
        origin = None if record.continues is None else found[record.continues]
        goes_on = origin is not None and origin.record.state in {"finished", "pruned"}
        begun = min(len(origin.curve), len(curve)) if origin is not None and goes_on else 0
        training = record.number if origin is None else origin.training
        found.append(Timed(record, training, curve, begun, run["start_seconds"], run["end_seconds"]))
    return found


@dataclass(frozen=True)
class Place:
    """Where a trial lies on the clock: ``started`` and ``ended``, seconds, and its ``worker``, from 0."""

    started: float
    ended: float
    worker: int


def places(trials: Sequence[Timed], workers: int) -> list[Place]:
    """Lay trials out on workers: each on the one that is free first, in the order of their numbers."""
    free = [(0.0, worker) for worker in range(workers)]
    found = []
    for trial in trials:
        started, worker = heapq.heappop(free)
        ended = started + trial.seconds
        heapq.heappush(free, (ended, worker))
        found.append(Place(started, ended, worker))
    return found


def next_start(trials: Sequence[Timed], workers: int) -> float:
    """Return when a worker is free for the trial that would come next."""
    laid = places(trials, workers)
    return 0.0 if len(laid) < workers else min(place.ended for place in _last_of_each(laid))


def is_spent(trials: Sequence[Timed], budget: Budget, *, workers: int, speed: float) -> bool:
    """Return whether a search has no budget left for one more trial.

    Args:
        trials: Its trials so far.
        budget: When it ends.
        workers: Trials at a time.
        speed: How many times as much of the budget the method has.
    """
    searched = sum(trial.record.role == "searched" for trial in trials)
    epochs = sum(len(trial.curve) - trial.begun for trial in trials)
    return (
        (budget.trials is not None and searched >= budget.trials * speed)
        or (budget.epochs is not None and epochs >= budget.epochs * speed)
        or (budget.seconds is not None and next_start(trials, workers) >= budget.seconds * speed)
    )


def spent(trials: Sequence[Timed], budget: Budget, *, workers: int, speed: float) -> float:
    """Return the share of its budget that a search has spent, from 0 to 1; see `is_spent`."""
    shares = [0.0]
    if budget.trials is not None:
        searched = sum(trial.record.role == "searched" for trial in trials)
        shares.append(searched / (budget.trials * speed))
    if budget.epochs is not None:
        epochs = sum(len(trial.curve) - trial.begun for trial in trials)
        shares.append(epochs / (budget.epochs * speed))
    if budget.seconds is not None:
        whole = [trial for trial in trials if math.isfinite(trial.seconds)]
        shares.append(next_start(whole, workers) / (budget.seconds * speed))
    return min(1.0, max(shares))


def _last_of_each(laid: Sequence[Place]) -> list[Place]:
    last = {place.worker: place for place in laid}
    return list(last.values())
