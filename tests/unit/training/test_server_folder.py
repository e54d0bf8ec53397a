"""The folder of the trial server's socket, which a killed process leaves behind and the next one removes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

SEARCHES = """
import os, signal, sys
from mammobench.training.process import call_in_process
assert call_in_process(abs, -3) == 3
if sys.argv[1] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""
# what matters is the folder, and loading TensorFlow takes seconds
WITHOUT_LIBRARIES = """
import multiprocessing
context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload = lambda _: None
"""


def search(place: Path, how: str) -> int:
    environment = {**os.environ, "TMPDIR": str(place)}
    command = [sys.executable, "-c", WITHOUT_LIBRARIES + SEARCHES, how]
    return subprocess.run(command, env=environment, check=False).returncode


def test_what_a_killed_process_left_is_removed_by_the_next_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "mammo-somebodys").mkdir()
    (tmp_path / "mammo-somebodys" / "thesis.txt").touch()
    for _ in range(2):
        assert search(tmp_path, "killed") == -signal.SIGKILL
        left = {path.name for path in tmp_path.iterdir()} - {"mammo-somebodys"}
        assert len(left) == 1
    assert search(tmp_path, "ended") == 0
    assert [path.name for path in tmp_path.iterdir()] == ["mammo-somebodys"]
    assert (tmp_path / "mammo-somebodys" / "thesis.txt").exists()
