"""A study that is made for a request, or that exists and goes on with it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from mammobench.core.errors import StudyError
from mammobench.core.invocation import as_started
from mammobench.data.store.image_store import ImageStore
from mammobench.space.search_space import SearchSpace
from mammobench.study.artifacts import require_place
from mammobench.study.lock import locked
from mammobench.study.record import StudyRecord
from mammobench.study.spec import StudySpec
from mammobench.study.storage.url import VARIABLE
from mammobench.training.process import call_in_process
from mammobench.training.runtime import choose_precision
from mammobench.tuning.proposer import engine_of
from mammobench.tuning.request import Request


@contextmanager
def start_or_continue(request: Request, store: ImageStore) -> Iterator[StudyRecord]:
    """Open the study if it exists and was asked the same, else make it, and hold its lock meanwhile.

    Of several processes that start one study in a folder at once, one gets it and the others are refused. In
    a database, which any number may search, one makes the study; the others are refused while it has no
    study.json in this folder and join it as soon as it has.

    Yields:
        The study. One in a folder is locked for the time of the block.

    Raises:
        StudyError: When it exists and was asked something else, with the differences; when it has more trials
            than asked; when the place of its artifacts cannot be used; when another process makes or searches
            it now; and when the folder has a record whose description is gone.
    """
    spec = request.spec(store)
    if request.url is not None:
        StudyRecord.finish_creation(request.folder, request.url)
    if StudyRecord.exists(request.folder):
        record = _existing(request, spec)
        with record.lock():
            record.keep_description()
            yield record
        return
    # what cannot do what is asked says so before anything is written
    engine_of(spec, request.space)
    with nullcontext() if request.url is not None else locked(request.folder):
        if StudyRecord.exists(request.folder):
            # whoever had the lock has made it
            record = _existing(request, spec)
            record.keep_description()
            yield record
        else:
            # what `auto` means is seen with TensorFlow loaded
            asked = request.options["precision"]
            chosen = call_in_process(choose_precision, asked) if asked == "auto" else choose_precision(asked)
            spec = spec.model_copy(update={"precision": chosen})
            if spec.artifacts is not None:
                require_place(spec.artifacts, request.folder)
            yield StudyRecord.create(request.folder, spec, url=request.url)


def _existing(request: Request, spec: StudySpec) -> StudyRecord:
    """Return the study that exists if it was asked the same; nothing is written."""
    record = StudyRecord.open(request.folder)
    spec = spec.model_copy(update=request.as_it_stands(record.spec))
    differences = record.spec.differences(spec)
    if differences:
        told = "; ".join(f"{key}: {old} there, {new} asked" for key, (old, new) in differences.items())
        asked_by = f", unset {VARIABLE}" if "storage" in differences and VARIABLE in os.environ else ""
        raise StudyError(
            f"a study of this name exists with another {', '.join(differences)} ({told})",
            where=request.folder,
            remedy=f"Choose another name with --study{asked_by}, or repeat the search as it was asked: "
            + as_started(record.spec.command),
        )
    require_trials(record, request.trials)
    return record


def require_trials(record: StudyRecord, trials: int | None) -> None:
    """Refuse to go on to fewer searched trials than a study has.

    Raises:
        StudyError: With how many it has.
    """
    there = sum(trial.role == "searched" for trial in record.trials)
    if trials is not None and trials < there:
        raise StudyError(
            "the study has more trials already, and none is taken away",
            where=record.folder,
            expected=f"--trials of {there} or more",
            found=trials,
            remedy="Leave --trials out, or choose another name with --study for a smaller search",
        )


def planned_trials(record: StudyRecord, asked: int | None, space: SearchSpace) -> int:
    """Return how many searched trials a study goes on to: as asked now, else the most that was asked."""
    return asked or max(space.budget.trials, record.space.budget.trials)
