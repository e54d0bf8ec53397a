"""Rule 3 of the design: the search sees validation only; test predictions are written sealed.

And nothing in the package reads what runs when it is read.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mammobench

PACKAGE = Path(mammobench.__file__).parent
MAY_OPEN = ("evaluation/", "report/", "analysis/reproduction.py", "api.py")
MAY_WRITE = ("training/loop.py", "training/predict.py")


def names_in(source: str) -> set[str]:
    """Return every identifier, attribute, imported name and string constant of a module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case (
                ast.Name(id=name)
                | ast.Attribute(attr=name)
                | ast.alias(name=name)
                | ast.keyword(arg=str(name))
            ):
                found.add(name)
            case ast.Constant(value=str(text)):
                found.add(text)
            case _:
                pass
    return found


def offenders(forbidden: str, allowed: tuple[str, ...]) -> list[str]:
    return [
        str(path.relative_to(PACKAGE))
        for path in sorted(PACKAGE.rglob("*.py"))
        if not path.relative_to(PACKAGE).as_posix().startswith(allowed)
        and forbidden in names_in(path.read_text("utf-8"))
    ]


def test_only_evaluation_and_reports_open_test_predictions() -> None:
    assert offenders("open_test", MAY_OPEN) == []


def test_only_evaluation_and_reports_open_predictions_under_stress() -> None:
    assert offenders("open_stressed", MAY_OPEN) == []


def test_nothing_else_names_the_stored_test_predictions_than_what_writes_them() -> None:
    assert offenders("test_probability", MAY_OPEN + MAY_WRITE) == []


def test_the_seal_is_broken_in_one_place() -> None:
    holders = [
        path.name
        for path in sorted((PACKAGE / "evaluation").glob("*.py")) + sorted((PACKAGE / "report").glob("*.py"))
        if "test_probability" in names_in(path.read_text("utf-8"))
    ]
    assert holders == ["predictions.py"]


def test_the_check_sees_every_way_of_naming_it() -> None:
    for source in ("from a import open_test", "a.open_test(1)", "getattr(a, 'open_test')", "f(open_test=1)"):
        assert "open_test" in names_in(source)


def test_no_module_takes_the_place_of_a_public_function() -> None:
    modules = {path.stem for path in PACKAGE.iterdir()}
    assert not modules & set(vars(mammobench)["__all__"])


RUNS_WHAT_IT_READS = {"pickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "yaml", "jsonpickle"}
"""Modules of which nothing is used."""

RUNS_ITS_ARGUMENT = {"eval", "exec", "compile", "__import__", "read_pickle", "enable_unsafe_deserialization"}
SAFE_YAML = {"rt", "safe"}


def unsafe(source: str) -> Iterator[str]:
    """Yield what a module does that can run what it reads, with its line."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found = any(name.name.split(".")[0] in RUNS_WHAT_IT_READS for name in names)
            case ast.ImportFrom(module=str(module), names=names):
                imported = {module.split(".")[0]} & RUNS_WHAT_IT_READS
                found = bool(imported) or any(name.name in RUNS_ITS_ARGUMENT for name in names)
                found |= module == "joblib" and any(name.name in {"load", "dump"} for name in names)
            case ast.Name(id=name):
                found = name in RUNS_ITS_ARGUMENT
            case ast.Attribute(value=value, attr=name):
                loads = name == "load" and ast.unparse(value) == "joblib"
                found = loads or name in RUNS_ITS_ARGUMENT - {"eval", "compile"}
            case ast.Constant(value=str(text)):
                found = text in {*RUNS_WHAT_IT_READS, *RUNS_ITS_ARGUMENT} - {"yaml", "compile"}
            case ast.Call():
                found = _unsafe_call(node)
            case _:
                found = False
        if found:
            yield f"line {getattr(node, 'lineno', 0)}: {ast.unparse(node)[:60]}"


def _unsafe_call(call: ast.Call) -> bool:
    given = {keyword.arg: keyword.value for keyword in call.keywords}

    def is_other_than(name: str, safe: bool) -> bool:
        value = given.get(name)
        return value is not None and not (isinstance(value, ast.Constant) and value.value is safe)

    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    kind = given.get("typ", call.args[0] if called == "YAML" and call.args else None)
    return (
        is_other_than("allow_pickle", safe=False)
        or is_other_than("safe_mode", safe=True)
        or (called == "load_model" and "safe_mode" not in given)
        or (called == "load" and any(name is None for name in given))
        or (called == "YAML" and not (isinstance(kind, ast.Constant) and kind.value in SAFE_YAML))
    )


def test_nothing_in_the_package_runs_what_it_reads() -> None:
    found = {
        str(path.relative_to(PACKAGE)): list(unsafe(path.read_text("utf-8")))
        for path in sorted(PACKAGE.rglob("*.py"))
    }
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle  # noqa: TID251",
        "import pickle as p",
        "from pickle import loads",
        "importlib.import_module('pickle')",
        "from joblib import load",
        "joblib.load(path)",
        "eval(text)",
        "exec(text)",
        "getattr(builtins, 'eval')",
        "pd.read_pickle(path)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=asked)",
        "np.load(path, **options)",
        "keras.saving.load_model(path)",
        "keras.saving.load_model(path, safe_mode=False)",
        "keras.config.enable_unsafe_deserialization()",
        "YAML(typ='unsafe')",
        "YAML(typ=kind)",
        "import yaml",
    ],
)
def test_the_check_sees_what_would_run(source: str) -> None:
    assert list(unsafe(source))


@pytest.mark.parametrize(
    "source",
    [
        "np.load(path, allow_pickle=False)",
        "np.load(path)",
        "re.compile(pattern)",
        "model.compile(loss)",
        "json.load(file)",
        "YAML(typ='rt', pure=True)",
        "keras.saving.load_model(path, compile=False, safe_mode=True)",
    ],
)
def test_the_check_lets_pass_what_does_not(source: str) -> None:
    assert not list(unsafe(source))


def imported(node: ast.AST) -> set[str]:
    """Return the packages that a statement imports."""
    match node:
        case ast.Import(names=names):
            return {alias.name.split(".")[0] for alias in names}
        case ast.ImportFrom(module=str(module)):
            return {module.split(".")[0]}
    return set()


def test_tensorflow_is_imported_where_the_runtime_is_set_up_and_in_the_file_of_its_fast_forms() -> None:
    importing = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if "tensorflow" in imported(node)
    }
    assert importing == {"training/runtime.py", "models/fast_tensorflow.py"}


def test_ruff_has_few_exceptions() -> None:
    lines = [line for path in PACKAGE.rglob("*.py") for line in path.read_text("utf-8").splitlines()]
    assert sum("noqa" in line for line in lines) < 120
