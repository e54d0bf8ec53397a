"""Each name of a file or folder of a study, a trial or an image store stands in its owner alone."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import mammobench

PACKAGE = Path(mammobench.__file__).parent
OWNERS = ("training/filenames.py", "study/filenames.py", "data/store/filenames.py", "models/saved_model.py")
# a folder is often a word of English too
_END = {True: r"(?![\w-])", False: "/"}
# calls that take names of files
JOINING = {"joinpath", "with_name", "glob", "rglob", "Path"}


def owned(owner: str) -> set[str]:
    """Return the names that an owner gives, as its public constants have them."""
    module = importlib.import_module(f"mammobench.{owner.removesuffix('.py').replace('/', '.')}")
    tree = ast.parse((PACKAGE / owner).read_text("utf-8"))
    constants = [ast.unparse(line.targets[0]) for line in tree.body if isinstance(line, ast.Assign)]
    names: set[str] = set()
    for value in (getattr(module, name) for name in constants if not name.startswith("_")):
        names |= (
            {value} if isinstance(value, str) else set(value.values() if isinstance(value, dict) else value)
        )
    return names


def literals(tree: ast.Module) -> Iterator[tuple[ast.Constant, bool]]:
    """Yield the texts of a module but its docstrings, and whether each is part of a path or named alone."""
    texts = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    in_paths: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            in_paths |= {id(node.left), id(node.right)}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in JOINING:
            in_paths |= set(map(id, node.args))
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).isupper():
            in_paths.add(id(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in texts:
            yield node, id(node) in in_paths


def names_in(text: str, names: set[str], *, in_path: bool) -> set[str]:
    """Return the names in a text: those of files anywhere, those of folders, which are words, in paths."""
    if text.endswith(".j2"):
        # a template, which is named for the file that it becomes
        return set()
    return {
        name
        for name in names
        if (in_path and text == name)
        or re.search(rf"(?<![\w.-]){re.escape(name)}{_END[name[1:].count('.') > 0]}", text)
    }


def test_a_file_is_named_by_its_owner_alone() -> None:
    names = {name: owner for owner in OWNERS for name in owned(owner)}
    assert {"predictions.npz", "study.json", "trials", "index.html", "manifest.json", "model.keras"} <= set(
        names
    )
    strangers = [
        f"{path.relative_to(PACKAGE)}:{literal.lineno}: {name}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for literal, in_path in literals(ast.parse(path.read_text("utf-8")))
        for name in names_in(str(literal.value), set(names), in_path=in_path)
        if names[name] != path.relative_to(PACKAGE).as_posix()
    ]
    assert strangers == []
