"""The record of a study that one machine searches: Optuna's journal, a file of one line a write.

A process killed in the middle of a write, or a full disk, leaves a line without its end. Optuna reads past
it only as long as it is the last line: the next write would be glued to it and the study lost. A power cut
can leave a block of NUL bytes instead, where the file had grown and its content was not on the disk yet. So a
torn line and a line with NUL bytes, which were never acknowledged, are cut off before anything is written
behind them.
"""

import errno
import json
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from mammobench.core.errors import StudyError
from mammobench.study.filenames import JOURNAL, SPEC, TRIALS
from mammobench.study.storage.journal_lines import LineChecker
from mammobench.training.filenames import PREDICTIONS

_FULL = {errno.ENOSPC, errno.EDQUOT}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
_BLOCK = 1 << 16
_LONGEST = 200
_OF_A_TRIAL = re.compile(rb'"op_code": ?(?:[4-9]|10)\b')


class _SystemLock(JournalFileOpenLock):
    """A lock that the operating system frees when its process dies, however it dies.

    Optuna's own is a link that a killed process leaves behind; of a journal named by a relative path it
    dangles, and then every later writer waits for ever.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
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
            try:
                self._cut_torn_line()
            except OSError as error:
                # who may only read the record, or has it on read-only media, reads past that line
                if error.errno not in _READ_ONLY:
                    raise

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


def remove_unused_journal(folder: Path) -> None:
    """Remove the journal that an interrupted creation left in a folder without study.json.

    Raises:
        StudyError: When it tells of trials, or there are results of trials; nothing is removed then.
    """
    path = folder / JOURNAL
    if path.exists() and _OF_A_TRIAL.search(path.read_bytes()):
        raise StudyError(
            f"the folder has a record of trials, but the description of the study, {SPEC}, is gone",
            where=folder,
            remedy=f"`mammobench doctor {folder} --mend` writes it again from the record; "
            "--study names another study",
        )
    if any((folder / TRIALS).glob(f"*/{PREDICTIONS}")):
        raise StudyError(
            f"the folder has results of trials, but {SPEC} and the record are gone",
            where=folder / TRIALS,
            remedy=f"Restore {SPEC} and {JOURNAL} from a copy, or move {TRIALS}/ away; "
            "--study names another study",
        )
    path.unlink(missing_ok=True)


def _whole_size(path: Path) -> int:
    """Return the size of a file up to the end of its last whole line, bytes."""
    with path.open("rb") as file:
        start, tail = file.seek(0, 2), b""
        while start > 0:
            size = min(start, _BLOCK)
            start = file.seek(start - size)
            tail = file.read(size) + tail
            end = tail.rfind(b"\n") + 1
            while end:
                begin = tail.rfind(b"\n", 0, end - 1) + 1
                if begin == 0 and start > 0:
                    break
                if _is_whole(tail[begin:end]):
                    return start + end
                end = begin
    return 0


def _is_whole(line: bytes) -> bool:
    """Whether a line, which has its end, was written as a whole; JSON has no NUL bytes."""
    _, nul, rest = line.rpartition(b"\0")
    if not nul:
        return True
    try:
        # an acknowledged write may stand behind a block of zeros; that one is for the doctor
        return isinstance(json.loads(rest), dict)
    except ValueError:
        return False


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
