"""The inside of a trial's process: run one task, say how it goes, and end with it whatever happens."""

import contextlib
import faulthandler
import os
import queue
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mammobench.core.errors import MammobenchError
from mammobench.core.files import sweep, written_aside
from mammobench.training.failures import Fault, fault_of
from mammobench.training.filenames import CHECKPOINT, LOG
from mammobench.training.result import InfeasibleError, TrialResult
from mammobench.training.task import Observer, TrialTask

_FIRST_TO_GO = "500"
_STEP_SECONDS = 1.0


@dataclass(frozen=True)
class Started:
    """The process runs its first line, at a time of the monotonic clock."""

    at: float


@dataclass(frozen=True)
class EpochEnd:
    """A running trial has trained until this epoch; those of an earlier process are told again."""

    number: int
    epoch: int
    objective: float


@dataclass(frozen=True)
class StepEnd:
    """A sign of life within an epoch: a running trial has made so many of its steps; not each is told.

    Attributes:
        number: The trial's number.
        epoch: The one that is being trained, from 1.
        step: From 1.
        steps: In each epoch; after the last comes validation.
        seconds: For one step, the mean of those after the epoch's first; None while there is none.
    """

    number: int
    epoch: int
    step: int
    steps: int
    seconds: float | None


@dataclass(frozen=True)
class ConditionEnd:
    """A trained trial has predicted under so many of its task's conditions."""

    number: int
    done: int
    total: int


@dataclass(frozen=True)
class Answer:
    """Whether the trial is to go on after an epoch."""

    epoch: int
    go_on: bool


@dataclass(frozen=True)
class TrialEnd:
    """A trial process has ended: with a result, as infeasible, or with a reason.

    Attributes:
        number: The trial's number.
        result: None for a trial that failed or is infeasible.
        reason: Why it failed, in one line.
        start_seconds: From launch to the trial's first line.
        total_seconds: From launch to the end of the process.
        costs: What the model costs; None where that was not found out.
        infeasible: Whether the model is over a limit and was not trained.
        fault: The kind of `reason`. ``full disk`` is not the configuration's failure: with space again, the
            trial can go on.
    """

    number: int
    result: TrialResult | None
    reason: str | None
    start_seconds: float = 0.0
    total_seconds: float = 0.0
    costs: Mapping[str, float] | None = None
    infeasible: bool = False
    fault: Fault | None = None


def listen(connection: Connection) -> queue.SimpleQueue[Any]:
    """Return a queue of what the other side sends; when that side is gone, this process ends."""
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def hear() -> None:
        try:
            while True:
                heard.put(connection.recv())
        except (EOFError, OSError):
            os._exit(1)

    threading.Thread(target=hear, name="mammobench-listener", daemon=True).start()
    return heard


def run_task(task: TrialTask, connection: Connection) -> None:
    """Run one trial in this process, which is its own, and end the process."""
    with contextlib.suppress(OSError):
        connection.send(Started(time.monotonic()))
    # Ctrl-C is the searching process's business: it stops the trials
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = listen(connection)
    _log_to(task.run.folder / LOG)
    with contextlib.suppress(OSError):
        # where memory runs out the kernel is to take the trial and leave the search
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO, encoding="ascii")
    if task.run.time_limit is not None:
        # the alarm writes where the trial stands to the log and ends the process, whatever it is busy with
        faulthandler.register(signal.SIGALRM, all_threads=True, chain=True)
        signal.setitimer(signal.ITIMER_REAL, task.run.time_limit)
    try:
        # nobody else writes to a trial's folder
        sweep(task.run.folder, seconds=0)
        result = _train(task, connection, answers)
        end = TrialEnd(task.trial.number, result, None, costs=result.costs)
    except InfeasibleError as error:
        _note(error)
        end = TrialEnd(task.trial.number, None, None, costs=error.costs, infeasible=True)
    except BaseException as error:  # noqa: BLE001 - whatever a trial dies of is recorded
        _note(error)
        fault, reason = fault_of(error, task.run.folder)
        end = TrialEnd(task.trial.number, None, reason, fault=fault)
        sweep(task.run.folder, seconds=0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    connection.send(end)
    # tearing TensorFlow down takes a second and frees nothing that the end of the process does not
    os._exit(0)


def _train(task: TrialTask, connection: Connection, answers: queue.SimpleQueue[Answer]) -> TrialResult:
    if task.run.devices:
        # read by CUDA when it starts, which `configure` sees to; the server has left it alone
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(task.run.devices)
    # imported here: the searching process does without TensorFlow, the server has it already
    from mammobench.data.splits.split import Split
    from mammobench.data.store.image_store import ImageStore
    from mammobench.training.loop import run_trial
    from mammobench.training.runtime import configure

    trial, run = task.trial, task.run
    environment = configure(precision=trial.config.training.precision, threads=run.threads, seed=trial.seed)
    store = ImageStore.open(task.store, verify=False)
    if store.fingerprint != task.fingerprint:
        raise MammobenchError(
            "the image store changed while the study ran",
            where=task.store,
            expected=task.fingerprint,
            found=store.fingerprint,
        )
    own = run.folder / CHECKPOINT
    if run.start_from is not None and run.start_from.exists() and not own.exists():
        with written_aside(own) as aside:
            shutil.copyfile(run.start_from, aside)
    return run_trial(
        trial, run, store, Split.load(task.split), environment, _Reporter(task, connection, answers)
    )


class _Reporter(Observer):
    """Tells the searching process of each epoch, and waits for its answer where the task asks for one."""

    def __init__(self, task: TrialTask, connection: Connection, answers: queue.SimpleQueue[Answer]) -> None:
        self._task, self._connection, self._answers = task, connection, answers
        self._first_step = self._told = time.monotonic()

    def epoch(self, epoch: int, objective: float) -> bool:
        self._connection.send(EpochEnd(self._task.trial.number, epoch, objective))
        return not self._task.run.asks or _wait_for_answer(self._answers, epoch)

    def step(self, epoch: int, step: int, steps: int) -> None:
        now = time.monotonic()
        if step == 1:
            # the first of a training traces the model
            self._first_step = now
        ends_a_long_epoch = step == steps and now - self._first_step >= _STEP_SECONDS
        if now - self._told >= _STEP_SECONDS or ends_a_long_epoch:
            self._told = now
            seconds = None if step == 1 else (now - self._first_step) / (step - 1)
            self._connection.send(StepEnd(self._task.trial.number, epoch, step, steps, seconds))

    def condition(self, done: int, total: int) -> None:
        self._connection.send(ConditionEnd(self._task.trial.number, done, total))


def _wait_for_answer(answers: queue.SimpleQueue[Answer], epoch: int) -> bool:
    # the search may be slow to answer, which is not the trial's time
    left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
    while (answer := answers.get()).epoch != epoch:
        pass
    signal.setitimer(signal.ITIMER_REAL, left)
    return answer.go_on


def _log_to(path: Path) -> None:
    """Send standard output, standard error and the traces of crashes to a file, or nowhere if that fails."""
    try:
        log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError:
        log = os.open(os.devnull, os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    faulthandler.enable()


def _note(error: BaseException) -> None:
    """Write a traceback to the log, as far as the log can be written."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    with contextlib.suppress(OSError):
        traceback.print_exception(error)
        sys.stderr.flush()
