"""The record on a journal and on a real PostgreSQL server, with many machines on it."""

import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from mammobench.study.storage.access import (
    claim_waiting,
    close_trial,
    enter_trial,
    fail_stale,
    heartbeat,
    open_storage,
    still_ours,
)
from tests.recorded import entered, new_study, on_postgres, proposed, states


@pytest.fixture(params=["journal", pytest.param("postgres", marks=on_postgres)])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> BaseStorage:
    if request.param == "journal":
        return open_storage(tmp_path, None)
    opened: Callable[[], BaseStorage] = request.getfixturevalue("connect")
    return opened()


def test_a_trial_is_entered_reported_and_closed(storage: BaseStorage) -> None:
    study_id = new_study(storage)
    assert enter_trial(storage, study_id, lambda: None) is None
    trial_id = entered(storage, study_id)
    with heartbeat(storage, trial_id):
        assert still_ours(lambda: storage.set_trial_intermediate_value(trial_id, 1, 0.25))
    assert claim_waiting(storage, study_id) is None
    assert close_trial(storage, trial_id, TrialState.COMPLETE, [0.75], attributes={"weights": 3})
    fail_stale(storage, study_id)
    (trial,) = storage.get_all_trials(study_id)
    assert (trial.state, trial.values, trial.params) == (TrialState.COMPLETE, [0.75], {"x": 0.5})
    assert (trial.user_attrs, trial.intermediate_values) == ({"seed": 7, "weights": 3}, {1: 0.25})


def test_what_is_told_of_a_trial_that_was_given_up_is_refused(storage: BaseStorage) -> None:
    study_id = new_study(storage)
    trial_id = entered(storage, study_id)
    storage.set_trial_state_values(trial_id, TrialState.FAIL)
    assert not still_ours(lambda: storage.set_trial_intermediate_value(trial_id, 1, 0.25))
    assert not close_trial(storage, trial_id, TrialState.COMPLETE, [0.75], attributes={"weights": 3})
    assert states(storage, study_id) == [TrialState.FAIL]


@on_postgres
def test_the_database_holds_what_optuna_itself_would_read(
    connect: Callable[[], BaseStorage], url: str
) -> None:
    storage, started = connect(), proposed()
    study_id = new_study(storage)
    started.params |= {"c": "b", "n": 3}
    started.distributions |= {"c": CategoricalDistribution(["a", "b"]), "n": IntDistribution(1, 9, step=2)}
    started.system_attrs["noted"] = [1, None]
    first = enter_trial(storage, study_id, lambda: started)
    assert first is not None
    trial_id = first._trial_id
    for step, value in ((2, math.nan), (1, -math.inf), (3, 0.25)):
        storage.set_trial_intermediate_value(trial_id, step, value)
    entered(storage, study_id)
    assert close_trial(storage, trial_id, TrialState.COMPLETE, [math.inf], attributes={"weights": {"a": 3}})
    plain = optuna.storages.RDBStorage(url.replace("postgresql:", "postgresql+psycopg:"))
    ours, optunas = connect().get_all_trials(study_id), plain.get_all_trials(study_id)
    plain.remove_session()
    plain.engine.dispose()
    assert [repr(trial) for trial in ours] == [repr(trial) for trial in optunas]
    assert ours[0].user_attrs == {"seed": 7, "weights": {"a": 3}}
    assert ours[0].values == [math.inf]
    with pytest.raises(KeyError):
        storage.get_all_trials(study_id + 1)


@on_postgres
def test_proposers_on_many_connections_come_one_at_a_time(connect: Callable[[], BaseStorage]) -> None:
    machines = [connect() for _ in range(4)]
    study_id = new_study(machines[0])
    inside, numbers = [0], []

    def search(storage: BaseStorage) -> None:
        def propose() -> FrozenTrial:
            inside[0] += 1
            assert inside[0] == 1
            numbers.append(len(storage.get_all_trials(study_id, deepcopy=False)))
            time.sleep(0.01)
            inside[0] -= 1
            return proposed()

        for _ in range(5):
            assert enter_trial(storage, study_id, propose) is not None

    threads = [threading.Thread(target=search, args=(machine,)) for machine in machines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers == list(range(20))


HOLDS_THE_LOCK = """
import sys, time
from pathlib import Path
from mammobench.study.storage.access import enter_trial, open_storage
storage = open_storage(Path(), sys.argv[1])
def propose():
    print("inside", flush=True)
    time.sleep(60)
enter_trial(storage, int(sys.argv[2]), propose)
"""


@on_postgres
def test_the_lock_of_a_proposer_that_was_killed_is_free(connect: Callable[[], BaseStorage], url: str) -> None:
    storage = connect()
    study_id = new_study(storage)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS_THE_LOCK, url, str(study_id)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "inside\n"
        other.kill()
    assert states(storage, study_id) == []
    entered(storage, study_id)


@on_postgres
def test_a_proposal_that_fails_frees_the_lock(connect: Callable[[], BaseStorage]) -> None:
    storage, other = connect(), connect()
    study_id = new_study(storage)
    with pytest.raises(ZeroDivisionError):
        enter_trial(storage, study_id, lambda: [proposed()][1 // 0])
    entered(other, study_id)
    entered(storage, study_id)


def stale(storage: BaseStorage, study_id: int, count: int) -> None:
    """Judge until `count` trials are in the record, for at most thirty seconds."""
    deadline = time.monotonic() + 30
    while len(storage.get_all_trials(study_id)) < count and time.monotonic() < deadline:
        fail_stale(storage, study_id)
        time.sleep(0.1)


@on_postgres
def test_a_dead_workers_trial_runs_again_with_all_that_is_known_of_it(
    connect: Callable[[], BaseStorage],
) -> None:
    storage = connect()
    study_id = new_study(storage)
    first, alive = entered(storage, study_id), entered(storage, study_id)
    storage.set_trial_intermediate_value(first, 1, 0.25)
    storage.set_trial_system_attr(first, "artifacts:1", "a file")
    with heartbeat(storage, alive):
        stale(storage, study_id, 3)
        second = claim_waiting(storage, study_id)
        assert second is not None
        trial = storage.get_trial(second)
        assert (trial.params, trial.user_attrs) == ({"x": 0.5}, {"seed": 7, "deaths": [1]})
        assert trial.intermediate_values == {1: 0.25}
        assert trial.system_attrs["artifacts:1"] == "a file"
        assert (trial.system_attrs["failed_trial"], trial.system_attrs["retry_history"]) == (0, [0])
        assert not close_trial(storage, first, TrialState.COMPLETE, [0.5])
        assert close_trial(storage, second, TrialState.COMPLETE, [0.5])
    assert states(storage, study_id) == [TrialState.FAIL, TrialState.RUNNING, TrialState.COMPLETE]


@on_postgres
def test_a_trial_that_was_failed_but_not_queued_again_is_queued(connect: Callable[[], BaseStorage]) -> None:
    storage = connect()
    study_id = new_study(storage)
    lost, crashed = entered(storage, study_id), entered(storage, study_id)
    storage.set_trial_state_values(lost, TrialState.FAIL)
    assert close_trial(storage, crashed, TrialState.FAIL, attributes={"reason": "out of memory"})
    fail_stale(storage, study_id)
    fail_stale(connect(), study_id)
    assert states(storage, study_id) == [TrialState.FAIL, TrialState.FAIL, TrialState.WAITING]
    assert storage.get_all_trials(study_id)[2].system_attrs["retry_history"] == [0]


@on_postgres
def test_a_waiting_trial_is_claimed_by_one_of_many(connect: Callable[[], BaseStorage]) -> None:
    machines = [connect() for _ in range(4)]
    study_id = new_study(machines[0])
    waiting = optuna.create_trial(state=TrialState.WAITING, user_attrs={"seed": 1})
    for _ in range(3):
        machines[0].create_new_trial(study_id, waiting)
    claimed: list[int | None] = []
    threads = [
        threading.Thread(target=lambda one=one: claimed.append(claim_waiting(one, study_id)))
        for one in machines
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert claimed.count(None) == 1
    assert len(set(claimed)) == 4


@on_postgres
def test_heartbeats_do_not_depend_on_a_machines_time_zone(
    connect: Callable[[], BaseStorage], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = connect()
    study_id = new_study(here)
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")
    there = connect()
    with heartbeat(here, entered(here, study_id)), heartbeat(there, entered(there, study_id)):
        time.sleep(1.5)
        for storage in (here, there):
            fail_stale(storage, study_id)
            assert states(storage, study_id) == [TrialState.RUNNING] * 2
