"""Every opening of a study's test split is logged, once a command, and told on the page."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pytest

from mammobench import cli
from mammobench.analysis.doctor import examine
from mammobench.api import Study
from mammobench.core.invocation import call_of, current_call
from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.evaluation.openings import _append, openings_of
from mammobench.evaluation.predictions import open_test, open_validation
from mammobench.report.write import report_on
from mammobench.study.deletion import delete, plan_deletion
from mammobench.study.filenames import OPENINGS
from mammobench.study.paths import holds_remains
from mammobench.study.record import StudyRecord

StudyWriter = Callable[..., StudyRecord]


@pytest.fixture
def study(write_study: StudyWriter, tmp_path: Path) -> StudyRecord:
    return write_study(tmp_path / "reports" / "s", trials=2, images=60)


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["mammobench", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0


def test_a_command_is_one_opening_with_time_command_and_version(
    study: StudyRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("report", str(study.folder), "--format", "csv", "--json")
    run(monkeypatch, *words)
    (line,) = (study.folder / OPENINGS).read_text("utf-8").splitlines()
    entry = json.loads(line)
    assert entry["command"].endswith(" ".join(words))
    assert entry["version"] == version("mammobench")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", entry["time"])
    run(monkeypatch, *words)
    assert len(openings_of(study.folder).times) == 2


def test_json_of_report_has_the_count_and_the_times(
    study: StudyRecord, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build_leaderboard(study, resamples=10)
    run(monkeypatch, "report", str(study.folder), "--format", "csv", "--json")
    found = json.loads(capsys.readouterr().out)["test_openings"][str(study.folder)]
    log = openings_of(study.folder)
    assert found == {"count": 2, "first": log.times[0], "last": log.times[1], "unlogged": None}


def test_a_call_from_python_is_one_opening_and_validation_is_none(study: StudyRecord) -> None:
    open_validation(study.trial_folder(1))
    assert openings_of(study.folder).times == ()
    opened = Study(study)
    opened.leaderboard()
    opened.report(study.folder / "index.html")
    assert openings_of(study.folder).commands == (
        "Study.leaderboard() in Python",
        "Study.report() in Python",
    )
    with call_of("mine"):
        opened.leaderboard()
        open_test(study.trial_folder(1))
        open_test(study.trial_folder(2))
    assert openings_of(study.folder).commands[2:] == ("mine",)


def test_what_no_call_names_is_the_processs(study: StudyRecord) -> None:
    for number in (1, 2):
        open_test(study.trial_folder(number))
    assert len(openings_of(study.folder).times) == 1


def test_a_password_is_not_logged() -> None:
    with call_of("mammobench report s --storage postgresql://me:secret@host/db"):
        assert current_call().words == "mammobench report s --storage postgresql://me@host/db"


def test_the_page_shows_the_count_and_the_first_and_last_time(study: StudyRecord) -> None:
    log = study.folder / OPENINGS
    log.write_text('{"time": "2026-01-01T00:00:00+00:00", "command": "a"}\n')
    for kind, count in (("html", 2), ("markdown", 3), ("latex", 4)):
        words = report_on([study], kind=kind).read_text("utf-8").replace("{-}", "-")
        assert f"the test split was opened {count} times, first at 2026-01-01T00:00:00" in words
        assert f"last at {openings_of(study.folder).times[-1]}" in words
        assert "opened once" not in words


def test_a_log_that_cannot_be_written_is_told_and_fails_nothing(
    study: StudyRecord, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (study.folder / OPENINGS).mkdir()
    page = report_on([study], out=tmp_path / "page.md").read_text("utf-8")
    told = capsys.readouterr().err
    assert told.count("This opening of the test split cannot be logged") == 1
    assert OPENINGS in told
    assert "and now, which could not be logged (Is a directory)" in page


def test_half_a_line_spoils_neither_the_one_before_nor_the_next(study: StudyRecord) -> None:
    log = study.folder / OPENINGS
    log.write_text('{"time": "2026-01-01T00:00:00+00:00", "command": "a"}\n{"time": "20')
    build_leaderboard(study, resamples=10)
    found = openings_of(study.folder)
    assert found.commands == ("a", "build_leaderboard() in Python")
    log.write_bytes(b"\0\0[1]\n7\n\xff\n")
    assert openings_of(study.folder).times == ()


APPEND = """
import itertools, sys
from pathlib import Path
from mammobench.evaluation.openings import _append
print("begun", flush=True)
for number in itertools.count():
    _append(Path(sys.argv[1]), '{"time": "t", "command": "' + "x" * 3000 + str(number) + '"}\\n')
"""
FULL = """
import resource, signal, sys
from pathlib import Path
from mammobench.evaluation.openings import _append
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (60, 60))
for _ in range(3):
    try:
        _append(Path(sys.argv[1]), '{"time": "t", "command": "twenty letters and more"}\\n')
    except OSError as error:
        print(error.strerror)
"""


def test_a_kill_leaves_no_half_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = subprocess.Popen([sys.executable, "-c", APPEND, log], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    while not log.exists() or log.stat().st_size < 50_000:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    content = log.read_text("utf-8")
    assert content.endswith("\n")
    assert all(json.loads(line)["time"] == "t" for line in content.splitlines())


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    done = subprocess.run([sys.executable, "-c", FULL, log], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 2
    (line,) = log.read_text("utf-8").splitlines()
    assert json.loads(line)["time"] == "t"


def test_lines_of_many_at_once_are_whole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: _append(log, json.dumps({"n": number}) + "\n"), range(200)))
    assert {json.loads(line)["n"] for line in log.read_text("utf-8").splitlines()} == set(range(200))


def test_the_log_is_a_studys_own_file(study: StudyRecord) -> None:
    build_leaderboard(study, resamples=10)
    findings = examine(study.folder).findings
    assert not any(OPENINGS in str(finding) for finding in findings)
    copy = shutil.copytree(study.folder, study.folder.with_name("remains"))
    (copy / "study.json").unlink()
    assert holds_remains(copy)
    assert delete(plan_deletion(study.folder)) == ()
    assert not study.folder.exists()
