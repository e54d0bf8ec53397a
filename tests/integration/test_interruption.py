"""Ctrl-C and a killed main process leave a study that the same command continues."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from mammobench.study.record import StudyRecord
from tests.integration.command_line import CommandLine

# one worker makes the searched study once
pytestmark = pytest.mark.xdist_group("searched")


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a file is there while the process runs."""
    while not path.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def descendants(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


@pytest.mark.parametrize("moment", [0.3, 2.0, 4.0, 5.5, 8.0])
def test_an_interruption_while_libraries_load_is_answered_in_a_line(
    command_line: CommandLine, moment: float
) -> None:
    with command_line.start(*command_line.search_words) as process:
        time.sleep(moment)
        # as a terminal does: all processes hear it
        os.killpg(process.pid, signal.SIGINT)
        # the server of trials, which has standard error too, goes at once as well
        out, err = process.communicate(timeout=7)
    assert (process.returncode, out) == (130, "")
    # on a fast machine trials have ended by then
    stopped = [line for line in err.splitlines() if not line.startswith("trial ")]
    assert "Traceback" not in err
    assert "Error" not in err
    assert len(stopped) <= 4, err
    assert re.search(r"Stopped\. .*the same command", err)


def test_interrupted_and_killed_searches_end_as_if_nothing_had_happened(
    searched: CommandLine, command_line: CommandLine
) -> None:
    study = command_line.folder / "reports" / "tiny"

    with command_line.start(*command_line.search_words) as process:
        wait_for(study / "trials" / "0001" / "history.csv", process)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on" in " ".join(err.split())
    assert "Traceback" not in err

    with command_line.start(*command_line.search_words) as process:
        wait_for(study / "trials" / "0003" / "history.csv", process)
        orphans = descendants(process)
        process.kill()
        process.communicate(timeout=60)
    gone, alive = psutil.wait_procs(orphans, timeout=30)
    assert gone
    assert not alive

    command_line.run(*command_line.search_words)
    expected = StudyRecord.open(searched.folder / "reports" / "tiny").trials
    found = StudyRecord.open(study).trials
    assert [(trial.state, dict(trial.hyperparameters)) for trial in found] == [
        (trial.state, dict(trial.hyperparameters)) for trial in expected
    ]
    for one, other in zip(found, expected, strict=True):
        with np.load(one.folder / "predictions.npz") as a, np.load(other.folder / "predictions.npz") as b:
            assert all(np.array_equal(a[name], b[name]) for name in b)
