"""Optuna's RDBStorage with every call repeated while the server is away.

What makes a call safe to repeat when the answer to its commit was lost:

* attributes, parameters and intermediate values are written over, with the same value;
* a new trial or study carries a token or a name by which the repetition finds it;
* a trial that is already finished the way it was to be finished counts as finished by this call. Another
  worker can only have done the same, since a trial's result follows from its configuration and seed;
* a heartbeat is not repeated: the next one comes in any case.
"""

import copy
import threading
import uuid
import weakref
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

import optuna
import sqlalchemy
from optuna.exceptions import DuplicatedStudyError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mammobench.core.errors import StudyError
from mammobench.study.optuna_private import trial_id_of
from mammobench.study.storage.damaged import UNREADABLE, damaged_trial, trial_ids
from mammobench.study.storage.patience import Answer, Patience, ServerAwayError

ENTRY = "mammobench:entry"
"""The system attribute of a trial with the token of the call that entered it."""

_LOCK_CLASS = 0x6D616D6D  # "mamm": our advisory locks among those of other programs in the database


def _repeated(name: str) -> Callable[..., Any]:
    def method(self: "RepeatedStorage", *args: object, **kwargs: object) -> object:
        return self.call(lambda _: getattr(self._cached, name)(*args, **kwargs))

    return method


class RepeatedStorage(BaseStorage):
    """Optuna's storage with its own cache of finished trials, which outlives a server that is away.

    Args:
        record: The storage.
        patience: How long a server that is away is waited for, and who is told.
    """

    def __init__(self, record: RDBStorage, patience: Patience) -> None:
        self._record, self._patience, self._turn = record, patience, _Turn()
        self._cached = optuna.storages.get_storage(record)
        weakref.finalize(self, record.engine.dispose)

    delete_study = _repeated("delete_study")
    set_study_user_attr = _repeated("set_study_user_attr")
    set_study_system_attr = _repeated("set_study_system_attr")
    get_study_id_from_name = _repeated("get_study_id_from_name")
    get_study_name_from_id = _repeated("get_study_name_from_id")
    get_study_directions = _repeated("get_study_directions")
    get_study_system_attrs = _repeated("get_study_system_attrs")
    get_all_studies = _repeated("get_all_studies")
    get_trial_id_from_study_id_trial_number = _repeated("get_trial_id_from_study_id_trial_number")
    get_best_trial = _repeated("get_best_trial")
    set_trial_param = _repeated("set_trial_param")
    set_trial_intermediate_value = _repeated("set_trial_intermediate_value")
    set_trial_user_attr = _repeated("set_trial_user_attr")
    set_trial_system_attr = _repeated("set_trial_system_attr")
    remove_session = _repeated("remove_session")

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        """Make a study and return its id."""
        name = study_name or f"no-name-{uuid.uuid4()}"

        def once(tries: int) -> int:
            try:
                return self._cached.create_new_study(directions, name)
            except DuplicatedStudyError:
                if not tries:
                    raise
                return self._cached.get_study_id_from_name(name)

        return self.call(once)

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Enter a trial and return its id."""
        template = copy.deepcopy(template_trial) or optuna.create_trial(state=TrialState.RUNNING)
        # another of the template's, where it was entered before
        token = template.system_attrs[ENTRY] = uuid.uuid4().hex

        def once(tries: int) -> int:
            entered = self.find(study_id, ENTRY, token) if tries else None
            if entered is not None:
                return trial_id_of(entered)
            return self._cached.create_new_trial(study_id, template)

        return self.call(once)

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """Change a trial's state; see `RDBStorage`."""
        return self.end(trial_id, state, values, {})

    def end(
        self,
        trial_id: int,
        state: TrialState,
        values: Sequence[float] | None,
        attributes: Mapping[str, Any],
    ) -> bool:
        """Write a trial's last user attributes with its state; see `set_trial_state_values`."""

        def once(tries: int) -> bool:
            try:
                with self.as_one() if attributes else nullcontext():
                    for key, value in attributes.items():
                        self._record.set_trial_user_attr(trial_id, key, value)
                    return self._record.set_trial_state_values(trial_id, state, values)
            except UpdateFinishedTrialError:
                if not tries:
                    raise
                stored = self._record.get_trial(trial_id)
                if stored.state != state or stored.values != (None if values is None else list(values)):
                    raise
                return True

        return self.call(once)

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Return a trial as it stands; a `DamagedTrial` where its rows are damaged.

        Raises:
            KeyError: Where there is none of the id.
        """
        return self.call(lambda _: self._read(trial_id))

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials of a study in the order of their numbers; see `get_trial`.

        Raises:
            KeyError: Where there is no such study.
        """

        def once(_: int) -> list[FrozenTrial]:
            try:
                return self._cached.get_all_trials(study_id, deepcopy, states)
            except UNREADABLE:
                # a KeyError for one that is not there
                self._record.get_study_directions(study_id)
                with self._record.scoped_session() as session:
                    numbers = trial_ids(session, study_id)
                trials = [self._read(trial_id) for trial_id in numbers]
                found = [trial for trial in trials if states is None or trial.state in states]
                return copy.deepcopy(found) if deepcopy else found

        return self.call(once)

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """Return a study's user attributes.

        Raises:
            StudyError: Where one is no JSON.
        """
        try:
            return self.call(lambda _: self._cached.get_study_user_attrs(study_id))
        except (TypeError, ValueError, RecursionError) as error:
            raise StudyError(
                f"damaged study description ({error})",
                where=f"study {study_id} of the database",
                remedy="Restore the database from a copy",
            ) from None

    def find(self, study_id: int, key: str, value: str) -> FrozenTrial | None:
        """Return the first trial with a system attribute of a value."""
        trials = self.get_all_trials(study_id, deepcopy=False)
        return next((trial for trial in trials if trial.system_attrs.get(key) == value), None)

    def call(self, call: Callable[[int], Answer]) -> Answer:
        """Return what a call answers, repeated while the server is away; in a turn, the turn is repeated."""
        if self._turn.connection is None:
            return self._patience.wait(call)
        if self._turn.lost:
            raise ServerAwayError("the study's lock was lost with its connection")
        try:
            return call(0)
        except ServerAwayError:
            self._turn.lost = True
            raise

    @contextmanager
    def alone(self, study_id: int) -> Iterator[None]:
        """Hold the study's advisory lock, and write over the very connection that holds it.

        The lock is the connection's: PostgreSQL frees it when that ends, however it ends. Since all this
        thread reads and writes goes over it too, nothing can be written after the lock has been lost:
        `ServerAwayError` ends the block, and the caller begins it again.
        """
        if self._turn.connection is not None:
            yield
            return
        name = _LOCK_CLASS, study_id
        with self._bound() as connection:
            # waits for the other machines' turns; a commit leaves a session's lock alone
            connection.execute(sqlalchemy.select(sqlalchemy.func.pg_advisory_lock(*name)))
            connection.commit()
            self._turn.connection, self._turn.lost = connection, False
            try:
                yield
                # a lock that was lost after the last write has done its work
                with suppress(ServerAwayError):
                    connection.execute(sqlalchemy.select(sqlalchemy.func.pg_advisory_unlock(*name)))
                    connection.commit()
            except BaseException:
                connection.invalidate()
                raise
            finally:
                self._turn.connection = None

    @contextmanager
    def as_one(self) -> Iterator[None]:
        """Have all that this thread writes in the block committed at its end, or nothing of it."""
        if self._turn.connection is not None:
            with self._turn.connection.begin():
                yield
            return
        # SQLAlchemy's sessions join the transaction of the connection that they are bound to
        with self._bound() as connection, connection.begin():
            yield

    @contextmanager
    def _bound(self) -> Iterator[sqlalchemy.Connection]:
        """Have this thread read and write over one connection."""
        sessions = self._record.scoped_session
        with self._record.engine.connect() as connection:
            sessions.remove()
            sessions(bind=connection)
            try:
                yield connection
            finally:
                sessions.remove()

    def _read(self, trial_id: int) -> FrozenTrial:
        try:
            return self._cached.get_trial(trial_id)
        except UNREADABLE as error:
            with self._record.scoped_session() as session:
                damaged = damaged_trial(session, trial_id, error)
            if damaged is None:
                raise
            return damaged


class _Turn(threading.local):
    """The connection with which this thread holds a study's lock, and whether it has been lost meanwhile."""

    connection: sqlalchemy.Connection | None = None
    lost = False
