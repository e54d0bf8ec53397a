"""Processes for trials: each is forked from a server that has the libraries loaded, and dies with its trial.

So memory stays flat, a crash costs one trial, and a trial starts in about a second. The server never touches
a device; a trial process ends by itself when the process that searches is gone.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import TypeVar

from mammobench.config import TrialConfig
from mammobench.errors import MammobenchError
from mammobench.trial import TrialResult

Argument = TypeVar("Argument")
Answer = TypeVar("Answer")

_context = multiprocessing.get_context("forkserver")


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


@dataclass(frozen=True)
class EpochEnd:
    """A running trial has trained one more epoch."""

    number: int
    epoch: int
    objective: float


@dataclass(frozen=True)
class TrialEnd:
    """A trial process has ended, with a result or a reason.

    Attributes:
        number: The trial's number.
        result: None for a trial that failed.
        reason: Why it failed, in one line.
        start_seconds: From launch to the trial's first line.
        total_seconds: From launch to the end of the process.
    """

    number: int
    result: TrialResult | None
    reason: str | None
    start_seconds: float = 0.0
    total_seconds: float = 0.0


@dataclass(frozen=True)
class _Started:
    at: float


class TrialProcess:
    """One running trial.

    Args:
        task: What to run. The process starts at once.
    """

    def __init__(self, task: TrialTask) -> None:
        self.task = task
        self._launched = time.monotonic()
        self._start_seconds = 0.0
        self._receiver, sender = _context.Pipe(duplex=False)
        _prepare_server()
        self._process: ForkServerProcess = _context.Process(
            target=_run_task, args=(task, sender), name=f"mammobench-trial-{task.number}", daemon=True
        )
        with _no_main_module():
            self._process.start()
        sender.close()
        self._ended = False

    @property
    def connection(self) -> Connection:
        """Readable when the trial has something to say or has ended."""
        return self._receiver

    def messages(self) -> Iterator[EpochEnd | TrialEnd]:
        """Yield what the trial has said; the last is a `TrialEnd`, after which the process is gone."""
        while not self._ended and self._receiver.poll():
            try:
                message = self._receiver.recv()
            except EOFError:
                self._process.join()
                message = TrialEnd(self.task.number, None, _exit_reason(self._process.exitcode))
            if isinstance(message, _Started):
                self._start_seconds = message.at - self._launched
                continue
            if isinstance(message, TrialEnd):
                self._process.join()
                self._ended = True
                total = time.monotonic() - self._launched
                message = replace(message, start_seconds=self._start_seconds, total_seconds=total)
            yield message

    def stop(self) -> None:
        """End the process; its checkpoint stays, so that the trial can go on later."""
        self._process.kill()
        self._process.join()


def call_in_process(function: Callable[[Argument], Answer], argument: Argument) -> Answer:
    """Call an importable function where the libraries are loaded, so that this process does without them.

    Raises:
        RuntimeError: When the process ends without an answer.
    """
    receiver, sender = _context.Pipe(duplex=False)
    _prepare_server()
    process = _context.Process(target=_answer, args=(function, argument, sender), daemon=True)
    with _no_main_module():
        process.start()
    sender.close()
    try:
        answer: Answer = receiver.recv()
    except EOFError:
        process.join()
        raise RuntimeError(f"{function.__name__} failed: {_exit_reason(process.exitcode)}") from None
    process.join()
    return answer


def _answer(function: Callable[[Argument], Answer], argument: Argument, sender: Connection) -> None:
    sender.send(function(argument))


def _prepare_server() -> None:
    """Name what the server loads once when the first process starts it."""
    _context.set_forkserver_preload(["mammobench.preload"])


def wait_for_any(processes: Sequence[TrialProcess], timeout: float | None = None) -> list[TrialProcess]:
    """Return the processes that have something to say, after `timeout` seconds at the latest."""
    ready = set(map(id, wait([process.connection for process in processes], timeout)))
    return [process for process in processes if id(process.connection) in ready]


def _run_task(task: TrialTask, sender: Connection) -> None:
    """Run one trial in this process, which is its own."""
    sender.send(_Started(time.monotonic()))
    # Ctrl-C is the searching process's business: it stops the trials
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    log = os.open(task.folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        result = _train(task, sender)
    except MammobenchError as error:
        traceback.print_exc()
        sender.send(TrialEnd(task.number, None, str(error)))
    except BaseException as error:  # noqa: BLE001 - whatever a trial dies of is recorded
        traceback.print_exc()
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        sender.send(TrialEnd(task.number, None, reason))
    else:
        sender.send(TrialEnd(task.number, result, None))
    sender.close()
    sys.stdout.flush()
    sys.stderr.flush()
    # tearing TensorFlow down takes a second and frees nothing that the end of the process does not
    os._exit(0)


def _train(task: TrialTask, sender: Connection) -> TrialResult:
    # imported here: the searching process does without TensorFlow, the server has it already
    from mammobench.data.splits import Split  # noqa: PLC0415
    from mammobench.data.store import ImageStore  # noqa: PLC0415
    from mammobench.runtime import configure  # noqa: PLC0415
    from mammobench.training import run_trial  # noqa: PLC0415

    environment = configure(precision=task.config.training.precision, threads=task.threads, seed=task.seed)
    store = ImageStore.open(task.store, verify=False)
    if store.fingerprint != task.fingerprint:
        raise MammobenchError(
            "the image store changed while the study ran",
            where=task.store,
            expected=task.fingerprint,
            found=store.fingerprint,
        )
    return run_trial(
        task.config,
        store,
        Split.load(task.split),
        seed=task.seed,
        folder=task.folder,
        environment=environment,
        on_epoch=lambda epoch, objective: sender.send(EpochEnd(task.number, epoch, objective)),
        model_path=task.model_path,
    )


def _die_with_parent() -> None:
    """End this process when the searching process is gone, however it went."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 - a started process has one

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="mammobench-parent-watch", daemon=True).start()


def _exit_reason(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        hint = ", probably out of memory" if name == "SIGKILL" else ""
        return f"the process was killed by {name}{hint}"
    return f"the process ended with exit status {code} and no result"


@contextlib.contextmanager
def _no_main_module() -> Iterator[None]:
    """Hide ``__main__`` from multiprocessing, which would import it again in every process.

    Trials need nothing of it, and a script that calls `mammobench.search` without a main guard must not
    search again in each of its trials.
    """
    main = sys.modules["__main__"]
    hidden: dict[str, object] = {
        name: main.__dict__[name] for name in ("__spec__", "__file__") if name in main.__dict__
    }
    main.__spec__ = None
    main.__dict__.pop("__file__", None)
    try:
        yield
    finally:
        main.__dict__.update(hidden)
