"""Stress tests: train a study's leaders again and predict changed images."""

from pathlib import Path

from mammobench.analysis.reproduction import judge, selected_trial
from mammobench.analysis.retraining import Progress, alone, same_store, trained_again
from mammobench.data.images.conditions import CONDITIONS, OTHER_SOURCE
from mammobench.data.splits.split import Split
from mammobench.data.store.image_store import ImageStore
from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.evaluation.selection import validation_leaders
from mammobench.evaluation.stress import Stressed, predicted_conditions
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord
from mammobench.training.filenames import STRESS

TOP = 5
# a store of one source has no other one
_NEEDED = {condition.name for condition in CONDITIONS if condition.kind != OTHER_SOURCE}


def stress_study(
    study: StudyRecord,
    *,
    top: int = TOP,
    number: int | None = None,
    data: Path | None = None,
    progress: Progress = lambda *_: None,
) -> tuple[Stressed, ...]:
    """Predict validation and test of a study's leaders under every condition, those that have none yet.

    Each is trained again from its record and must predict unchanged images as it did. What it predicts is
    kept as stress.npz in the trial's folder. An interrupted training goes on from its checkpoint.

    Args:
        study: The study.
        top: How many of the searched trials, by validation; the reference CNN comes on top.
        number: One trial instead.
        data: The image store, if it is no longer where the search read it.
        progress: Called as epochs and conditions are done.

    Returns:
        Scores under each condition, best test F1 first.

    Raises:
        DataError: When the store is missing or holds other images.
        StudyError: When there is no such trial, or another process stresses this study now.
        TrialError: When a training fails.
        ReproductionError: When a trial is not reproduced; nothing is kept of it.
    """
    named = [] if number is None else [selected_trial(study, number)]
    wanted = named or validation_leaders(study, top=top)
    missing = [trial for trial in wanted if not _has_all(study, trial)]
    if missing:
        with alone(study, "stresses"):
            store = same_store(study, data)
            for place, record in enumerate(missing):
                progress("Trials under stress", place, len(missing))
                _stress(study, record, store, progress)
            progress("Trials under stress", len(missing), len(missing))
    board = build_leaderboard(study, also=number)
    numbers = {trial.number for trial in wanted}
    return tuple(trial for trial in board.stress if trial.trial in numbers)


def _has_all(study: StudyRecord, record: TrialRecord) -> bool:
    split = Split.load(study.split_path(record.split))
    return predicted_conditions(record.folder, split) >= _NEEDED


def _stress(study: StudyRecord, record: TrialRecord, store: ImageStore, progress: Progress) -> None:
    training = f"Training trial {record.number} again"
    predicting = f"Predicting with trial {record.number} under stress"
    progress(training, 0, record.epochs)
    with trained_again(
        study,
        record,
        store,
        purpose="stress",
        on_epoch=lambda epoch, epochs: progress(training, epoch, max(epoch, epochs)),
        conditions=tuple(condition.name for condition in CONDITIONS),
        on_condition=lambda done, total: progress(predicting, done, total),
    ) as again:
        judge(study, again)
        (again.folder / STRESS).replace(record.folder / STRESS)
