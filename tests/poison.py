"""What may stand in a damaged or hostile record in place of any value, and where it can stand."""

import copy
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

Route = tuple[str | int, ...]
"""Keys and positions that lead to a value of a JSON document."""


class _Touch:
    """A pickle of it makes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self._path, "wb")


def pickled(effect: Path) -> str:
    """Return a pickle as Optuna's CMA-ES would have it, which makes the file `effect` when it is read."""
    return pickle.dumps(_Touch(effect)).hex()


def payloads(effect: Path) -> tuple[Any, ...]:
    """Return what a value is replaced by: a pickle, null, text, huge numbers, a list, an object, paths."""
    return (
        pickled(effect),
        None,
        "text",
        10**400,
        -(10**9),
        float("nan"),
        [],
        [1, [2]],
        {},
        True,
        "../../evil",
        "/proc/self/mem",
        "nul\0byte",
    )


def routes(document: Any, *, depth: int = 9) -> Iterator[Route]:
    """Yield the way to every value of a document; of a list, to its first and last."""
    if depth == 0 or not isinstance(document, dict | list):
        return
    keys: Sequence[str | int] = list(document)
    if isinstance(document, list):
        keys = sorted({0, len(document) - 1} & set(range(len(document))))
    inside: Any = document
    for key in keys:
        yield (key,)
        for route in routes(inside[key], depth=depth - 1):
            yield (key, *route)


def replaced(document: Any, route: Route, value: Any) -> Any:
    """Return a copy of a document with another value at the end of a way."""
    changed: Any = copy.deepcopy(document)
    inner = changed
    for key in route[:-1]:
        inner = inner[key]
    inner[route[-1]] = value
    return changed
