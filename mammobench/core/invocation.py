"""How this program was started, so that the commands it prints run where its reader types them."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

PROGRAM = "mammobench"
_UV = "UV_RUN_RECURSION_DEPTH"  # set by `uv run` alone, for what it runs
_COMMAND = re.compile(rf"(^|`){PROGRAM} (?=[a-z])")


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


def as_started(text: str) -> str:
    """Return a text with the commands in it, one at its start and those in backticks, as they run here."""
    return _COMMAND.sub(lambda found: f"{found[1]}{shlex.join(program())} ", text)
