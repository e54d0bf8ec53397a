"""The loop ask, run, tell: proposals from an engine, trials in processes of their own, all of it recorded."""

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mammobench.config import TrialConfig
from mammobench.data.splits import make_split
from mammobench.data.store import ImageStore
from mammobench.engines import make_engine
from mammobench.engines.base import Engine, Outcome, Proposal
from mammobench.errors import TrialError
from mammobench.seeds import derive_seed
from mammobench.space import SearchSpace
from mammobench.space_file import load_space
from mammobench.study import StudyRecord
from mammobench.trial_record import TrialRecord
from mammobench.workers import EpochEnd, TrialEnd, TrialProcess, TrialTask, wait_for_any

FAILURES_THAT_STOP = 3


@dataclass(frozen=True)
class TrialStart:
    """A trial has been started, or goes on after an interruption."""

    record: TrialRecord


Event = TrialStart | EpochEnd | TrialEnd
"""What an observer of a search is told."""


def run_search(
    study: StudyRecord,
    store: ImageStore,
    *,
    trials: int,
    workers: int = 1,
    timeout: float | None = None,
    observe: Callable[[Event], None],
) -> None:
    """Run a study until it has `trials` searched trials, or continue it.

    Trial 0 is the reference CNN on the study's data, size and budget. Trials that were running when an
    earlier process died go on first, from their checkpoints. Ctrl-C stops the trials and raises
    KeyboardInterrupt; the same call continues.

    Args:
        study: The study, its lock held by the caller.
        store: The images it was made for.
        trials: Searched trials in all, failed ones included.
        workers: Trials at a time; they share the processor's cores evenly.
        timeout: Seconds after which no trial is started any more.
        observe: Told of each event.

    Raises:
        TrialError: When the first trials all fail for one reason.
    """
    loop = _Loop(study, store, trials, max(1, (os.cpu_count() or 1) // workers), observe)
    deadline = math.inf if timeout is None else time.monotonic() + timeout
    running: list[TrialProcess] = []
    with _stopped_at_the_end(running):
        while True:
            while len(running) < workers and (time.monotonic() < deadline or loop.interrupted):
                process = loop.next()
                if process is None:
                    break
                running.append(process)
            if not running:
                return
            for process in wait_for_any(running):
                for message in process.messages():
                    loop.take(message)
                    if isinstance(message, TrialEnd):
                        running.remove(process)


class _Loop:
    """The state of a running search that the record does not hold: the engine, and what is still to start."""

    def __init__(
        self,
        study: StudyRecord,
        store: ImageStore,
        trials: int,
        threads: int,
        observe: Callable[[Event], None],
    ) -> None:
        self._study, self._store, self._threads, self._observe = study, store, threads, observe
        self._trials = trials
        self._space = study.space
        spec = study.spec
        self._engine: Engine = make_engine(
            self._space, engine=spec.engine, sampler=spec.sampler, direction=spec.direction, seed=spec.seed
        )
        self._known: dict[int, TrialRecord] = {}
        self.interrupted: list[TrialRecord] = []
        self._failed = 0
        self._any_finished = False
        self._replay()

    def _replay(self) -> None:
        """Rebuild the engine from the record; trials still running there have lost their process."""
        for record in self._study.trials:
            self._known[record.number] = record
            if record.state == "running":
                self.interrupted.append(record)
                if record.in_space:
                    self._engine.resume(Proposal(record.number, record.hyperparameters))
            else:
                self._any_finished |= record.state == "finished"
                self._learn(record, record.objective)

    def next(self) -> TrialProcess | None:
        """Start the next trial, or return None when there is none left to start."""
        if self.interrupted:
            return self._launch(self.interrupted.pop(0))
        if not self._known:
            return self._launch(self._enter_reference())
        number = len(self._known)
        if sum(record.role == "searched" for record in self._known.values()) >= self._trials:
            return None
        asked = time.perf_counter()
        proposal = self._engine.propose(number)
        if proposal is None:
            return None
        config = self._space.config(proposal.values)
        return self._launch(self._enter(proposal.values, config, "searched", time.perf_counter() - asked))

    def take(self, message: EpochEnd | TrialEnd) -> None:
        """Record what a trial says."""
        if isinstance(message, EpochEnd):
            self._study.report_epoch(message.number, message.epoch, message.objective)
        elif message.result is None:
            reason = message.reason or "unknown"
            self._study.fail_trial(message.number, reason)
            self._learn(self._known[message.number], None)
            self._give_up_on_hopeless(reason)
        else:
            self._study.finish_trial(
                message.number, message.result, start=message.start_seconds, total=message.total_seconds
            )
            self._any_finished = True
            self._learn(self._known[message.number], message.result.objective)
        self._observe(message)

    def _learn(self, record: TrialRecord, objective: float | None) -> None:
        if record.in_space:
            self._engine.learn(Outcome(record.number, record.hyperparameters, objective))

    def _give_up_on_hopeless(self, reason: str) -> None:
        self._failed += 1
        if self._failed >= FAILURES_THAT_STOP and not self._any_finished:
            raise TrialError(
                f"the first {self._failed} trials all failed; the last: {reason.rstrip('.')}",
                where=self._study.folder,
                remedy="Read trials/*/log.txt there, mend the cause, and run the same command again",
            )

    def _enter_reference(self) -> TrialRecord:
        config = reference_config(self._space)
        values = self._space.values_of(config) or {}
        record = self._enter(values, config, "reference", 0.0)
        if record.in_space:
            self._engine.resume(Proposal(record.number, record.hyperparameters))
        return record

    def _enter(self, values: Mapping[str, Any], config: TrialConfig, role: Any, ask: float) -> TrialRecord:  # noqa: ANN401
        training = config.training.model_copy(update={"precision": self._study.spec.precision})
        config = config.model_copy(update={"training": training})
        split = make_split(self._store, config.data)
        path = self._study.split_path(split.hash)
        if not path.exists():
            split.save(path)
        number = len(self._known)
        seed = derive_seed(self._study.spec.seed, number, "trial")
        record = self._study.start_trial(values, config, role=role, seed=seed, split=split.hash, ask=ask)
        self._known[record.number] = record
        return record

    def _launch(self, record: TrialRecord) -> TrialProcess:
        process = TrialProcess(trial_task(self._study, record, self._store, threads=self._threads))
        self._observe(TrialStart(record))
        return process


_ASKED = {"data.task", "data.image_size", "training.objective", "training.max_epochs"}


def reference_config(space: SearchSpace) -> TrialConfig:
    """Return the reference CNN as trial 0 trains it: on the space's task, size, split and epochs."""
    fixed = load_space("reference").base
    kept = {key: space.base[key] for key in space.base if key.startswith("data.") and key != "data.intensity"}
    asked = {key: value for key, value in space.fixed.items() if key in _ASKED}
    loss = {"loss.name": "categorical_crossentropy"} if space.task == "five-class" else {}
    return TrialConfig.from_values({**fixed, **kept, **asked, **loss})


def trial_task(
    study: StudyRecord,
    record: TrialRecord,
    store: ImageStore,
    *,
    threads: int,
    folder: Path | None = None,
    model_path: Path | None = None,
) -> TrialTask:
    """Return the task that runs a recorded trial, in its own folder or in another."""
    return TrialTask(
        number=record.number,
        config=record.config,
        store=store.path,
        fingerprint=store.fingerprint,
        split=study.split_path(record.split),
        seed=record.seed,
        folder=folder or record.folder,
        threads=threads,
        model_path=model_path,
    )


@contextlib.contextmanager
def _stopped_at_the_end(running: list[TrialProcess]) -> Iterator[None]:
    """Leave no trial process behind, whatever ends the search."""
    try:
        yield
    finally:
        for process in running:
            process.stop()
