"""Optuna's RDBStorage on PostgreSQL, made to outlive a server that is away and workers that die.

Everything is Optuna's: the tables, the heartbeats, the retry of a stale trial. What stands here is what
many machines do to a study in turns; `repeated` is how its calls outlive the server.
"""

import copy
import uuid
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning, UpdateFinishedTrialError
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mammobench.study.deaths import DEATHS, FAILURE_REASON, may_run_again, one_more_death
from mammobench.study.optuna_private import stale_trial_ids, trial_id_of
from mammobench.study.processes import name_of_process, was_killed
from mammobench.study.storage.heartbeat import Heartbeat
from mammobench.study.storage.patience import Patience, ServerAwayError
from mammobench.study.storage.repeated import ENTRY, RepeatedStorage
from mammobench.study.storage.shared import DESCRIPTION, DamagedTrial, SharedStorage

_CLAIM, _PROCESS = "mammobench:claim", "mammobench:process"
_NO_STUDY = 0  # PostgreSQL counts from 1


class PostgresStorage(RepeatedStorage, SharedStorage):
    """Optuna's storage of many machines.

    Args:
        record: Optuna's storage.
        patience: How long a server that is away is waited for, and who is told.
        place: The folder that this process works in.
    """

    def __init__(self, record: RDBStorage, patience: Patience, place: Path) -> None:
        super().__init__(record, patience)
        self._place = place

    def create_study(
        self, name: str, directions: Sequence[StudyDirection], description: Mapping[str, Any]
    ) -> int:
        """Make a study while no other machine makes one; see `storage.create_study`."""

        def once(tries: int) -> int:
            with self.alone(_NO_STUDY):
                try:
                    study_id: int = self.create_new_study(directions, name)
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
            with self.alone(study_id):
                entered = self.find(study_id, ENTRY, token) if tries else None
                if entered is not None:
                    # another worker may have given it up while the lock was lost
                    return entered if entered.state == TrialState.RUNNING else None
                template = propose()
                if template is None:
                    return None
                template.state = TrialState.RUNNING
                template.system_attrs |= {ENTRY: token, _PROCESS: name_of_process(self._place)}
                with self.as_one():
                    # past the cache, which would keep what is not committed
                    trial_id = self._record.create_new_trial(study_id, template)
                    # one that ran without a heartbeat would never be missed
                    self._record.record_heartbeat(trial_id)
                return self.get_trial(trial_id)

        return self._patience.wait(once)

    def claim_waiting(self, study_id: int) -> int | None:
        """Start the first waiting trial and return its id; None where none waits."""
        token = uuid.uuid4().hex

        def once(tries: int) -> int | None:
            if not tries and not self._waiting(study_id):
                return None
            with self.alone(study_id):
                claimed = self.find(study_id, _CLAIM, token) if tries else None
                if claimed is not None and claimed.state == TrialState.RUNNING:
                    return trial_id_of(claimed)
                for trial in self._waiting(study_id):
                    trial_id = trial_id_of(trial)
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
        self.end(trial_id, state, values, attributes)

    def heartbeat(self, trial_id: int) -> Heartbeat:
        """Return the signs of life of a running trial; one that the server misses is not repeated."""

        def beat() -> None:
            with suppress(ServerAwayError):
                self._record.record_heartbeat(trial_id)

        return Heartbeat(beat, seconds=self._record.get_heartbeat_interval() or 1)

    def fail_stale(self, study_id: int) -> None:
        """Fail the trials whose worker died and queue each again; see `storage.fail_stale`."""
        judged = self._settled() and bool(self._stale(study_id))
        if not judged and not self._orphaned(study_id) and not self._unqueued(study_id):
            return

        def once(_: int) -> None:
            with self.alone(study_id), warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)
                for trial in self._orphaned(study_id):
                    self.set_trial_state_values(trial_id_of(trial), TrialState.WAITING)
                for trial_id in self._stale(study_id) if judged else ():
                    # its worker may have ended it after all
                    with suppress(UpdateFinishedTrialError):
                        self.set_trial_state_values(trial_id, TrialState.FAIL)
                study = optuna.load_study(study_name=self.get_study_name_from_id(study_id), storage=self)
                queue = RetryHeartbeatStaleTrialCallback(inherit_intermediate_values=True)
                # also those of a machine that died after it had failed them
                for trial in self._unqueued(study_id):
                    again = copy.deepcopy(trial)
                    again.user_attrs[DEATHS] = list(one_more_death(trial))
                    queue(study, again)

        self._patience.wait(once)

    def being_run(self, study_id: int) -> int:
        """Return how many trials of a study have a worker that lives, or may live."""
        trials = self.get_all_trials(study_id, deepcopy=False, states=(TrialState.RUNNING,))
        running = {trial_id_of(trial) for trial in trials}
        if running and self._settled():
            running -= self._stale(study_id)
        return len(running)

    def delete_unless_run(self, study_id: int) -> bool:
        """Delete a study unless a worker runs one of its trials; no other machine enters one meanwhile.

        Returns:
            Whether it is gone.
        """

        def once(_: int) -> bool:
            with self.alone(study_id):
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

    def _stale(self, study_id: int) -> set[int]:
        return set(self.call(lambda _: stale_trial_ids(self._record, study_id)))

    def _orphaned(self, study_id: int) -> list[FrozenTrial]:
        """Return running trials of processes that were killed where this one runs now."""
        trials = self.get_all_trials(study_id, deepcopy=False, states=(TrialState.RUNNING,))
        return [trial for trial in trials if was_killed(trial.system_attrs.get(_PROCESS), self._place)]

    def _unqueued(self, study_id: int) -> list[FrozenTrial]:
        """Return trials that lost their worker, may run again, and have not been queued for it.

        None where a trial is damaged: it may be the one that was queued.
        """
        trials = self.get_all_trials(study_id, deepcopy=False)
        if any(isinstance(trial, DamagedTrial) for trial in trials):
            return []
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

    def _start(self, trial_id: int) -> bool:
        self._record.record_heartbeat(trial_id)
        return self.set_trial_state_values(trial_id, TrialState.RUNNING)
