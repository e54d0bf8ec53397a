"""What a search space file has in place of what it should, in words: YAML's faults, types, misplaced keys."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from mammobench.core.errors import SpaceError
from mammobench.space.config import KEYS

_SECTIONS = {key.split(".")[0] for key in KEYS}
_LONGEST = 60
_NO_SPACE = re.compile(r"^\s*[\w.]+:[^\s/]|^\s*[\w.]+\s+[{\[]")
_NO_KEY = "Keys of one mapping begin in one column, those below a key farther right, by spaces and not tabs"


@dataclass(frozen=True)
class Source:
    """Where a search space is read from.

    Attributes:
        path: Names it in errors.
        recorded: Whether a study has it, which an earlier version took as it was.
    """

    path: str
    recorded: bool = False

    def fail(self, problem: str, mapping: Any = None, key: Any = None, **details: Any) -> SpaceError:
        """Return an error with the line of a mapping, or of a key in it."""
        return SpaceError(problem, where=self.place(mapping, key), **details)

    def place(self, mapping: Any, key: Any) -> str:
        """Return the file and line of a mapping, or of a key in it."""
        where = self.path
        if isinstance(mapping, CommentedMap):
            line = mapping.lc.key(key)[0] if key in mapping else mapping.lc.line
            where += f", line {line + 1}"
        return where if key is None else f"{where}, {key}"


def plain(value: Any) -> Any:
    """Return a value without what ruamel keeps of its place and form."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def syntax_fault(error: YAMLError, text: str, path: Path | str) -> SpaceError:
    """Return what stands in the line that YAML cannot read, and what it most likely lacks."""
    mark = (error.problem_mark or error.context_mark) if isinstance(error, MarkedYAMLError) else None
    said = (error.problem or error.context) if isinstance(error, MarkedYAMLError) else str(error)
    lines = text.splitlines()
    if mark is None or not lines:
        return SpaceError(f"not valid YAML: {said}", where=path)
    # a file that ends too early is at fault in its last line
    number = min(mark.line, len(lines) - 1)
    line = lines[number]
    where = f"{path}, line {number + 1}"
    if said and "duplicate key" in said:
        return SpaceError(f"not valid YAML: {said}", where=where, remedy="Keep one")
    if _NO_SPACE.match(line):
        return SpaceError(
            "not valid YAML", where=where, expected="`key: value`, with a colon and a space behind the key",
            found=shown(line.strip()), remedy="Write a colon and a space behind the key",
        )  # fmt: skip
    above = lines[number - 1] if number else ""
    off = "\t" in line[: mark.column + 1] or (
        line[: mark.column].isspace() and _indent(line) != _indent(above)
    )
    if off or said == "mapping values are not allowed here":
        found = f"{_in_columns(line)} below {_in_columns(above)}" if above else shown(line)
        return SpaceError("wrong indentation", where=where, expected="keys of one mapping in one column",
                          found=found, remedy=_NO_KEY)  # fmt: skip
    return SpaceError(
        f"not valid YAML: {said}",
        where=where,
        found=shown(line.strip()),
        remedy="Look there and in the line above for a bracket, brace, colon or quotation mark too many or "
        "too few",
    )


def in_words(value: Any) -> str:
    """Return a value of a file with the kind of thing that it is, as YAML's words and not Python's."""
    kinds: dict[type, Callable[[Any], str]] = {
        type(None): lambda _: "nothing",
        bool: lambda value: f"{str(value).lower()} (a truth value)",
        int: lambda value: f"{value} (a number)",
        float: lambda value: f"{value} (a number)",
        str: lambda value: f"{shown(str(value))} (a text)",
        dict: lambda value: f"a mapping of {shown(', '.join(map(str, value)) or 'nothing', quoted=False)}",
        list: lambda value: f"a list, {shown('[' + ', '.join(map(str, value)) + ']', quoted=False)}",
        date: lambda value: f"{value} (a date)",
    }
    told = next((words for kind, words in kinds.items() if isinstance(value, kind)), None)
    return told(value) if told else f"{shown(str(value))} with a tag"


def shown(text: str, *, quoted: bool = True) -> str:
    """Return a text, cut where it is long."""
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return repr(text) if quoted else text


def where_it_belongs(key: Any, value: Any, *, top: bool) -> str | None:
    """Return how to write a key that stands where none of its name does; None where that is not plain.

    Args:
        key: The key as it stands in the file.
        value: What it holds.
        top: Whether it stands at the top of the file, and not under ``base`` or ``search``.
    """
    name = str(key)
    if name in _SECTIONS:
        field = next(iter(value), "") if isinstance(value, dict) else ""
        example = f"{name}.{field}" if f"{name}.{field}" in KEYS else next(
            known for known in KEYS if known.startswith(f"{name}.")
        )  # fmt: skip
        under = ", under base or search" if top else ""
        return f"Sections are not nested: write `{example}: ...`, with the dot{under}"
    if top and name in KEYS:
        return "Move it under base (one value for all trials) or search, farther right than that word"
    if top and name in {"trials", "max_epochs"}:
        return f"Move it under budget: `budget: {{{name}: ...}}`"
    return None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _in_columns(line: str) -> str:
    indent = line[: _indent(line)]
    place = "a tab" if "\t" in indent else f"{len(indent)} space{'s' * (len(indent) != 1)}"
    return f"{shown(line.strip(), quoted=False)!r} behind {place}"
