"""The reference of search spaces says all that a space may say, and the file in the repository is current."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mammobench.cli import app
from mammobench.core.objectives import OBJECTIVES
from mammobench.space.components import ACTIVATIONS, LOSSES, OPTIMIZERS
from mammobench.space.config import KEYS, TrialConfig
from mammobench.space.keys import all_keys
from mammobench.space.reference import COMMAND, FILE, markdown
from mammobench.space.yaml_file import parse_space

ROOT = Path(__file__).parents[3]


def test_the_file_in_the_repository_is_current() -> None:
    current = (ROOT / FILE).read_text("utf-8") == markdown()
    assert current, f"{FILE} is not current; renew it with `{COMMAND}`"


def test_every_key_has_a_type_a_default_and_a_meaning() -> None:
    assert [key.key for key in all_keys()] == list(KEYS)
    for key in all_keys():
        assert key.type, key
        assert key.range or key.type == "text" or key.key == "training.objective", key
        assert TrialConfig.from_values({key.key: json.loads(key.default)}) is not None
        assert len(key.meaning) > 5, key


def test_a_range_is_written_as_it_is_checked() -> None:
    found = {key.key: (key.type, key.range, key.default) for key in all_keys()}
    assert found["optimizer.learning_rate"] == ("float", "above 0, at most 10", "0.001")
    assert found["model.filters"] == (
        "list of int", "1 to 12 numbers of at least 1, at most 4096", "[32, 64, 128]",
    )  # fmt: skip
    assert found["model.pooling"] == ("one of", "max, average, strided", '"max"')
    assert found["loss.name"][1] == ", ".join(LOSSES)


def test_everything_registered_is_listed_with_what_it_means() -> None:
    text = markdown()
    for registered in (LOSSES, ACTIVATIONS, OPTIMIZERS, OBJECTIVES):
        for name, entry in registered.items():
            assert entry.meaning
            assert any(
                line.startswith(f"| `{name}` |") and entry.meaning in line for line in text.splitlines()
            )


def test_the_example_of_the_grammar_is_a_space() -> None:
    space = parse_space(markdown().split("```yaml\n")[1].split("```")[0])
    assert {"choice", "int", "float"} == {next(iter(item.to_dict())) for item in space.hyperparameters}
    assert any(item.when for item in space.hyperparameters)


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_shows_type_range_default_and_meaning(as_json: bool) -> None:
    ran = CliRunner().invoke(
        app, ["spaces", "--keys", *(["--json"] if as_json else [])], env={"COLUMNS": "200"}
    )
    assert ran.exit_code == 0
    if as_json:
        (gamma,) = (row for row in json.loads(ran.stdout) if row["key"] == "loss.gamma")
        assert gamma == {
            "key": "loss.gamma", "type": "float", "range": "at least 0, at most 10", "default": "2.0",
            "meaning": "focusing of the focal losses",
        }  # fmt: skip
    else:
        assert "focusing of the focal losses" in ran.stdout
