"""The ``search`` section of a search space file: choices, ranges and conditions, as hyperparameters."""

import math
from collections.abc import Mapping
from typing import Any

from ruamel.yaml.comments import CommentedMap

from mammobench.core.errors import SpaceError
from mammobench.space.config import nearest
from mammobench.space.search_space import Choice, FloatRange, Hyperparameter, IntRange
from mammobench.space.yaml_faults import Source, plain

_LARGEST = 1e300
_ROUNDING = 1e-9


class SearchSection:
    """Turns the section into hyperparameters, with the line of whatever is wrong.

    Args:
        source: Where it is read from.
        search: The section.
    """

    def __init__(self, source: Source, search: CommentedMap) -> None:
        self._source, self._search = source, search

    def _fail(self, problem: str, key: str, **details: Any) -> SpaceError:
        return self._source.fail(problem, self._search, key, **details)

    def ordered(self) -> tuple[Hyperparameter, ...]:
        """Return the hyperparameters with parents before children, otherwise as they stand in the file."""
        items = {key: self._hyperparameter(key) for key in self._search}
        for item in items.values():
            for parent, allowed in item.when.items():
                for value in allowed:
                    if not items[parent].contains(value):
                        raise self._fail(
                            "impossible condition: its parent never takes that value",
                            item.key,
                            expected=f"{parent} in {items[parent].describe()}",
                            found=repr(value),
                        )
        ordered: list[Hyperparameter] = []
        waiting = list(items.values())
        while waiting:
            placed = {item.key for item in ordered}
            ready = next((item for item in waiting if placed.issuperset(item.when)), None)
            if ready is None:
                raise self._fail("conditions go in a circle", waiting[0].key)
            ordered.append(ready)
            waiting.remove(ready)
        return tuple(ordered)

    def _hyperparameter(self, key: str) -> Hyperparameter:
        entry = self._search[key]
        if not isinstance(entry, CommentedMap):
            raise self._fail(
                "wrong form",
                key,
                expected="{choice: [...]}, {float: [low, high]} or {int: [low, high]}",
            )
        kinds = [kind for kind in ("choice", "float", "int") if kind in entry]
        known = {"choice": {"when"}, "float": {"step", "log", "when"}, "int": {"step", "log", "when"}}
        if len(kinds) != 1:
            raise self._fail("wrong form", key, expected="one of choice, float, int", found=list(entry))
        kind = kinds[0]
        for option in entry:
            if option != kind and option not in known[kind]:
                raise self._fail(
                    f"unknown option {option!r}{nearest(str(option), sorted(known[kind]))}",
                    key,
                    expected=f"{kind} with {', '.join(sorted(known[kind]))}",
                )
        when = self._conditions(key, entry.get("when"))
        bounds = plain(entry[kind])
        if kind == "choice":
            return self._choice(key, bounds, when)
        return self._range(key, kind, bounds, entry, when)

    def _choice(self, key: str, values: Any, when: Mapping[str, Any]) -> Choice:
        if not isinstance(values, list) or not values:
            raise self._fail("empty choice", key, expected="a list of one value or more", found=repr(values))
        if any(isinstance(value, dict) for value in values):
            raise self._fail("wrong choice", key, expected="values, not mappings", found=repr(values))
        if len({repr(value) for value in values}) != len(values):
            raise self._fail("a value stands twice in the choice", key, found=repr(values))
        return Choice(key=key, values=tuple(values), when=when)

    def _range(
        self,
        key: str,
        kind: str,
        bounds: Any,
        entry: CommentedMap,
        when: Mapping[str, Any],
    ) -> Hyperparameter:
        types = (int,) if kind == "int" else (int, float)

        def number(value: Any) -> bool:
            # neither infinite nor NaN, and no whole number that is too large for a float
            return isinstance(value, types) and not isinstance(value, bool) and abs(value) <= _LARGEST

        match bounds:
            case [low, high] if number(low) and number(high):
                pass
            case _:
                raise self._fail("wrong range", key, expected=f"{kind}: [low, high]", found=repr(bounds))
        self._require_order(key, low, high)
        step, log = entry.get("step"), entry.get("log", False)
        if not isinstance(log, bool):
            raise self._fail("wrong log", key, expected="true or false", found=repr(log))
        if log and low <= 0:
            raise self._fail("a log range cannot touch zero", key, expected="low above 0", found=low)
        if step is not None and (not number(step) or step <= 0 or step > high - low):
            raise self._fail("wrong step", key, expected=f"above 0, at most {high - low:g}", found=repr(step))
        if log and step is not None:
            raise self._fail("a log range takes no step", key, remedy="Remove one of the two")
        if step is not None:
            self._reaches_the_end(key, kind, low, high, step)
        if kind == "int":
            return IntRange(key=key, low=low, high=high, step=step or 1, log=log, when=when)
        step = None if step is None else float(step)
        return FloatRange(key=key, low=float(low), high=float(high), step=step, log=log, when=when)

    def _require_order(self, key: str, low: float, high: float) -> None:
        if low > high:
            raise self._fail("reversed range", key, expected="low before high", found=f"[{low}, {high}]",
                remedy=f"Write [{high}, {low}]",
            )  # fmt: skip
        if low == high:
            raise self._fail("empty range", key, found=f"[{low}, {high}]", remedy="Move the key to base")

    def _reaches_the_end(self, key: str, kind: str, low: float, high: float, step: float) -> None:
        steps = (high - low) / step
        if self._source.recorded or math.isclose(steps, round(steps), rel_tol=_ROUNDING):
            return
        last = low + int(steps) * step
        raise self._fail(
            "the steps never reach the end of the range",
            key,
            expected=f"a whole number of steps from {low:g} to {high:g}",
            found=f"step: {step:g}, whose last value is {last:g}",
            remedy=f"Write {{{kind}: [{low:g}, {last:g}], step: {step:g}}}, or another step",
        )

    def _conditions(self, key: str, when: Any) -> dict[str, tuple[Any, ...]]:
        if when is None:
            return {}
        if not isinstance(when, CommentedMap):
            raise self._fail("wrong condition", key, expected="when: {key: value}", found=repr(when))
        conditions = {}
        for parent, allowed in when.items():
            if parent == key or parent not in self._search:
                raise self._fail(
                    f"the condition names {parent!r}, which is not another searched key"
                    f"{nearest(str(parent), list(self._search))}",
                    key,
                )
            values = plain(allowed)
            listed = isinstance(values, list) and not all(isinstance(item, int) for item in values)
            conditions[parent] = tuple(values) if listed else (values,)
        return conditions
