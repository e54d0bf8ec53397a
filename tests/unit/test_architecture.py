"""Rule 3 of the design: the search sees validation only; test predictions are written sealed."""

import ast
from pathlib import Path

import mammobench

PACKAGE = Path(mammobench.__file__).parent
MAY_OPEN = {"evaluation", "report", "reproduction.py", "api.py"}
MAY_WRITE = {"training.py", "predictor.py"}


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


def offenders(forbidden: str, allowed: set[str]) -> list[str]:
    return [
        str(path.relative_to(PACKAGE))
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in allowed
        and forbidden in names_in(path.read_text("utf-8"))
    ]


def test_only_evaluation_and_reports_open_test_predictions() -> None:
    assert offenders("open_test", MAY_OPEN) == []


def test_only_evaluation_and_reports_open_predictions_under_stress() -> None:
    assert offenders("open_stressed", MAY_OPEN) == []


def test_nothing_else_names_the_stored_test_predictions_than_what_writes_them() -> None:
    assert offenders("test_probability", MAY_OPEN | MAY_WRITE) == []


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
    assert importing == {"runtime.py", "models/fast_tensorflow.py"}


def test_ruff_has_few_exceptions() -> None:
    lines = [line for path in PACKAGE.rglob("*.py") for line in path.read_text("utf-8").splitlines()]
    assert sum("noqa" in line for line in lines) < 120
