"""Train a recorded trial again: for reproduction, replicates, stress and explanation alike.

One process at a time does each of these to a study. A training that is interrupted leaves its checkpoint, and
the same call goes on from there.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from mammobench.core.errors import DataError, MammobenchError, StudyError, TrialError
from mammobench.data.store.image_store import ImageStore
from mammobench.models.saved_model import MODEL
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord
from mammobench.study.trial_task import trial_task
from mammobench.training.process import EpochEnd, TrialProcess, wait_for_any
from mammobench.training.result import TrialResult
from mammobench.training.runtime import usable_cores
from mammobench.training.task import Run

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and the total."""


def _silent(*_: int) -> None:
    """Show nothing."""


@dataclass(frozen=True)
class Retrained:
    """A trial that has been trained again.

    Attributes:
        record: The recorded trial.
        result: What its training came to this time.
        folder: Its artifacts of this time; it goes when the caller has done with them.
    """

    record: TrialRecord
    result: TrialResult
    folder: Path


@contextmanager
def trained_again(
    study: StudyRecord,
    record: TrialRecord,
    store: ImageStore,
    *,
    purpose: str,
    on_epoch: Callable[[int, int], None] = _silent,
    model: bool = False,
    conditions: tuple[str, ...] = (),
    on_condition: Callable[[int, int], None] = _silent,
) -> Iterator[Retrained]:
    """Train a trial from its record, with as many threads, in a process of its own and a folder aside.

    The folder goes at the end, well or with an error of the project's. Anything else interrupts, and leaves
    it, so that the next call continues the checkpoint in it.

    Args:
        study: Its study, which the caller holds by `alone`.
        record: The trial, with another seed where that is wanted.
        store: The study's images.
        purpose: What it is trained for, in the folder's name, such as ``reproduce``.
        on_epoch: Called after each epoch with its number and their total in the record.
        model: Whether to save the model, as model.keras.
        conditions: Names of conditions under which it predicts too, into stress.npz.
        on_condition: Called after each of them with how many are done, and their total.

    Raises:
        TrialError: When the training fails.
    """
    folder = study.folder / f".{purpose}-{record.number:04d}"
    folder.mkdir(parents=True, exist_ok=True)
    threads = int(record.environment.get("threads", 0)) or usable_cores()
    run = Run(
        folder=folder,
        threads=threads,
        model_path=folder / MODEL if model else None,
        conditions=conditions,
    )
    try:
        result = _train(study, record, store, run, on_epoch=on_epoch, on_condition=on_condition)
        yield Retrained(record, result, folder)
    except MammobenchError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _train(
    study: StudyRecord,
    record: TrialRecord,
    store: ImageStore,
    run: Run,
    *,
    on_epoch: Callable[[int, int], None],
    on_condition: Callable[[int, int], None],
) -> TrialResult:
    process = TrialProcess(trial_task(study, record, store, run), on_condition=on_condition)
    try:
        while True:
            wait_for_any([process])
            for message in process.messages():
                if isinstance(message, EpochEnd):
                    on_epoch(message.epoch, record.epochs)
                elif message.result is None:
                    raise TrialError(
                        f"trial {record.number} failed when trained again: {message.reason}",
                        where=study.folder,
                    )
                else:
                    return message.result
    finally:
        process.stop()


@contextmanager
def alone(study: StudyRecord, verb: str) -> Iterator[None]:
    """Do something to a study that no other process may do meanwhile.

    Args:
        study: The study.
        verb: What is done, as in "another process stresses this study"; each has a lock of its own.

    Raises:
        StudyError: When another process does it now.
    """
    try:
        lock = FileLock(study.folder / f".{verb}.lock").acquire(timeout=0)
    except Timeout:
        raise StudyError(
            f"another process {verb} this study", where=study.folder, remedy="Wait for it, or stop it"
        ) from None
    with lock:
        yield


def same_store(study: StudyRecord, data: Path | None) -> ImageStore:
    """Open the study's images, where they were or in `data`.

    Raises:
        DataError: When they are missing or others.
    """
    store = ImageStore.open(data or Path(study.spec.data))
    if store.fingerprint != study.spec.fingerprint:
        raise DataError(
            "these are not the images that the study was made with",
            where=store.path,
            expected=f"fingerprint {study.spec.fingerprint}",
            found=store.fingerprint,
            remedy="Prepare the same source again, or name the right store with --data",
        )
    return store
