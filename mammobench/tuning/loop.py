"""The loop ask, run, tell: proposals from an engine, trials in processes of their own, all of it recorded.

One process may search a study alone, or many on many machines that share nothing but the record and the
place of artifacts; the loop is the same. `run_search` starts what `_next` gives, in `_launch`, and takes what
the trials say, in `_take`, until there is nothing more to start and none runs.
"""

import contextlib
import math
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from mammobench.core.errors import TrialError
from mammobench.core.files import sweep
from mammobench.core.signals import terminable
from mammobench.data.store.image_store import ImageStore
from mammobench.study.deaths import in_words, may_run_again
from mammobench.study.filenames import SHORTCUTS, SPLITS
from mammobench.study.options import RunOptions
from mammobench.study.record import StudyRecord
from mammobench.study.storage.access import heartbeat
from mammobench.study.storage.heartbeat import Heartbeat
from mammobench.study.trial_record import TrialRecord
from mammobench.study.trial_task import trial_task
from mammobench.training.process import EpochEnd, TrialEnd, TrialProcess, wait_for_any
from mammobench.training.result import COSTS
from mammobench.training.task import Run
from mammobench.tuning.devices import Lease, Leases
from mammobench.tuning.early_failures import EarlyFailures
from mammobench.tuning.engines.base import NoProposal
from mammobench.tuning.events import Event, TrialSeen, TrialStart
from mammobench.tuning.other_workers import OtherWorkers
from mammobench.tuning.proposer import Proposer, restore_split
from mammobench.tuning.trial_files import TrialFiles

_POLL_SECONDS = 1.0


@dataclass
class _Running:
    record: TrialRecord
    process: TrialProcess
    lease: Lease
    beating: Heartbeat


def run_search(
    study: StudyRecord,
    store: ImageStore,
    *,
    trials: int,
    options: RunOptions,
    observe: Callable[[Event], None],
    more: Callable[[Sequence[TrialRecord]], bool] | None = None,
) -> str | None:
    """Run a study until it has all its trials, or continue it.

    Trial 0 is the reference CNN on the study's data, size and budget. Trials whose process died go on from
    their checkpoints. Ctrl-C stops the trials and raises KeyboardInterrupt, SIGTERM does so with SystemExit
    where it would have killed the process; the same call continues.

    Args:
        study: The study, its lock held by the caller.
        store: The images it was made for.
        trials: Searched trials in all, failed ones included.
        options: How much to run at a time, and how.
        observe: Told of each event.
        more: Asked before each new trial, with those that there are, whether there is to be one.

    Returns:
        Why the search ended before its budget, if it did.

    Raises:
        TrialError: When the first trials all fail for one reason, or the disk is full.
    """
    for place in (study.folder, study.folder / SPLITS, study.folder / SHORTCUTS):
        sweep(place)
    with terminable(), _Search(study, store, trials, options, observe, more) as search:
        return search.run()


class _Search:
    """The trials that this process runs, and what is still to start."""

    def __init__(
        self,
        study: StudyRecord,
        store: ImageStore,
        trials: int,
        options: RunOptions,
        observe: Callable[[Event], None],
        more: Callable[[Sequence[TrialRecord]], bool] | None,
    ) -> None:
        self._study, self._store, self._observe = study, store, observe
        self._trials, self._options, self._more = trials, options, more
        self._proposer = Proposer(study, store)
        self._proposer.catch_up()
        self._leases = Leases(options.workers, share_devices=options.share_devices)
        self._files = TrialFiles(study)
        self._others = OtherWorkers(study, self._proposer) if study.spec.storage is not None else None
        self._deadline = math.inf if options.timeout is None else time.monotonic() + options.timeout
        self._running: dict[int, _Running] = {}
        # on a journal the one process that searches has died; in a database they may run elsewhere
        self._interrupted = (
            [] if self._others else [record for record in self._proposer.trials if record.state == "running"]
        )
        self._failures = EarlyFailures(study.folder, self._proposer.trials)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no trial process and no heartbeat behind, whatever ends the search."""
        for running in self._running.values():
            running.process.stop()
        try:
            for running in self._running.values():
                with contextlib.suppress(Exception):
                    self._files.wait_for(running.record)
                    if self._others:
                        self._study.release(running.record.number)
        finally:
            for running in self._running.values():
                running.beating.join()
            self._files.close()

    def run(self) -> str | None:
        """Start trials while there is room, and take what they say, until there are no more."""
        while True:
            more = self._fill()
            if not more and not self._running:
                return self._why_early()
            self._files.push_checkpoints(running.record for running in self._running.values())
            if self._others:
                for record in self._others.news(self._running):
                    self._observe(TrialSeen(record))
            wait = _POLL_SECONDS if self._others else None
            for process in wait_for_any([running.process for running in self._running.values()], wait):
                for message in process.messages():
                    self._take(message)

    def _why_early(self) -> str | None:
        self._proposer.catch_up()
        if self._proposer.enough(self._trials):
            return None
        return self._proposer.settled or "the time that it was given is over"

    def _fill(self) -> bool:
        """Start trials while there is room; return whether more may come."""
        while len(self._running) < self._options.workers:
            record = self._next()
            if isinstance(record, TrialRecord):
                self._launch(record)
                continue
            elsewhere = self._others is not None and self._others.may_leave_more(self._running)
            return elsewhere and time.monotonic() < self._deadline
        return True

    def _next(self) -> TrialRecord | NoProposal:
        """Return what to start next: what was interrupted, what a dead worker left, or a new proposal."""
        if self._interrupted:
            return self._interrupted.pop(0)
        if time.monotonic() >= self._deadline or not self._may_begin():
            return NoProposal.USED_UP
        record = self._others.claim() if self._others else None
        if record is None:
            return self._proposer.next(self._trials)
        if record.number in self._running:
            # this machine slept, was given up for dead, and takes its own trial over
            self._running[record.number].process.stop()
            self._let_go(self._running[record.number])
        self._files.drop_checkpoint(record)
        return record

    def _may_begin(self) -> bool:
        if self._more is None:
            return True
        self._proposer.catch_up()
        return self._more(self._proposer.trials)

    def _launch(self, record: TrialRecord) -> None:
        """Start a trial's process on devices of its own, and its heartbeat."""
        beating = heartbeat(self._study.storage, record.storage_id)
        beating.start()
        lease = self._leases.take()
        try:
            process = self._start(record, lease)
        except BaseException:
            beating.join()
            if self._others:
                self._study.release(record.number)
            raise
        if self._others:
            self._study.sign(record.number, f"{socket.gethostname()}:{os.getpid()}")
        self._running[record.number] = _Running(record, process, lease, beating)
        self._observe(TrialStart(record))

    def _start(self, record: TrialRecord, lease: Lease) -> TrialProcess:
        study = self._study
        record.folder.mkdir(parents=True, exist_ok=True)
        origin = None if record.continues is None else study.trial(record.continues)
        start_from = None if origin is None else self._files.checkpoint(origin)
        self._files.checkpoint(record)
        restore_split(study, self._store, record)
        costs = {*study.spec.limits, *study.spec.objectives} & {*COSTS}
        task = trial_task(
            study,
            record,
            self._store,
            Run(
                folder=record.folder,
                threads=lease.threads,
                devices=lease.devices,
                start_from=start_from,
                limits=dict(study.spec.limits.items()),
                costs=tuple(sorted(costs)),
                asks=self._proposer.stops,
                time_limit=self._options.trial_timeout,
                tensorboard=self._options.tensorboard,
                keep_epochs=study.spec.keep_epochs or study.spec.design is not None,
            ),
        )
        return TrialProcess(task, on_step=self._observe)

    def _take(self, message: EpochEnd | TrialEnd) -> None:
        """Record what a trial says."""
        running = self._running[message.number]
        if isinstance(message, TrialEnd):
            self._end(running, message)
            return
        if not self._study.report_epoch(message.number, message.epoch, message.objective):
            # given up for dead, and taken up elsewhere
            running.process.stop()
            self._let_go(running)
            return
        if running.process.task.run.asks:
            running.process.answer(not self._proposer.should_stop(message.number, message.epoch))
        self._observe(message)

    def _end(self, running: _Running, message: TrialEnd) -> None:
        """Take a trial's end; whatever fails on the way leaves it among the running ones."""
        record = running.record
        if message.fault == "full disk":
            raise TrialError(message.reason or "the disk is full", where=f"trial {message.number}")
        self._files.wait_for(record)
        if message.fault == "killed":
            deaths = self._study.count_death(message.number)
            if deaths is not None and may_run_again(deaths):
                self._let_go(running)
                self._launch(self._study.trial(message.number))
                return
            if deaths is not None:
                message = replace(message, reason=f"{message.reason}; it died {in_words(deaths)}")
        ours = self._tell(record, message)
        self._let_go(running)
        if ours and (record.whole or message.result is None):
            # whoever has taken a trial up goes on from its checkpoint
            self._files.remove_checkpoint(record)
        self._observe(message)
        if message.reason is not None:
            self._failures.failed(message.reason)

    def _tell(self, record: TrialRecord, message: TrialEnd) -> bool:
        """Enter in the record how a trial ended; return whether it was still ours."""
        study = self._study
        if message.result is None and message.reason is None:
            costs = message.costs or {}
            return study.refuse_trial(message.number, costs, self._constraints(costs))
        if message.result is None:
            return study.fail_trial(
                message.number,
                message.reason or "unknown",
                fault=message.fault,
                start=message.start_seconds,
                total=message.total_seconds,
            )
        self._failures.trained(record)
        self._files.push_products(record)
        return study.finish_trial(
            message.number,
            message.result,
            start=message.start_seconds,
            total=message.total_seconds,
            constraints=self._constraints(message.result.costs),
        )

    def _let_go(self, running: _Running) -> None:
        del self._running[running.record.number]
        self._files.forget(running.record)
        running.beating.join()
        self._leases.give_back(running.lease)

    def _constraints(self, costs: Mapping[str, float]) -> tuple[float, ...]:
        return tuple(costs[name] - limit for name, limit in self._study.spec.limits.items())
