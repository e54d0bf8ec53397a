"""Optuna's RDBStorage on PostgreSQL, made to outlive a server that is away and workers that die.

Everything is Optuna's: the tables, the heartbeats, the retry of a stale trial. What stands here is how to
reach it (a connection that notices a dead peer, a clock in UTC, waiting) and what makes a call safe to
repeat when the answer to its commit was lost:

* attributes, parameters and intermediate values are written over, with the same value;
* a new trial or study carries a token or a name by which the repetition finds it;
* a trial that is already finished the way it was to be finished counts as finished by this call. Another
  worker can only have done the same, since a trial's result follows from its configuration and seed;
* a heartbeat is not repeated: the next one comes in any case.
"""

import copy
import threading
import uuid
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import optuna
import sqlalchemy
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning, UpdateFinishedTrialError
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback, _CachedStorage, fail_stale_trials
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mammobench.study.deaths import DEATHS, FAILURE_REASON, may_run_again, one_more_death
from mammobench.study.processes import name_of_process, was_killed
from mammobench.study.storage.patience import Answer, Patience, ServerAwayError
from mammobench.study.storage.postgres_record import BulkRecord
from mammobench.study.storage.shared import DESCRIPTION, SharedStorage

_ENTRY, _CLAIM, _PROCESS = "mammobench:entry", "mammobench:claim", "mammobench:process"
_LOCK_CLASS = 0x6D616D6D  # "mamm": our advisory locks among those of other programs in the database
_NO_STUDY = 0  # PostgreSQL counts from 1


class PostgresStorage(_CachedStorage, SharedStorage):
    """Optuna's storage of many machines, with its cache of finished trials.

    Args:
        record: Optuna's storage.
        patience: How long a server that is away is waited for, and who is told.
        place: The folder that this process works in.
    """

    def __init__(self, record: BulkRecord, patience: Patience, place: Path) -> None:
        self._turn, self._place = _Turn(), place
        self._record, self._patience = record, patience
        weakref.finalize(self, record.engine.dispose)
        self._repeated = _Repeated(record, patience, self._turn)
        super().__init__(cast("RDBStorage", self._repeated))

    def create_study(
        self, name: str, directions: Sequence[StudyDirection], description: Mapping[str, Any]
    ) -> int:
        """Make a study while no other machine makes one; see `storage.create_study`."""

        def once(tries: int) -> int:
            with self._alone(_NO_STUDY):
                try:
                    study_id = self.create_new_study(directions, name)
                except DuplicatedStudyError:
                    study_id = self.get_study_id_from_name(name)
                    known = self.get_study_user_attrs(study_id).get(DESCRIPTION)
                    if tries and known == description:
                        # the answer to our own writing was lost
                        return study_id
                    if known is not None or self.get_all_trials(study_id, deepcopy=False):
                        raise
                self.set_study_user_attr(study_id, DESCRIPTION, dict(description))
                return study_id

        return self._patience.wait(once)

    def enter(self, study_id: int, propose: Callable[[], FrozenTrial | None]) -> FrozenTrial | None:
        """Let `propose` make a trial while no other machine does, and start it; see `storage.enter_trial`."""
        token = uuid.uuid4().hex

        def once(tries: int) -> FrozenTrial | None:
            with self._alone(study_id):
                entered = self._find(study_id, _ENTRY, token) if tries else None
                if entered is not None:
                    # another worker may have given it up while the lock was lost
                    return entered if entered.state == TrialState.RUNNING else None
                template = propose()
                if template is None:
                    return None
                template.state = TrialState.RUNNING
                template.system_attrs |= {_ENTRY: token, _PROCESS: name_of_process(self._place)}
                return self._repeated._create_new_trial(study_id, template)  # noqa: SLF001 - the cache's way

        return self._patience.wait(once)

    def claim_waiting(self, study_id: int) -> int | None:
        """Start the first waiting trial and return its id; None where none waits."""
        token = uuid.uuid4().hex

        def once(tries: int) -> int | None:
            if not tries and not self._waiting(study_id):
                return None
            with self._alone(study_id):
                claimed = self._find(study_id, _CLAIM, token) if tries else None
                if claimed is not None and claimed.state == TrialState.RUNNING:
                    return claimed._trial_id  # noqa: SLF001 - Optuna's storages name trials by it
                for trial in self._waiting(study_id):
                    trial_id: int = trial._trial_id  # noqa: SLF001 - the same
                    self.set_trial_system_attr(trial_id, _CLAIM, token)
                    # before it runs, so that nobody takes it for the one of whoever ran it before
                    self.set_trial_system_attr(trial_id, _PROCESS, name_of_process(self._place))
                    if self._start(trial_id):
                        return trial_id
                return None

        return self._patience.wait(once)

    def close_trial(
        self,
        trial_id: int,
        state: TrialState,
        values: Sequence[float] | None,
        attributes: Mapping[str, Any],
    ) -> None:
        """End a running trial; see `storage.close_trial`."""
        self._repeated.close_trial(trial_id, state, values, attributes)

    def fail_stale(self, study_id: int) -> None:
        """Fail the trials whose worker died and queue each again; see `storage.fail_stale`."""
        judged = self._settled() and bool(self._get_stale_trial_ids(study_id))
        if not judged and not self._orphaned(study_id) and not self._unqueued(study_id):
            return

        def once(_: int) -> None:
            with self._alone(study_id), warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)
                study = optuna.load_study(study_name=self.get_study_name_from_id(study_id), storage=self)
                for trial in self._orphaned(study_id):
                    self.set_trial_state_values(trial._trial_id, TrialState.WAITING)  # noqa: SLF001 - Optuna's storages name trials by it
                if judged:
                    fail_stale_trials(study)
                # whoever failed them may have died before it queued them again
                for trial in self._unqueued(study_id):
                    retry_callback()(study, copy.deepcopy(trial))

        self._patience.wait(once)

    def being_run(self, study_id: int) -> int:
        """Return how many trials of a study have a worker that lives, or may live."""
        trials = self.get_all_trials(study_id, deepcopy=False, states=(TrialState.RUNNING,))
        running = {trial._trial_id for trial in trials}  # noqa: SLF001 - Optuna's storages name trials by it
        if running and self._settled():
            running -= set(self._get_stale_trial_ids(study_id))
        return len(running)

    def delete_unless_run(self, study_id: int) -> bool:
        """Delete a study unless a worker runs one of its trials; no other machine enters one meanwhile.

        Returns:
            Whether it is gone.
        """

        def once(_: int) -> bool:
            with self._alone(study_id):
                try:
                    if self.being_run(study_id):
                        return False
                    self.delete_study(study_id)
                except KeyError:
                    # another call has deleted it, or this one, whose answer was lost
                    return True
            return True

        return self._patience.wait(once)

    def _settled(self) -> bool:
        """Whether heartbeats can be judged: after an outage they are all old until their workers are back."""
        grace = float(self._record.grace_period or 0)
        if self._patience.quiet_seconds < grace:
            return False
        age = sqlalchemy.func.now() - sqlalchemy.func.pg_postmaster_start_time()

        def uptime(_: int) -> float:
            with self._record.engine.connect() as connection:
                return float(
                    connection.execute(sqlalchemy.select(sqlalchemy.extract("epoch", age))).scalar_one()
                )

        return self._patience.wait(uptime) >= grace

    def _orphaned(self, study_id: int) -> list[FrozenTrial]:
        """Return running trials of processes that were killed where this one runs now."""
        trials = self.get_all_trials(study_id, deepcopy=False, states=(TrialState.RUNNING,))
        return [trial for trial in trials if was_killed(trial.system_attrs.get(_PROCESS), self._place)]

    def _unqueued(self, study_id: int) -> list[FrozenTrial]:
        """Return trials that lost their worker, may run again, and have not been queued for it."""
        trials = self.get_all_trials(study_id, deepcopy=False)
        queued = {number for trial in trials for number in trial.system_attrs.get("retry_history", ())}
        return [
            trial
            for trial in trials
            if trial.state == TrialState.FAIL
            and FAILURE_REASON not in trial.user_attrs
            and trial.number not in queued
            and may_run_again(one_more_death(trial))
        ]

    def _waiting(self, study_id: int) -> list[FrozenTrial]:
        return self.get_all_trials(study_id, deepcopy=False, states=(TrialState.WAITING,))

    def _find(self, study_id: int, key: str, token: str) -> FrozenTrial | None:
        trials = self.get_all_trials(study_id, deepcopy=False)
        return next((trial for trial in trials if trial.system_attrs.get(key) == token), None)

    def _start(self, trial_id: int) -> bool:
        self._record.record_heartbeat(trial_id)
        return self.set_trial_state_values(trial_id, TrialState.RUNNING)

    @contextmanager
    def _alone(self, study_id: int) -> Iterator[None]:
        """Hold the study's advisory lock, and write over the very connection that holds it.

        The lock is the connection's: PostgreSQL frees it when that ends, however it ends. Since all this
        thread reads and writes goes over it too, nothing can be written after the lock has been lost:
        `ServerAwayError` ends the block, and the caller begins it again.
        """
        if self._turn.taken:
            yield
            return
        sessions, name = self._record.scoped_session, (_LOCK_CLASS, study_id)
        with self._record.engine.connect() as connection:
            # waits for the other machines' turns; a commit leaves a session's lock alone
            connection.execute(sqlalchemy.select(sqlalchemy.func.pg_advisory_lock(*name)))
            connection.commit()
            sessions.remove()
            sessions(bind=connection)
            self._turn.taken, self._turn.lost = True, False
            try:
                yield
                sessions.remove()
                # a lock that was lost after the last write has done its work
                with suppress(ServerAwayError):
                    connection.execute(sqlalchemy.select(sqlalchemy.func.pg_advisory_unlock(*name)))
                    connection.commit()
            except BaseException:
                connection.invalidate()
                raise
            finally:
                self._turn.taken = False
                sessions.remove()


class _Turn(threading.local):
    """Whether this thread holds a study's lock, and whether it has been lost meanwhile."""

    taken = False
    lost = False


class _Repeated:
    """An RDBStorage whose every call is repeated while the server is away."""

    def __init__(self, record: BulkRecord, patience: Patience, turn: _Turn) -> None:
        self._record, self._patience, self._turn = record, patience, turn

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        method: Callable[..., Any] = getattr(self._record, name)

        def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any storage method
            return self._call(lambda _: method(*args, **kwargs))

        return call

    def _call(self, call: Callable[[int], Answer]) -> Answer:
        if not self._turn.taken:
            return self._patience.wait(call)
        if self._turn.lost:
            raise ServerAwayError("the study's lock was lost with its connection")
        try:
            return call(0)
        except ServerAwayError:
            self._turn.lost = True
            raise

    def record_heartbeat(self, trial_id: int) -> None:
        with suppress(ServerAwayError):
            self._record.record_heartbeat(trial_id)

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        name = study_name or f"no-name-{uuid.uuid4()}"

        def once(tries: int) -> int:
            try:
                return self._record.create_new_study(directions, name)
            except DuplicatedStudyError:
                if not tries:
                    raise
                return self._record.get_study_id_from_name(name)

        return self._call(once)

    def _create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> FrozenTrial:
        template = copy.deepcopy(template_trial) or optuna.create_trial(state=TrialState.RUNNING)
        if not self._turn.taken:
            # in a turn the caller has set it, since there the whole turn is repeated
            template.system_attrs[_ENTRY] = uuid.uuid4().hex
        token = template.system_attrs.get(_ENTRY)

        def once(tries: int) -> FrozenTrial:
            trials = self._record.get_all_trials(study_id, deepcopy=False) if tries else []
            entered = next((trial for trial in trials if trial.system_attrs.get(_ENTRY) == token), None)
            return entered or self._record._create_new_trial(study_id, template)  # noqa: SLF001 - the cache's way

        return self._call(once)

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        return self.close_trial(trial_id, state, values, {})

    def close_trial(
        self,
        trial_id: int,
        state: TrialState,
        values: Sequence[float] | None,
        attributes: Mapping[str, Any],
    ) -> bool:
        def once(tries: int) -> bool:
            try:
                return self._record.close_trial(trial_id, state, values, attributes)
            except UpdateFinishedTrialError:
                if not tries:
                    raise
                stored = self._record.get_trial(trial_id)
                if stored.state != state or stored.values != (None if values is None else list(values)):
                    raise
                return True

        return self._call(once)


class _Retry(RetryHeartbeatStaleTrialCallback):
    """Optuna's retry of a stale trial that gets on, safe to call again for one that is queued already."""

    def __call__(self, study: optuna.Study, trial: FrozenTrial) -> None:
        trials = study.get_trials(deepcopy=False)
        queued = any(trial.number in other.system_attrs.get("retry_history", ()) for other in trials)
        deaths = one_more_death(trial)
        if not queued and may_run_again(deaths):
            trial.user_attrs[DEATHS] = list(deaths)
            super().__call__(study, trial)


def retry_callback() -> RetryHeartbeatStaleTrialCallback:
    """Return what queues a stale trial again: params, attributes and intermediate values go with it.

    It takes a copy of the trial, which it changes.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return _Retry(inherit_intermediate_values=True)
