"""The record of a study that one machine searches: Optuna's journal, a file of one line a write.

A process killed in the middle of a write, or a full disk, leaves a line without its end. Optuna reads past
it only as long as it is the last line: the next write would be glued to it and the study lost. So a torn
line, which was never acknowledged, is cut off before anything is written behind it.
"""

import errno
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock

from mammobench.errors import StudyError
from mammobench.journal_lines import LineChecker

JOURNAL = "study.journal"
"""The journal's file in a study's folder."""

_FULL = {errno.ENOSPC, errno.EDQUOT}
_BLOCK = 1 << 16
_LONGEST = 200


class _SystemLock(BaseJournalFileLock):
    """A lock that the operating system frees when its process dies, however it dies.

    Optuna's own is a link that a killed process leaves behind; of a journal named by a relative path it
    dangles, and then every later writer waits for ever.
    """

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path.with_name(f".{path.name}.lock"))

    def acquire(self) -> bool:
        self._lock.acquire()
        return True

    def release(self) -> None:
        self._lock.release()


class _WholeLines(JournalFileBackend):
    """A journal whose every line is whole, whatever stopped a write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._alone = _SystemLock(path)
        self._checker = LineChecker()
        super().__init__(str(path), self._alone)
        with _explained(path):
            self._cut_torn_line()

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """Yield the lines from a number on, counted from 0, each as Optuna writes them.

        Raises:
            StudyError: At the first that is another.
        """
        number = log_number_from
        try:
            for log in super().read_logs(log_number_from):
                if number == self._checker.lines:
                    self._checker.check(log)
                number += 1
                yield log
        except (ValueError, RecursionError) as error:
            raise StudyError(
                f"damaged trial record ({str(error)[:_LONGEST]})",
                where=f"{self._path}, line {number + 1}",
                remedy="`mammobench doctor` says what can be mended",
            ) from None

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        with _explained(self._path):
            try:
                super().append_logs(logs)
            except OSError:
                self._cut_torn_line()
                raise

    def _cut_torn_line(self) -> None:
        if _whole_size(self._path) == self._path.stat().st_size:
            return
        self._alone.acquire()
        try:
            with self._path.open("r+b") as file:
                file.truncate(_whole_size(self._path))
        finally:
            self._alone.release()


def open_journal(folder: Path) -> JournalStorage:
    """Open the journal of a study's folder, or start it.

    Raises:
        StudyError: When a write fails because the disk is full; what was written before stays.
    """
    return JournalStorage(_WholeLines(folder / JOURNAL))


def _whole_size(path: Path) -> int:
    """Return the size of a file up to the end of its last whole line, bytes."""
    with path.open("rb") as file:
        end = file.seek(0, 2)
        while end > 0:
            start = max(0, end - _BLOCK)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            end = start
    return 0


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise StudyError(
            "the disk is full, so that the record cannot be written",
            where=path,
            remedy="Free some space there and run the same command again; nothing finished is lost",
        ) from error
