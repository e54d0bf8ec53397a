"""The architecture page says where each kind of thing is registered, and something is."""

import importlib.util
import re
from pathlib import Path

import pytest

import mammobench
from mammobench.core.errors import ConfigError
from mammobench.core.registry import Entry, register, resolve
from mammobench.tuning.engines.registry import Library

PAGE = (Path(mammobench.__file__).parent / "README.md").read_text("utf-8")
ROWS = re.findall(r"^\| ([a-z ]+) \| .* \| `(mammobench\.[\w.]+:\w+)`", PAGE, re.MULTILINE)


def test_the_page_has_the_eight_kinds() -> None:
    kinds = {kind for kind, _ in ROWS}
    assert {"loss", "activation", "optimizer", "sampler", "data source", "report section", "command"} <= kinds
    assert any(kind.startswith("metric") for kind in kinds)


def installed(entry: Entry) -> bool:
    """Whether the package is there that a library's methods need besides mammobench's own."""
    samplers = entry.samplers.values() if isinstance(entry, Library) else ()
    packages = [sampler.package for sampler in samplers if sampler.package]
    return all(importlib.util.find_spec(package.module) for package in packages)


@pytest.mark.parametrize(("kind", "where"), ROWS)
def test_where_it_is_registered_are_others_that_can_be_imported(kind: str, where: str) -> None:
    registered = resolve(where)
    assert registered, kind
    if isinstance(registered, dict):
        for name, entry in registered.items():
            assert entry.name == name
            assert entry.meaning
            # stock KerasTuner needs Keras
            if isinstance(entry, Entry) and "keras_tuner_oracles" not in entry.where and installed(entry):
                assert callable(resolve(entry.where))


def test_a_name_is_registered_once() -> None:
    registered = {"a": Entry(name="a", meaning="one", where="one:a")}
    with pytest.raises(ConfigError, match="one:a has it"):
        register(registered, Entry(name="a", meaning="other", where="other:a"))
