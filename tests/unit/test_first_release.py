"""A study that the first release wrote still opens, is ranked as it was, and is reported."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from huggingface_hub import ModelCard

from mammobench.data.splits.split import Split
from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.report import write_report
from mammobench.report.card import model_card
from mammobench.report.write import open_studies, report_on
from mammobench.study.record import StudyRecord

STORED = Path(__file__).resolve().parents[1] / "studies" / "first-release"
# as 0.1.0 ranked it: name, selected, test F1, accuracy and AUROC
RANKED = """
trial 1           False 0.666667 0.733333 0.772487
trial 2           True  0.666667 0.733333 0.846561
reference CNN     False 0.526316 0.700000 0.746032
always malignant  False 0.461538 0.300000 0.500000
always benign     False 0.000000 0.700000 0.500000
"""


@pytest.fixture
def study(tmp_path: Path) -> StudyRecord:
    shutil.copytree(STORED, tmp_path / "first-release")
    (opened,) = open_studies([tmp_path / "first-release"])
    return opened


def test_its_trials_are_read(study: StudyRecord) -> None:
    assert study.spec.format == 1
    assert study.spec.objectives == ("f1",)
    assert [trial.state for trial in study.trials] == ["finished", "finished", "finished", "failed"]
    assert study.trials[3].reason == "the loss is nan"
    assert study.trials[0].threshold == pytest.approx(0.750992, abs=1e-6)


def test_it_is_ranked_as_the_first_release_ranked_it(study: StudyRecord) -> None:
    frame = build_leaderboard(study).frame
    columns = ["name", "selected", "test_f1", "test_accuracy", "test_auroc"]
    expected = pd.DataFrame(
        [[line[:16].strip(), *line[16:].split()] for line in RANKED.strip().splitlines()], columns=columns
    )
    assert list(frame["name"]) == list(expected["name"])
    assert list(frame["selected"]) == [value == "True" for value in expected["selected"]]
    for column in columns[2:]:
        assert frame[column].tolist() == pytest.approx(expected[column].astype(float).tolist(), abs=1e-6)


def test_its_report_is_written(study: StudyRecord) -> None:
    page = write_report(study).read_text("utf-8")
    assert "trial 2" in page
    assert "the loss is nan" in page
    text = report_on([study], kind="markdown").read_text("utf-8")
    assert "| trial 2 (selected) | 0.667" in text
    assert "CLAIM 2024" in text


def test_its_winner_has_a_model_card(study: StudyRecord) -> None:
    trial = study.trial(2)
    card = ModelCard(
        model_card(study, trial, Split.load(study.split_path(trial.split)), "Not trained again.")
    )
    assert "# first-release, trial 2" in card.text
