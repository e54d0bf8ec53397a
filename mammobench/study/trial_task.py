"""From a trial's record to the task that a process of its own can run, the first time or again."""

from dataclasses import replace

from mammobench.data.store.image_store import ImageStore
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord
from mammobench.training.task import Run, TrialTask


def trial_task(study: StudyRecord, record: TrialRecord, store: ImageStore, run: Run) -> TrialTask:
    """Return the task that runs a recorded trial, in its own folder or in another.

    Args:
        study: The trial's study.
        record: The trial; one that was stopped early is trained as far as it came.
        store: The study's images.
        run: How to run it, and where.
    """
    trial = replace(record.trial, until=record.epochs) if record.state == "pruned" else record.trial
    return TrialTask(
        trial=trial,
        run=run,
        store=store.path,
        fingerprint=store.fingerprint,
        split=study.split_path(record.split),
    )
