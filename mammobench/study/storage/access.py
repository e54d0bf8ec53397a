"""A study's record of trials, on one machine or many; everything in it is Optuna's.

One machine searches on a journal file in the study's folder. Many search on PostgreSQL through Optuna's
`RDBStorage`: workers come and go, a dead one's trial is failed and run again as long as it gets on, and a
server that is stopped and started again is waited for.

A trial on PostgreSQL goes: entered and started by `enter_trial` (or, when it runs again, by
`claim_waiting`), kept alive by `heartbeat`, ended by `close_trial`, all by one worker, which is told by a
False when another one has given it up for dead meanwhile.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mammobench.study.storage.heartbeat import Heartbeat
from mammobench.study.storage.journal import open_journal
from mammobench.study.storage.shared import DESCRIPTION, SharedStorage


def open_storage(
    folder: Path,
    url: str | None,
    *,
    heartbeat_interval: int = 10,
    grace_period: int = 60,
    patience: float = 600.0,
    tell: Callable[[str], None] = print,
) -> BaseStorage:
    """Open the storage of a study.

    Args:
        folder: The study's folder, which holds the journal.
        url: A PostgreSQL URL, or None for the journal.
        heartbeat_interval: Seconds between the signs of life of a running trial, at least 1.
        grace_period: Seconds without one after which a trial's worker counts as dead.
        patience: Seconds to wait for a server that goes away after this call.
        tell: Gets one line when the server goes and one when it is back.

    Raises:
        ConfigError: For a URL that is not PostgreSQL's, or without the driver.
        StudyError: When the server cannot be reached, or its database not be used, for a reason it says.
    """
    if url is None:
        return open_journal(folder)
    # SQLAlchemy takes a second, and a study on a journal needs none of it
    from mammobench.study.storage.postgres_connection import open_postgres  # noqa: PLC0415

    return open_postgres(
        url, folder.resolve(), heartbeat_interval=heartbeat_interval, grace_period=grace_period,
        patience=patience, tell=tell,
    )  # fmt: skip


def create_study(
    storage: BaseStorage, name: str, directions: Sequence[StudyDirection], description: Mapping[str, Any]
) -> int:
    """Make a study whose record holds its description too, and return its id.

    In a database an advisory lock is held meanwhile, so that of several machines that make one study at
    once one does, and the others are told that there is one. What an interrupted creation left, a study
    without a description and without trials, is taken for the new one.

    Args:
        storage: From `open_storage`; a journal's folder is locked by the caller.
        name: Of the study.
        directions: Of its objectives.
        description: Its study.json.

    Raises:
        DuplicatedStudyError: When the database has a study of that name.
    """
    if isinstance(storage, SharedStorage):
        return storage.create_study(name, directions, description)
    study_id = storage.create_new_study(directions, name)
    storage.set_study_user_attr(study_id, DESCRIPTION, dict(description))
    return study_id


def enter_trial(
    storage: BaseStorage, study_id: int, propose: Callable[[], FrozenTrial | None]
) -> FrozenTrial | None:
    """Propose a trial while no other machine does, enter it as running, and return it as it was entered.

    On PostgreSQL an advisory lock is held from before `propose` is called until the trial runs, over the
    connection that all of it is read and written through. When that connection is lost, so is the lock:
    `propose` is then **called again** under a new one, unless its trial has got into the record. It must
    therefore read the record anew each time and have no effect but its answer. The trial is in the record
    exactly once in every case.

    Args:
        storage: From `open_storage`.
        study_id: The study.
        propose: Reads the record, asks the engine, and returns the trial to enter, or None for none.

    Returns:
        The trial, its state RUNNING; None when `propose` had none, or when another worker took the trial
        over in the moment in which the server restarted.
    """
    if isinstance(storage, SharedStorage):
        return storage.enter(study_id, propose)
    template = propose()
    if template is None:
        return None
    template.state = TrialState.RUNNING
    return storage.get_trial(storage.create_new_trial(study_id, template))


def claim_waiting(storage: BaseStorage, study_id: int) -> int | None:
    """Start the first waiting trial, such as one to be run again, for this worker alone.

    Returns:
        Its id, or None where none waits. On a journal nothing ever does.
    """
    return storage.claim_waiting(study_id) if isinstance(storage, SharedStorage) else None


def fail_stale(storage: BaseStorage, study_id: int) -> None:
    """Fail running trials whose heartbeat stopped, and queue each again, waiting, as `deaths` allows.

    As Optuna's `fail_stale_trials` does, with its retry callback, under the study's lock. The new trial has
    the old one's params, attributes (artifacts included) and intermediate values, and names it in the system
    attributes ``failed_trial`` and ``retry_history``; its deaths so far are counted with it. A trial that
    failed without the user attribute ``reason`` and was never queued, because a machine died in between, is
    queued now; none is in a study with a damaged trial, which may be the one that was queued. A trial whose
    process was killed on this very machine, in this folder, waits again at once and has not died: the machine
    lives, and so nothing that the trial did has ended it. Within a grace period of the server's start, or of
    its being away, nobody is judged: all heartbeats are old then.
    """
    if isinstance(storage, SharedStorage):
        storage.fail_stale(study_id)


def heartbeat(storage: BaseStorage, trial_id: int) -> Heartbeat:
    """Return the heartbeat of a running trial; that of one on a journal is never looked for."""
    return storage.heartbeat(trial_id) if isinstance(storage, SharedStorage) else Heartbeat(None)


def still_ours(write: Callable[[], object]) -> bool:
    """Do a write to a running trial and return whether the trial was still this worker's.

    It is not when another machine has given it up for dead: then it is failed in the record already, and
    what this worker has to say about it is no longer wanted.
    """
    try:
        write()
    except UpdateFinishedTrialError:
        return False
    return True


def close_trial(
    storage: BaseStorage,
    trial_id: int,
    state: TrialState,
    values: Sequence[float] | None = None,
    *,
    attributes: Mapping[str, Any] | None = None,
) -> bool:
    """End a running trial and return whether it was still ours; see `still_ours`.

    Args:
        storage: From `open_storage`.
        trial_id: The trial.
        state: COMPLETE, PRUNED or FAIL; a failed one needs the attribute ``reason``.
        values: Its objectives.
        attributes: User attributes, in the record no later than the state is.
    """

    def write() -> None:
        if isinstance(storage, SharedStorage):
            storage.close_trial(trial_id, state, values, attributes or {})
            return
        for key, value in (attributes or {}).items():
            storage.set_trial_user_attr(trial_id, key, value)
        storage.set_trial_state_values(trial_id, state, values)

    return still_ours(write)
