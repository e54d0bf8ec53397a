"""The record on a journal and on a real PostgreSQL server that stops, restarts and loses answers."""

import json
import math
import os
import shutil
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import psutil
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mammobench import storage_url
from mammobench.errors import ConfigError, StudyError
from mammobench.storage import (
    claim_waiting,
    close_trial,
    enter_trial,
    fail_stale,
    heartbeat,
    open_storage,
    still_ours,
)
from tests.postgres import PASSWORD, USER, CuttingProxy, PostgresServer, free_port, shared_server

on_postgres = pytest.mark.xdist_group("postgres")
NAME = "a study"


@pytest.fixture(scope="module")
def server() -> PostgresServer:
    return shared_server()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def url(server: PostgresServer) -> str:
    return server.new_database()


@pytest.fixture
def connect(url: str, told: list[str], tmp_path: Path) -> Callable[[], BaseStorage]:
    def open_one_more() -> BaseStorage:
        return open_storage(
            # a busy machine beats late; one beat of grace would give up a living trial
            tmp_path,
            url,
            heartbeat_interval=1,
            grace_period=3,
            patience=30,
            tell=told.append,
        )

    return open_one_more


def new_study(storage: BaseStorage) -> int:
    return storage.create_new_study([StudyDirection.MAXIMIZE], NAME)


def proposed(x: float = 0.5) -> FrozenTrial:
    return optuna.create_trial(
        state=TrialState.RUNNING,
        params={"x": x},
        distributions={"x": FloatDistribution(0, 1)},
        user_attrs={"seed": 7},
    )


def entered(storage: BaseStorage, study_id: int) -> int:
    trial = enter_trial(storage, study_id, proposed)
    assert trial is not None
    return trial._trial_id


def states(storage: BaseStorage, study_id: int) -> list[TrialState]:
    return [trial.state for trial in storage.get_all_trials(study_id)]


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


# the journal


def test_a_torn_line_of_the_journal_is_cut_off_before_the_next_is_written(tmp_path: Path) -> None:
    study_id = new_study(open_storage(tmp_path, None))
    journal = tmp_path / "study.journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code":4,"worker_id"' + b"x" * 70_000)
    storage = open_storage(tmp_path, None)
    assert journal.read_bytes() == whole
    entered(storage, study_id)
    assert states(open_storage(tmp_path, None), study_id) == [TrialState.RUNNING]


def test_a_journal_without_a_whole_line_is_empty(tmp_path: Path) -> None:
    (tmp_path / "study.journal").write_bytes(b'{"op_code"')
    assert open_storage(tmp_path, None).get_all_studies() == []


FILLS_THE_DISK = """
import resource, signal, sys
from pathlib import Path
from mammobench.errors import StudyError
from mammobench.storage import open_storage
storage = open_storage(Path(sys.argv[1]), None)
study_id = storage.get_study_id_from_name(sys.argv[2])
trial_id = storage.create_new_trial(study_id)
try:
    for number in range(10_000):
        storage.set_trial_user_attr(trial_id, "filler", "x" * 1000)
except StudyError as error:
    sys.exit(f"{number} {error}")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")
def test_a_full_disk_leaves_a_journal_that_opens_again(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no tmpfs may be mounted here")
    try:
        study_id = new_study(open_storage(disk, None))
        script = [sys.executable, "-c", FILLS_THE_DISK, str(disk), NAME]
        done = subprocess.run(script, capture_output=True, text=True, check=False)
        written, message = done.stderr.split(" ", 1)
        assert int(written) > 10
        assert "study.journal: the disk is full" in message
        assert "Free some space" in message
        assert (disk / "study.journal").read_bytes().endswith(b"\n")
        assert states(open_storage(disk, None), study_id) == [TrialState.RUNNING]
    finally:
        subprocess.run([str(shutil.which("umount")), str(disk)], check=True)


# many machines


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
from mammobench.storage import enter_trial, open_storage
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
def test_a_dead_workers_trial_runs_again_once_with_all_that_is_known_of_it(
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
        assert (trial.params, trial.user_attrs) == ({"x": 0.5}, {"seed": 7})
        assert trial.intermediate_values == {1: 0.25}
        assert trial.system_attrs["artifacts:1"] == "a file"
        assert (trial.system_attrs["failed_trial"], trial.system_attrs["retry_history"]) == (0, [0])
        assert not close_trial(storage, first, TrialState.COMPLETE, [0.5])
        deadline = time.monotonic() + 30
        while storage.get_trial(second).state == TrialState.RUNNING and time.monotonic() < deadline:
            fail_stale(storage, study_id)
            time.sleep(0.1)
    assert states(storage, study_id) == [TrialState.FAIL, TrialState.RUNNING, TrialState.FAIL]


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


# a server that goes away


@pytest.fixture
def restarting(server: PostgresServer) -> Iterator[Callable[[float], None]]:
    timers: list[threading.Timer] = []

    def restart(after: float) -> None:
        server.stop()
        timers.append(threading.Timer(after, server.start))
        timers[-1].start()

    yield restart
    for timer in timers:
        timer.join()
    if server.process is None:
        server.start()


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
            assert close_trial(storage, trial_id, TrialState.COMPLETE, [0.5])
            count += 1
            assert states(storage, study_id) == [TrialState.COMPLETE] * count

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


# what goes wrong when a storage is opened


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:///study.db", "SQLite loses writes"),
        ("mysql+pymysql://u:hidden@host/db", "which MySQL has not"),
        ("redis://host", "Redis keeps no heartbeats"),
        ("study.db", "found no scheme"),
        ("postgresql://u:hid@den@host/db", "cannot be read"),
        ("postgresql://u:hid/den@host/db", "cannot be read"),
        ("postgresql://u:hid#den@host/db", "cannot be read"),
        ("postgresql://u:hid?den@host/db", "cannot be read"),
        ("postgresql://u@host:hidden/db", "cannot be read"),
    ],
)
def test_another_url_is_refused_without_repeating_it(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        open_storage(tmp_path, url)
    assert "hid" not in str(caught.value)


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


# the password's ways


def test_a_url_is_shown_without_its_secrets() -> None:
    url = "postgresql+psycopg://u:p%40s@h:5/d?sslmode=require&password=q&sslpassword=r"
    assert storage_url.redacted(url) == "postgresql://u@h:5/d?sslmode=require"
    assert storage_url.redacted("postgres://h/d") == "postgresql://h/d"
    assert storage_url.redacted("postgresql:///d?host=%2Ftmp") == "postgresql:///d?host=%2Ftmp"
    assert storage_url.redacted("postgresql://u@h1:1,h2:2/d") == "postgresql://u@h1:1,h2:2/d"
    with pytest.raises(ConfigError, match=r"shows in `ps`.*MAMMOBENCH_STORAGE") as caught:
        storage_url.require_no_password(url)
    assert "p%40s" not in str(caught.value)
    assert storage_url.require_no_password("postgresql://u@h/d") == "postgresql://u@h/d"


def test_a_password_is_not_shown_and_not_stored() -> None:
    secrets = storage_url.StorageUrl.parse("postgresql://u:hidden@h/d").secrets
    assert secrets == {"password": "hidden"}
    assert "hidden" not in repr(secrets)
    with pytest.raises(TypeError, match="not stored"):
        secrets["password"].__reduce__()


def test_the_environments_url_is_asked_for_and_lends_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(storage_url.VARIABLE, raising=False)
    assert storage_url.asked_storage(None) is None
    monkeypatch.setenv(storage_url.VARIABLE, "postgresql://u:hidden@h/d")
    assert storage_url.asked_storage(None) == "postgresql://u@h/d"
    assert storage_url.asked_storage("postgresql://u@h/other") == "postgresql://u@h/other"
    assert storage_url.with_secrets("postgresql://u@h/d").secrets == {"password": "hidden"}
    assert storage_url.with_secrets("postgresql://u@h/other").secrets == {}


@on_postgres
def test_libpq_reads_the_password_from_its_own_places(
    server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(storage_url.VARIABLE, raising=False)
    url = server.url(server.new_database().rpartition("/")[2], password=False)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert open_storage(tmp_path, url).get_all_studies() == []
    monkeypatch.delenv("PGPASSWORD")
    passfile = tmp_path / "pgpass"
    passfile.write_text(f"127.0.0.1:{server.port}:*:{USER}:{PASSWORD}\n", encoding="utf-8")
    passfile.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passfile))
    assert open_storage(tmp_path, url).get_all_studies() == []


USES_THE_STORAGE = """
import logging, sys, time, traceback
from pathlib import Path
import optuna
from mammobench.storage import enter_trial, open_storage
from mammobench.storage_url import asked_storage
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
optuna.logging.set_verbosity(optuna.logging.DEBUG)
url = asked_storage(None)
storage = open_storage(Path(), url, patience=0.5)
print(url, storage, vars(storage), vars(storage._record), storage._record.engine, flush=True)
print("ready", flush=True)
sys.stdin.readline()
try:
    storage.get_all_studies()
except Exception:
    traceback.print_exc(file=sys.stdout)
"""


@on_postgres
@pytest.mark.usefixtures("restarting")
def test_the_password_is_in_no_log_no_arguments_no_message_and_no_traceback(
    server: PostgresServer, url: str
) -> None:
    environment = {**os.environ, storage_url.VARIABLE: url}
    with subprocess.Popen(
        [sys.executable, "-c", USES_THE_STORAGE], env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as user:  # fmt: skip
        assert user.stdin is not None
        assert user.stdout is not None
        said = list(iter(user.stdout.readline, "ready\n"))
        arguments = [
            part
            for process in psutil.Process().children(recursive=True)
            if process.is_running()
            for part in process.cmdline()
        ]
        server.stop()
        user.stdin.write("\n")
        user.stdin.close()
        said += user.stdout.readlines()
    shown = "".join(said) + json.dumps(arguments)
    assert "refused" in shown
    assert "stayed away" in shown
    assert "PostgresStorage" in shown
    for secret in ("s3cret", PASSWORD):
        assert secret not in shown
