"""Search space files: YAML read, every key and value checked, each fault named with its line."""

import re
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from mammobench.core.errors import ConfigError, SpaceError
from mammobench.core.metrics import OBJECTIVES
from mammobench.core.names import LONGEST, RULE, is_plain
from mammobench.space.config import KEYS, TASKS, TrialConfig, nearest
from mammobench.space.search_space import Budget, Choice, FloatRange, Hyperparameter, IntRange, SearchSpace

_LARGEST = 1e300
_TOP = ("name", "extends", "task", "objective", "image_size", "base", "search", "budget")
_SET_AT_TOP = {
    "data.task": "task",
    "data.image_size": "image_size",
    "training.objective": "objective",
    "training.max_epochs": "budget.max_epochs",
}


def shipped_spaces() -> dict[str, Path]:
    """Return the search spaces that come with mammobench, by name."""
    package = Path(__file__).resolve().parents[1]
    folders = (package / "search_spaces", package.parent / "search_spaces")
    folder = next(folder for folder in folders if folder.is_dir())
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load_space(name_or_path: str | Path) -> SearchSpace:
    """Read a search space by its shipped name or from a YAML file.

    Raises:
        SpaceError: For a name or file that does not exist, bad YAML, an unknown key, an empty or reversed
            range, a log range that touches zero, a condition that cannot hold, a value that no
            configuration takes; with the file and line, and the nearest name for a misspelling.
    """
    shipped = shipped_spaces()
    if str(name_or_path) in shipped:
        return read_space(shipped[str(name_or_path)])
    path = Path(name_or_path)
    if path.suffix in {".yaml", ".yml"} or path.is_file():
        if not path.is_file():
            raise SpaceError(
                "no such search space file", where=path, remedy="Check the path, or run `mammobench spaces`"
            )
        return read_space(path)
    raise SpaceError(
        f"unknown search space {str(name_or_path)!r}{nearest(str(name_or_path), shipped)}",
        expected=f"one of {', '.join(shipped)}, or the path of a .yaml file",
        remedy="`mammobench spaces` lists and describes them",
    )


def read_space(path: Path) -> SearchSpace:
    """Read and check one search space file; see `load_space` for the errors."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpaceError(f"the file cannot be read ({error})", where=path) from None
    return parse_space(text, path)


def parse_space(text: str, path: Path | str = "search space", *, recorded: bool = False) -> SearchSpace:
    """Check the text of a search space; `path` names it in errors.

    The name of a `recorded` one may be any: it is shown, and names no study any more.
    """
    try:
        document = YAML(typ="rt", pure=True).load(StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"{path}, line {mark.line + 1}" if mark else str(path)
        raise SpaceError(f"not valid YAML: {error.problem or error.context}", where=line) from None
    except YAMLError as error:
        raise SpaceError(f"not valid YAML: {error}", where=path) from None
    return _Reader(str(path), text, recorded=recorded).space(document)


class _Reader:
    """Turns the parsed document into a `SearchSpace`, with the line of whatever is wrong."""

    def __init__(self, path: str, text: str, *, recorded: bool) -> None:
        self.path = path
        self.text = text
        self.recorded = recorded

    def fail(
        self,
        problem: str,
        mapping: Any = None,
        key: Any = None,
        **details: Any,
    ) -> SpaceError:
        where = self.path
        if isinstance(mapping, CommentedMap):
            line = mapping.lc.key(key)[0] if key in mapping else mapping.lc.line
            where += f", line {line + 1}"
        if key is not None:
            where += f", {key}"
        return SpaceError(problem, where=where, **details)

    def space(self, top: Any) -> SearchSpace:
        top = self._mapping(top, "the file", known=_TOP, required=("name", "task", "image_size", "budget"))
        budget = self._mapping(
            top["budget"], "budget", known=("trials", "max_epochs"), required=("trials", "max_epochs")
        )
        if not self.recorded:
            self._plain_name(top)
        for key in budget:
            self._whole(budget, key)
        self._whole(top, "image_size")
        objective = top.get("objective", "f1")
        self._one_of(top, "task", TASKS)
        if "objective" in top:
            self._one_of(top, "objective", tuple(OBJECTIVES))
        inherited = self._inherited(top)
        base = self._mapping(top.get("base") or CommentedMap(), "base")
        search = self._mapping(top.get("search") or CommentedMap(), "search")
        for mapping in (base, search):
            for key in mapping:
                self._known_key(mapping, key)
        for key in search:
            if key in base:
                raise self.fail("the key stands under both base and search", search, key, remedy="Keep one")
        space = SearchSpace(
            name=str(top["name"]),
            task=top["task"],
            objective=objective,
            image_size=top["image_size"],
            base={
                **{key: value for key, value in inherited.items() if key not in search},
                **{key: _plain(value) for key, value in base.items()},
            },
            hyperparameters=self._ordered(search),
            budget=Budget(trials=budget["trials"], max_epochs=budget["max_epochs"]),
            description=_head_comment(self.text),
        )
        self._check_values(space, top, base, search)
        return space

    def _inherited(self, top: CommentedMap) -> Mapping[str, Any]:
        """Return the base of the shipped space that this one extends."""
        if "extends" not in top:
            return {}
        self._one_of(top, "extends", tuple(shipped_spaces()))
        return load_space(top["extends"]).base

    def _mapping(
        self,
        value: Any,
        name: str,
        known: tuple[str, ...] = (),
        required: tuple[str, ...] = (),
    ) -> CommentedMap:
        if not isinstance(value, CommentedMap):
            raise self.fail(f"{name} must be a mapping of keys to values", found=type(value).__name__)
        for key in value:
            if known and key not in known:
                raise self.fail(
                    f"unknown key in {name}{nearest(str(key), list(known))}",
                    value,
                    key,
                    expected=f"one of {', '.join(known)}",
                )
        for key in required:
            if key not in value:
                raise self.fail(f"{name} has no {key!r}", remedy=f"Add a line `{key}: ...`")
        return value

    def _whole(self, mapping: CommentedMap, key: str) -> None:
        value = mapping[key]
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.fail(
                "wrong value", mapping, key, expected="a whole number of 1 or more", found=repr(value)
            )

    def _plain_name(self, top: CommentedMap) -> None:
        # it names a study, and so a folder
        name = top["name"]
        if isinstance(name, bool | None) or not is_plain(str(name)):
            raise self.fail(
                "not a name that a study can have", top, "name", expected=RULE, found=repr(name)[:LONGEST]
            )

    def _one_of(self, mapping: CommentedMap, key: str, known: tuple[str, ...]) -> None:
        if mapping[key] not in known:
            raise self.fail(
                f"unknown {key}{nearest(str(mapping[key]), list(known))}",
                mapping,
                key,
                expected=f"one of {', '.join(known)}",
                found=repr(mapping[key]),
            )

    def _known_key(self, mapping: CommentedMap, key: str) -> None:
        if key in _SET_AT_TOP:
            raise self.fail(f"this is set by `{_SET_AT_TOP[key]}` at the top of the file", mapping, key)
        if key not in KEYS:
            raise self.fail(
                "unknown key",
                mapping,
                key,
                expected=f"a field of TrialConfig{nearest(str(key), KEYS)}",
                remedy="`mammobench spaces --keys` lists all of them",
            )

    def _hyperparameter(self, search: CommentedMap, key: str) -> Hyperparameter:
        entry = search[key]
        if not isinstance(entry, CommentedMap):
            raise self.fail(
                "wrong form",
                search,
                key,
                expected="{choice: [...]}, {float: [low, high]} or {int: [low, high]}",
            )
        kinds = [kind for kind in ("choice", "float", "int") if kind in entry]
        known = {"choice": {"when"}, "float": {"step", "log", "when"}, "int": {"step", "log", "when"}}
        if len(kinds) != 1:
            raise self.fail(
                "wrong form", search, key, expected="one of choice, float, int", found=list(entry)
            )
        kind = kinds[0]
        for option in entry:
            if option != kind and option not in known[kind]:
                raise self.fail(
                    f"unknown option {option!r}{nearest(str(option), sorted(known[kind]))}",
                    search,
                    key,
                    expected=f"{kind} with {', '.join(sorted(known[kind]))}",
                )
        when = self._conditions(search, key, entry.get("when"))
        bounds = _plain(entry[kind])
        if kind == "choice":
            return self._choice(search, key, bounds, when)
        return self._range(search, key, kind, bounds, entry, when)

    def _choice(self, search: CommentedMap, key: str, values: Any, when: Mapping[str, Any]) -> Choice:
        if not isinstance(values, list) or not values:
            raise self.fail(
                "empty choice", search, key, expected="a list of one value or more", found=repr(values)
            )
        if any(isinstance(value, dict) for value in values):
            raise self.fail("wrong choice", search, key, expected="values, not mappings", found=repr(values))
        if len({repr(value) for value in values}) != len(values):
            raise self.fail("a value stands twice in the choice", search, key, found=repr(values))
        return Choice(key=key, values=tuple(values), when=when)

    def _range(
        self,
        search: CommentedMap,
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
                raise self.fail(
                    "wrong range", search, key, expected=f"{kind}: [low, high]", found=repr(bounds)
                )
        step, log = entry.get("step"), entry.get("log", False)
        if low > high:
            raise self.fail(
                "reversed range", search, key, expected="low before high", found=f"[{low}, {high}]",
                remedy=f"Write [{high}, {low}]",
            )  # fmt: skip
        if low == high:
            raise self.fail(
                "empty range", search, key, found=f"[{low}, {high}]", remedy="Move the key to base"
            )
        if not isinstance(log, bool):
            raise self.fail("wrong log", search, key, expected="true or false", found=repr(log))
        if log and low <= 0:
            raise self.fail("a log range cannot touch zero", search, key, expected="low above 0", found=low)
        if step is not None and (not number(step) or step <= 0 or step > high - low):
            raise self.fail(
                "wrong step", search, key, expected=f"above 0, at most {high - low:g}", found=repr(step)
            )
        if log and step is not None:
            raise self.fail("a log range takes no step", search, key, remedy="Remove one of the two")
        if kind == "int":
            return IntRange(key=key, low=low, high=high, step=step or 1, log=log, when=when)
        step = None if step is None else float(step)
        return FloatRange(key=key, low=float(low), high=float(high), step=step, log=log, when=when)

    def _conditions(self, search: CommentedMap, key: str, when: Any) -> dict[str, tuple[Any, ...]]:
        if when is None:
            return {}
        if not isinstance(when, CommentedMap):
            raise self.fail("wrong condition", search, key, expected="when: {key: value}", found=repr(when))
        conditions = {}
        for parent, allowed in when.items():
            if parent == key or parent not in search:
                raise self.fail(
                    f"the condition names {parent!r}, which is not another searched key"
                    f"{nearest(str(parent), list(search))}",
                    search,
                    key,
                )
            values = _plain(allowed)
            listed = isinstance(values, list) and not all(isinstance(item, int) for item in values)
            conditions[parent] = tuple(values) if listed else (values,)
        return conditions

    def _ordered(self, search: CommentedMap) -> tuple[Hyperparameter, ...]:
        """Return the hyperparameters with parents before children, otherwise as they stand in the file."""
        items = {key: self._hyperparameter(search, key) for key in search}
        for item in items.values():
            for parent, allowed in item.when.items():
                for value in allowed:
                    if not items[parent].contains(value):
                        raise self.fail(
                            "impossible condition: its parent never takes that value",
                            search,
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
                raise self.fail("conditions go in a circle", search, waiting[0].key)
            ordered.append(ready)
            waiting.remove(ready)
        return tuple(ordered)

    def _check_values(
        self, space: SearchSpace, top: CommentedMap, base: CommentedMap, search: CommentedMap
    ) -> None:
        """Build a configuration for every fixed value and every bound, so that no trial can fail on them."""
        for key in base:
            self._check_config({key: space.base[key]}, base, key)
        self._check_config({"data.image_size": space.image_size}, top, "image_size")
        first: dict[str, Any] = {}
        for item in space.hyperparameters:
            if item.active(first):
                first[item.key] = item.samples()[0]
        self._check_config({**space.fixed, **first}, top, "task")
        for item in space.hyperparameters:
            parents = {parent: allowed[0] for parent, allowed in item.when.items()}
            for value in item.samples():
                self._check_config({item.key: value}, search, item.key)
                self._check_config({**space.fixed, **first, **parents, item.key: value}, search, item.key)

    def _check_config(self, values: dict[str, Any], mapping: CommentedMap, key: str) -> None:
        try:
            TrialConfig.from_values(values)
        except ConfigError as error:
            raise self.fail(
                error.problem,
                mapping,
                key,
                expected=error.expected,
                found=error.found or repr(values.get(key)),
            ) from None


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for plain in (int, float, str):
        if isinstance(value, plain):
            return plain(value)
    return value


def _head_comment(text: str) -> str:
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(re.sub(r"^#\s?", "", line))
    return "\n".join(lines).strip()
