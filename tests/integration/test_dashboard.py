"""optuna-dashboard on a study, in a process of its own, asked over HTTP as a browser asks it."""

import json
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mammobench.core.errors import ConfigError
from mammobench.data.store.image_store import ImageStore
from mammobench.study.artifacts import open_artifacts
from mammobench.study.dashboard import Dashboard
from mammobench.study.record import StudyRecord
from mammobench.study.storage.url import redacted
from tests.postgres import PASSWORD, shared_server
from tests.small_study import finish, start, write_small_study

SERVE = """\
import signal, sys
from pathlib import Path
from mammobench.study.dashboard import Dashboard
from mammobench.study.record import StudyRecord

signal.signal(signal.SIGINT, signal.default_int_handler)
folder = Path(sys.argv[1])
with Dashboard(StudyRecord.open(folder), port=0) as dashboard:
    print(dashboard.address, flush=True)
    dashboard.serve()
"""

pytestmark = pytest.mark.xdist_group("postgres")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, phantom: ImageStore) -> StudyRecord:
    folder = tmp_path_factory.mktemp("dashboard")
    study = write_small_study(folder / "s", phantom, finished=1, artifacts=str(folder / "artifacts"))
    trial = start(study, phantom)
    (trial.folder / "log.txt").write_text("an artifact")
    artifacts = open_artifacts(study.spec.artifacts, study.folder, study.storage)
    assert artifacts.push(trial.storage_id, trial.folder, ["log.txt"])
    finish(study, trial)
    return study


@contextmanager
def served(study: StudyRecord) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a process that serves the study; give it and the address that it told."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SERVE, str(study.folder)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.kill()


@pytest.fixture(scope="module")
def address(study: StudyRecord) -> Iterator[str]:
    with served(study) as (_, address):
        yield address


def ask(address: str, path: str, method: str = "GET", *, host: str | None = None) -> tuple[int, bytes]:
    """Return status and body of the answer to a request, sent to the server under a name."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=30)
    try:
        headers = {} if host is None else {"Host": host}
        connection.request(method, path, body=None if method == "GET" else "{}", headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def get(address: str, path: str) -> Any:
    """Return the JSON document at a path."""
    status, body = ask(address, path)
    assert status == 200
    return json.loads(body)


def test_it_shows_the_study_its_trials_and_their_artifacts(address: str) -> None:
    status, page = ask(address, "/dashboard")
    assert (status, b"<html" in page) == (200, True)
    (summary,) = get(address, "/api/studies")["study_summaries"]
    assert summary["study_name"] == "s"
    assert address.endswith(f"/dashboard/studies/{summary['study_id']}")
    detail = get(address, f"/api/studies/{summary['study_id']}")
    assert [trial["state"] for trial in detail["trials"]] == ["Complete", "Complete"]
    assert [trial["values"] for trial in detail["trials"]] == [[0.5], [0.5]]
    assert detail["trials"][1]["intermediate_values"] == [{"step": 1, "value": 0.4}]
    (artifact,) = detail["trials"][1]["artifacts"]
    assert artifact["filename"] == "log.txt"
    path = f"/artifacts/{summary['study_id']}/{detail['trials'][1]['trial_id']}"
    assert ask(address, f"{path}/{artifact['artifact_id']}") == (200, b"an artifact")
    assert ask(address, f"{path}/{uuid.uuid4()}")[0] == 404


def test_it_changes_nothing(address: str, study: StudyRecord) -> None:
    before = (study.folder / "study.journal").read_bytes()
    for method, path in (("DELETE", "0"), ("POST", "0/rename"), ("PUT", "0/note")):
        status, body = ask(address, f"/api/studies/{path}", method)
        assert status == 403
        assert "does not change it" in json.loads(body)["reason"]
    assert (study.folder / "study.journal").read_bytes() == before


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example:{port}",
    "localhost:1", "localhost", "127.0.0.1@evil.example:{port}", "10.0.0.1:{port}", ""])  # fmt: skip
@pytest.mark.parametrize("path", ["/api/studies", "/dashboard"])
def test_a_name_that_was_made_to_lead_here_is_not_answered(address: str, host: str, path: str) -> None:
    status, body = ask(address, path, host=host.format(port=urlsplit(address).port))
    assert status == 403
    assert "answers to http://127.0.0.1" in json.loads(body)["reason"]


@pytest.mark.parametrize("name", ["localhost", "LocalHost", "127.0.0.1", "[::1]"])
def test_the_names_of_this_machine_are_answered(address: str, name: str) -> None:
    assert ask(address, "/api/meta", host=f"{name}:{urlsplit(address).port}")[0] == 200


@pytest.mark.slow  # starts the whole server once more
def test_ctrl_c_ends_it_quietly(study: StudyRecord) -> None:
    with served(study) as (process, address):
        get(address, "/api/meta")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_port_that_is_in_use_is_told(study: StudyRecord) -> None:
    with Dashboard(study, port=0) as first:
        port = urlsplit(first.address).port or 0
        with pytest.raises(ConfigError, match=rf"--port: the port is in use: found {port}\. Choose another"):
            Dashboard(study, port=port)


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_is_none_is_told(study: StudyRecord, port: int) -> None:
    with pytest.raises(ConfigError, match="cannot listen on this port"):
        Dashboard(study, port=port)


def test_a_missing_package_is_told_with_the_extra(study: StudyRecord, tmp_path: Path) -> None:
    (tmp_path / "optuna_dashboard.py").write_text("raise ImportError('not here')")
    code = SERVE.replace("import signal, sys", f"import signal, sys; sys.path.insert(0, {str(tmp_path)!r})")
    done = subprocess.run(
        [sys.executable, "-c", code, str(study.folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "pip install 'mammobench[dashboard]'" in done.stderr


@pytest.mark.slow  # half a minute; the one on a journal is shown by default
def test_a_study_in_a_database_is_shown_too(
    tmp_path: Path, phantom: ImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = shared_server().new_database()
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    study = write_small_study(tmp_path / "s", phantom, finished=2, storage=redacted(url))
    with served(study) as (process, address):
        (summary,) = get(address, "/api/studies")["study_summaries"]
        assert len(get(address, f"/api/studies/{summary['study_id']}")["trials"]) == 2
        assert PASSWORD not in Path(f"/proc/{process.pid}/cmdline").read_text()
