"""A PostgreSQL server that stops, restarts, loses answers or refuses."""

import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from optuna.distributions import FloatDistribution
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mammobench.core.errors import StudyError
from mammobench.study.storage import url as storage_url
from mammobench.study.storage.access import (
    claim_waiting,
    close_trial,
    enter_trial,
    fail_stale,
    heartbeat,
    open_storage,
)
from mammobench.study.storage.shared import DamagedTrial
from tests.postgres import CuttingProxy, PostgresServer, free_port
from tests.recorded import entered, new_study, on_postgres, proposed, states


@on_postgres
def test_a_server_that_was_stopped_and_started_again_is_waited_for(
    connect: Callable[[], BaseStorage], restarting: Callable[[float], None], told: list[str]
) -> None:
    storage, other = connect(), connect()
    study_id = new_study(storage)
    trial_id = entered(storage, study_id)
    assert len(other.get_all_trials(study_id)) == 1
    with heartbeat(storage, trial_id), heartbeat(other, entered(other, study_id)):
        restarting(2)
        storage.set_trial_intermediate_value(trial_id, 1, 0.5)
        # all hearts stood still while the server was away
        fail_stale(other, study_id)
        assert states(other, study_id) == [TrialState.RUNNING] * 2
        entered(other, study_id)
    assert storage.get_trial(trial_id).intermediate_values == {1: 0.5}
    assert len(told) in {2, 4}  # two machines share this list
    assert "the database server is away; waiting up to 30 s for it" in told[0]
    assert "the database server is back after" in told[-1]


@on_postgres
def test_a_restart_in_the_middle_of_a_proposal_repeats_the_proposal(
    connect: Callable[[], BaseStorage], restarting: Callable[[float], None]
) -> None:
    storage = connect()
    study_id = new_study(storage)
    seen: list[int] = []

    def propose() -> FrozenTrial:
        seen.append(len(storage.get_all_trials(study_id)))
        if len(seen) == 1:
            restarting(0.5)
        return proposed()

    assert enter_trial(storage, study_id, propose) is not None
    assert seen == [0, 0]
    assert states(storage, study_id) == [TrialState.RUNNING]


@on_postgres
@pytest.mark.usefixtures("restarting")
def test_a_server_that_stays_away_ends_the_search_with_what_to_do(
    server: PostgresServer, url: str, tmp_path: Path
) -> None:
    storage = open_storage(tmp_path, url, patience=1, tell=print)
    study_id = new_study(storage)
    server.stop()
    with pytest.raises(StudyError, match=r"stayed away for 1 s.*refused.* Start it and run the same"):
        storage.get_all_trials(study_id)


@on_postgres
class TestLostAnswers:
    """Every COMMIT of an operation in turn is carried out and its answer lost: nothing is doubled or lost."""

    @pytest.fixture
    def proxy(self, server: PostgresServer) -> Iterator[CuttingProxy]:
        proxy = CuttingProxy(server.port)
        yield proxy
        proxy.close()

    @pytest.fixture
    def storage(self, server: PostgresServer, proxy: CuttingProxy, tmp_path: Path) -> BaseStorage:
        url = server.new_database().replace(f":{server.port}/", f":{proxy.port}/")
        return open_storage(tmp_path, url, heartbeat_interval=1, grace_period=1, patience=20, tell=print)

    def cut_each(self, proxy: CuttingProxy, operation: Callable[[], None]) -> int:
        for number in range(1, 30):
            proxy.lose_answer_to_commit(number)
            operation()
            if not proxy.has_cut:
                proxy.lose_answer_to_commit(0)
                return number - 1
        raise AssertionError("no end of COMMITs")

    def test_of_creating_a_study(self, storage: BaseStorage, proxy: CuttingProxy) -> None:
        def operation() -> None:
            name = f"study {time.monotonic_ns()}"
            study_id = storage.create_new_study([StudyDirection.MAXIMIZE], name)
            assert storage.get_study_name_from_id(study_id) == name

        assert self.cut_each(proxy, operation) >= 2

    def test_of_creating_reporting_and_finishing_a_trial(
        self, storage: BaseStorage, proxy: CuttingProxy
    ) -> None:
        study_id, count = new_study(storage), 0

        def operation() -> None:
            nonlocal count
            trial_id = storage.create_new_trial(study_id)
            storage.set_trial_param(trial_id, "x", 0.5, FloatDistribution(0, 1))
            storage.set_trial_user_attr(trial_id, "seed", 1)
            storage.set_trial_intermediate_value(trial_id, 1, 0.5)
            assert close_trial(storage, trial_id, TrialState.COMPLETE, [0.5], attributes={"weights": 3})
            count += 1
            assert states(storage, study_id) == [TrialState.COMPLETE] * count
            assert storage.get_trial(trial_id).user_attrs == {"seed": 1, "weights": 3}

        assert self.cut_each(proxy, operation) >= 5

    def test_of_entering_a_trial(self, storage: BaseStorage, proxy: CuttingProxy) -> None:
        study_id, count = new_study(storage), 0

        def operation() -> None:
            nonlocal count
            trial_id = entered(storage, study_id)
            count += 1
            assert states(storage, study_id) == [TrialState.RUNNING] * count
            assert trial_id == storage.get_trial_id_from_study_id_trial_number(study_id, count - 1)

        assert self.cut_each(proxy, operation) >= 5

    def test_of_failing_and_claiming_a_stale_trial(self, storage: BaseStorage, proxy: CuttingProxy) -> None:
        study_id, count = new_study(storage), 0

        def operation() -> None:
            nonlocal count
            lost = storage.create_new_trial(study_id)
            storage.set_trial_state_values(lost, TrialState.FAIL)
            fail_stale(storage, study_id)
            claimed = claim_waiting(storage, study_id)
            assert claimed is not None
            assert close_trial(storage, claimed, TrialState.COMPLETE, [1.0])
            count += 1
            assert states(storage, study_id) == [TrialState.FAIL, TrialState.COMPLETE] * count

        assert self.cut_each(proxy, operation) >= 8


def test_a_server_that_is_not_there_is_named_at_once(tmp_path: Path) -> None:
    port = free_port()
    url = f"postgresql://u:hidden@127.0.0.1:{port}/db"
    with pytest.raises(StudyError, match=rf"127.0.0.1:{port}: cannot reach .*refused.*pg_isready") as caught:
        open_storage(tmp_path, url)
    shown = "".join(traceback.format_exception(caught.value))
    assert "cannot reach" in shown
    assert "hidden" not in shown


@on_postgres
def test_a_refused_login_and_a_missing_database_say_what_to_do(
    server: PostgresServer, tmp_path: Path
) -> None:
    url = server.url("nowhere")
    with pytest.raises(StudyError, match=r"no such database.*createdb -h 127.0.0.1 .* nowhere"):
        open_storage(tmp_path, url)
    with pytest.raises(StudyError, match=r"refuses the login of mammo.*PGPASSWORD") as caught:
        open_storage(tmp_path, url.replace("s3cret", "wr0ng"))
    assert "wr0ng" not in str(caught.value)
    with pytest.raises(StudyError, match="refuses the login"):
        open_storage(tmp_path, storage_url.redacted(url))


@on_postgres
def test_another_versions_database_and_missing_rights_say_so(
    server: PostgresServer, url: str, connect: Callable[[], BaseStorage], tmp_path: Path
) -> None:
    connect()
    server.psql("UPDATE alembic_version SET version_num = 'v9'", database=url.rpartition("/")[2])
    with pytest.raises(StudyError, match="another Optuna version"):
        connect()
    server.psql("CREATE ROLE guest LOGIN PASSWORD 'g'")
    server.psql("CREATE DATABASE empty")
    guest = f"postgresql://guest:g@127.0.0.1:{server.port}/empty"
    with pytest.raises(StudyError, match=r"may not make tables.*GRANT CREATE"):
        open_storage(tmp_path, guest)


@on_postgres
def test_a_damaged_trial_leaves_the_others_and_a_missing_one_is_missing(
    server: PostgresServer, url: str, connect: Callable[[], BaseStorage]
) -> None:
    storage = connect()
    study_id = new_study(storage)
    sound, damaged = entered(storage, study_id), entered(storage, study_id)
    server.psql(
        "UPDATE trial_params SET distribution_json = 'x' WHERE trial_id = 2", database=url.rpartition("/")[2]
    )
    first, second = connect().get_all_trials(study_id)
    assert (first, type(first)) == (storage.get_trial(sound), FrozenTrial)
    for rest in (second, storage.get_trial(damaged)):
        assert isinstance(rest, DamagedTrial)
        assert (rest.number, rest.state, rest.user_attrs) == (1, TrialState.RUNNING, {"seed": 7})
        assert "JSONDecodeError" in rest.damage
    assert storage.get_all_trials(study_id, states=(TrialState.COMPLETE,)) == []
    for missing in (lambda: storage.get_trial(damaged + 1), lambda: storage.get_all_trials(study_id + 1)):
        with pytest.raises(KeyError):
            missing()


@on_postgres
def test_nothing_is_queued_again_in_a_study_with_a_damaged_trial(
    server: PostgresServer, url: str, connect: Callable[[], BaseStorage]
) -> None:
    storage = connect()
    study_id = new_study(storage)
    lost, again = entered(storage, study_id), entered(storage, study_id)
    storage.set_trial_system_attr(again, "retry_history", [0])
    storage.set_trial_state_values(lost, TrialState.FAIL)
    server.psql(
        "UPDATE trial_system_attributes SET value_json = 'x' WHERE key = 'retry_history'",
        database=url.rpartition("/")[2],
    )
    deadline = time.monotonic() + 30
    while TrialState.RUNNING in states(connect(), study_id) and time.monotonic() < deadline:
        fail_stale(connect(), study_id)
        time.sleep(0.1)
    assert states(connect(), study_id) == [TrialState.FAIL, TrialState.FAIL]
