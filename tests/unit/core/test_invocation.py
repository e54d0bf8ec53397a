"""Printed commands run as printed."""

import sys
from pathlib import Path

import pytest

from mammobench.core.invocation import as_started, command


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return a folder on the PATH, alone, with a program of our name."""
    (tmp_path / "bin").mkdir()
    ours = tmp_path / "bin" / "mammobench"
    ours.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(ours.parent))
    return ours


def test_a_program_on_the_path_is_called_by_its_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(path)])
    assert command("report", "a b") == "mammobench report 'a b'"


def test_a_program_elsewhere_is_called_by_its_path(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/other/.venv/bin/mammobench"])
    assert command("report", "x") == "/other/.venv/bin/mammobench report x"
    assert path.exists()


def test_under_uv_the_command_is_run_by_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_RUN_RECURSION_DEPTH", "1")
    for started in ("/other/.venv/bin/mammobench", "script.py"):
        monkeypatch.setattr(sys, "argv", [started])
        assert command("report", "x") == "uv run mammobench report x"


def test_a_module_is_called_by_its_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/other/mammobench/__main__.py"])
    monkeypatch.setattr(sys, "orig_argv", ["python3", "-m", "mammobench"])
    assert command("spaces") == "python3 -m mammobench spaces"


def test_commands_in_a_text_are_changed_and_prose_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_RUN_RECURSION_DEPTH", "1")
    text = "mammobench search x"
    assert as_started(text) == "uv run mammobench search x"
    text = "A mammobench of `mammobench doctor x`, or uv run mammobench report x. See mammobench 2."
    assert as_started(text) == text.replace("`mammobench", "`uv run mammobench")
