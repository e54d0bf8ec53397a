"""A disk that is full in the middle of a trial costs nothing that has finished."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mammobench.study.record import StudyRecord
from mammobench.training.filenames import CHECKPOINT
from tests.integration.command_line import CommandLine
from tests.integration.watching import require_gone, require_same_trials, trial_processes, wait_until

# the files of one checkpoint of the tiny space and one history, and not of the next ones written beside them
ROOM = 40 << 10


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 MiB; mounting one needs root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if mount is None or umount is None:
        pytest.skip("a small disk cannot be mounted here (there is no mount)")
    options = ["-t", "tmpfs", "-o", "size=64m", "mammobench-test", str(folder)]
    mounted = subprocess.run([mount, *options], check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here (it needs root): {mounted.stderr.strip()}")
    yield folder
    subprocess.run([umount, folder], check=True)


@pytest.mark.slow
@pytest.mark.xdist_group("searched")
@pytest.mark.timeout(900)
def test_a_disk_full_in_a_trial_ends_the_search_and_loses_nothing(
    searched: CommandLine, command_line: CommandLine, small_disk: Path
) -> None:
    study, filling = small_disk / "tiny", small_disk / "filling"
    words = [*command_line.search_words, "--study", str(study)]
    with command_line.start(*words) as process:
        wait_until((study / "trials" / "0002" / "config.json").exists, process)
        # stopped meanwhile, so that it trains with what is left
        (trial,) = trial_processes(process)
        trial.suspend()
        leave_free(filling, ROOM)
        trial.resume()
        family = [*trial_processes(process)]
        _, err = process.communicate(timeout=240)
    told = " ".join(err.split())
    assert process.returncode == 1, err
    assert "Traceback" not in err
    assert f"no space left on the disk of {study / 'trials' / '0002'}" in told
    assert "free some there and run the same command again" in told
    require_gone(family)

    # still full, the study opens: what has finished is there, and the trial has its last checkpoint
    trials = StudyRecord.open(study).trials
    assert [trial.state for trial in trials] == ["finished", "finished", "running"]
    assert all((trial.folder / "predictions.npz").exists() for trial in trials[:2])
    assert (trials[2].folder / CHECKPOINT).exists()
    assert not [path.name for path in trials[2].folder.glob(".*")]
    _, err = command_line.run(*words, status=1)
    assert "free some there" in " ".join(err.split())

    filling.unlink()
    command_line.run(*words)
    require_same_trials(study, searched.folder / "reports" / "tiny")


def leave_free(path: Path, left: int) -> None:
    """Write a file that leaves so many bytes of its disk."""
    disk = os.statvfs(path.parent)
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, disk.f_bavail * disk.f_frsize - left)
