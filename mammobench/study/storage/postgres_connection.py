"""Opening a study's PostgreSQL database: the connection, and errors that say what to do."""

import importlib.util
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from mammobench.core.errors import ConfigError, StudyError
from mammobench.study.storage.patience import Patience, ServerAwayError
from mammobench.study.storage.postgres import PostgresStorage
from mammobench.study.storage.url import StorageUrl, with_secrets

_SETUP_LOCK = 0x6D616D6D62656E63  # "mammbenc": one machine at a time makes the tables
# a connection notices within a minute that the machine at its other end is gone
_NOTICING = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
    "application_name": "mammobench",
}
# PostgreSQL's error codes: shutting down, crashing, starting up, full of connections
_AWAY = {"57P01", "57P02", "57P03", "53300"}


def open_postgres(
    url: str,
    folder: Path,
    *,
    heartbeat_interval: int = 10,
    grace_period: int = 60,
    patience: float = 600.0,
    tell: Callable[[str], None],
) -> PostgresStorage:
    """Open Optuna's storage in a PostgreSQL database, and make its tables in one that is empty.

    Args:
        url: ``postgresql://USER@HOST:PORT/DATABASE``; its password may come from elsewhere.
        folder: The folder that this process works in.
        heartbeat_interval: Seconds between the signs of life of a running trial.
        grace_period: Seconds without one after which a trial's worker counts as dead.
        patience: Seconds to wait for a server that goes away later on.
        tell: Gets one line when it goes and one when it is back.

    Raises:
        ConfigError: For a URL that is none, or without the driver.
        StudyError: When the server cannot be reached now, refuses the login, or has no such database; and
            when the database's tables are another Optuna version's.
    """
    address = with_secrets(url)
    if importlib.util.find_spec("psycopg") is None:
        raise ConfigError(
            "PostgreSQL needs its driver, psycopg",
            where=address.url,
            remedy="Install it with `pip install 'mammobench[distributed]'`",
        )
    place = make_url(address.url).set(drivername="postgresql+psycopg")
    waiting = Patience(_server(place), tell, seconds=patience)
    arguments: dict[str, Any] = {
        **{key: value for key, value in _NOTICING.items() if key not in place.query},
        **address.secrets,
    }
    text = place.render_as_string(hide_password=False)
    engine = sqlalchemy.create_engine(text, connect_args=arguments, pool_pre_ping=True)
    sqlalchemy.event.listen(engine, "connect", _in_utc)
    try:
        # the lock ends with the transaction; without it, two machines making tables trip over each other
        with engine.begin() as connection, warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            connection.execute(sqlalchemy.select(sqlalchemy.func.pg_advisory_xact_lock(_SETUP_LOCK)))
            record = RDBStorage(
                text.replace("{", "{{").replace("}", "}}"),  # Optuna fills templates
                # the pool knows the password, so that Optuna need not
                engine_kwargs={"pool": engine.pool, "hide_parameters": True},
                heartbeat_interval=heartbeat_interval,
                grace_period=grace_period,
            )
    except (SQLAlchemyError, StorageInternalError) as error:
        engine.dispose()
        raise _explained(error, address, place) from None
    except RuntimeError as error:
        engine.dispose()
        raise StudyError(
            f"the database belongs to another Optuna version ({_one_line(error)})",
            where=address.url,
            remedy="Use that version on every machine, or a database of its own for this study",
        ) from None
    sqlalchemy.event.listen(record.engine, "handle_error", _translation(waiting, address, place))
    return PostgresStorage(record, waiting, folder)


def _in_utc(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's own
    # Optuna stores heartbeats without their time zone, which PGTZ or a change to summer time would move
    connection.execute("SET TIME ZONE 'UTC'")
    connection.commit()


def _translation(
    waiting: Patience, address: StorageUrl, place: URL
) -> Callable[[ExceptionContext], BaseException | None]:
    """Return a handler that turns a lost server into `ServerAwayError`, which Optuna lets through."""

    def translated(context: ExceptionContext) -> BaseException | None:
        error = context.original_exception
        lost = context.is_disconnect or context.connection is None or _code(error) in _AWAY
        if context.is_pre_ping or context.sqlalchemy_exception is None or not lost:
            return None
        problem = _explained(context.sqlalchemy_exception, address, place)
        if isinstance(problem, ServerAwayError):
            waiting.notice()
        return problem

    return translated


def _explained(error: BaseException, address: StorageUrl, place: URL) -> StudyError:
    """Return what a database error means and what to do; its own text may hold secrets, ours does not."""
    cause = error.__cause__ if isinstance(error, StorageInternalError) else error
    original = cause.orig if isinstance(cause, DBAPIError) and cause.orig is not None else cause or error
    text = _one_line(original)
    for secret in address.secrets.values():
        text = text.replace(str(secret), "***")
    host, port, database = place.host or "localhost", place.port or 5432, place.database or place.username
    if _code(original) == "42501":
        return StudyError(
            "the user may not make tables in the database",
            where=address.url,
            found=text,
            remedy=f"As its owner, run: GRANT CREATE, USAGE ON SCHEMA public TO {place.username}",
        )
    if any(reason in text for reason in ("authentication failed", "no password", 'role "')):
        return StudyError(
            f"the database server refuses the login of {place.username or 'this user'}",
            where=address.url,
            found=text,
            remedy="Check the password in PGPASSWORD, ~/.pgpass or MAMMOBENCH_STORAGE",
        )
    if "database" in text and "does not exist" in text:
        return StudyError(
            "no such database",
            where=address.url,
            found=text,
            remedy=f"Make it with `createdb -h {host} -p {port} -U {place.username or 'USER'} {database}`",
        )
    return ServerAwayError(
        "cannot reach the database server",
        where=_server(place),
        found=text,
        remedy=f"See that PostgreSQL runs and lets this machine in: `pg_isready -h {host} -p {port}`",
    )


def _server(place: URL) -> str:
    return f"{place.host or 'local socket'}:{place.port or 5432}"


def _code(error: BaseException | None) -> str | None:
    return getattr(error, "sqlstate", None)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")
