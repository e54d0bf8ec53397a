"""The address of a database: which are taken, and the ways of its password."""

from pathlib import Path

import pytest

from mammobench.core.errors import ConfigError
from mammobench.study.storage import url as storage_url
from mammobench.study.storage.access import (
    open_storage,
)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:///study.db", "SQLite loses writes"),
        ("mysql+pymysql://u:hidden@host/db", "which MySQL has not"),
        ("redis://host", "Redis keeps no heartbeats"),
        ("study.db", "found no scheme"),
        ("postgresql://u:hid@den@host/db", "cannot be read"),
        ("postgresql://u:hid/den@host/db", "cannot be read"),
        ("postgresql://u:hid#den@host/db", "cannot be read"),
        ("postgresql://u:hid?den@host/db", "cannot be read"),
        ("postgresql://u@host:hidden/db", "cannot be read"),
        ("postgresql://u@h1:1,h2:2/hidden", r"cannot be read.*host=HOST:PORT&host=HOST:PORT"),
    ],
)
def test_another_url_is_refused_without_repeating_it(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        open_storage(tmp_path, url)
    assert "hid" not in str(caught.value)


def test_a_url_is_shown_without_its_secrets() -> None:
    url = "postgresql+psycopg://u:p%40s@h:5/d?sslmode=require&password=q&sslpassword=r"
    assert storage_url.redacted(url) == "postgresql://u@h:5/d?sslmode=require"
    assert storage_url.redacted("postgres://h/d") == "postgresql://h/d"
    assert storage_url.redacted("postgresql:///d?host=%2Ftmp") == "postgresql:///d?host=%2Ftmp"
    many = "postgresql://u@/d?target_session_attrs=any&host=h1%3A1&host=h2%3A2"
    assert storage_url.redacted(many) == many
    assert storage_url.redacted("postgresql://u@h1,h2/d") == "postgresql://u@h1,h2/d"
    with pytest.raises(ConfigError, match=r"shows in `ps`.*MAMMOBENCH_STORAGE") as caught:
        storage_url.require_no_password(url)
    assert "p%40s" not in str(caught.value)
    assert storage_url.require_no_password("postgresql://u@h/d") == "postgresql://u@h/d"


def test_a_password_is_not_shown_and_not_stored() -> None:
    secrets = storage_url.StorageUrl.parse("postgresql://u:hidden@h/d").secrets
    assert secrets == {"password": "hidden"}
    assert "hidden" not in repr(secrets)
    with pytest.raises(TypeError, match="not stored"):
        secrets["password"].__reduce__()


def test_the_environments_url_is_asked_for_and_lends_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(storage_url.VARIABLE, raising=False)
    assert storage_url.asked_storage(None) is None
    monkeypatch.setenv(storage_url.VARIABLE, "postgresql://u:hidden@h/d")
    assert storage_url.asked_storage(None) == "postgresql://u@h/d"
    assert storage_url.asked_storage("postgresql://u@h/other") == "postgresql://u@h/other"
    assert storage_url.with_secrets("postgresql://u@h/d").secrets == {"password": "hidden"}
    assert storage_url.with_secrets("postgresql://u@h/other").secrets == {}
