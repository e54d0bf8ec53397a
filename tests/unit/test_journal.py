import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from optuna.study import StudyDirection

from mammobench.journal import open_journal

KILLED_IN_A_WRITE = """
import os, signal, sys
from pathlib import Path
from optuna.storages.journal import JournalFileBackend
from mammobench.journal import open_journal

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
