"""Search space files: YAML read, every key and value checked, each fault named with its line."""

import re
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from mammobench.core.errors import SpaceError
from mammobench.core.names import RULE, is_plain
from mammobench.core.objectives import OBJECTIVES
from mammobench.space.config import KEYS, TASKS, nearest
from mammobench.space.search_space import Budget, Hyperparameter, SearchSpace
from mammobench.space.yaml_faults import Source, in_words, plain, syntax_fault, where_it_belongs
from mammobench.space.yaml_search import SearchSection
from mammobench.space.yaml_values import check_values

_EXAMPLES = {
    "budget": "trials: 20, max_epochs: 15",
    "base": "training.batch_size: 32",
    "search": "model.dropout: {choice: [0.0, 0.2]}",
}
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

    A `recorded` one is taken as an earlier version took it: its name may be any, it may search a split, and
    values may have been turned into their key's type.
    """
    try:
        document = YAML(typ="rt", pure=True).load(StringIO(text))
    except YAMLError as error:
        raise syntax_fault(error, text, path) from None
    return _Reader(Source(str(path), recorded=recorded), text).space(document)


class _Reader:
    """Turns the parsed document into a `SearchSpace`, with the line of whatever is wrong."""

    def __init__(self, source: Source, text: str) -> None:
        self.source, self.text = source, text

    def space(self, top: Any) -> SearchSpace:
        top = self._mapping(
            top, "the file", None, known=_TOP, required=("name", "task", "image_size", "budget")
        )
        budget = self._mapping(
            top["budget"],
            "budget",
            top,
            known=("trials", "max_epochs"),
            required=("trials", "max_epochs"),
        )
        if not self.source.recorded:
            self._plain_name(top)
        for key in budget:
            self._whole(budget, key)
        self._whole(top, "image_size")
        objective = top.get("objective", "f1")
        self._one_of(top, "task", TASKS)
        if "objective" in top:
            self._one_of(top, "objective", tuple(OBJECTIVES))
        extended = self._extended(top)
        inherited = extended.base if extended else {}
        base = self._mapping(_or_empty(top.get("base")), "base", top)
        search = self._mapping(_or_empty(top.get("search")), "search", top)
        for mapping in (base, search):
            for key in mapping:
                self._known_key(mapping, key)
        for key in search:
            if key in base:
                raise self.source.fail(
                    "the key stands under both base and search", search, key, remedy="Keep one"
                )
        hyperparameters = SearchSection(self.source, search).ordered()
        if extended and "search" not in top:
            hyperparameters = _without(extended.hyperparameters, base)
        space = SearchSpace(
            name=str(top["name"]),
            task=top["task"],
            objective=objective,
            image_size=top["image_size"],
            base={
                **{key: value for key, value in inherited.items() if key not in search},
                **{key: plain(value) for key, value in base.items()},
            },
            hyperparameters=hyperparameters,
            budget=Budget(trials=budget["trials"], max_epochs=budget["max_epochs"]),
            description=_head_comment(self.text),
        )
        # what is at fault in a search that was taken over is told of the file's head
        check_values(self.source, space, top, base, search if "search" in top or not extended else top)
        return space

    def _extended(self, top: CommentedMap) -> SearchSpace | None:
        """Return the shipped space that this one extends."""
        if "extends" not in top:
            return None
        self._one_of(top, "extends", tuple(shipped_spaces()))
        return load_space(top["extends"])

    def _mapping(
        self,
        value: Any,
        name: str,
        above: CommentedMap | None,
        known: tuple[str, ...] = (),
        required: tuple[str, ...] = (),
    ) -> CommentedMap:
        if not isinstance(value, CommentedMap):
            example = "name: mine" if above is None else f"{name}: {{{_EXAMPLES[name]}}}"
            raise self.source.fail(
                f"{name} must be a mapping of keys to values",
                above,
                name if above else None,
                expected=f"`key: value`, as in `{example}`",
                found=in_words(value),
                remedy="Write it so; keys below a key stand farther right than it",
            )
        for key in value:
            if known and key not in known:
                remedy = where_it_belongs(key, value[key], top=above is None)
                raise self.source.fail(
                    f"unknown key in {name}{'' if remedy else nearest(str(key), list(known))}",
                    value,
                    key,
                    expected=f"one of {', '.join(known)}",
                    remedy=remedy,
                )
        for key in required:
            if key not in value:
                raise self.source.fail(f"{name} has no {key!r}", value, remedy=f"Add a line `{key}: ...`")
        return value

    def _whole(self, mapping: CommentedMap, key: str) -> None:
        value = mapping[key]
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.source.fail(
                "wrong value", mapping, key, expected="a whole number of 1 or more", found=repr(value)
            )

    def _plain_name(self, top: CommentedMap) -> None:
        # it names a study, and so a folder
        name = top["name"]
        if isinstance(name, bool | None | list | dict) or not is_plain(str(name)):
            raise self.source.fail(
                "not a name that a study can have",
                top,
                "name",
                expected=f"a text of {RULE}",
                found=in_words(name),
                remedy="Write one name, in quotation marks where it is a number or a word of YAML",
            )

    def _one_of(self, mapping: CommentedMap, key: str, known: tuple[str, ...]) -> None:
        if mapping[key] not in known:
            raise self.source.fail(
                f"unknown {key}{nearest(str(mapping[key]), list(known))}",
                mapping,
                key,
                expected=f"one of {', '.join(known)}",
                found=in_words(mapping[key]),
            )

    def _known_key(self, mapping: CommentedMap, key: str) -> None:
        if key in _SET_AT_TOP:
            raise self.source.fail(
                f"this is set by `{_SET_AT_TOP[key]}` at the top of the file", mapping, key
            )
        if key not in KEYS:
            remedy = where_it_belongs(key, mapping[key], top=False)
            raise self.source.fail(
                "unknown key",
                mapping,
                key,
                expected=f"a field of TrialConfig{'' if remedy else nearest(str(key), KEYS)}",
                remedy=remedy or "`mammobench spaces --keys` lists all of them",
            )


def _without(search: tuple[Hyperparameter, ...], base: CommentedMap) -> tuple[Hyperparameter, ...]:
    """Return a search that was taken over, less what `base` fixes and what then never exists."""
    kept = []
    for item in search:
        fixed = {parent: plain(base[parent]) for parent in item.when if parent in base}
        if item.key in base or any(value not in item.when[parent] for parent, value in fixed.items()):
            continue
        when = {parent: allowed for parent, allowed in item.when.items() if parent not in fixed}
        kept.append(replace(item, when=when))
    return tuple(kept)


def _or_empty(value: Any) -> Any:
    return CommentedMap() if value is None else value


def _head_comment(text: str) -> str:
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(re.sub(r"^#\s?", "", line))
    return "\n".join(lines).strip()
