from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

from mammobench.analysis.leakage import measure, write_leakage
from mammobench.analysis.leakage.page import lead_of, support_of, table_of
from mammobench.core.errors import StudyError
from mammobench.data.splits.split import Split
from mammobench.evaluation.leakage import Leakage
from mammobench.evaluation.predictions import open_test
from mammobench.study.record import StudyRecord
from tests.conftest import StudyWriter


@pytest.fixture(scope="module")
def studies(write_study: StudyWriter, tmp_path_factory: pytest.TempPathFactory) -> dict[str, StudyRecord]:
    folder = tmp_path_factory.mktemp("leakage")
    return {
        "reference": write_study(folder / "reference", trials=4, leaks=True, images=200),
        "official": write_study(folder / "official", trials=4, images=240),
    }


@pytest.fixture(scope="module")
def leakage(studies: dict[str, StudyRecord]) -> Leakage:
    return measure(studies, left_out={"grouped": "no room"}, resamples=400)


def test_scores_are_those_of_the_stored_predictions(
    leakage: Leakage, studies: dict[str, StudyRecord]
) -> None:
    for name, study in studies.items():
        for trial in study.trials:
            split = Split.load(study.split_path(trial.split))
            assert trial.threshold is not None
            guesses = open_test(trial.folder) >= trial.threshold
            row = leakage.readings[name].scores.loc[trial.number]
            assert row["f1"] == pytest.approx(f1_score(split.test.targets, guesses), abs=1e-6)
            assert row["accuracy"] == pytest.approx(accuracy_score(split.test.targets, guesses), abs=1e-6)


def test_differences_are_between_the_means_and_lie_in_their_intervals(leakage: Leakage) -> None:
    assert set(leakage.differences) == {
        ("reference", "official", "f1"),
        ("reference", "official", "accuracy"),
    }
    for (one, other, metric), found in leakage.differences.items():
        means = (leakage.readings[name].scores[metric].mean() for name in (one, other))
        assert found.point == pytest.approx(next(means) - next(means))
        assert found.low < found.point < found.high
        widths = [
            reading.means[metric].high - reading.means[metric].low for reading in leakage.readings.values()
        ]
        # two independent sides: wider than either, narrower than both together
        assert max(widths) < found.high - found.low < sum(widths)


def test_other_configurations_are_refused(write_study: StudyWriter, tmp_path: Path) -> None:
    one = write_study(tmp_path / "one", trials=3, leaks=True)
    other = write_study(tmp_path / "other", trials=3, reference=False)
    with pytest.raises(StudyError, match="another configuration than under the other splits"):
        measure({"reference": one, "official": other})


def test_nothing_in_common_is_an_error_that_counts(write_study: StudyWriter, tmp_path: Path) -> None:
    one = write_study(tmp_path / "one", trials=1, leaks=True, failed={0: "x", 1: "x"})
    other = write_study(tmp_path / "other", trials=1)
    with pytest.raises(StudyError, match="0 under reference, 2 under official"):
        measure({"reference": one, "official": other})


def test_the_page_says_what_leaks_and_that_it_is_synthetic(leakage: Leakage, tmp_path: Path) -> None:
    page = write_leakage(leakage, tmp_path, title="Leakage: tiny").read_text("utf-8")
    assert "The reference split leaks" in page
    assert "Synthetic data" in page
    assert "<svg" in page
    assert "Leakage effect of the reference split against the official split" in lead_of(leakage)
    assert "The grouped split was left out: no room." in support_of(leakage)
    assert (tmp_path / "leakage.png").read_bytes().startswith(b"\x89PNG")
    table = pd.read_csv(tmp_path / "leakage.csv")
    assert list(table.columns) == ["configuration", "split", "f1", "accuracy"]
    assert len(table) == len(table_of(leakage)) == 10
    assert np.isfinite(table["f1"]).all()
