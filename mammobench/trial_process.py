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
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mammobench.config import TrialConfig
from mammobench.errors import MammobenchError
from mammobench.faults import Fault, fault_of
from mammobench.files import written_aside
from mammobench.trial import CHECKPOINT, InfeasibleError, TrialResult

_FIRST_TO_GO = "500"


@dataclass(frozen=True)
class TrialTask:
    """What a trial process needs to know.

    Attributes:
        number: The trial's number.
        config: Its configuration, its precision decided.
        store: The image store's folder.
        fingerprint: The store's fingerprint, checked again by the process.
        split: File of the split.
        seed: The trial's seed.
        folder: For its artifacts and log.
        threads: CPU threads that it may use.
        model_path: Where to save the trained model, if at all.
        until: Train until this epoch, counted from 1; None for the whole budget.
        start_from: A checkpoint of the same configuration and seed to continue where `folder` has none. Where
            it is gone, the training starts anew, which comes to the same.
        costs: Costs to measure besides ``weights`` and ``flops``.
        limits: Name of a cost to the most that is allowed; a model over a limit is not trained.
        asks: Whether the trial waits after each epoch until it is told to go on or to stop.
        time_limit: Seconds that its process may take, waiting for answers aside; None for any number.
        tensorboard: Whether to write the curves for TensorBoard too.
        devices: GPUs that it may use, as CUDA_VISIBLE_DEVICES names them; empty: as the environment says.
        conditions: Names of conditions under which it predicts too, into stress.npz.
    """

    number: int
    config: TrialConfig
    store: Path
    fingerprint: str
    split: Path
    seed: int
    folder: Path
    threads: int
    model_path: Path | None = None
    until: int | None = None
    start_from: Path | None = None
    costs: tuple[str, ...] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    asks: bool = False
    time_limit: float | None = None
    tensorboard: bool = False
    devices: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()


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
    connection.send(Started(time.monotonic()))
    # Ctrl-C is the searching process's business: it stops the trials
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = listen(connection)
    _log_to(task.folder / "log.txt")
    with contextlib.suppress(OSError):
        # where memory runs out the kernel is to take the trial and leave the search
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO, encoding="ascii")
    if task.time_limit is not None:
        # the alarm writes where the trial stands to the log and ends the process, whatever it is busy with
        faulthandler.register(signal.SIGALRM, all_threads=True, chain=True)
        signal.setitimer(signal.ITIMER_REAL, task.time_limit)
    try:
        _sweep(task.folder)
        result = _train(task, connection, answers)
        end = TrialEnd(task.number, result, None, costs=result.costs)
    except InfeasibleError as error:
        _note(error)
        end = TrialEnd(task.number, None, None, costs=error.costs, infeasible=True)
    except BaseException as error:  # noqa: BLE001 - whatever a trial dies of is recorded
        _note(error)
        fault, reason = fault_of(error, task.folder)
        end = TrialEnd(task.number, None, reason, fault=fault)
        _sweep(task.folder)
    signal.setitimer(signal.ITIMER_REAL, 0)
    connection.send(end)
    # tearing TensorFlow down takes a second and frees nothing that the end of the process does not
    os._exit(0)


def _train(task: TrialTask, connection: Connection, answers: queue.SimpleQueue[Answer]) -> TrialResult:
    if task.devices:
        # read by CUDA when it starts, which `configure` sees to; the server has left it alone
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(task.devices)
    # imported here: the searching process does without TensorFlow, the server has it already
    from mammobench.data.splits import Split
    from mammobench.data.store import ImageStore
    from mammobench.runtime import configure
    from mammobench.training import run_trial

    environment = configure(precision=task.config.training.precision, threads=task.threads, seed=task.seed)
    store = ImageStore.open(task.store, verify=False)
    if store.fingerprint != task.fingerprint:
        raise MammobenchError(
            "the image store changed while the study ran",
            where=task.store,
            expected=task.fingerprint,
            found=store.fingerprint,
        )
    own = task.folder / CHECKPOINT
    if task.start_from is not None and task.start_from.exists() and not own.exists():
        with written_aside(own) as aside:
            shutil.copyfile(task.start_from, aside)

    def on_epoch(epoch: int, objective: float) -> bool:
        connection.send(EpochEnd(task.number, epoch, objective))
        return not task.asks or _wait_for_answer(answers, epoch)

    return run_trial(
        task.config,
        store,
        Split.load(task.split),
        seed=task.seed,
        folder=task.folder,
        environment=environment,
        until=task.until,
        on_epoch=on_epoch,
        costs=task.costs,
        limits=task.limits,
        tensorboard=task.tensorboard,
        model_path=task.model_path,
        conditions=task.conditions,
        on_condition=lambda done, total: connection.send(ConditionEnd(task.number, done, total)),
    )


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


def _sweep(folder: Path) -> None:
    """Remove what a killed process was writing aside."""
    with contextlib.suppress(OSError):
        for aside in folder.glob(".*-*"):
            aside.unlink(missing_ok=True)
