"""`TrialFiles`: what a search moves between trials' folders on this machine and the place of artifacts."""

import contextlib
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from mammobench.core.errors import StudyError
from mammobench.data.store.image_store import ImageStore
from mammobench.study.artifacts import open_artifacts
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord
from mammobench.training.filenames import CHECKPOINT, RESULTS
from mammobench.tuning.proposer import restore_split


class TrialFiles:
    """The files of the trials that one process runs; nothing moves where all machines share the folder.

    Args:
        study: The record, whose description names the place.
    """

    def __init__(self, study: StudyRecord) -> None:
        self._elsewhere = study.spec.artifacts is not None
        self._artifacts = open_artifacts(study.spec.artifacts, study.folder, study.storage, make=False)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="artifacts")
        self._uploads: dict[int, Future[None]] = {}
        self._pushed: dict[int, int] = {}

    def checkpoint(self, record: TrialRecord) -> Path:
        """Return where a trial's checkpoint lies here, fetched if another machine has left one."""
        path = record.folder / CHECKPOINT
        self._artifacts.pull_checkpoint(record.storage_id, path)
        return path

    def drop_checkpoint(self, record: TrialRecord) -> None:
        """Delete this machine's checkpoint of a trial, which may be older than what another one pushed."""
        if self._elsewhere:
            (record.folder / CHECKPOINT).unlink(missing_ok=True)

    def push_checkpoints(self, records: Iterable[TrialRecord]) -> None:
        """Upload each checkpoint that has been written since the last upload; slow ones skip epochs."""
        if not self._elsewhere:
            return
        for record in records:
            upload = self._uploads.get(record.number)
            if upload is not None and not upload.done():
                continue
            # written in the background of the next epoch, so no message tells of it
            with contextlib.suppress(FileNotFoundError):
                written = (record.folder / CHECKPOINT).stat().st_mtime_ns
                if written != self._pushed.get(record.number):
                    self._pushed[record.number] = written
                    self._uploads[record.number] = self._pool.submit(self._push_checkpoint, record)

    def _push_checkpoint(self, record: TrialRecord) -> None:
        # without it a worker's death costs more epochs, nothing else; the next epoch tries again
        with contextlib.suppress(StudyError, FileNotFoundError):
            self._artifacts.push_checkpoint(record.storage_id, record.folder / CHECKPOINT)

    def wait_for(self, record: TrialRecord) -> None:
        """Wait for the end of a trial's upload, if there is one."""
        if record.number in self._uploads:
            self._uploads[record.number].result()

    def push_products(self, record: TrialRecord) -> None:
        """Upload what a finished trial has made, with its checkpoint if another trial may go on from it.

        Raises:
            StudyError: When the place cannot be written to.
        """
        self._artifacts.push(record.storage_id, record.folder, RESULTS)
        if not record.whole:
            self._artifacts.push_checkpoint(record.storage_id, record.folder / CHECKPOINT)

    def remove_checkpoint(self, record: TrialRecord) -> None:
        """Remove a trial's checkpoint from the place."""
        self._artifacts.remove_checkpoint(record.storage_id)

    def forget(self, record: TrialRecord) -> None:
        """Take a trial for one that runs here no more."""
        self._uploads.pop(record.number, None)
        self._pushed.pop(record.number, None)

    def close(self) -> None:
        """Wait for the uploads that are under way."""
        self._pool.shutdown()


def fetch_artifacts(study: StudyRecord) -> None:
    """Bring what other machines left of their trials into the study's folder here."""
    if study.spec.artifacts is None:
        return
    artifacts = open_artifacts(study.spec.artifacts, study.folder, study.storage, make=False)
    for record in study.trials:
        if record.state in {"finished", "pruned"}:
            artifacts.pull(record.storage_id, record.folder, RESULTS)
            if not study.split_path(record.split).exists():
                restore_split(study, ImageStore.open(Path(study.spec.data)), record, required=False)
