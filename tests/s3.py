"""A real S3 protocol on the loopback for tests: moto's server, in a process of its own."""

import atexit
import functools
import importlib.util
import itertools
import os
import socket
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.postgres import free_port

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "hidden-testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class S3Server:
    """moto's server on a port of its own.

    Attributes:
        endpoint: What AWS_ENDPOINT_URL is to be.
    """

    def __init__(self, *, host: str = "127.0.0.1") -> None:
        self._host, self._port, self._buckets = host, free_port(), itertools.count()
        self.endpoint = f"http://{host}:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which boto3 finds the server."""
        return {**CREDENTIALS, "AWS_ENDPOINT_URL": self.endpoint}

    def start(self) -> None:
        """Start the server, empty, and wait until it answers."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", self._host, "-p", str(self._port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **CREDENTIALS},
        )
        deadline = time.monotonic() + 60
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("moto's server did not start")
            time.sleep(0.1)

    def stop(self) -> None:
        """End the server; what it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=60)
            self._process = None

    def client(self) -> Any:
        """Return a boto3 client of the server."""
        boto3 = pytest.importorskip("boto3")
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    def new_bucket(self) -> str:
        """Return the name of an empty bucket."""
        name = f"bucket-{next(self._buckets)}"
        self.client().create_bucket(Bucket=name)
        return name

    def _answers(self) -> bool:
        try:
            socket.create_connection((self._host, self._port), timeout=5).close()
        except OSError:
            return False
        return True


def require_s3() -> None:
    """Skip the test without moto or boto3."""
    for name in ("boto3", "moto", "flask"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed: `uv sync` brings it")


@functools.cache
def shared_s3() -> S3Server:
    """Return this test process's server, started at the first call; skips the test without moto or boto3."""
    require_s3()
    server = S3Server()
    atexit.register(server.stop)
    server.start()
    return server
