"""What a search says at its end."""

import json
import shlex
from pathlib import Path

import pytest

from mammobench.api import Study
from mammobench.cli.searching import _tell_of_search
from tests.conftest import StudyWriter


@pytest.mark.parametrize("name", ["a study", "x; touch evil", "$(touch evil)", "it's"])
def test_the_command_that_it_tells_is_one_word_a_word(
    name: str, write_study: StudyWriter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = Study(write_study(tmp_path / name, trials=3))
    expected = ["mammobench", "reproduce", str(study.folder)]
    _tell_of_search(study, as_json=True)
    assert shlex.split(json.loads(capsys.readouterr().out)["reproduce"]) == expected
    _tell_of_search(study, as_json=False)
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert shlex.split(last.removeprefix("Reproduce:")) == expected
