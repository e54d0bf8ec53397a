"""Where a study's storage is, and the password's way to it: never through an argument, a file or a log.

A process list and a shell's history show command lines, so a password may come from PGPASSWORD, from
``~/.pgpass`` (both read by libpq itself) or in the URL in MAMMOBENCH_STORAGE, from which it goes straight
into the connection. What mammobench stores, prints or hands on is the URL without it.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import quote, urlencode

from mammobench.core.errors import ConfigError

VARIABLE = "MAMMOBENCH_STORAGE"
_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
_SECRET_FIELDS = ("password", "sslpassword")
_REFUSED = {
    "sqlite": "SQLite loses writes when several processes write, as Optuna's own FAQ says",
    "mysql": "workers are taken over from dead machines with PostgreSQL's locks, which MySQL has not",
    "redis": "Redis keeps no heartbeats, so that a dead worker's trial would stay running for ever",
}


class Password(str):
    """A password that no ``repr`` and no pickle gives away; libpq gets its characters."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a password is not stored")


@dataclass(frozen=True)
class StorageUrl:
    """A PostgreSQL URL taken apart.

    Attributes:
        url: ``postgresql://user@host:5432/database?sslmode=require``, without a password.
        secrets: libpq's keywords for what was taken out: ``password``, ``sslpassword``.
    """

    url: str
    secrets: dict[str, Password]

    @classmethod
    def parse(cls, text: str) -> "StorageUrl":
        """Take a URL apart; no error repeats it, since it may hold a password.

        Raises:
            ConfigError: For another scheme than PostgreSQL's, or a URL that cannot be read.
        """
        scheme, separator, _ = text.partition("://")
        if not separator or scheme not in _SCHEMES:
            found = scheme if separator and scheme.replace("+", "").isalnum() else "no scheme"
            reason = next((why for name, why in _REFUSED.items() if found.startswith(name)), None)
            raise ConfigError(
                "a storage for many machines is PostgreSQL" + (f" ({reason})" if reason else ""),
                where="storage",
                expected="postgresql://USER@HOST/DATABASE",
                found=found,
                remedy="Give such a URL, or none for a study that one machine searches",
            )
        # not above: it takes a second, and a study on a journal needs none of it
        from sqlalchemy.engine import URL, make_url  # noqa: PLC0415
        from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

        login, _, _ = text.partition("://")[2].rpartition("@")
        made = None
        if "#" not in text and not set(login) & set("@/?"):
            with suppress(ArgumentError, ValueError):
                made = make_url(text)
        if made is None:
            raise ConfigError(
                "a storage URL that cannot be read (it is not repeated here, for its password)",
                where="storage",
                expected="postgresql://USER@HOST:PORT/DATABASE?option=value",
                remedy="Write the characters @ : / # ? % of a password as %40 %3A %2F %23 %3F %25, "
                "and several hosts with ports as ?host=HOST:PORT&host=HOST:PORT",
            )
        query = [(key, value) for key, values in made.normalized_query.items() for value in values]
        secrets = {key: value for key, value in query if key in _SECRET_FIELDS}
        secrets["password"] = made.password or secrets.get("password", "")
        bare = URL.create("postgresql", made.username, None, made.host, made.port, made.database)
        # in their order: SQLAlchemy would sort them, and a study's description has them as they were given
        options = urlencode([item for item in query if item[0] not in _SECRET_FIELDS], quote_via=quote)
        return cls(
            bare.render_as_string() + (f"?{options}" if options else ""),
            {key: Password(value) for key, value in secrets.items() if value},
        )


def redacted(url: str) -> str:
    """Return a storage URL as it may be shown, stored and opened again: without its password."""
    return StorageUrl.parse(url).url


def require_no_password(url: str) -> str:
    """Return a URL from a command line, where a password would be seen by every user of the machine.

    Raises:
        ConfigError: When it has one.
    """
    parsed = StorageUrl.parse(url)
    if parsed.secrets:
        raise ConfigError(
            "a password on the command line shows in `ps` and stays in the shell's history",
            where="--storage",
            expected=parsed.url,
            remedy=f"Put it into PGPASSWORD, ~/.pgpass, or the whole URL into {VARIABLE}; "
            "and change the password, since it has been shown",
        )
    return parsed.url


def asked_storage(option: str | None) -> str | None:
    """Return the storage that was asked for, without its password: the option, else MAMMOBENCH_STORAGE.

    Raises:
        ConfigError: When the option has a password, or either cannot be read.
    """
    if option is not None:
        return require_no_password(option)
    asked = os.environ.get(VARIABLE)
    return redacted(asked) if asked else None


def with_secrets(url: str) -> StorageUrl:
    """Return a URL with its secrets, those of MAMMOBENCH_STORAGE where that names the same place.

    Without any, libpq looks into PGPASSWORD and ``~/.pgpass`` itself.
    """
    parsed = StorageUrl.parse(url)
    known = os.environ.get(VARIABLE)
    if parsed.secrets or not known:
        return parsed
    candidate = StorageUrl.parse(known)
    return candidate if candidate.url == parsed.url else parsed
