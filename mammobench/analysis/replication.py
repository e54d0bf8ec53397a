"""Replication: train a study's finalists again with other seeds, to see the variance between seeds."""

import shutil
from dataclasses import replace
from pathlib import Path

from mammobench.analysis.reproduction import selected_trial
from mammobench.analysis.retraining import Progress, alone, same_store, trained_again
from mammobench.core.files import write_json
from mammobench.core.seeds import derive_seed
from mammobench.data.splits.split import Split
from mammobench.data.store.image_store import ImageStore
from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.evaluation.replicates import (
    Replicated,
    missing_replicates,
    replicates_folder,
)
from mammobench.evaluation.selection import validation_leaders
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord
from mammobench.training.filenames import CHECKPOINT, REPLICATE

FINALISTS = 3
REPLICATES = 5


def replicate_study(
    study: StudyRecord,
    *,
    replicates: int = REPLICATES,
    top: int = FINALISTS,
    number: int | None = None,
    data: Path | None = None,
    progress: Progress = lambda *_: None,
) -> tuple[Replicated, ...]:
    """Train each finalist and the reference CNN with `replicates` seeds, those that it lacks.

    The seeds follow from the study's, the trial's number and the replicate's, and none is the trial's own:
    that one was selected by its score. Each replicate chooses its threshold on validation by
    itself, and is kept in the trial's folder; a damaged one is made again. An interrupted training goes on
    from its checkpoint.

    Args:
        study: The study.
        replicates: Seeds for each.
        top: How many of the searched trials, by validation; the reference CNN comes on top.
        number: One trial instead.
        data: The image store, if it is no longer where the search read it.
        progress: Called as epochs and replicates are done.

    Returns:
        The spread between seeds of each, in the order of the leaderboard.

    Raises:
        DataError: When the store is missing or holds other images.
        StudyError: When there is no such trial, or another process replicates this study now.
        TrialError: When a training fails.
    """
    named = [] if number is None else [selected_trial(study, number)]
    wanted = named or validation_leaders(study, top=top)
    missing = [
        (trial, replicate)
        for trial in wanted
        for replicate in missing_replicates(trial.folder, _split_of(study, trial), replicates)
    ]
    if missing:
        with alone(study, "replicates"):
            store = same_store(study, data)
            for place, (record, replicate) in enumerate(missing):
                progress("Replicates", place, len(missing))
                _replicate(study, record, replicate, store, progress)
            progress("Replicates", len(missing), len(missing))
    board = build_leaderboard(study, also=number)
    numbers = {trial.number for trial in wanted}
    return tuple(each for each in board.replicates if each.trial in numbers)


def _replicate(
    study: StudyRecord, record: TrialRecord, replicate: int, store: ImageStore, progress: Progress
) -> None:
    seed = derive_seed(study.spec.seed, record.number, f"replicate {replicate}")
    what = f"Training trial {record.number} with seed {replicate} more"
    epochs = record.config.training.max_epochs
    progress(what, 0, epochs)
    with trained_again(
        study,
        replace(record, trial=replace(record.trial, seed=seed)),
        store,
        purpose=f"replicate-{replicate}",
        # done when it has predicted too, and stopping early leaves epochs of the bar
        on_epoch=lambda epoch, _: progress(what, min(epoch, epochs - 1), epochs),
    ) as again:
        progress(what, epochs, epochs)
        (again.folder / CHECKPOINT).unlink(missing_ok=True)
        result = {
            "seed": seed,
            "threshold": again.result.threshold,
            "objective": again.result.objective,
            "epochs": again.result.epochs,
            "best_epoch": again.result.best_epoch,
            "environment": dict(again.result.environment),
        }
        write_json(again.folder / REPLICATE, result)
        place = replicates_folder(record.folder) / str(replicate)
        place.parent.mkdir(exist_ok=True)
        if place.exists():  # damaged, or it would not have been made again
            shutil.rmtree(place)
        again.folder.replace(place)


def _split_of(study: StudyRecord, record: TrialRecord) -> Split:
    return Split.load(study.split_path(record.split))
