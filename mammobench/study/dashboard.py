"""`Dashboard`: optuna-dashboard on a study's record, to look at and not to touch.

The record is the study's only truth, and optuna-dashboard can rename and delete studies; so whatever would
write is refused. The server runs in this process, so that a database's password stands in no argument.

It listens on this machine alone, and answers only to this machine's names: a page elsewhere whose own name
is made to lead here (DNS rebinding) would otherwise read the study through the browser that shows it.
"""

import errno
import json
from collections.abc import Callable, Iterable
from io import BytesIO
from socketserver import ThreadingMixIn
from types import TracebackType
from typing import Any, BinaryIO, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from optuna.artifacts.exceptions import ArtifactNotFound

from mammobench.core.errors import ConfigError
from mammobench.study.artifact_place import Place, open_place
from mammobench.study.record import StudyRecord

HOST = "127.0.0.1"
_NAMES = (HOST, "localhost", "[::1]")
_READING = {"GET", "HEAD"}
_HTTP_PORT = 80
Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Dashboard:
    """A server on this machine that shows a study; use it in a ``with`` block.

    Args:
        study: The study, on either kind of storage.
        port: The port to listen on; 0 for any free one.

    Raises:
        ConfigError: When the port cannot be had, or optuna-dashboard is not installed.
        StudyError: When the place of the study's artifacts cannot be used.
    """

    def __init__(self, study: StudyRecord, *, port: int = 8080) -> None:
        try:
            from optuna_dashboard import wsgi  # noqa: PLC0415 - an optional extra
        except ImportError as error:
            raise ConfigError(
                "optuna-dashboard is not installed",
                expected="the extra dashboard",
                remedy="Install it with `pip install 'mammobench[dashboard]'`",
            ) from error
        where = study.spec.artifacts
        # on one file system, a trial's folder is where its files are, and the record names none
        artifacts = None if where is None else _Readable(open_place(where, study.folder.name))
        application = _guarded(wsgi(study.storage, artifact_store=artifacts))
        try:
            self._server = make_server(HOST, port, application, _ThreadedServer, _QuietHandler)
        except (OSError, OverflowError) as error:
            in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            raise ConfigError(
                "the port is in use" if in_use else f"cannot listen on this port ({error})",
                where="--port",
                found=port,
                remedy="Choose another one, or 0 for any that is free",
            ) from error
        self._study_id = study.study_id

    @property
    def address(self) -> str:
        """The page of the study, for a browser on this machine."""
        return f"http://{HOST}:{self._server.server_port}/dashboard/studies/{self._study_id}"

    def serve(self) -> None:
        """Answer browsers until Ctrl-C."""
        try:
            self._server.serve_forever()
        except KeyboardInterrupt:
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.server_close()


class _Readable:
    """An artifact place as optuna-dashboard reads it."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Return the content of an artifact as a file.

        Raises:
            ArtifactNotFound: When it is gone.
        """
        content = BytesIO()
        if not self._place.read(artifact_id, content):
            raise ArtifactNotFound(artifact_id)
        content.seek(0)
        return content


class _ThreadedServer(ThreadingMixIn, WSGIServer):
    """A thread a request, as browsers send several at once; none outlives the server."""

    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    """Does not log every request."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Log nothing."""


def _guarded(application: Application) -> Application:
    """Let through what reads, and was sent to this machine by one of its own names."""

    def guarded(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        reason = None
        port = int(environ["SERVER_PORT"])
        if not _is_ours(environ.get("HTTP_HOST", ""), port):
            reason = (
                f"this server answers to http://{HOST}:{port} and http://localhost:{port} alone; a tunnel to "
                f"it has the same port at both ends: ssh -L {port}:localhost:{port}"
            )
        elif environ["REQUEST_METHOD"] not in _READING:
            reason = "mammobench shows the record and does not change it"
        if reason is None:
            return application(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "application/json")])
        return [json.dumps({"reason": reason}).encode()]

    return guarded


def _is_ours(host: str, port: int) -> bool:
    # browsers leave out the port of http
    names = {f"{name}:{port}" for name in _NAMES} | ({*_NAMES} if port == _HTTP_PORT else set())
    return host.lower() in names
