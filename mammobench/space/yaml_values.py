"""The values of a search space file, each of its key's type and range, alone and beside the others."""

from typing import Any

from ruamel.yaml.comments import CommentedMap

from mammobench.core.errors import ConfigError, SpaceError
from mammobench.space.config import TrialConfig, check_section
from mammobench.space.keys import Key, key_named
from mammobench.space.one_split import split_fault
from mammobench.space.search_space import SearchSpace
from mammobench.space.yaml_faults import Source, in_words, plain


def check_values(
    source: Source, space: SearchSpace, top: CommentedMap, base: CommentedMap, search: CommentedMap
) -> None:
    """Build a configuration for every fixed value and every bound, so that no trial can fail on them."""
    _check_config(source, {"data.image_size": space.image_size}, top, "image_size")
    # each by itself first, so that the fault is told of the key that has it
    for key in base:
        _check_value(source, space.base[key], base, key)
    for item in space.hyperparameters:
        fault = None if source.recorded else split_fault(item, source.place(search, item.key))
        if fault is not None:
            raise fault
        for value in item.samples():
            _check_value(source, value, search, item.key)
    first: dict[str, Any] = {}
    for item in space.hyperparameters:
        if item.active(first):
            first[item.key] = item.samples()[0]
    _check_together(source, {**space.fixed, **first}, top, (base, search))
    for item in space.hyperparameters:
        parents = {parent: allowed[0] for parent, allowed in item.when.items()}
        for value in item.samples():
            _check_config(source, {**space.fixed, **first, **parents, item.key: value}, search, item.key)


def _check_value(source: Source, value: Any, mapping: CommentedMap, key: str) -> None:
    """Check the type and the range of one key's value, whatever the other keys say."""
    known = key_named(key)
    if not source.recorded and not known.takes(value):
        raise source.fail(
            "wrong type",
            mapping,
            key,
            expected=f"{known.type} ({known.range})" if known.range else known.type,
            found=in_words(value),
            remedy=_how_to_write(known, value, mapping[key]),
        )
    section, field = key.split(".")
    try:
        check_section(section, {field: value})
    except ConfigError as error:
        raise _misfit(source, error, mapping, key, value) from None


def _check_config(source: Source, values: dict[str, Any], mapping: CommentedMap, key: str) -> None:
    try:
        TrialConfig.from_values(values)
    except ConfigError as error:
        raise _misfit(source, error, mapping, key, values.get(key)) from None


def _check_together(
    source: Source, values: dict[str, Any], top: CommentedMap, parts: tuple[CommentedMap, ...]
) -> None:
    """Check a configuration; a fault of several keys is told of one that it names, else of the task."""
    try:
        TrialConfig.from_values(values)
    except ConfigError as error:
        named = ((part, key) for part in parts for key in part if key in error.problem)
        mapping, key = next(named, (top, "task"))
        raise source.fail(error.problem, mapping, key) from None


def _misfit(source: Source, error: ConfigError, mapping: CommentedMap, key: str, value: Any) -> SpaceError:
    found = error.found if error.found is not None or value is None else repr(value)
    return source.fail(error.problem, mapping, key, expected=error.expected, found=found)


def _how_to_write(known: Key, value: Any, entry: Any) -> str:
    """Return how to write a value of another type than its key's."""
    choice = entry.get("choice") if isinstance(entry, CommentedMap) else None
    if known.type == "list of int":
        if choice is None:
            return f"Write a list, `{known.key}: [{value}]`"
        return f"Write each value as a list: {{choice: [{', '.join(_listed(each) for each in choice)}]}}"
    if known.type == "bool":
        if choice is None and isinstance(entry, CommentedMap):
            return "Write {choice: [false, true]}"
        return "Write true or false; yes and no, on and off are texts"
    if choice is None and isinstance(entry, CommentedMap):
        return f"Write {{{'int' if known.type == 'int' else 'choice'}: [...]}}"
    return "Write a number, without quotation marks" if known.type in {"int", "float"} else "Write a text"


def _listed(value: Any) -> str:
    return str(plain(value)) if isinstance(value, list) else f"[{value}]"
