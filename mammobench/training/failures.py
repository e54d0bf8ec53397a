"""What trials die of: a kind that a search can act on, and one line that says what to do."""

import errno
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from mammobench.core.errors import MammobenchError
from mammobench.training.filenames import LOG
from mammobench.training.result import DivergedError

Fault = Literal["error", "diverged", "memory", "crash", "killed", "time limit", "full disk"]
"""``error``: an exception, the configuration's own failure. ``diverged``: its loss or objective is no longer
a number. ``memory``: it does not fit. ``crash``: native
code gave up. ``killed``: ended from outside. ``full disk``: says nothing of the configuration, and the trial
can go on from its checkpoint when there is space again."""

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FULL_TEXTS = ("No space left on device", "Disk quota exceeded")
_SMALLER = "use fewer workers, or a smaller training.batch_size, model.filters or data.image_size"


def fault_of(error: BaseException, folder: Path) -> tuple[Fault, str]:
    """Return what kind of fault ended a trial, and its reason in one line.

    Args:
        error: What the trial raised.
        folder: The trial's folder.
    """
    if any(_is_full_disk(link) for link in _chain(error)):
        return "full disk", _full_disk(folder)
    if isinstance(error, MemoryError) or _is_exhausted(error):
        return "memory", f"out of memory ({_first_line(error)}); {_SMALLER}"
    if isinstance(error, MammobenchError):
        return "diverged" if isinstance(error, DivergedError) else "error", " ".join(str(error).split())
    return "error", f"{type(error).__name__}: {_first_line(error)}; the traceback is in {folder / LOG}"


def fault_of_exit(code: int | None, folder: Path, *, time_limit: float | None = None) -> tuple[Fault, str]:
    """Return the fault of a process that ended without a word, and its reason in one line.

    Args:
        code: Its exit status; minus the signal's number where one ended it.
        folder: The trial's folder.
        time_limit: Seconds that it was given.
    """
    log = folder / LOG
    if code is None or code >= 0:
        return "crash", f"the process ended with exit status {code} and no result; see {log}"
    # real-time signals have numbers only
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    match name:
        case "SIGALRM" if time_limit is not None:
            return "time limit", (
                f"time limit of {time_limit:g} s; give more, or train fewer epochs or smaller models; "
                f"where it stood is in {log}"
            )
        case "SIGKILL":
            return "killed", f"the process was killed by SIGKILL, probably for want of memory; {_SMALLER}"
        case "SIGTERM" | "SIGINT" | "SIGHUP" | "SIGALRM":
            return "killed", f"the process was ended from outside by {name}; run the same command again"
    return (
        "crash",
        f"native code crashed ({name}); where is in {log}; leave the configuration out, or report it",
    )


def free_space(folder: Path) -> str:
    """Return how much of the disk that holds `folder` is free, for people: ``0.4 of 512.0 MiB``."""
    usage = shutil.disk_usage(folder)
    return f"{usage.free / 2**20:.1f} of {usage.total / 2**20:.1f} MiB"


def _full_disk(folder: Path) -> str:
    return (
        f"no space left on the disk of {folder} ({free_space(folder)} free); free some there and run the "
        "same command again: the trial goes on from its last whole epoch"
    )


def _is_full_disk(error: BaseException) -> bool:
    # TensorFlow and HDF5 pass the system's words on in errors of their own
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    return any(text in str(error) for text in (*_FULL_TEXTS, *map(os.strerror, _FULL)))


def _is_exhausted(error: BaseException) -> bool:
    # TensorFlow's exception or JAX's status, told without importing either
    return type(error).__name__ == "ResourceExhaustedError" or "RESOURCE_EXHAUSTED" in str(error)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
