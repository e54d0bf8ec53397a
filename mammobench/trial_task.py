"""From a trial's record to the task that a process of its own can run, the first time or again."""

from pathlib import Path
from typing import Any

from mammobench.data.store import ImageStore
from mammobench.study import StudyRecord
from mammobench.trial_process import TrialTask
from mammobench.trial_record import TrialRecord


def trial_task(
    study: StudyRecord,
    record: TrialRecord,
    store: ImageStore,
    *,
    threads: int,
    folder: Path | None = None,
    model_path: Path | None = None,
    **how: Any,  # noqa: ANN401 - fields of TrialTask
) -> TrialTask:
    """Return the task that runs a recorded trial, in its own folder or in another.

    Args:
        study: The trial's study.
        record: The trial.
        store: The study's images.
        threads: CPU threads that it may use.
        folder: Where to leave its artifacts; None for its own folder.
        model_path: Where to save the trained model, if at all.
        how: Whatever else `TrialTask` can be asked.
    """
    return TrialTask(
        number=record.number,
        config=record.config,
        store=store.path,
        fingerprint=store.fingerprint,
        split=study.split_path(record.split),
        seed=record.seed,
        folder=folder or record.folder,
        threads=threads,
        model_path=model_path,
        until=record.until if record.state != "pruned" else record.epochs,
        **how,
    )
