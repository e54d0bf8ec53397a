"""From a trial's record to the task that a process of its own can run, the first time or again."""

from mammobench.data.store.image_store import ImageStore
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord
from mammobench.training.task import Run, Trial, TrialTask


def trial_task(study: StudyRecord, record: TrialRecord, store: ImageStore, run: Run) -> TrialTask:
    """Return the task that runs a recorded trial, in its own folder or in another.

    Args:
        study: The trial's study.
        record: The trial; one that was stopped early is trained as far as it came.
        store: The study's images.
        run: How to run it, and where.
    """
    until = record.until if record.state != "pruned" else record.epochs
    return TrialTask(
        trial=Trial(number=record.number, config=record.config, seed=record.seed, until=until),
        run=run,
        store=store.path,
        fingerprint=store.fingerprint,
        split=study.split_path(record.split),
    )
