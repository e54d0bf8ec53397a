import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mammobench.errors import StudyError
from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.evaluation.predictions import FILE, open_test, open_validation
from mammobench.evaluation.replicates import RESULT, count_replicates, replicated, replicates_folder
from mammobench.files import write_json
from mammobench.metrics import scores
from mammobench.study import StudyRecord

StudyWriter = Callable[..., StudyRecord]


@pytest.fixture
def study(write_study: StudyWriter, tmp_path: Path) -> StudyRecord:
    return write_study(tmp_path / "replicated", trials=3, images=60)


def write_replicate(study: StudyRecord, trial: int, replicate: int, threshold: float) -> Path:
    """Keep a replicate that predicts as the trial did, and decides at another threshold."""
    folder = replicates_folder(study.trial_folder(trial)) / str(replicate)
    folder.mkdir(parents=True)
    shutil.copy(study.trial_folder(trial) / FILE, folder / FILE)
    write_json(folder / RESULT, {"seed": 100 + replicate, "threshold": threshold, "objective": 0.5})
    return folder


def test_the_spread_is_that_of_each_replicates_own_score(study: StudyRecord) -> None:
    thresholds = (0.3, 0.5, 0.7)
    for place, threshold in enumerate(thresholds, start=1):
        write_replicate(study, 1, place, threshold)
    board = build_leaderboard(study)
    (found,) = board.replicates
    split = next(iter(board.splits.values()))
    test = open_test(study.trial_folder(1))
    expected = [scores(split.test.targets, test, threshold)["f1"] for threshold in thresholds]
    assert (found.trial, found.seeds) == (1, (101, 102, 103))
    assert found.test["f1"] == pytest.approx(tuple(expected))
    row = board.frame.set_index("trial").loc[1]
    assert row["replicates"] == 3
    assert row["replicate_f1_mean"] == pytest.approx(np.mean(expected))
    assert row["replicate_f1_sd"] == pytest.approx(np.std(expected, ddof=1))
    assert row["replicate_f1_lowest"] == pytest.approx(min(expected))
    assert board.frame.set_index("trial").loc[2, "replicates"] != 3


def test_one_replicate_has_no_spread(study: StudyRecord) -> None:
    write_replicate(study, 1, 1, 0.5)
    (found,) = build_leaderboard(study).replicates
    assert np.isnan(found.facts["replicate_f1_sd"])


def test_replicates_count_in_a_row_from_the_first(study: StudyRecord) -> None:
    folder = study.trial_folder(1)
    assert count_replicates(folder) == 0
    write_replicate(study, 1, 1, 0.5)
    write_replicate(study, 1, 3, 0.5)
    assert count_replicates(folder) == 1


def test_a_damaged_replicate_is_named(study: StudyRecord) -> None:
    folder = write_replicate(study, 1, 1, 0.5)
    (folder / RESULT).write_text('{"seed": 1')
    board = build_leaderboard(study)
    assert not board.replicates
    split = next(iter(board.splits.values()))
    with pytest.raises(StudyError, match="a replicate cannot be read"):
        replicated(study.trial_folder(1), split, trial=1, name="trial 1")


def test_predictions_of_other_images_are_refused(study: StudyRecord) -> None:
    folder = write_replicate(study, 1, 1, 0.5)
    validation = open_validation(folder)
    np.savez(folder / FILE, validation_probability=validation, test_probability=validation[:3])
    split = next(iter(build_leaderboard(study).splits.values()))
    with pytest.raises(StudyError, match="do not belong to this split"):
        replicated(study.trial_folder(1), split, trial=1, name="trial 1")
