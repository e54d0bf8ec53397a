"""A real PostgreSQL server for tests: started on a free port, stopped and started again at will.

`shared_server` starts one for the whole test process; tests that use it belong into the xdist group
``postgres``, so that one process runs them all and one server is started.
"""

import atexit
import contextlib
import functools
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

import pytest

# of this process alone: who looks for it in the machine's command lines must not find another test run's
USER, PASSWORD = "mammo", f"s3cret-{{0}}-p@ss-{os.getpid()}"
_URL_PASSWORD = urllib.parse.quote(PASSWORD)


def server_binaries() -> Path | None:
    """Return the folder of PostgreSQL's server programs, or None where there are none."""
    found = shutil.which("initdb")
    asked = shutil.which("pg_config")
    folders = [Path(found).resolve().parent] if found else []
    if asked:
        answer = subprocess.run([asked, "--bindir"], capture_output=True, text=True, check=True)
        folders.append(Path(answer.stdout.strip()))
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next(
        (path for path in folders if (path / "initdb").exists() and (path / "postgres").exists()), None
    )


def free_port() -> int:
    """Return a TCP port of the loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class PostgresServer:
    """A server with its data in a temporary folder, run by a user who is not root.

    Attributes:
        port: Its TCP port; the same after a restart.
        process: The running server, or None.
    """

    def __init__(self, binaries: Path, *, host: str = "127.0.0.1") -> None:
        self._binaries, self._host = binaries, host
        self._folder = Path(tempfile.mkdtemp(prefix="mammobench-postgres-"))
        self._databases = itertools.count()
        self._as: dict[str, object] = {}
        if os.geteuid() == 0:
            # initdb and postgres refuse root
            user = "postgres" if "\npostgres:" in Path("/etc/passwd").read_text("utf-8") else "nobody"
            shutil.chown(self._folder, user)
            self._as = {"user": user, "group": shutil._get_gid(_group(user)), "extra_groups": []}  # type: ignore[attr-defined]
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        secret = self._folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        secret.chmod(0o644)
        self._run("initdb", "-D", self._data, "-U", USER, "-A", "scram-sha-256", "--pwfile", secret, "-N")
        with (self._data / "pg_hba.conf").open("a") as access:
            # initdb lets in the loopback alone
            access.write("host all all all scram-sha-256\n")

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def url(self, database: str = "postgres", *, password: bool = True) -> str:
        """Return the URL of a database."""
        secret = f":{_URL_PASSWORD}" if password else ""
        return f"postgresql://{USER}{secret}@{self._host}:{self.port}/{database}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = {
            "listen_addresses": self._host, "port": self.port, "unix_socket_directories": self._folder,
            "fsync": "off", "max_connections": 60, "timezone": "America/New_York",
        }  # fmt: skip
        options = [f"--{key}={value}" for key, value in settings.items()]
        with (self._folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(self._binaries / "postgres"), "-D", str(self._data), *options],
                stdout=log, stderr=log, cwd=self._folder, **self._as,  # type: ignore[call-overload]
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "log").read_text("utf-8"))
            time.sleep(0.05)

    def stop(self, *, crash: bool = False) -> None:
        """Stop the server: sessions are ended, and with `crash` it dies without writing anything."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT if crash else signal.SIGINT)
            self.process.wait(timeout=60)
            self.process = None

    def new_database(self) -> str:
        """Return the URL, password included, of a database that nobody has used."""
        name = f"study{next(self._databases)}"
        self.psql(f"CREATE DATABASE {name}")
        return self.url(name)

    def psql(self, command: str, *, database: str = "postgres") -> str:
        """Run SQL as the server's owner and return the bare answer."""
        return self._run(
            "psql", "-h", self._folder, "-p", self.port, "-U", USER, "-d", database, "-Atc", command
        )

    def remove(self) -> None:
        """Stop the server and remove its folder."""
        self.stop(crash=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        command = [str(self._binaries / "pg_isready"), "-q", "-h", self._host, "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0

    def _run(self, program: str, *arguments: object) -> str:
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        done = subprocess.run(
            [str(self._binaries / program), *map(str, arguments)],
            capture_output=True, text=True, check=False, cwd=self._folder, env=environment, **self._as,  # type: ignore[call-overload]
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr)
        return str(done.stdout).strip()


class CuttingProxy:
    """A TCP proxy before a server that can lose the answer to a COMMIT which the server has carried out.

    Attributes:
        port: Where it listens on the loopback.
    """

    def __init__(self, target: int) -> None:
        self._target, self._listener = target, socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._commits_to_cut = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_answer_to_commit(self, number: int) -> None:
        """Cut the connection over which the `number`-th COMMIT from now goes, counted from 1, behind it."""
        self._commits_to_cut = number

    @property
    def has_cut(self) -> bool:
        """Whether that COMMIT has come."""
        return self._commits_to_cut <= 0

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                cut = threading.Event()
                for source, sink, up in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._copy, args=(source, sink, up, cut), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket, up: bool, cut: threading.Event) -> None:
        with contextlib.suppress(OSError), source, sink:
            while data := source.recv(1 << 16):
                if up and b"COMMIT" in data and self._commits_to_cut > 0:
                    self._commits_to_cut -= 1
                    if self._commits_to_cut == 0:
                        cut.set()
                if not up and cut.is_set():
                    break
                sink.sendall(data)
            for end in (source, sink):
                end.shutdown(socket.SHUT_RDWR)


def _group(user: str) -> str:
    return "nogroup" if user == "nobody" else user


@functools.cache
def shared_server() -> PostgresServer:
    """Return this test process's server, started at the first call; skips the test where there is none."""
    binaries = server_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL's server programs (initdb, postgres) are not installed")
    server = PostgresServer(binaries)
    atexit.register(server.remove)
    server.start()
    return server
