"""Many machines on one study in PostgreSQL: they die, the server goes away, and the search ends the same."""

import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from mammobench.data.store.image_store import ImageStore
from mammobench.study.record import StudyRecord
from tests.integration.machines import (
    EPOCHS,
    Machine,
    Watch,
    require_continued,
    require_equal,
    require_secret,
    search_through_losses,
)
from tests.postgres import PASSWORD, PostgresServer, shared_server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("postgres"), pytest.mark.timeout(1800)]


@pytest.fixture
def server() -> PostgresServer:
    return shared_server()


@pytest.fixture
def url(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> str:
    # for this process, which reads the record in the end
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    return server.new_database()


def without_password(url: str) -> str:
    login, place = url.split("@")
    return f"{login.rsplit(':', 1)[0]}@{place}"


@pytest.mark.parametrize(
    "sampler",
    [("optuna", "random"), ("optuna", "qmc"), ("optuna", "grid"), ("keras-tuner", "random")],
    ids="-".join,
)
def test_a_dead_machine_and_a_restarted_server_change_nothing(
    sampler: tuple[str, str],
    server: PostgresServer,
    url: str,
    phantom: ImageStore,
    tmp_path: Path,
    undisturbed: Callable[[str, str], StudyRecord],
) -> None:
    """Of samplers whose proposals do not depend on which trial ends first.

    With two machines and TPE, say, what a proposal knows is a matter of time, killed machines or not.
    """
    engine, name = sampler
    expected = undisturbed(engine, name)
    first = Machine(tmp_path / "first", phantom.path, {"PGPASSWORD": PASSWORD})
    second = Machine(tmp_path / "second", phantom.path, {"MAMMOBENCH_STORAGE": url, "PGPASSWORD": ""})
    shared, watch = tmp_path / "artifacts", Watch()
    asked = ["--engine", engine, "--sampler", name]
    asked += ["--storage", without_password(url), "--artifacts", str(shared)]

    loss = search_through_losses(server, first, second, *asked, victim=first, watch=watch)
    # there is nothing left to search: the same command writes the report of what the other machine has done
    with first.running("search", *asked, "--heartbeat", "1") as searching:
        watch.end(first, searching)

    found = StudyRecord.open(first.study)
    require_equal(found, expected, folders=[first.study])
    require_continued(loss, found)
    entries = found.storage.get_all_trials(found.study_id)
    assert Counter(entry.state.name for entry in entries) == {"COMPLETE": len(expected.trials), "FAIL": 1}
    require_secret(server, url, watch, first.folder, second.folder, shared)


def test_a_terminated_machine_leaves_its_trial_to_the_next_one(
    url: str, phantom: ImageStore, tmp_path: Path
) -> None:
    machine = Machine(tmp_path / "machine", phantom.path, {"PGPASSWORD": PASSWORD})
    asked, watch = ["--storage", without_password(url), "--trials", "1"], Watch()
    with machine.running("search", *asked) as searching:
        watch.until(machine.trial_under_way, (machine, searching))
        searching.send_signal(signal.SIGTERM)
        assert searching.wait(60) == 128 + signal.SIGTERM
    study = StudyRecord.open(machine.study)
    states = [entry.state.name for entry in study.storage.get_all_trials(study.study_id)]
    assert states[-1] == "WAITING"
    assert "RUNNING" not in states

    # long before the grace period of a minute has gone by
    with machine.running("search", *asked) as searching:
        watch.end(machine, searching)
    entries = study.storage.get_all_trials(study.study_id)
    assert [entry.state.name for entry in entries] == ["COMPLETE", "COMPLETE"]
    assert [trial.epochs for trial in study.trials] == [EPOCHS, EPOCHS]
