"""Docs cannot rot: every command is in cli/README.md, has help, and its example is a command."""

import re
import shlex
from pathlib import Path

import click
import pytest
from ruamel.yaml import YAML

from mammobench.cli import reference
from mammobench.space.config import TASKS
from mammobench.space.yaml_file import parse_space, shipped_spaces

ROOT_FOLDER = Path(__file__).resolve().parents[2]
README = (ROOT_FOLDER / "README.md").read_text(encoding="utf-8")
LONGEST_README = 200


def commands() -> dict[str, click.Command]:
    return dict(reference.commands())


def test_the_readme_names_commands_that_there_are() -> None:
    rows = re.findall(r"^\| `mammobench ((?:data )?[\w-]+)", README, re.MULTILINE)
    assert len(rows) > 15
    assert set(rows) <= set(commands())


@pytest.mark.parametrize("name", commands())
def test_a_command_is_documented_and_its_help_has_an_example_that_parses(name: str) -> None:
    page = (ROOT_FOLDER / "mammobench" / "cli" / "README.md").read_text(encoding="utf-8")
    assert f"| `{name}` |" in page
    command = commands()[name]
    examples = re.findall(r"Example: `mammobench (.+?)`", command.help or "")
    assert len(examples) == 1
    words = shlex.split(examples[0])
    assert " ".join(words).startswith(name)
    command.make_context(name, words[len(name.split()) :])


def test_the_readme_is_a_guide_and_its_links_lead_somewhere() -> None:
    assert len(README.splitlines()) <= LONGEST_README
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT_FOLDER / link).exists()] == []


def test_every_space_is_in_the_readme() -> None:
    assert all(f"`{name}`" in README for name in shipped_spaces())


def test_the_space_in_the_readme_is_one() -> None:
    text = re.findall(r"```yaml\n(.+?)```", README, re.DOTALL)[0]
    space = parse_space(text)
    assert space.name == "mine"
    assert all(task in text for task in TASKS)


def test_the_kubernetes_job_beside_the_search_starts_a_worker() -> None:
    page = (ROOT_FOLDER / "mammobench" / "tuning" / "README.md").read_text(encoding="utf-8")
    manifest = YAML(typ="safe").load(re.findall(r"```yaml\n(.+?)```", page, re.DOTALL)[0])
    assert (manifest["apiVersion"], manifest["kind"]) == ("batch/v1", "Job")
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    program, name, *words = container["args"]
    assert program == "mammobench"
    commands()[name].make_context(name, words)
    assert "PGPASSWORD" in {variable["name"] for variable in container["env"]}


def test_the_commands_for_many_machines_in_the_readme_parse() -> None:
    section = README.split("## Many machines")[1]
    lines = re.findall(r"```sh\n(.+?)```", section, re.DOTALL)[0].splitlines()
    started = [re.search(r"mammobench (\w+) ([^>']+)", line) for line in lines if not line.startswith("#")]
    for match in started:
        assert match
        commands()[match[1]].make_context(match[1], shlex.split(match[2]))
    assert [match[1] for match in started if match] == ["search", "worker", "search"]
