"""What all training of recorded trials shares: a place that outlives interruptions, and one at a time."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from mammobench.errors import MammobenchError, StudyError
from mammobench.study import StudyRecord

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and the total."""


@contextmanager
def aside(folder: Path) -> Iterator[Path]:
    """Make a folder to train in; it goes when that has ended, well or with an error of the project's.

    Anything else interrupts, and leaves the folder, whose checkpoint the next call continues.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    except MammobenchError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def alone(study: StudyRecord, verb: str) -> Iterator[None]:
    """Do something to a study that no other process may do meanwhile.

    Args:
        study: The study.
        verb: What is done, as in "another process stresses this study"; each has a lock of its own.

    Raises:
        StudyError: When another process does it now.
    """
    try:
        lock = FileLock(study.folder / f".{verb}.lock").acquire(timeout=0)
    except Timeout:
        raise StudyError(
            f"another process {verb} this study", where=study.folder, remedy="Wait for it, or stop it"
        ) from None
    with lock:
        yield
