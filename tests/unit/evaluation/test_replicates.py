import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mammobench.core.errors import StudyError
from mammobench.core.files import write_json
from mammobench.core.metrics import scores
from mammobench.data.splits.split import Split
from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.evaluation.predictions import open_test, open_validation
from mammobench.evaluation.replicates import (
    missing_replicates,
    open_replicate,
    replicates_folder,
)
from mammobench.study.record import StudyRecord
from mammobench.training.filenames import PREDICTIONS, REPLICATE

StudyWriter = Callable[..., StudyRecord]


@pytest.fixture
def study(write_study: StudyWriter, tmp_path: Path) -> StudyRecord:
    return write_study(tmp_path / "replicated", trials=3, images=60)


def write_replicate(study: StudyRecord, trial: int, replicate: int, threshold: float) -> Path:
    """Keep a replicate that predicts as the trial did, and decides at another threshold."""
    folder = replicates_folder(study.trial_folder(trial)) / str(replicate)
    folder.mkdir(parents=True)
    shutil.copy(study.trial_folder(trial) / PREDICTIONS, folder / PREDICTIONS)
    write_json(folder / REPLICATE, {"seed": 100 + replicate, "threshold": threshold, "objective": 0.5})
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
    assert np.isnan(found.columns["replicate_f1_sd"])


def the_split(study: StudyRecord) -> Split:
    return next(iter(build_leaderboard(study).splits.values()))


def test_those_that_are_not_there_are_missing(study: StudyRecord) -> None:
    folder, split = study.trial_folder(1), the_split(study)
    assert missing_replicates(folder, split, 2) == (1, 2)
    write_replicate(study, 1, 1, 0.5)
    write_replicate(study, 1, 3, 0.5)
    assert missing_replicates(folder, split, 3) == (2,)
    assert missing_replicates(folder, split, 1) == ()


@pytest.mark.parametrize("damage", ["result", "no result", "predictions", "no predictions"])
def test_a_damaged_replicate_counts_as_missing_and_the_others_are_kept(
    study: StudyRecord, damage: str
) -> None:
    folder = write_replicate(study, 1, 1, 0.5)
    write_replicate(study, 1, 2, 0.5)
    path = folder / (REPLICATE if "result" in damage else PREDICTIONS)
    if damage.startswith("no "):
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:20])
    (found,) = build_leaderboard(study).replicates
    split = the_split(study)
    assert found.seeds == (102,)
    assert missing_replicates(study.trial_folder(1), split, 2) == (1,)
    with pytest.raises(StudyError, match=str(folder)):
        open_replicate(folder, split)


def test_predictions_of_other_images_are_refused(study: StudyRecord) -> None:
    folder = write_replicate(study, 1, 1, 0.5)
    validation = open_validation(folder)
    np.savez(folder / PREDICTIONS, validation_probability=validation, test_probability=validation[:3])
    split = the_split(study)
    with pytest.raises(StudyError, match="do not belong to this split"):
        open_replicate(folder, split)
    assert missing_replicates(study.trial_folder(1), split, 1) == (1,)
