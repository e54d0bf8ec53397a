"""Trials that crash, outgrow the memory, give NaN, outrun their time or fill the disk."""

import errno
import os
import pickle
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mammobench.data.store.image_store import ImageStore
from mammobench.training.failures import Fault
from mammobench.training.filenames import CHECKPOINT
from mammobench.training.process import EpochEnd, TrialEnd, TrialProcess
from tests.trial_tasks import ENDLESS, SMALL, make_task, messages_of, run_to_end

pytestmark = pytest.mark.xdist_group("trials")

DIVERGES = {
    **SMALL, "data.intensity": "none", "model.activation": "linear", "optimizer.name": "sgd",
    "optimizer.learning_rate": 10.0, "model.l2": 1.0, "training.batch_size": 4, "training.max_epochs": 30,
}  # fmt: skip
# one dense layer of 68 GB
TOO_LARGE = {
    **SMALL, "data.image_size": 64, "model.filters": [4096], "model.head": "flatten",
    "model.hidden_units": [4096],
}  # fmt: skip


def log_of(end_folder: Path) -> str:
    return (end_folder / "log.txt").read_text()


def test_a_loss_that_is_no_number(phantom: ImageStore, tmp_path: Path) -> None:
    end = run_to_end(make_task(phantom, tmp_path / "0007", DIVERGES))
    assert (end.result, end.fault) == (None, "diverged")
    assert end.reason is not None
    assert "loss is not a finite number" in end.reason
    assert "Search lower learning rates" in end.reason
    assert "Traceback" in log_of(tmp_path / "0007")


def test_a_model_that_does_not_fit_into_memory(phantom: ImageStore, tmp_path: Path) -> None:
    process = TrialProcess(make_task(phantom, tmp_path / "0007", TOO_LARGE))
    assert process.pid is not None
    # on any machine, also one that promises more memory than it has
    resource.prlimit(process.pid, resource.RLIMIT_AS, (32 * 2**30, 32 * 2**30))
    *_, end = messages_of(process)
    assert isinstance(end, TrialEnd)
    assert (end.result, end.fault) == (None, "memory")
    assert "smaller training.batch_size" in (end.reason or "")
    assert "Traceback" in log_of(tmp_path / "0007")


@pytest.mark.parametrize(
    ("number", "fault", "told"),
    [
        (signal.SIGKILL, "killed", "killed by SIGKILL, probably for want of memory"),
        (signal.SIGTERM, "killed", "from outside by SIGTERM"),
        (signal.SIGSEGV, "crash", "native code crashed (SIGSEGV)"),
        (signal.SIGABRT, "crash", "native code crashed (SIGABRT)"),
    ],
)
def test_a_signal_ends_one_trial_with_a_reason(
    number: signal.Signals, fault: Fault, told: str, phantom: ImageStore, tmp_path: Path
) -> None:
    process = TrialProcess(make_task(phantom, tmp_path / "0007", ENDLESS))
    for message in messages_of(process):
        if isinstance(message, EpochEnd):
            if message.epoch == 1 and process.pid is not None:
                os.kill(process.pid, number)
        else:
            assert message.fault == fault
            assert told in (message.reason or "")
    if fault == "crash":
        assert "training/loop.py" in log_of(tmp_path / "0007")


def test_a_trial_that_outruns_its_time(phantom: ImageStore, tmp_path: Path) -> None:
    end = run_to_end(make_task(phantom, tmp_path / "0007", ENDLESS, time_limit=1.5))
    assert (end.result, end.fault) == (None, "time limit")
    assert (end.reason or "").startswith("time limit of 1.5 s")
    assert 'File "' in log_of(tmp_path / "0007")


def test_the_time_of_waiting_for_an_answer_is_not_the_trials(phantom: ImageStore, tmp_path: Path) -> None:
    process = TrialProcess(make_task(phantom, tmp_path / "0007", asks=True, time_limit=60))
    for message in messages_of(process):
        if isinstance(message, EpochEnd):
            assert process.pid is not None
            # an alarm that is set while the trial waits would show here
            waiting = Path(f"/proc/{process.pid}/timers")
            assert not waiting.exists() or "signal: 14" not in waiting.read_text()
            process.answer(go_on=True)
        else:
            assert message.result is not None


def test_a_log_that_cannot_be_written_costs_the_log_alone(phantom: ImageStore, tmp_path: Path) -> None:
    for name, values in (("finished", SMALL), ("failed", DIVERGES)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "log.txt").symlink_to("/dev/full")
        end = run_to_end(make_task(phantom, tmp_path / name, values))
        assert (end.result is not None) == (name == "finished")
    assert "loss is not a finite number" in (end.reason or "")
    (tmp_path / "none" / "log.txt").mkdir(parents=True)
    assert run_to_end(make_task(phantom, tmp_path / "none")).result is not None


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB; mounting one needs root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=64k", "mammobench-test", str(folder)]
    if mount is None or subprocess.run([mount, *options], check=False, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here (it needs root)")
    yield folder
    subprocess.run([mount.replace("mount", "umount"), folder], check=True)


def test_a_full_disk_is_no_failure_of_the_configuration(
    phantom: ImageStore, tmp_path: Path, small_disk: Path
) -> None:
    whole = run_to_end(make_task(phantom, tmp_path / "whole"))
    folder = small_disk / "0007"
    task = make_task(phantom, folder, asks=True)
    process = TrialProcess(task)
    for message in messages_of(process):
        if isinstance(message, EpochEnd):
            if message.epoch == 1:
                fill(small_disk / "filling")
            process.answer(go_on=True)
    assert isinstance(end := message, TrialEnd)
    assert (end.result, end.fault) == (None, "full disk")
    assert "no space left on the disk of" in (end.reason or "")
    assert "free some there and run the same command again" in (end.reason or "")
    (small_disk / "filling").unlink()
    *epochs, end = messages_of(TrialProcess(make_task(phantom, folder)))
    assert isinstance(end, TrialEnd)
    assert [message.epoch for message in epochs if isinstance(message, EpochEnd)] == [1, 2, 3]
    assert end.result is not None
    assert whole.result is not None
    assert end.result.curve == whole.result.curve
    assert (folder / CHECKPOINT).exists()


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(512))
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017 - what is being brought about


SEARCHING = """
import pickle, sys
from mammobench.training.process import EpochEnd, TrialProcess, wait_for_any
process = TrialProcess(pickle.load(sys.stdin.buffer))
while True:
    wait_for_any([process])
    for message in process.messages():
        print(process.pid, flush=True)
"""


@pytest.mark.slow  # half a minute
def test_nothing_is_left_running_when_the_searching_process_is_killed(
    phantom: ImageStore, tmp_path: Path
) -> None:
    task = pickle.dumps(make_task(phantom, tmp_path / "0007", ENDLESS))
    with subprocess.Popen(
        [sys.executable, "-c", SEARCHING], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as searching:
        assert searching.stdin is not None
        assert searching.stdout is not None
        searching.stdin.write(task)
        searching.stdin.close()
        assert searching.stdout.readline()
        family = psutil.Process(searching.pid).children(recursive=True)
        assert len(family) >= 2
        searching.kill()
        gone, left = psutil.wait_procs(family, timeout=20)
        assert len(gone) == len(family)
        assert not left
