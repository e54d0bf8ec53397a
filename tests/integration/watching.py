"""What a search has come to, seen from outside while it runs and after it has ended."""

import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
from tensorboard.compat.proto.event_pb2 import Event

from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord

_HEAD, _CHECKSUM = struct.Struct("<QI"), 4


def wait_until(true: Callable[[], bool], process: subprocess.Popen[str], *, seconds: float = 240) -> None:
    """Wait until something is true while the process runs."""
    deadline = time.monotonic() + seconds
    while not true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.01)


def wait_for_first_epoch(study: Path, number: int, process: subprocess.Popen[str]) -> None:
    """Wait until a trial has trained its first epoch."""
    wait_until((study / "trials" / f"{number:04d}" / "history.csv").exists, process)


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return all processes that a command has started."""
    return psutil.Process(process.pid).children(recursive=True)


def trial_processes(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return the processes that train, which a server forks."""
    return [trial for server in psutil.Process(process.pid).children() for trial in server.children()]


def require_gone(processes: list[psutil.Process]) -> None:
    """Wait for processes to end by themselves."""
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert not alive


def epochs_trained(trial: Path) -> int:
    """Return how many epochs the processes of a trial have written to their TensorBoard logs.

    Each process writes a file of its own and one event for each epoch that it has trained, so an epoch that
    two of them trained stands there twice. Of a trial that continues another one, the other's epochs stand
    there first, once.
    """
    return sum(_count_events(path.read_bytes()) for path in (trial / "tensorboard").iterdir())


def _count_events(log: bytes) -> int:
    # a killed process may leave its last record without an end
    count, place = 0, 0
    while place + _HEAD.size <= len(log):
        length, _ = _HEAD.unpack_from(log, place)
        place += _HEAD.size
        if place + length <= len(log):
            count += Event.FromString(log[place : place + length]).HasField("summary")
        place += length + _CHECKSUM
    return count


def require_same_trials(found: Path, expected: Path) -> None:
    """Compare two studies: no trial lost or doubled, the same ends, and predictions to the bit."""
    studies = StudyRecord.open(found), StudyRecord.open(expected)
    trials = [study.trials for study in studies]
    assert [trial.number for trial in trials[0]] == list(range(len(trials[0])))
    # on a journal a trial that was started twice is still one entry
    entries = [len(study.storage.get_all_trials(study.study_id)) for study in studies]
    assert entries == [len(trials[0])] * 2
    assert [_told(trial) for trial in trials[0]] == [_told(trial) for trial in trials[1]]
    for one, other in zip(*trials, strict=True):
        require_same_predictions(one.folder, other.folder)
        assert _files(one.folder) == _files(other.folder)


def require_same_predictions(one: Path, other: Path) -> None:
    """Compare the predictions of validation and test in two folders, bit for bit."""
    with np.load(one / "predictions.npz") as a, np.load(other / "predictions.npz") as b:
        assert sorted(a.files) == sorted(b.files) == ["test_probability", "validation_probability"]
        assert all(np.array_equal(a[name], b[name]) for name in a.files), one


def _told(trial: TrialRecord) -> dict[str, object]:
    names = (
        "number", "role", "state", "hyperparameters", "seed", "until", "continues", "memo", "config", "curve",
        "objectives", "threshold", "epochs", "best_epoch", "costs",
    )  # fmt: skip
    return {name: getattr(trial, name) for name in names}


def _files(folder: Path) -> set[str]:
    """Return what lies in a trial's folder: nothing that a killed process left half done may."""
    return {path.name for path in folder.iterdir()}
