"""CLAIM 2024 and TRIPOD+AI, filled from a run."""

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from mammobench.evaluation.leaderboard import Leaderboard, build_leaderboard
from mammobench.report.checklists import OPEN, _Run, checklist_tables
from mammobench.report.facts import Table
from mammobench.report.text import with_interval
from mammobench.study.record import StudyRecord
from tests.unit.report.test_explanations import write_explanations

StudyWriter = Callable[..., StudyRecord]


@pytest.fixture(scope="module")
def board(simulated_study: StudyRecord) -> Leaderboard:
    return build_leaderboard(simulated_study)


@pytest.fixture(scope="module")
def tables(simulated_study: StudyRecord, board: Leaderboard) -> dict[str, Table]:
    filled = checklist_tables([simulated_study], board)
    return {table.title: table for table in filled}


def answers(table: Table) -> dict[str, str]:
    return {row[0]: row[-1] for row in table.rows}


def test_every_item_is_there_once_and_in_order(tables: dict[str, Table]) -> None:
    assert list(answers(tables["CLAIM 2024"])) == [str(number) for number in range(1, 45)]
    tripod = [row[0] for row in tables["TRIPOD+AI"].rows]
    assert len(set(tripod)) == len(tripod) == 52
    assert list(dict.fromkeys(int(name.rstrip("abcdefg")) for name in tripod)) == list(range(1, 28))


def test_no_fact_is_unused(simulated_study: StudyRecord, board: Leaderboard) -> None:
    stored = json.loads(files("mammobench.report").joinpath("checklists.json").read_text("utf-8"))
    used = {item[3] for checklist in stored for item in checklist["items"] if item[3]}
    assert used == set(_Run(simulated_study, board).answers())


def test_what_the_run_knows_is_filled_in(tables: dict[str, Table], board: Leaderboard) -> None:
    claim, tripod = answers(tables["CLAIM 2024"]), answers(tables["TRIPOD+AI"])
    row = next(row for row in board.rows if row["selected"])
    assert f"F1 {with_interval(row, 'test_f1')}" in claim["37"]
    assert claim["37"] == tripod["23a"]
    assert "Simulated" not in claim["7"]
    assert "Synthetic: no image shows a person. simulated predictions for tests" in claim["7"]
    assert "keras 3.15.1" in claim["23"]
    assert f"seed {row['trial']};" in claim["24"]
    assert "12 configurations of the space simulated by optuna, tpe" in claim["26"]
    assert "bootstrap of 2,000 resamples over patient or lesion groups" in claim["29"]
    assert f"malignant at {row['threshold']:.3g} or above" in tripod["15"]
    assert "test 240 images (" in claim["19"]
    assert "No patient or lesion group stands in two parts." in claim["20"]
    assert "Not done: mammobench stress" in claim["30"]
    assert "Not done: mammobench explain" in claim["31"]
    assert "--data STORE" in claim["33"]


def test_what_only_authors_know_is_left_to_them(tables: dict[str, Table]) -> None:
    claim, tripod = answers(tables["CLAIM 2024"]), answers(tables["TRIPOD+AI"])
    for number in ("2", "4", "11", "13", "15", "16", "18", "34", "36", "41", "44"):
        assert claim[number] == OPEN
    for number in ("3a", "3c", "14", "17", "18a", "18b", "18d", "19", "25", "27b"):
        assert tripod[number] == OPEN


def test_a_leak_and_what_was_done_afterwards_are_told(write_study: StudyWriter, tmp_path: Path) -> None:
    study = write_study(tmp_path / "s", trials=2, images=60, leaks=True, grouped=False)
    board = build_leaderboard(study, resamples=20)
    assert board.selected is not None
    write_explanations(study.trial_folder(int(board.selected["trial"])))
    elsewhere = study.folder / "evaluations" / "mini-mias-1234"
    elsewhere.mkdir(parents=True)
    (elsewhere / "scores.json").write_text("{}")
    claim = answers(checklist_tables([study], board)[0])
    assert "the split leaks" in claim["20"]
    assert "scores are too high" in claim["40"]
    assert "Grad-CAM" in claim["31"]
    assert claim["33"] == "On mini-mias-1234 (mammobench evaluate)."


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('{"overlap": "overlapping"}', " (it overlaps with the study's own images)"),
        ('{"overlap": "not compared"}', " (it was not compared with the study's own images)"),
        ('{"overlap": "none"}', ""),
        ("[", " (its file cannot be read)"),
    ],
)
def test_an_evaluation_on_the_studys_own_images_is_not_external(
    write_study: StudyWriter, tmp_path: Path, written: str, told: str
) -> None:
    study = write_study(tmp_path / "s", trials=2, images=60)
    elsewhere = study.folder / "evaluations" / "other-1234"
    elsewhere.mkdir(parents=True)
    (elsewhere / "scores.json").write_text(written)
    claim = answers(checklist_tables([study], build_leaderboard(study, resamples=20))[0])
    assert claim["33"] == f"On other-1234{told} (mammobench evaluate)."


def test_five_classes_have_no_threshold(write_study: StudyWriter, tmp_path: Path) -> None:
    study = write_study(tmp_path / "five", trials=1, images=60, task="five-class")
    tripod = answers(checklist_tables([study], build_leaderboard(study, resamples=20))[1])
    assert "the most probable one is predicted" in tripod["15"]


def test_without_a_selected_configuration_there_are_none(write_study: StudyWriter, tmp_path: Path) -> None:
    study = write_study(tmp_path / "s", trials=0, images=60)
    assert checklist_tables([study], build_leaderboard(study, resamples=20)) == ()
