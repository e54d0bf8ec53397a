"""Registries: entries by name, each with where its code is found, so that listing them loads none of it."""

import pkgutil
from dataclasses import dataclass
from typing import Any, TypeVar

from mammobench.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Something that is asked for by name.

    Attributes:
        name: As it is asked for.
        meaning: One line for tables and help.
        where: Its class or function, as ``module:name``; imported when it is used.
    """

    name: str
    meaning: str
    where: str


Kind = TypeVar("Kind", bound=Entry)


def register(registered: dict[str, Kind], *entries: Kind) -> None:
    """Add entries.

    Raises:
        ConfigError: For a name that is taken.
    """
    for entry in entries:
        if entry.name in registered:
            raise ConfigError(
                "two components of one name", where=entry.where, expected="a name that is free",
                found=entry.name, remedy=f"{registered[entry.name].where} has it",
            )  # fmt: skip
        registered[entry.name] = entry


def resolve(where: str) -> Any:  # noqa: ANN401 - whatever stands there
    """Import what an entry names as ``module:name``.

    Raises:
        ConfigError: When there is no such module, or no such name in it.
    """
    try:
        return pkgutil.resolve_name(where)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"a registered component cannot be imported ({error})", where=where, expected="module:name"
        ) from error
