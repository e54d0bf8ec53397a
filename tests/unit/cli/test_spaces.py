"""What `spaces` prints on narrow terminals."""

import pytest
import typer
from typer.testing import CliRunner

from mammobench.cli import app
from mammobench.cli.printing import print_rows
from mammobench.space.keys import all_keys
from mammobench.space.yaml_file import load_space, shipped_spaces


def printed(*words: str, width: int) -> str:
    ran = CliRunner().invoke(app, list(words), env={"COLUMNS": str(width)})
    assert ran.exit_code == 0
    assert max(map(len, ran.stdout.splitlines())) <= width
    return ran.stdout


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_width_breaks_a_word(width: int) -> None:
    words = printed("spaces", width=width).split()
    assert {*shipped_spaces(), "(srithak1204/mammograms_cnn)", "configurations", "abnormality"} <= {*words}
    for name in shipped_spaces():
        space = load_space(name)
        told = {*printed("spaces", name, width=width).split()}
        for item in space.hyperparameters:
            assert {item.key, *item.describe().split()} <= told
            assert {str(value) for values in item.when.values() for value in values} <= told


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_each_key_is_shown_with_type_range_and_meaning(width: int) -> None:
    told = printed("spaces", "--keys", width=width)
    words = {*told.split()}
    for key in all_keys():
        assert {key.key, *key.type.split(), *key.range.split(), *key.meaning.split()} <= words
    if width <= 80:
        assert "  range    at least 0, below 1\n" in "".join(
            f"{line.rstrip()}\n" for line in told.splitlines()
        )


def test_an_empty_cell_takes_no_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "18")
    print_rows(["key", "values", "where"], [["long.name", "[bold] 3", ""]], as_json=False)
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "long.name",
        "  values  [bold]",
        "          3",
    ]


def test_the_help_of_data_names_all_its_commands() -> None:
    group = typer.main.get_command(app).commands["data"]  # type: ignore[attr-defined]
    assert group.commands
    assert {*group.help.partition(": ")[2].rstrip(".").split(", ")} == {*group.commands}
    assert not set(group.commands) - {*printed("data", "--help", width=80).split()}
