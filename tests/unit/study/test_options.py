"""An option of `mammobench search` is declared once: everything that follows from it, for each one."""

import inspect
import json
import shlex
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

import mammobench
from mammobench.cli import app
from mammobench.core.errors import ConfigError
from mammobench.data.store.image_store import ImageStore
from mammobench.study.options import OPTIONS, RUN_OPTIONS, STUDY_OPTIONS, Declared
from mammobench.study.spec import StudySpec, read_spec
from tests.small_study import small_request

FIRST_RELEASE = Path(__file__).resolve().parents[2] / "studies" / "first-release" / "study.json"
# of the command line alone: they print, or make what `search` takes as `launch`
OF_THE_TERMINAL = {"launch", "launch_option", "as_json", "quiet"}
OF_PYTHON = {"launch", "observe", "progress"}
OTHER: dict[str, Any] = {"str": "postgresql://me@db/other", "int": 77, "bool": True}
SEARCH: Any = mammobench.search


def command() -> Any:
    root: Any = typer.main.get_command(app)
    return root.commands["search"]


def another(option: Declared) -> Any:
    kinds = {kind.__name__ for kind in get_args(option.asked_type) or (option.asked_type,)}
    return next(value for kind, value in OTHER.items() if kind in kinds)


@pytest.mark.parametrize("option", OPTIONS.values(), ids=list(OPTIONS))
def test_search_takes_an_option_as_it_is_declared_and_documents_it(option: Declared) -> None:
    argument = inspect.signature(SEARCH, eval_str=True).parameters[option.name]
    assert argument.default == option.default
    declared, taken = ({*get_args(kind)} or {kind} for kind in (option.asked_type, argument.annotation))
    # what may be a path as text may be a Path in Python
    assert taken - {Path} == declared
    assert f"\n        {option.name}: " in SEARCH.__doc__
    assert (f"`{option.name}`" in SEARCH.__doc__.split("Args:")[0]) == option.stands


@pytest.mark.parametrize("option", OPTIONS.values(), ids=list(OPTIONS))
def test_the_command_line_has_an_option_with_its_default_and_help(option: Declared) -> None:
    (parameter,) = (each for each in command().params if each.name == option.name)
    assert option.flag in parameter.opts
    assert parameter.default == option.default
    assert parameter.help
    assert "{" not in parameter.help
    assert bool(parameter.secondary_opts) == (option.asked_type == bool | None)
    assert (f"`{option.flag}`" in command().help.split("Example")[0]) == option.stands


def test_the_command_line_and_python_ask_the_same() -> None:
    words = {each.name for each in command().params} - OF_THE_TERMINAL
    assert words == {*inspect.signature(SEARCH).parameters} - OF_PYTHON
    assert words > {*OPTIONS}


def test_a_study_keeps_its_options_and_none_of_the_run() -> None:
    assert {*STUDY_OPTIONS} < {*StudySpec.model_fields}
    assert not {*RUN_OPTIONS} & {*StudySpec.model_fields}


@pytest.mark.parametrize("option", STUDY_OPTIONS.values(), ids=list(STUDY_OPTIONS))
def test_an_option_is_recorded_and_compared(option: Declared, tmp_path: Path, phantom: ImageStore) -> None:
    value = another(option)
    made = small_request(tmp_path / "s").spec(phantom)
    other = small_request(tmp_path / "s", **{option.name: value})
    assert option.flag in shlex.split(other.command())
    spec = other.spec(phantom)
    assert getattr(spec, option.name) != getattr(made, option.name)
    asked_again = spec.model_copy(update=other.as_it_stands(made))
    assert set(made.differences(asked_again)) == {option.name}
    left_out = small_request(tmp_path / "s", precision="auto")
    asked_again = left_out.spec(phantom).model_copy(update=left_out.as_it_stands(spec))
    expected = set() if option.stands else {option.name}
    assert set(spec.differences(asked_again)) - {"precision"} == expected - {"precision"}


@pytest.mark.parametrize("recorded", ["a", str(Path("a").absolute())])
def test_artifacts_recorded_as_they_were_written_are_the_same_place(
    recorded: str, tmp_path: Path, phantom: ImageStore
) -> None:
    asked = small_request(tmp_path / "s", artifacts=Path("a"))
    there = asked.spec(phantom).model_copy(update={"artifacts": recorded})
    assert not there.differences(asked.spec(phantom).model_copy(update=asked.as_it_stands(there)))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("heartbeat", 0, "more than 0"),
        ("heartbeat", 86_401, "less than or equal to 86400"),
        ("workers", 0, "more than 0"),
        ("timeout", -1.0, "more than 0"),
        ("trial_timeout", float("nan"), "more than 0"),
        ("seed", "seven", "a valid integer"),
    ],
)
def test_a_value_that_an_option_does_not_take_is_a_wrong_argument(
    name: str, value: Any, expected: str, phantom: ImageStore
) -> None:
    with pytest.raises(ConfigError, match=f"--{name.replace('_', '-')}: wrong value: expected {expected}"):
        SEARCH("quick", data=phantom.path, **{name: value})


def test_a_description_is_written_in_the_order_of_earlier_ones(tmp_path: Path, phantom: ImageStore) -> None:
    first = json.loads(FIRST_RELEASE.read_text("utf-8"))
    written = small_request(tmp_path / "s").spec(phantom).model_dump(mode="json")
    assert [name for name in written if name in first] == list(first)
    assert list(written)[:3] == ["format", "name", "space_name"]
    assert list(written)[17:23] == ["storage", "artifacts", "heartbeat", "versions", "created", "command"]
    assert read_spec(json.dumps(first), FIRST_RELEASE).heartbeat == 10
