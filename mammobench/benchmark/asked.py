"""What a comparison was asked: its methods, and what stays as it was where it goes on."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mammobench.benchmark import filenames
from mammobench.benchmark.replay.methods import EngineMaker, Method, methods_named
from mammobench.core.errors import ConfigError, DataError

ANSWERS_LIVE = "live"
"""In place of how a table answers, where every search trained its models."""


def chosen_methods(given: str | Sequence[str | Method | EngineMaker]) -> tuple[Method, ...]:
    """Return the methods of names, or of a list of names and of what makes an engine; see `Method.of`."""
    if isinstance(given, str):
        return methods_named(given)
    found: dict[str, Method] = {}
    for each in given:
        several = methods_named(each) if isinstance(each, str) else (Method.of(each),)
        found |= {method.name: method for method in several}
    if not found:
        raise ConfigError("no methods to compare", expected="one method or more")
    return tuple(found.values())


def continued(out: Path, asked: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the comparison has been asked of each table, with what is asked now.

    Raises:
        ConfigError: Where a table is asked otherwise than before.
    """
    path = out / filenames.COMPARISON
    known: dict[str, Any] = {}
    if path.is_file():
        try:
            known = dict(json.loads(path.read_text(encoding="utf-8"))["tables"])
        except (ValueError, KeyError, TypeError):
            raise DataError(
                "damaged comparison", where=path, remedy="Remove it, or choose another --out"
            ) from None
    for name, each in asked.items():
        before = known.get(name, each)
        differing = [
            key for key in ("digest", "budget", "workers", "answers") if before.get(key) != each[key]
        ]
        if differing:
            told = {"digest": "table: its files have changed"}
            raise ConfigError(
                "the comparison there was asked another "
                f"{', '.join(told.get(key, key) for key in differing)}",
                where=f"{path}, {name}",
                expected=", ".join(f"{key} {before.get(key)}" for key in differing),
                found=", ".join(f"{key} {each[key]}" for key in differing),
                remedy="Choose another folder with --out",
            )
    return known | dict(asked)


def require_counts(**counts: int | None) -> None:
    """Refuse counts below 1; None stands for a default.

    Raises:
        ConfigError: With the argument's name.
    """
    for name, value in counts.items():
        if value is not None and value < 1:
            raise ConfigError("wrong number", where=f"--{name}", expected="1 or more", found=value)
