"""The loop ask, run, tell: proposals from an engine, trials in processes of their own, all of it recorded.

One process may search a study alone, or many on many machines that share nothing but the record and the
place of artifacts; the loop is the same. What it knows of trials that others run, it reads from the record.
"""

import contextlib
import math
import os
import re
import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from optuna.storages._heartbeat import BaseHeartbeatThread

from mammobench.core.errors import StudyError, TrialError
from mammobench.core.files import sweep
from mammobench.core.signals import terminable
from mammobench.data.store.image_store import ImageStore
from mammobench.study.artifacts import open_artifacts
from mammobench.study.deaths import in_words, may_run_again
from mammobench.study.filenames import SHORTCUTS, SPLITS, TRIALS
from mammobench.study.record import StudyRecord
from mammobench.study.storage.access import claim_waiting, fail_stale, heartbeat
from mammobench.study.trial_record import TrialRecord
from mammobench.study.trial_task import trial_task
from mammobench.training.filenames import CHECKPOINT, LOG, RESULTS
from mammobench.training.process import EpochEnd, TrialEnd, TrialProcess, wait_for_any
from mammobench.training.result import COSTS
from mammobench.training.task import Run
from mammobench.tuning.devices import Lease, Leases
from mammobench.tuning.engines.base import NoProposal
from mammobench.tuning.proposer import Proposer, restore_split

FAILURES_THAT_STOP = 5
_POLL_SECONDS = 1.0
_NEWS_SECONDS = 3.0


@dataclass(frozen=True)
class TrialStart:
    """A trial has been started, or goes on after an interruption."""

    record: TrialRecord


@dataclass(frozen=True)
class TrialSeen:
    """The record has news of a trial that another worker runs or has run."""

    record: TrialRecord


Event = TrialStart | EpochEnd | TrialEnd | TrialSeen
"""What an observer of a search is told."""


@dataclass(frozen=True)
class SearchOptions:
    """How much a process may run, and how; nothing here changes what a trial comes to.

    Attributes:
        trials: Searched trials in all, failed ones included.
        workers: Trials at a time in this process.
        timeout: Seconds after which no trial is started any more.
        trial_timeout: Seconds after which a trial fails.
        share_devices: Whether two trials may use one GPU.
        tensorboard: Whether trials write TensorBoard logs.
    """

    trials: int
    workers: int = 1
    timeout: float | None = None
    trial_timeout: float | None = None
    share_devices: bool = False
    tensorboard: bool = False


@dataclass
class _Running:
    record: TrialRecord
    process: TrialProcess
    lease: Lease
    beating: BaseHeartbeatThread
    upload: Future[None] | None = None
    pushed: int = 0


def run_search(
    study: StudyRecord, store: ImageStore, *, options: SearchOptions, observe: Callable[[Event], None]
) -> str | None:
    """Run a study until it has all its trials, or continue it.

    Trial 0 is the reference CNN on the study's data, size and budget. Trials whose process died go on from
    their checkpoints. Ctrl-C stops the trials and raises KeyboardInterrupt, SIGTERM does so with SystemExit
    where it would have killed the process; the same call continues.

    Args:
        study: The study, its lock held by the caller.
        store: The images it was made for.
        options: How much to run.
        observe: Told of each event.

    Returns:
        Why the search ended before its budget, if it did.

    Raises:
        TrialError: When the first trials all fail for one reason, or the disk is full.
    """
    for place in (study.folder, study.folder / SPLITS, study.folder / SHORTCUTS):
        sweep(place)
    with terminable(), _Search(study, store, options, observe) as search:
        return search.run()


class _Search:
    """The trials that this process runs, and what is still to start."""

    def __init__(
        self, study: StudyRecord, store: ImageStore, options: SearchOptions, observe: Callable[[Event], None]
    ) -> None:
        self._study, self._store, self._options, self._observe = study, store, options, observe
        self._proposer = Proposer(study, store)
        self._proposer.catch_up()
        self._leases = Leases(options.workers, share_devices=options.share_devices)
        self._artifacts = open_artifacts(study.spec.artifacts, study.folder, study.storage, make=False)
        self._uploads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="artifacts")
        self._shared = study.spec.storage is not None
        self._deadline = math.inf if options.timeout is None else time.monotonic() + options.timeout
        self._next_look = self._next_news = -math.inf
        self._seen: dict[int, tuple[str, int]] = {}
        self._running: dict[int, _Running] = {}
        # on a journal the one process that searches has died; in a database they may run elsewhere
        self._interrupted = (
            [] if self._shared else [record for record in self._proposer.trials if record.state == "running"]
        )
        self._failures: list[str] = []
        # the reference CNN's success says nothing of the configurations that are searched
        self._any_trained = any(
            record.state in {"finished", "pruned"} and record.role == "searched"
            for record in self._proposer.trials
        )

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
                    if running.upload:
                        running.upload.result()
                    if self._shared:
                        self._study.release(running.record.number)
        finally:
            for running in self._running.values():
                running.beating.join()
            self._uploads.shutdown()

    def run(self) -> str | None:
        while True:
            more = self._fill()
            if not more and not self._running:
                return self._why_early()
            self._push_checkpoints()
            self._tell_of_others()
            wait = _POLL_SECONDS if self._shared else None
            for process in wait_for_any([running.process for running in self._running.values()], wait):
                for message in process.messages():
                    self._take(message)

    def _why_early(self) -> str | None:
        self._proposer.catch_up()
        if self._proposer.enough(self._options.trials):
            return None
        return self._proposer.settled or "the time that it was given is over"

    def _fill(self) -> bool:
        """Start trials while there is room; return whether more may come."""
        while len(self._running) < self._options.workers:
            record = self._next()
            if isinstance(record, TrialRecord):
                self._launch(record)
                continue
            elsewhere = any(
                other.lost or (other.state == "running" and other.number not in self._running)
                for other in self._proposer.trials
            )
            return self._shared and elsewhere and time.monotonic() < self._deadline
        return True

    def _next(self) -> TrialRecord | NoProposal:
        if self._interrupted:
            return self._interrupted.pop(0)
        if time.monotonic() >= self._deadline:
            return NoProposal.USED_UP
        if self._shared:
            if time.monotonic() >= self._next_look:
                fail_stale(self._study.storage, self._study.study_id)
                self._next_look = time.monotonic() + self._study.spec.heartbeat
            claimed = claim_waiting(self._study.storage, self._study.study_id)
            if claimed is not None:
                record = self._study.adopt(claimed)
                if record.number in self._running:
                    # this machine slept, was given up for dead, and takes its own trial over
                    self._running[record.number].process.stop()
                    self._let_go(self._running[record.number])
                if self._study.spec.artifacts is not None:
                    # what this machine has of it may be older than what another one pushed
                    (record.folder / CHECKPOINT).unlink(missing_ok=True)
                return record
        return self._proposer.next(self._options.trials)

    def _launch(self, record: TrialRecord) -> None:
        beating = heartbeat(self._study.storage, record.storage_id)
        beating.start()
        lease = self._leases.take()
        try:
            process = self._start(record, lease)
        except BaseException:
            beating.join()
            if self._shared:
                self._study.release(record.number)
            raise
        if self._shared:
            self._study.sign(record.number, f"{socket.gethostname()}:{os.getpid()}")
        self._running[record.number] = _Running(record, process, lease, beating)
        self._observe(TrialStart(record))

    def _start(self, record: TrialRecord, lease: Lease) -> TrialProcess:
        study = self._study
        record.folder.mkdir(parents=True, exist_ok=True)
        start_from = None
        if record.continues is not None:
            origin = study.trial(record.continues)
            start_from = origin.folder / CHECKPOINT
            self._artifacts.pull_checkpoint(origin.storage_id, start_from)
        self._artifacts.pull_checkpoint(record.storage_id, record.folder / CHECKPOINT)
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
                asks=study.spec.pruner != "none",
                time_limit=self._options.trial_timeout,
                tensorboard=self._options.tensorboard,
            ),
        )
        return TrialProcess(task)

    def _tell_of_others(self) -> None:
        """Tell the observer what other workers have done since the last time."""
        if not self._shared or time.monotonic() < self._next_news:
            return
        self._next_news = time.monotonic() + _NEWS_SECONDS
        self._proposer.catch_up()
        for record in self._proposer.trials:
            news = (record.state, record.epochs)
            if record.number not in self._running and self._seen.get(record.number) != news:
                self._observe(TrialSeen(record))
            self._seen[record.number] = news

    def _push_checkpoints(self) -> None:
        """Upload each checkpoint that has been written since the last upload; slow ones skip epochs."""
        if self._study.spec.artifacts is None:
            return
        for running in self._running.values():
            if running.upload is not None and not running.upload.done():
                continue
            # written in the background of the next epoch, so no message tells of it
            with contextlib.suppress(FileNotFoundError):
                written = (running.record.folder / CHECKPOINT).stat().st_mtime_ns
                if written != running.pushed:
                    running.pushed = written
                    running.upload = self._uploads.submit(self._push_checkpoint, running.record)

    def _push_checkpoint(self, record: TrialRecord) -> None:
        # without it a worker's death costs more epochs, nothing else; the next epoch tries again
        with contextlib.suppress(StudyError, FileNotFoundError):
            self._artifacts.push_checkpoint(record.storage_id, record.folder / CHECKPOINT)

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
        if running.upload:
            running.upload.result()
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
            self._artifacts.remove_checkpoint(record.storage_id)
        self._observe(message)
        if message.reason is not None:
            self._give_up_on_hopeless(message.reason)

    def _tell(self, record: TrialRecord, message: TrialEnd) -> bool:
        """Enter in the record how a trial ended; return whether it was still ours."""
        study = self._study
        if message.result is None and message.reason is None:
            costs = message.costs or {}
            return study.refuse_trial(message.number, costs, self._constraints(costs))
        if message.result is None:
            return study.fail_trial(message.number, message.reason or "unknown")
        self._any_trained = self._any_trained or record.role == "searched"
        self._artifacts.push(record.storage_id, record.folder, RESULTS)
        if not record.whole:
            self._artifacts.push_checkpoint(record.storage_id, record.folder / CHECKPOINT)
        return study.finish_trial(
            message.number,
            message.result,
            start=message.start_seconds,
            total=message.total_seconds,
            constraints=self._constraints(message.result.costs),
        )

    def _let_go(self, running: _Running) -> None:
        del self._running[running.record.number]
        running.beating.join()
        self._leases.give_back(running.lease)

    def _constraints(self, costs: Mapping[str, float]) -> tuple[float, ...]:
        return tuple(costs[name] - limit for name, limit in self._study.spec.limits.items())

    def _give_up_on_hopeless(self, reason: str) -> None:
        self._failures.append(re.sub(r"\d+", "#", reason))
        one_reason = len(set(self._failures)) == 1
        if len(self._failures) >= FAILURES_THAT_STOP and one_reason and not self._any_trained:
            raise TrialError(
                f"the first {len(self._failures)} trials all failed for one reason: {reason.rstrip('.')}",
                where=self._study.folder,
                remedy=f"Read {TRIALS}/*/{LOG} there, mend the cause, and run the same command again",
            )


def fetch_artifacts(study: StudyRecord) -> None:
    """Bring what other machines left of their trials into the study's folder here."""
    if study.spec.artifacts is None:
        return
    artifacts = open_artifacts(study.spec.artifacts, study.folder, study.storage, make=False)
    for record in study.trials:
        if record.state in {"finished", "pruned"}:
            artifacts.pull(record.storage_id, record.folder, RESULTS)
            if not study.split_path(record.split).exists():
                restore_split(study, ImageStore.open(Path(study.spec.data)), record, required=False)
