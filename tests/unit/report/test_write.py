"""Which studies can be reported together, where their report goes, and what the command prints."""

import json
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import precision_score

from mammobench import cli
from mammobench.core.errors import ConfigError, StudyError
from mammobench.core.metrics import zero_division_of
from mammobench.data.splits.split import Split
from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.report.write import open_studies, report_on
from mammobench.study.record import StudyRecord
from tests.page_reader import ReadPage

StudyWriter = Callable[..., StudyRecord]


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_study: StudyWriter) -> Path:
    """A folder with reports/first and reports/second, of the same images."""
    monkeypatch.chdir(tmp_path)
    for name in ("first", "second"):
        write_study(tmp_path / "reports" / name, trials=1, images=60)
    return tmp_path / "reports"


def test_studies_are_opened_by_name_and_by_path(reports: Path) -> None:
    opened = open_studies(["second", reports / "first"])
    assert [study.spec.name for study in opened] == ["second", "first"]


def test_a_study_given_twice_is_named(reports: Path) -> None:
    with pytest.raises(StudyError, match="the study is named twice"):
        open_studies(["first", reports / "first"])


def test_studies_of_other_images_are_not_ranked_together(reports: Path, write_study: StudyWriter) -> None:
    write_study(reports / "third", trials=1, images=60, fingerprint="1" * 64)
    with pytest.raises(StudyError, match="cannot be ranked together: their images differ"):
        open_studies(["first", "second", "third"])


def test_several_are_ranked_in_a_folder_with_their_names(reports: Path) -> None:
    path = report_on(open_studies(["second", "first"]), kind="markdown")
    assert path == Path("reports/second+first/report.md")
    text = path.read_text("utf-8")
    assert text.startswith("# second, first\n")
    for words in (
        "reference CNN of first",
        "reference CNN of second",
        "trial 1 of first",
        "trial 1 of second",
    ):
        assert words in text
    assert "    mammobench reproduce first" in text
    assert sorted(path.name for path in reports.iterdir()) == ["first", "second", "second+first"]


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str]:
    monkeypatch.setattr(sys, "argv", ["mammobench", "report", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    assert ended.value.code == 0, err
    return out, err


def test_the_command_prints_where_the_report_is_and_opens_it(
    reports: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []

    def browser(url: str) -> bool:
        seen.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", browser)
    out, err = run(monkeypatch, capsys, "first", "--format", "markdown", "--open")
    path = reports / "first" / "report.md"
    assert path.read_text("utf-8").startswith("# first\n")
    assert out.endswith("\nReport:  reports/first/report.md\n")
    assert err.startswith("Writing the report: done in ")
    assert seen == [path.as_uri()]


def test_no_browser_is_said_and_is_no_failure(
    reports: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    _, err = run(monkeypatch, capsys, "first", "--out", "first.csv", "--open")
    assert "No browser" in err
    assert (reports.parent / "first.csv").exists()


def test_json_names_the_files(
    reports: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = run(monkeypatch, capsys, "first", "--format", "csv", "--json")
    told = json.loads(out)
    ranking = told.pop("ranking")
    assert told.pop("lead").startswith("The model of trial 1, selected on validation, reaches test F1 ")
    assert told.pop("test_openings")["reports/first"]["count"] == 1
    assert told == {
        "studies": ["reports/first"], "format": "csv", "report": "reports/first/leaderboard.csv",
        "leaderboard": "reports/first/leaderboard.csv",
    }  # fmt: skip
    frame = pd.read_csv(reports / "first" / "leaderboard.csv")
    assert [row["name"] for row in ranking] == frame["name"].tolist()
    assert [row["rank"] for row in ranking] == frame["rank"].tolist()
    for column in ("test_f1", "test_f1_low", "test_f1_high"):
        assert [row[column] for row in ranking] == pytest.approx(frame[column].tolist())


def test_quiet_leaves_the_result_alone(
    reports: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = run(monkeypatch, capsys, "first", "--format", "markdown", "--quiet")
    assert err == ""
    assert out.endswith("\nReport:  reports/first/report.md\n")
    assert reports.exists()


def test_the_result_begins_as_the_page_does(
    reports: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = run(monkeypatch, capsys, "first", "second", "--out", "both.html")
    page = ReadPage((reports.parent / "both.html").read_text("utf-8"))
    assert page.lead.startswith("The model of trial 1 ")
    warning = "Synthetic data. Phantom images. These figures say nothing about real mammograms."
    assert " ".join(out.split()) == f"{page.lead} {warning} Report: both.html Table: both-leaderboard.csv"


def test_a_page_of_another_name_leaves_the_table_of_the_study_beside_it_alone(
    reports: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = reports / "first"
    own = folder / "leaderboard.csv"
    own.write_text("of the first alone")
    (folder / "figures").mkdir()
    out, _ = run(monkeypatch, capsys, "first", "second", "--out", "reports/first/both.html")
    table = folder / "both-leaderboard.csv"
    assert "Table:   reports/first/both-leaderboard.csv" in out
    assert own.read_text() == "of the first alone"
    assert not list((folder / "figures").iterdir())
    assert list((folder / "both-figures").glob("*.pdf"))
    assert {*pd.read_csv(table)["study"].dropna()} == {"first", "second"}


def test_the_report_says_which_precision_a_class_has_that_is_never_predicted(
    reports: Path,
    write_study: StudyWriter,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    study = write_study(reports / "five", trials=1, images=60, task="five-class")
    split = Split.load(study.split_path(study.trials[1].split))
    stored = dict(np.load(study.trial_folder(1) / "predictions.npz"))
    # never the last class
    stored["test_probability"][:, 4] = 0
    np.savez(study.trial_folder(1) / "predictions.npz", **stored)
    guess = stored["test_probability"].argmax(axis=1)
    for given, words in (("nan", "is left out of the mean"), ("0", "counts as 0"), ("1", "counts as 1")):
        run(monkeypatch, capsys, "five", "--format", "markdown", "--zero-division", given)
        page = (reports / "five" / "report.md").read_text("utf-8").replace("\\", "")
        assert words in page
        assert f"(zero_division = {given})" in page
        board = build_leaderboard(study, resamples=20, zero_division=zero_division_of(given))
        row = board.frame.set_index("trial").loc[1]
        expected = precision_score(split.test.targets, guess, average="macro", zero_division=float(given))
        assert row["test_precision"] == pytest.approx(expected)
        assert row["test_precision_low"] <= expected <= row["test_precision_high"]
    with pytest.raises(ConfigError, match="expected nan, 0 or 1, found '2'"):
        report_on([study], zero_division="2")


def test_a_report_of_one_lies_in_its_study(reports: Path) -> None:
    assert report_on(open_studies(["first"]), kind="csv") == Path("reports/first/leaderboard.csv")
    assert reports.exists()
