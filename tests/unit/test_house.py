"""The house: imports go down its doors, none hides, and a library is imported where the plan says."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mammobench

PACKAGE = Path(mammobench.__file__).parent
ROOT = PACKAGE.parent
LONGEST_FILE = 400
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
MOST_ENTRIES = 14
# where each library may be imported, as the first parts of a path in the package
HOMES = {
    "keras_tuner": ("tuning/", "models/hypermodel.py"),
    "tensorflow": ("training/runtime.py", "models/fast_tensorflow.py"),
    # the Pareto front is computed by Optuna; the doctor mends its journal
    "optuna": ("tuning/", "study/", "evaluation/pareto.py", "analysis/doctor/"),
    "sqlalchemy": ("study/storage/",),
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_both_contracts_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 kept, 0 broken" in done.stdout


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_imported_where_the_plan_says(library: str) -> None:
    strangers = [
        str(path.relative_to(PACKAGE))
        for path in modules()
        if any(name.partition(".")[0] == library for name in imported(path))
        and not path.relative_to(PACKAGE).as_posix().startswith(HOMES[library])
    ]
    assert strangers == []


def test_no_import_hides_from_the_contracts() -> None:
    hidden = [
        str(path.relative_to(PACKAGE))
        for path in modules()
        if {"TYPE_CHECKING", "import_module", "__import__"} & _names(path)
    ]
    assert hidden == []


def _names(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return names | {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }


def test_the_hall_stays_small() -> None:
    kept = {"__init__.py", "__main__.py", "py.typed", "__pycache__", "search_spaces"}
    entries = {path.name for path in PACKAGE.iterdir() if path.suffix != ".md"} - kept
    assert len(entries) <= MOST_ENTRIES, sorted(entries)


def test_no_file_is_too_long_to_read() -> None:
    long = {
        str(path.relative_to(PACKAGE)): lines
        for path in modules()
        if (lines := len(path.read_text("utf-8").splitlines())) > LONGEST_FILE
    }
    assert long == {}


def test_each_door_says_what_lives_behind_it() -> None:
    silent = [
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("__init__.py")
        if len(ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "") < 20
    ]
    assert silent == []
