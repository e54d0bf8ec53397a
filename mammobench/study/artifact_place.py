"""Where artifacts of many machines lie: a shared folder or an S3 bucket, behind Optuna's artifact stores."""

import importlib.util
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import urlsplit

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from mammobench.core.errors import ConfigError, StudyError

# one slash too few is a slip, not a folder
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/{1,2}")


class _Store(Protocol):
    """What is needed of Optuna's artifact stores."""

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Open what is stored under an id; ArtifactNotFound where there is nothing."""
        ...

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Store a file's content."""
        ...

    def remove(self, artifact_id: str) -> None:
        """Remove what is stored under an id."""
        ...


class Place:
    """A store whose errors say what to do.

    Args:
        store: Optuna's store.
        where: How the place is named to people, without secrets.
        failures: What the store raises when it cannot be used.
        remedy: What to do then.
        prefix: Put before every id in the store, never in the record.
        folder: Where it is one.
    """

    def __init__(
        self,
        store: _Store,
        *,
        where: str,
        failures: tuple[type[Exception], ...],
        remedy: str,
        prefix: str = "",
        folder: Path | None = None,
    ) -> None:
        self._store, self._failures, self._prefix = store, failures, prefix
        self._folder = folder
        self.where, self._remedy = where, remedy

    def write(self, artifact_id: str, content: BinaryIO) -> None:
        """Store a file's content under an id.

        Raises:
            StudyError: When the place cannot be written to.
        """
        with self.explained("store a file"):
            self._store.write(self._prefix + artifact_id, content)

    def read(self, artifact_id: str, sink: BinaryIO) -> bool:
        """Copy what is stored under an id to `sink`, and return whether there is anything.

        Raises:
            StudyError: When the place cannot be read.
        """
        from optuna.artifacts.exceptions import ArtifactNotFound

        def once() -> bool:
            sink.seek(0)
            sink.truncate()
            try:
                reader = self._store.open_reader(self._prefix + artifact_id)
            except ArtifactNotFound:
                return False
            with reader:
                shutil.copyfileobj(reader, sink, 1 << 20)
            return True

        # boto repeats a request, but not the reading of its answer
        retrying = Retrying(
            retry=retry_if_exception_type(self._failures),
            stop=stop_after_attempt(3),
            wait=wait_random_exponential(multiplier=0.5, max=5),
            reraise=True,
        )
        with self.explained("fetch a file"):
            return retrying(once)

    def remove(self, artifact_id: str) -> None:
        """Remove what is stored under an id, if anything is.

        Raises:
            StudyError: When the place cannot be written to.
        """
        from optuna.artifacts.exceptions import ArtifactNotFound

        with self.explained("remove a file"):
            try:
                self._store.remove(self._prefix + artifact_id)
            except ArtifactNotFound:
                return

    def remove_if_empty(self) -> None:
        """Remove the place's folder if it is one and holds nothing any more."""
        if self._folder is not None:
            with suppress(OSError):
                self._folder.rmdir()

    def require_usable(self) -> None:
        """Write something, read it again, and remove it.

        Raises:
            StudyError: When one of these fails, or something else is read.
        """
        probe, content = str(uuid.uuid4()), uuid.uuid4().bytes
        self.write(probe, BytesIO(content))
        found = BytesIO()
        there = self.read(probe, found)
        self.remove(probe)
        if not there or found.getvalue() != content:
            raise StudyError(
                "what is written among the artifacts is not what is read",
                where=self.where,
                remedy=self._remedy,
            )

    @contextmanager
    def explained(self, action: str) -> Iterator[None]:
        """Turn what the store raises into a `StudyError`."""
        try:
            yield
        except self._failures as error:
            raise StudyError(
                f"cannot {action} among the artifacts",
                where=self.where,
                found=" ".join(str(error).split()).rstrip("."),
                remedy=self._remedy,
            ) from None


def open_place(where: str, study: str, *, make: bool = True) -> Place:
    """Open the artifacts of a study in a shared folder or under ``s3://BUCKET/PREFIX``.

    Args:
        where: The folder, or the S3 URL; S3's credentials and AWS_ENDPOINT_URL come from where boto3
            looks for them.
        study: The study's name, a folder of its own there.
        make: Whether to make that folder where it is missing.

    Raises:
        ConfigError: For another scheme, or S3 without boto3.
        StudyError: When the folder or the bucket cannot be used, now rather than after the first trial.
    """
    scheme = _SCHEME.match(where)
    if where and scheme is None:
        return _open_folder(Path(where).expanduser().absolute() / study, make=make)
    if scheme is None or scheme[0] != "s3://":
        raise ConfigError(
            "no such place for artifacts",
            where="--artifacts",
            expected="a folder that all machines share, or s3://BUCKET/PREFIX",
            found=scheme[0] if scheme else "nothing",
        )
    return _open_bucket(where, study)


def _open_folder(folder: Path, *, make: bool) -> Place:
    if not make and not folder.is_dir():
        raise StudyError(
            "the folder of the study's artifacts is not there",
            where=folder,
            remedy="Mount it where the study has it, or restore the study's description from a copy",
        )
    from optuna.artifacts import FileSystemArtifactStore

    place = Place(
        FileSystemArtifactStore(folder),
        where=str(folder),
        failures=(OSError,),
        remedy="See that the folder is mounted, may be written to, and has space",
        folder=folder,
    )
    with place.explained("make a folder"):
        folder.mkdir(parents=True, exist_ok=True)
    return place


def _open_bucket(where: str, study: str) -> Place:
    parts = urlsplit(where)
    shown = f"s3://{parts.hostname or ''}{parts.path}"
    if parts.netloc != parts.hostname or parts.query or parts.fragment:
        raise ConfigError(
            "an S3 place is a bucket and a prefix",
            where="--artifacts",
            expected="s3://BUCKET/PREFIX",
            remedy="Give keys through AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or ~/.aws/credentials",
        )
    if importlib.util.find_spec("boto3") is None:
        raise ConfigError(
            "artifacts on S3 need boto3",
            where=shown,
            remedy="Install it with `pip install 'mammobench[distributed]'`",
        )
    import boto3
    from boto3.exceptions import Boto3Error
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
    from optuna.artifacts import Boto3ArtifactStore

    # boto waits up to 20 s before it sends a request again: some two minutes in all
    attempts = int(os.environ.get("AWS_MAX_ATTEMPTS", "10"))
    client_config = Config(
        retries={"mode": "standard", "max_attempts": attempts}, connect_timeout=10, read_timeout=60
    )
    failures = (BotoCoreError, ClientError, Boto3Error)
    try:
        client = boto3.session.Session().client("s3", config=client_config)
    except failures as error:
        raise StudyError("S3 is not set up", where=shown, found=str(error).rstrip(".")) from None
    prefix = "/".join(part for part in (*parts.path.split("/"), study) if part)
    place = Place(
        Boto3ArtifactStore(str(parts.hostname), client, avoid_buf_copy=True),
        where=shown,
        failures=failures,
        remedy="See that the bucket exists, that AWS_ENDPOINT_URL is right where the store is not Amazon's, "
        "and that the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY may read and write there",
        prefix=f"{prefix}/",
    )
    with place.explained("look into the bucket"):
        client.head_bucket(Bucket=parts.hostname)
    return place
