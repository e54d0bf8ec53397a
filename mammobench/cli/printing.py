"""How commands print: tables, JSON, and what goes to standard error."""

import json
import math
from collections.abc import Mapping

import typer
from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from mammobench.core.aliases import Json

_GAP = 2


def stderr(*, quiet: bool = False) -> Console:
    """Return where progress and errors go."""
    return Console(stderr=True, quiet=quiet)


def print_json(value: Json) -> None:
    """Print the one JSON document of a command on standard output; what is no number, JSON has as null."""
    typer.echo(json.dumps(_plain(value), ensure_ascii=False, allow_nan=False))


def print_rows(head: list[str], rows: list[list[str]], *, as_json: bool) -> None:
    """Print a table, or the same as a list of objects.

    Where the columns do not fit side by side without breaking words, each row is a paragraph.
    """
    if as_json:
        print_json([dict(zip(head, row, strict=True)) for row in rows])
        return
    console = Console(highlight=False)
    needed = [max(map(_longest_word, column)) for column in zip(head, *rows, strict=True)]
    if sum(needed) + _GAP * len(needed) > console.width:
        for row in rows:
            console.print(_paragraph(head, row))
        return
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="bold")
    for name, width in zip(head, needed, strict=True):
        table.add_column(name, overflow="fold", min_width=width)
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)


def print_words(text: str) -> None:
    """Print a text on standard output, its lines broken between words."""
    Console(highlight=False).print(escape(text))


def _longest_word(text: str) -> int:
    return max(map(len, text.split()), default=0)


def _paragraph(head: list[str], row: list[str]) -> Group:
    """Lay a row out as its first cell, and below it each other one that is not empty, by its name."""
    lines = Table(box=None, padding=(0, _GAP, 0, 0), show_header=False)
    lines.add_column(min_width=_GAP + max(map(len, head[1:])), no_wrap=True)
    lines.add_column(overflow="fold")
    for name, cell in zip(head[1:], row[1:], strict=True):
        if cell:
            lines.add_row(f"  {name}", escape(cell))
    return Group(Text(row[0], style="bold"), lines)


def _plain(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    # a NumPy scalar
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
