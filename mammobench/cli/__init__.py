"""The command line: parse, call, print, exit status.

Every command is a thin call of a function of `mammobench.api`. Imports stand in the commands, so that
``--help`` and a misspelt option answer at once.
"""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from mammobench.cli.printing import stderr
from mammobench.core.errors import MammobenchError
from mammobench.core.invocation import as_started, call_of, this_command
from mammobench.core.registry import resolve


@contextmanager
def _answered() -> Iterator[None]:
    """Answer Ctrl-C where a command has no word of its own on it."""
    try:
        yield
    except KeyboardInterrupt:
        stderr().print("\nStopped. Nothing finished is lost; run the same command again.", highlight=False)
        raise typer.Exit(130) from None


class _Commands(TyperGroup):
    """All commands, which answer Ctrl-C while they are read and while they run."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        with _answered():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        with _answered():
            return super().invoke(ctx)


app = typer.Typer(
    name="mammobench",
    cls=_Commands,
    help="Which CNN configuration is best on these mammograms, and how sure can we be?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS = (
    "searching",
    "studies",
    "deleting",
    "explaining",
    "stressing",
    "replicating",
    "leakage",
    "recording",
    "comparing",
    "spaces",
    "data",
)
"""The files of this folder with commands, in the order of ``--help``: the one place to register another.

Each has an ``app``, a `typer.Typer` with its commands; one with a name is a group. A command's docstring is
its help; its first paragraph and its example stand in `cli/README.md`.
"""

for _file in COMMANDS:
    app.add_typer(resolve(f"{__name__}.{_file}:app"))


def main() -> None:
    """Run the command line; a `MammobenchError` is printed without a traceback."""
    try:
        with call_of(this_command()):
            _as_started(typer.main.get_command(app))()
    except MammobenchError as error:
        stderr().print(
            f"[bold red]error:[/] {escape(as_started(str(error)))}", highlight=False, soft_wrap=True
        )
        sys.exit(error.exit_status)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            stderr().print(
                f"[bold red]error:[/] {escape(str(error.filename)[:100])}...: a file's name is too "
                "long for this file system. Choose a shorter one.",
                highlight=False,
                soft_wrap=True,
            )
            sys.exit(2)
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS}:
            raise
        where = f"{error.filename}: " if error.filename else ""
        stderr().print(
            f"[bold red]error:[/] {escape(where)}{error.strerror}. Nothing finished is lost; make room or "
            "mend the permissions and run the same command again.",
            highlight=False,
            soft_wrap=True,
        )
        sys.exit(1)


def _as_started(command: Any) -> Any:
    """Return a command whose help, and that of those below it, gives examples as they run here."""
    command.help = as_started(command.help or "")
    for below in getattr(command, "commands", {}).values():
        _as_started(below)
    return command


def _version(value: bool) -> None:
    if value:
        typer.echo(version("mammobench"))
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass
