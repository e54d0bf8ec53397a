"""Processes for trials: each is forked from a server that has the libraries loaded, and dies with its trial.

So memory stays flat, a crash costs one trial, and a trial starts in about a second. The server never touches
a device; a trial process ends by itself when the process that searches is gone.
"""

import contextlib
import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from typing import Any, TypeVar

from mammobench.core.errors import MammobenchError, TrialError
from mammobench.training.child import (
    Answer,
    ConditionEnd,
    EpochEnd,
    Started,
    StepEnd,
    TrialEnd,
    listen,
    run_task,
)
from mammobench.training.failures import fault_of_exit
from mammobench.training.server_folder import provide_server_folder
from mammobench.training.task import TrialTask

__all__ = ["EpochEnd", "StepEnd", "TrialEnd", "TrialProcess", "TrialTask", "call_in_process", "wait_for_any"]

_Argument = TypeVar("_Argument")
_Result = TypeVar("_Result")

# a killed server takes a moment until it counts as gone and can be started again
_PAUSES = (0.0, 0.2, 2.0)

_context = multiprocessing.get_context("forkserver")


class TrialProcess:
    """One running trial.

    Args:
        task: What to run. The process starts at once.
        on_condition: Called by `messages` after each condition that the task predicts under, with how many
            are done, and their total.
        on_step: Called by `messages` about once a second while the trial trains.
    """

    def __init__(
        self,
        task: TrialTask,
        *,
        on_condition: Callable[[int, int], None] = lambda *_: None,
        on_step: Callable[[StepEnd], None] = lambda _: None,
    ) -> None:
        self.task = task
        self._on_condition, self._on_step = on_condition, on_step
        self._launched = time.monotonic()
        self._start_seconds = 0.0
        self._epoch = 0
        self._ended = False
        self._process, self._connection = _start(run_task, task, f"mammobench-trial-{task.trial.number}")

    @property
    def connection(self) -> Connection:
        """Readable when the trial has something to say or has ended."""
        return self._connection

    @property
    def pid(self) -> int | None:
        """The process's number while it runs; None when it is gone."""
        return None if self._ended else self._process.pid

    def messages(self) -> Iterator[EpochEnd | TrialEnd]:
        """Yield what the trial has said; the last is a `TrialEnd`, after which the process is gone."""
        while not self._ended and self._connection.poll():
            try:
                message = self._connection.recv()
            except (EOFError, ConnectionResetError):
                self._process.join()
                task = self.task
                fault, reason = fault_of_exit(
                    self._process.exitcode, task.run.folder, time_limit=task.run.time_limit
                )
                message = TrialEnd(task.trial.number, None, reason, fault=fault)
            if isinstance(message, Started):
                self._start_seconds = message.at - self._launched
                continue
            if isinstance(message, ConditionEnd):
                self._on_condition(message.done, message.total)
                continue
            if isinstance(message, StepEnd):
                self._on_step(message)
                continue
            if isinstance(message, EpochEnd):
                self._epoch = message.epoch
            if isinstance(message, TrialEnd):
                self._release()
                total = time.monotonic() - self._launched
                message = replace(message, start_seconds=self._start_seconds, total_seconds=total)
            yield message

    def answer(self, go_on: bool) -> None:
        """Tell a trial whose task ``asks`` what to do after the epoch that `messages` gave last.

        Without effect on a trial that has died meanwhile; `messages` tells of that.
        """
        if not self._ended:
            with contextlib.suppress(OSError):
                self._connection.send(Answer(self._epoch, go_on))

    def stop(self) -> None:
        """End the process; its checkpoint stays, so that the trial can go on later."""
        if not self._ended:
            self._process.kill()
            self._release()

    def _release(self) -> None:
        # the end of the connection ends the process even where its server, which would reap it, was killed
        self._ended = True
        self._process.join()
        self._connection.close()
        self._process.close()


def call_in_process(function: Callable[[_Argument], _Result], argument: _Argument) -> _Result:
    """Call an importable function where the libraries are loaded, so that this process does without them.

    Raises:
        MammobenchError: When the function does.
        RuntimeError: When the process ends without an answer.
    """
    process, connection = _start(_call, (function, argument), function.__name__)
    try:
        answer: _Result | MammobenchError = connection.recv()
    except (EOFError, ConnectionResetError):
        process.join()
        status = process.exitcode
        raise RuntimeError(f"{function.__name__} failed: its process ended with status {status}") from None
    finally:
        connection.close()
        process.kill()
        process.join()
        process.close()
    if isinstance(answer, MammobenchError):
        raise answer
    return answer


def wait_for_any(processes: Sequence[TrialProcess], timeout: float | None = None) -> list[TrialProcess]:
    """Return the processes that have something to say, after `timeout` seconds at the latest."""
    ready = set(map(id, wait([process.connection for process in processes], timeout)))
    return [process for process in processes if id(process.connection) in ready]


def _start(target: Callable[..., None], argument: object, name: str) -> tuple[ForkServerProcess, Connection]:
    """Start ``target(argument, connection)`` in a process; return it and this side of the connection.

    Raises:
        TrialError: When the server dies of it, time and again.
    """
    _context.set_forkserver_preload(["mammobench.training.preload"])
    provide_server_folder()
    _start_server()
    for pause in _PAUSES:
        time.sleep(pause)
        here, there = _context.Pipe()
        process = _context.Process(target=target, args=(argument, there), name=name, daemon=True)
        try:
            with _no_main_module():
                process.start()
        except (EOFError, ConnectionError):
            here.close()
        else:
            return process, here
        finally:
            there.close()
    raise TrialError(
        "the server of trial processes dies whenever it is asked for one",
        found="what it wrote above, if anything",
        remedy="Look for want of memory, and for a package that cannot be imported",
    )


def _start_server() -> None:
    """Start the server where it does not run, with Ctrl-C held back until `preload` says what it does."""
    # starting this one lets interrupts in again
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _call(call: tuple[Callable[[Any], object], Any], connection: Connection) -> None:
    listen(connection)
    function, argument = call
    try:
        answer = function(argument)
    except MammobenchError as error:
        answer = error
    with contextlib.suppress(BrokenPipeError):
        # whoever asked may have been stopped
        connection.send(answer)


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
