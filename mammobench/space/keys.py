"""Every key that a search space may set: type, range, default, meaning, and which values have its type."""

import json
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from mammobench.core.aliases import FieldValue, Json
from mammobench.space.config import KEYS, TrialConfig


class Key(NamedTuple):
    """One field of `TrialConfig`.

    Attributes:
        key: Its dotted key.
        type: ``int``, ``float``, ``bool``, ``text``, ``one of`` or ``list of int``.
        range: What it may be.
        default: As JSON.
        meaning: With its unit.
    """

    key: str
    type: str
    range: str
    default: str
    meaning: str

    def takes(self, value: FieldValue) -> bool:
        """Return whether a value, as YAML gives it, has this key's type; its range is another matter."""
        whole = isinstance(value, int) and not isinstance(value, bool)
        match self.type:
            case "int":
                return whole
            case "float":
                return whole or isinstance(value, float)
            case "bool":
                return isinstance(value, bool)
            case "list of int":
                return isinstance(value, list | tuple) and all(
                    isinstance(each, int) and not isinstance(each, bool) for each in value
                )
        return isinstance(value, str)


@cache
def all_keys() -> tuple[Key, ...]:
    """Return every key that a search space may set, in the order of `TrialConfig`."""
    sections = TrialConfig.model_json_schema()["$defs"]
    defaults = TrialConfig().values()
    listed = []
    for key in KEYS:
        section, field = key.split(".")
        schema = sections[f"{section.capitalize()}Config"]["properties"][field]
        kind, allowed = _type_and_range(schema)
        listed.append(Key(key, kind, allowed, json.dumps(defaults[key]), schema.get("description", "")))
    return tuple(listed)


def key_named(name: str) -> Key:
    """Return one of `KEYS` by its dotted name."""
    return next(key for key in all_keys() if key.key == name)


def _type_and_range(schema: Mapping[str, Json]) -> tuple[str, str]:
    if "enum" in schema:
        return "one of", ", ".join(schema["enum"])
    match schema["type"]:
        case "array":
            _, each = _type_and_range(schema["items"])
            least = schema.get("minItems", 0)
            return "list of int", f"{least} to {schema['maxItems']} numbers of {each}"
        case "boolean":
            return "bool", "true, false"
        case "string":
            return "text", ""
    bounds = [
        f"{words} {schema[name]:g}"
        for name, words in (
            ("minimum", "at least"), ("exclusiveMinimum", "above"),
            ("maximum", "at most"), ("exclusiveMaximum", "below"),
        )
        if name in schema
    ]  # fmt: skip
    return {"integer": "int", "number": "float"}[schema["type"]], ", ".join(bounds)
