"""How this program was started: the commands it prints run where its reader types them, and logs name it."""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAM = "mammobench"
_UV = "UV_RUN_RECURSION_DEPTH"  # set by `uv run` alone, for what it runs
_COMMAND = re.compile(rf"(^|`){PROGRAM} (?=[a-z])")

_PASSWORD = re.compile(r"(://[^/@\s:]*):[^/@\s]*@")


@dataclass(eq=False)
class Call:
    """One command, or one call of a function of the package by a script or notebook.

    Attributes:
        words: As a log names it, without a password.
        notes: What has been done in it that is done once a call.
    """

    words: str
    notes: dict[Any, Any] = field(default_factory=dict)


_CALL: ContextVar[Call | None] = ContextVar("call", default=None)
_PROCESS: list[Call] = []


@contextmanager
def call_of(words: str) -> Iterator[None]:
    """Take what the block does for one call, unless it is part of another one; a decorator too."""
    if _CALL.get() is not None:
        yield
        return
    token = _CALL.set(Call(_PASSWORD.sub(r"\1@", words)))
    try:
        yield
    finally:
        _CALL.reset(token)


def current_call() -> Call:
    """Return the call that is running; outside of any, the whole process is one."""
    known = _CALL.get()
    if known is not None:
        return known
    if not _PROCESS:
        _PROCESS.append(Call(_PASSWORD.sub(r"\1@", shlex.join(sys.orig_argv))))
    return _PROCESS[0]


def program() -> tuple[str, ...]:
    """Return the words by which this program was started: ``uv run mammobench``, ``python -m mammobench``...

    A script or notebook that calls the functions gets ``mammobench``, behind ``uv run`` where that runs it.
    """
    started = Path(sys.argv[0] if sys.argv else "")
    by_uv = _UV in os.environ
    before = ("uv", "run") if by_uv else ()
    if started.name == "__main__.py" and started.parent.name == PROGRAM:
        # uv puts the whole path of its environment's Python in place of what was typed
        return *before, "python" if by_uv else sys.orig_argv[0], "-m", PROGRAM
    if started.name == PROGRAM and not by_uv and shutil.which(PROGRAM) != shutil.which(str(started)):
        # not the one that a shell finds by its name
        return (str(started),)
    return *before, PROGRAM


def command(*words: object) -> str:
    """Return the command of these words behind `program`, quoted for a shell."""
    return shlex.join([*program(), *map(str, words)])


def this_command() -> str:
    """Return the command line of this process as it was typed."""
    return command(*sys.argv[1:])


def as_started(text: str) -> str:
    """Return a text with the commands in it, one at its start and those in backticks, as they run here."""
    return _COMMAND.sub(lambda found: f"{found[1]}{shlex.join(program())} ", text)
