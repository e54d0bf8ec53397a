"""What `search` says at its end, also of trials that its ranking lacks."""

import json
import shlex
from pathlib import Path

import pytest

from mammobench import api
from mammobench.api import Study
from mammobench.cli.failures import nothing_came_of_it
from mammobench.cli.searching import _tell_of_search
from mammobench.report.html import write_report
from mammobench.study.record import StudyRecord
from tests.conftest import StudyWriter
from tests.page_reader import ReadPage

KILLED = "the process was killed by SIGKILL; it died 3 times in a row after epoch 2"


@pytest.fixture
def lossy(write_study: StudyWriter, tmp_path: Path) -> api.Study:
    """Trials 0 and 2 of five have failed for one reason, trial 4 for another."""
    record = write_study(tmp_path / "lossy", trials=4, failed={0: KILLED, 2: KILLED, 4: "loss [nan]"})
    return api.Study(record)


def test_the_last_lines_name_failed_trials_their_reasons_and_logs(
    lossy: api.Study, capsys: pytest.CaptureFixture[str]
) -> None:
    _tell_of_search(lossy, as_json=False)
    *_, reference, count, first, second, logs, remedy = capsys.readouterr().out.splitlines()
    assert "the reference CNN (trial 0) is failed" in reference
    assert count.split() == ["Failed:", "3", "of", "5", "trials"]
    assert first.strip() == f"trials 0, 2: {KILLED}"
    assert second.strip() == "trial 4: loss [nan]"
    assert str(lossy.folder / "trials" / "0000" / "log.txt") in logs
    assert "not run again" in remedy
    assert "--study" in remedy


def test_json_has_them_too(lossy: api.Study, capsys: pytest.CaptureFixture[str]) -> None:
    _tell_of_search(lossy, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert [(trial["number"], trial["reason"]) for trial in document["failed_trials"]] == [
        (0, KILLED), (2, KILLED), (4, "loss [nan]"),
    ]  # fmt: skip
    assert document["failed_trials"][1]["log"] == str(lossy.folder / "trials" / "0002" / "log.txt")
    assert (document["failed"], document["reference"]) == (3, "failed")


def test_a_search_in_which_all_went_well_says_nothing_of_it(
    simulated_study: StudyRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    study = api.Study(simulated_study)
    _tell_of_search(study, as_json=False)
    assert capsys.readouterr().out.splitlines()[-1].startswith("Reproduce:")
    _tell_of_search(study, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert (document["failed_trials"], document["reference"]) == ([], "finished")


def test_many_reasons_are_shortened(
    write_study: StudyWriter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = {number: f"reason {number}" for number in range(1, 8)}
    _tell_of_search(api.Study(write_study(tmp_path / "many", trials=8, failed=failed)), as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert sum(": reason " in line for line in lines) == 5
    assert any("and 2 reasons more" in line for line in lines)


@pytest.mark.parametrize(
    ("failed", "running", "nothing"),
    [({1: "x", 2: "x"}, 0, True), ({1: "x"}, 0, False), ({}, 1, False)],
)
def test_the_exit_status_is_1_where_no_searched_trial_has_finished(
    failed: dict[int, str], running: int, nothing: bool, write_study: StudyWriter, tmp_path: Path
) -> None:
    study = write_study(tmp_path / "s", trials=2, failed=failed, running=running)
    assert nothing_came_of_it(api.Study(study)) is nothing


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


def test_it_begins_as_the_page_does(
    simulated_study: StudyRecord, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = ReadPage(write_report(simulated_study, out=tmp_path / "page" / "index.html").read_text("utf-8"))
    _tell_of_search(Study(simulated_study), as_json=False)
    out = capsys.readouterr().out
    assert page.lead
    assert " ".join(out.split()).startswith(f"{page.lead} Synthetic data. Phantom images. ")
    assert max(map(len, out.split("Report:")[0].splitlines())) <= 80  # broken between words
    _tell_of_search(Study(simulated_study), as_json=True)
    assert json.loads(capsys.readouterr().out)["lead"] == page.lead


def test_a_search_without_a_result_says_so(
    write_study: StudyWriter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _tell_of_search(Study(write_study(tmp_path / "s", trials=1, failed={1: "x"})), as_json=False)
    assert capsys.readouterr().out.startswith("No searched configuration has finished yet.\n")
