"""Workers submitted through submitit: to its local executor for real, and to the commands of Slurm."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from mammobench.core.errors import ConfigError
from mammobench.study.storage.url import VARIABLE
from mammobench.tuning.launch import JobPlan, Worker, launch
from tests.postgres import PASSWORD, PostgresServer, shared_server

pytestmark = pytest.mark.xdist_group("postgres")

LAUNCH = """\
import subprocess, sys
from functools import partial
from pathlib import Path
from mammobench.tuning.launch import JobPlan, launch

folder, url, workers, code = sys.argv[1:]
work = partial(subprocess.run, [sys.executable, "-c", code, folder, url], check=True)
plan = JobPlan(cpus=1, memory=1.0)
print(*launch(work, Path(folder), storage=url, workers=int(workers), plan=plan, cluster="local"))
"""
# logs in to the database and tells what it sees
LOG_IN = """\
import json, os, psycopg, sys
from pathlib import Path
folder, url = sys.argv[1:]
with psycopg.connect(url) as connection:
    answer = connection.execute("SELECT 6 * 7").fetchone()
Path(folder, f"told-{os.getpid()}").write_text(json.dumps([answer, dict(os.environ)]))
"""
# the first time waits to be preempted, the second time ends
WAIT = """\
import os, sys, time
from pathlib import Path
folder, _ = sys.argv[1:]
if not Path(folder, "started").exists():
    aside = Path(folder, "aside")
    aside.write_text(str(os.getppid()))
    aside.rename(Path(folder, "started"))
    time.sleep(120)
Path(folder, "told-again").write_text(str(os.getppid()))
"""
SBATCH = """\
#!/bin/sh
cp "$1" "$(dirname "$0")/script"
env > "$(dirname "$0")/environment"
echo "Submitted batch job 42"
"""


@pytest.fixture
def server() -> PostgresServer:
    return shared_server()


@pytest.fixture
def pgpass(server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The password where libpq finds it by itself, and in the environment too."""
    path = tmp_path / "pgpass"
    path.write_text(f"127.0.0.1:{server.port}:*:*:{PASSWORD}\n")
    path.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(path))
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    monkeypatch.setenv(VARIABLE, server.url())
    return path


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of commands named as Slurm's, which keep what they were given."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name, text in (("sbatch", SBATCH), ("srun", "#!/bin/sh\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def wait_for(folder: Path, pattern: str, count: int = 1) -> list[Path]:
    """Return the files of a pattern when there are so many."""
    deadline = time.monotonic() + 120
    while len(found := sorted(folder.glob(pattern))) < count:
        assert time.monotonic() < deadline, [path.read_text() for path in folder.glob("workers/*log*")]
        time.sleep(0.05)
    return found


def launched(folder: Path, url: str, code: str, *, workers: int = 1) -> list[str]:
    """Launch workers from a process that ends; return the ids that it told."""
    folder.mkdir()
    told = folder / "ids"
    with told.open("w") as out:
        # what it starts goes on after its end, and would keep a pipe open
        words = [sys.executable, "-c", LAUNCH, str(folder), url, str(workers), code]
        subprocess.run(words, stdout=out, check=True, timeout=120)
    return told.read_text().split()


@pytest.mark.usefixtures("pgpass")
def test_workers_run_and_log_in_without_a_password_in_their_environment(
    server: PostgresServer, tmp_path: Path
) -> None:
    folder = tmp_path / "s"
    ids = launched(folder, server.url(password=False), LOG_IN, workers=2)
    told = [json.loads(path.read_text()) for path in wait_for(folder, "told-*", 2)]
    wait_for(folder, "workers/*result.pkl", 2)
    assert [answer for answer, _ in told] == [[42], [42]]
    assert {variables["SUBMITIT_LOCAL_JOB_ID"] for _, variables in told} == set(ids)
    for _, variables in told:
        assert PASSWORD not in str(variables)
        assert VARIABLE not in variables
    for path in (folder / "workers").rglob("*"):
        assert PASSWORD.encode() not in path.read_bytes()


@pytest.mark.usefixtures("pgpass")
def test_a_preempted_worker_is_requeued_and_comes_back(server: PostgresServer, tmp_path: Path) -> None:
    folder = tmp_path / "s"
    launched(folder, server.url(password=False), WAIT)
    (started,) = wait_for(folder, "started")
    os.kill(int(started.read_text()), signal.SIGUSR2)
    (again,) = wait_for(folder, "told-again")
    wait_for(folder, "workers/*result.pkl")
    assert again.read_text() != started.read_text()


def test_a_worker_that_comes_back_is_started_as_before() -> None:
    worker = Worker(partial(print, "working"))
    assert worker.checkpoint().function == worker


@pytest.mark.usefixtures("pgpass")
def test_slurm_gets_the_plan_and_no_password(server: PostgresServer, tmp_path: Path, slurm: Path) -> None:
    plan = JobPlan.from_options(["partition=gpu", "gpus=1", "cpus=8", "time=1-00", "memory=32G", "array=1"])
    url = server.url(password=False)
    ids = launch(partial(print), tmp_path / "s", storage=url, workers=3, plan=plan)
    assert ids == ["42_0", "42_1", "42_2"]
    script = (slurm / "script").read_text()
    for line in (
        "--partition=gpu", "--gpus-per-node=1", "--cpus-per-task=8", "--time=1440", "--mem=32GB",
        "--array=0-2%1", "--requeue", "--open-mode=append", "--job-name=mammobench-s", "--signal=USR2@90",
    ):  # fmt: skip
        assert f"#SBATCH {line}\n" in script
    assert f"{tmp_path}/s/workers" in script
    environment = (slurm / "environment").read_text()
    assert "PGPASSFILE=" in environment
    assert "PGPASSWORD=" not in environment
    assert PASSWORD not in environment + script
    assert os.environ["PGPASSWORD"] == PASSWORD


@pytest.mark.usefixtures("pgpass")
def test_what_slurm_says_when_it_refuses_is_told(server: PostgresServer, tmp_path: Path, slurm: Path) -> None:
    (slurm / "sbatch").write_text("#!/bin/sh\necho 'sbatch: error: invalid partition: gpus' >&2\nexit 1\n")
    with pytest.raises(ConfigError, match=r"--launch slurm: .*invalid partition: gpus.*--launch-option"):
        submit(tmp_path, server.url(password=False))


@pytest.mark.usefixtures("pgpass")
def test_a_machine_without_slurm_is_told(
    server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"srun.*Run it where sbatch and srun are"):
        submit(tmp_path, server.url(password=False))


def test_a_password_that_the_workers_would_not_find_is_told(
    server: PostgresServer, pgpass: Path, tmp_path: Path
) -> None:
    pgpass.unlink()
    with pytest.raises(ConfigError, match=r"Slurm stores the environment.*~/\.pgpass") as caught:
        submit(tmp_path, server.url(password=False))
    assert PASSWORD not in str(caught.value)
    assert not (tmp_path / "s").exists()


def test_a_password_in_the_url_is_refused(server: PostgresServer, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="shows in `ps`"):
        submit(tmp_path, server.url())


def test_a_study_on_a_journal_has_no_workers_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"share a database.*--storage postgresql://"):
        submit(tmp_path, None)


def submit(folder: Path, url: str | None) -> None:
    launch(partial(print), folder / "s", storage=url, workers=1, plan=JobPlan())
