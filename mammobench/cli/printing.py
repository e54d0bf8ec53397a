"""How commands print: tables, JSON, and what goes to standard error."""

import json
import math
from collections.abc import Mapping

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mammobench.core.aliases import Json


def stderr(*, quiet: bool = False) -> Console:
    """Return where progress and errors go."""
    return Console(stderr=True, quiet=quiet)


def print_json(value: Json) -> None:
    """Print the one JSON document of a command on standard output; what is no number, JSON has as null."""
    typer.echo(json.dumps(_plain(value), ensure_ascii=False, allow_nan=False))


def print_rows(head: list[str], rows: list[list[str]], *, as_json: bool) -> None:
    """Print a table, or the same as a list of objects."""
    if as_json:
        print_json([dict(zip(head, row, strict=True)) for row in rows])
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    Console(highlight=False).print(table)


def interval(row: Json, name: str) -> str:
    """Write a score of the leaderboard with its interval."""
    return f"{row[name]:.3f} [{row[f'{name}_low']:.3f}, {row[f'{name}_high']:.3f}]"


def _plain(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    # a NumPy scalar
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
