"""The log of the openings of a study's test split: when, by which command, with which version.

A command that reads test predictions opens the test split once, however many trials and tables it reads them
for; so does a call of a function of the package by a script or notebook. The line is written before anything
is read.
"""

import errno
import fcntl
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mammobench.core.invocation import current_call
from mammobench.study.filenames import OPENINGS
from mammobench.study.paths import study_around
from mammobench.study.record import utc_now

_NOTE = "test opened"


@dataclass(frozen=True)
class Openings:
    """The logged openings of a study's test split.

    Attributes:
        times: When, ISO 8601 in UTC, in the order of the log.
        commands: By what, one for each.
        unlogged: Why the present one is not among them, if so.
    """

    times: tuple[str, ...]
    commands: tuple[str, ...]
    unlogged: str | None = None

    def told(self) -> str:
        """Say how often, and when first and last."""
        if not self.times:
            told = "no opening of the test split is logged"
        elif len(self.times) == 1:
            told = f"the test split was opened once, at {self.times[0]}"
        else:
            told = (
                f"the test split was opened {len(self.times):,} times, first at {min(self.times)}, "
                f"last at {max(self.times)}"
            )
        return told + (f", and now, which could not be logged ({self.unlogged})" if self.unlogged else "")

    def to_dict(self) -> dict[str, Any]:
        """Return count, first and last as JSON has them."""
        first, last = (min(self.times), max(self.times)) if self.times else (None, None)
        return {"count": len(self.times), "first": first, "last": last, "unlogged": self.unlogged}


def openings_of(study_folder: Path) -> Openings:
    """Read a study's log; lines that are damaged are left out."""
    try:
        lines = (study_folder / OPENINGS).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    found = [entry for entry in map(_entry, lines) if entry is not None]
    unlogged = current_call().notes.get((_NOTE, study_folder.resolve()))
    times, commands = (tuple(str(entry[key]) for entry in found) for key in ("time", "command"))
    return Openings(times, commands, unlogged)


def log_opening(path: Path) -> None:
    """Log that a file with test predictions is about to be read, once a call for each study.

    Where the log cannot be written, such as on a medium that is read-only, that is told and nothing fails.
    """
    folder = study_around(path)
    if folder is None:
        return
    call = current_call()
    key = _NOTE, folder.resolve()
    if key in call.notes:
        return
    entry = {"time": utc_now(), "command": call.words, "version": version("mammobench")}
    call.notes[key] = None
    try:
        _append(folder / OPENINGS, json.dumps(entry, ensure_ascii=False) + "\n")
    except OSError as error:
        call.notes[key] = str(error.strerror)
        # standard output is the command's answer
        sys.stderr.write(
            f"This opening of the test split cannot be logged: {folder / OPENINGS}: {error.strerror}\n"
        )


def _entry(line: str) -> Mapping[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and {"time", "command"} <= entry.keys() else None


def _append(path: Path, line: str) -> None:
    """Append a line in one write; of one that a full disk cuts short nothing stays."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        with suppress(OSError):
            # some network file systems know no locks; the write is one even so
            fcntl.flock(handle, fcntl.LOCK_EX)
        size = os.fstat(handle).st_size
        # behind half a line, which only a crash of the machine leaves, a new one begins
        begun = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        content = ("\n" * begun + line).encode()
        if os.write(handle, content) < len(content):
            os.ftruncate(handle, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(handle)
    finally:
        os.close(handle)
