"""A database server for the tests of the record, and connections to it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from optuna.storages import BaseStorage

from mammobench.study.storage.access import open_storage
from tests.postgres import PostgresServer, shared_server


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
