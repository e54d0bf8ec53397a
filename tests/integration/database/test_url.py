"""Ways of the password of a database."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from mammobench.study.storage import url as storage_url
from mammobench.study.storage.access import (
    open_storage,
)
from tests.postgres import PASSWORD, USER, PostgresServer
from tests.recorded import on_postgres

USES_THE_STORAGE = """
import logging, sys, time, traceback
from pathlib import Path
import optuna
from mammobench.study.storage.access import enter_trial, open_storage
from mammobench.study.storage.url import asked_storage
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
