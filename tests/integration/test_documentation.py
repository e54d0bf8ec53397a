"""Docs cannot rot: every command is in the README, has help, and its example is a command that there is."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from mammobench.cli import app
from mammobench.config import TASKS
from mammobench.space_file import parse_space, shipped_spaces

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
ROOT = typer.main.get_command(app)


def commands() -> dict[str, typer.core.TyperCommand]:
    found: dict[str, typer.core.TyperCommand] = {}
    for name, command in ROOT.commands.items():  # type: ignore[attr-defined]
        below = getattr(command, "commands", None)
        found |= {f"{name} {sub}": item for sub, item in below.items()} if below else {name: command}
    return found


@pytest.mark.parametrize("name", commands())
def test_a_command_is_in_the_readme_and_its_help_has_an_example_that_parses(name: str) -> None:
    assert f"`mammobench {name}" in README
    command = commands()[name]
    examples = re.findall(r"Example: `mammobench (.+?)`", command.help or "")
    assert len(examples) == 1
    words = shlex.split(examples[0])
    assert " ".join(words).startswith(name)
    command.make_context(name, words[len(name.split()) :])


def test_every_space_is_in_the_readme() -> None:
    assert all(f"`{name}`" in README for name in shipped_spaces())


def test_the_space_in_the_readme_is_one() -> None:
    (text,) = re.findall(r"```yaml\n(.+?)```", README, re.DOTALL)
    space = parse_space(text)
    assert space.name == "mine"
    assert all(task in text for task in TASKS)
