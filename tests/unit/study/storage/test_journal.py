"""A journal whose writer is killed, whose line is torn, whose disk is full."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from optuna.study import StudyDirection
from optuna.trial import TrialState

from mammobench.study.storage.access import (
    open_storage,
)
from mammobench.study.storage.journal import open_journal
from tests.recorded import NAME, entered, new_study, states

KILLED_IN_A_WRITE = """
import os, signal, sys
from pathlib import Path
from optuna.storages.journal import JournalFileBackend
from mammobench.study.storage.journal import open_journal

journal = open_journal(Path(sys.argv[1]))
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
journal.create_new_study([1], "lost")
"""


def test_a_writer_killed_in_a_write_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("study")
    folder.mkdir()
    killed = subprocess.run([sys.executable, "-c", KILLED_IN_A_WRITE, folder], check=False, env=os.environ)
    assert killed.returncode == -signal.SIGKILL
    journal = open_journal(folder)
    journal.create_new_study([StudyDirection.MAXIMIZE], "next")
    assert {study.study_name for study in open_journal(folder).get_all_studies()} >= {"next"}


def test_a_torn_line_of_the_journal_is_cut_off_before_the_next_is_written(tmp_path: Path) -> None:
    study_id = new_study(open_storage(tmp_path, None))
    journal = tmp_path / "study.journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code":4,"worker_id"' + b"x" * 70_000)
    storage = open_storage(tmp_path, None)
    assert journal.read_bytes() == whole
    entered(storage, study_id)
    assert states(open_storage(tmp_path, None), study_id) == [TrialState.RUNNING]


def test_a_journal_without_a_whole_line_is_empty(tmp_path: Path) -> None:
    (tmp_path / "study.journal").write_bytes(b'{"op_code"')
    assert open_storage(tmp_path, None).get_all_studies() == []


FILLS_THE_DISK = """
import resource, signal, sys
from pathlib import Path
from mammobench.core.errors import StudyError
from mammobench.study.storage.access import open_storage
storage = open_storage(Path(sys.argv[1]), None)
study_id = storage.get_study_id_from_name(sys.argv[2])
trial_id = storage.create_new_trial(study_id)
try:
    for number in range(10_000):
        storage.set_trial_user_attr(trial_id, "filler", "x" * 1000)
except StudyError as error:
    sys.exit(f"{number} {error}")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")
def test_a_full_disk_leaves_a_journal_that_opens_again(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no tmpfs may be mounted here")
    try:
        study_id = new_study(open_storage(disk, None))
        script = [sys.executable, "-c", FILLS_THE_DISK, str(disk), NAME]
        done = subprocess.run(script, capture_output=True, text=True, check=False)
        written, message = done.stderr.split(" ", 1)
        assert int(written) > 10
        assert "study.journal: the disk is full" in message
        assert "Free some space" in message
        assert (disk / "study.journal").read_bytes().endswith(b"\n")
        assert states(open_storage(disk, None), study_id) == [TrialState.RUNNING]
    finally:
        subprocess.run([str(shutil.which("umount")), str(disk)], check=True)
