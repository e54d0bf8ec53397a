"""What mammobench uses of Optuna's and KerasTuner's private names: ten or fewer, in one file each.

A library may change them in any version; the tables at the head of the two files name the public call that
would do instead, and test_optuna_private and test_keras_tuner_private hold what is relied on.
"""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras_tuner
import pytest
from optuna.samplers import CmaEsSampler, TPESampler
from optuna.storages import RDBStorage

import mammobench

PACKAGE = Path(mammobench.__file__).parent
LIBRARIES = ("optuna", "keras_tuner", "keras")
HOMES = {"study/optuna_private.py", "tuning/engines/keras_tuner_private.py"}
MOST = 10

PRIVATE: dict[tuple[type, str], tuple[str, ...]] = {
    (RDBStorage, "_get_stale_trial_ids"): ("self", "study_id"),
    (TPESampler, "_get_internal_repr"): ("self", "trials", "search_space", "study"),
    (CmaEsSampler, "_init_optimizer"): ("self", "trans", "direction"),
    (CmaEsSampler, "_restore_optimizer"): ("self", "completed_trials"),
    (CmaEsSampler, "_split_optimizer_str"): ("self", "optimizer_str"),
    (keras_tuner.Oracle, "_random_values"): ("self",),
    (keras_tuner.oracles.BayesianOptimizationOracle, "_get_hp_bounds"): ("self",),
    (keras_tuner.oracles.HyperbandOracle, "_get_size"): ("self", "bracket_num", "round_num"),
}
"""The methods and their parameters; the one attribute is `FrozenTrial._trial_id`."""

ALL_PRIVATE = {"_trial_id", *(name for _, name in PRIVATE)}

# of the standard library or Python's own, and none of a library's insides
STANDARD = {"_exit", "_fields", "_config", "_repr_html_"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def own_names() -> set[str]:
    """Return the names that the package itself defines, without those that are a library's."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    found.add(name)
                case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(id=name, ctx=ast.Store()):
                    found.add(name)
                case _:
                    pass
    return found - ALL_PRIVATE


def private_names_used(source: str, own: set[str]) -> list[str]:
    """Return the private names of other packages that a module imports or looks up."""
    used: list[str] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(attr=name) if is_private(name):
                if name not in own | STANDARD:
                    used.append(name)
            case ast.ImportFrom(module=str(module), names=names):
                parts = [*module.split("."), *(each.name for each in names)]
                inside = parts[0] in LIBRARIES and any(is_private(part) or part == "src" for part in parts)
                used += [f"{module}.{parts[-1]}"] * inside
            case ast.Import(names=names):
                used += [
                    each.name
                    for each in names
                    if each.name.split(".")[0] in LIBRARIES
                    and any(is_private(part) or part == "src" for part in each.name.split("."))
                ]
            case _:
                pass
    return used


def test_no_other_file_looks_into_a_library() -> None:
    own = own_names()
    found = {
        path.relative_to(PACKAGE).as_posix(): names
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).as_posix() not in HOMES
        and (names := private_names_used(path.read_text("utf-8"), own))
    }
    assert found == {}, f"private names belong into {HOMES}"


@pytest.mark.parametrize(
    "source",
    [
        "from optuna.storages._rdb import models",
        "from optuna.storages import _CachedStorage",
        "import keras.src.backend",
        "from keras_tuner.src.engine import oracle",
        "trial._trial_id",
        "self._populate_next.append(1)",
        "super()._get_size(1, 2)",
    ],
)
def test_the_check_sees_every_way_to_a_private_name(source: str) -> None:
    assert private_names_used(source, own_names())


def classes() -> Iterator[type]:
    """Yield the classes of the package that derive from one of a library's."""
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text("utf-8")
        if re.search(
            rf"^\s*(import|from) ({'|'.join(LIBRARIES)})\b|engines\.keras_tuner_", text, re.MULTILINE
        ):
            dotted = ".".join(["mammobench", *path.relative_to(PACKAGE).with_suffix("").parts])
            module = importlib.import_module(dotted.removesuffix(".__init__"))
            members = inspect.getmembers(module, inspect.isclass)
            yield from (each for _, each in members if each.__module__ == module.__name__)


def test_no_class_takes_the_place_of_a_librarys_private_name_by_accident() -> None:
    clashes = []
    for each in classes():
        parents = [parent for parent in each.__mro__ if parent.__module__.split(".")[0] in LIBRARIES]
        ours = set(re.findall(r"self\.(_[a-z]\w*)", inspect.getsource(each)))
        ours |= {name for name in vars(each) if re.match(r"_[a-z]", name) and not name.startswith("_abc")}
        theirs = {
            name
            for parent in parents
            for name in [*vars(parent), *re.findall(r"self\.(_[a-z]\w*)", inspect.getsource(parent))]
        }
        path = Path(inspect.getfile(each)).relative_to(PACKAGE).as_posix()
        clashes += [(path, each.__name__, name) for name in sorted(ours & theirs) if path not in HOMES]
    assert clashes == []


def test_there_are_ten_or_fewer() -> None:
    used: set[str] = set()
    for home in HOMES:
        tree = ast.parse((PACKAGE / home).read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.Attribute):
                used.add(node.name if isinstance(node, ast.FunctionDef) else node.attr)
    used = {name for name in used if is_private(name)} - {"_in_use"}
    assert used == ALL_PRIVATE
    assert len(used) <= MOST


@pytest.mark.parametrize(("owner", "name"), PRIVATE, ids=lambda each: getattr(each, "__name__", each))
def test_a_private_method_is_there_and_takes_what_it_took(owner: type, name: str) -> None:
    method: Any = getattr(owner, name, None)
    told = f"{owner.__name__}.{name} of {owner.__module__.split('.')[0]}"
    assert method is not None, f"{told} is gone: see the table in the file where it stands"
    taken = tuple(inspect.signature(method).parameters)
    assert taken == PRIVATE[owner, name], f"{told} takes other arguments now"
