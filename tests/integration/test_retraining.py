"""Training a recorded trial again is resumed after an interruption, and one process does it at a time."""

import shutil
from pathlib import Path

import pytest

from mammobench.analysis.reproduction import reproduce_trial
from mammobench.analysis.retraining import alone
from mammobench.core.errors import StudyError
from mammobench.study.record import StudyRecord
from tests.integration.command_line import CommandLine

# one worker makes the searched study once
pytestmark = pytest.mark.xdist_group("searched")


@pytest.fixture
def study(searched: CommandLine, tmp_path: Path) -> StudyRecord:
    """Return a copy of the searched study that a test may write to."""
    folder = tmp_path / "tiny"
    shutil.copytree(searched.folder / "reports" / "tiny", folder)
    return StudyRecord.open(folder)


def test_an_interrupted_reproduction_goes_on_from_its_checkpoint(study: StudyRecord) -> None:
    folder = study.folder / ".reproduce-0001"
    first: list[str] = []

    def interrupt(_: int, __: int) -> None:
        if (folder / "checkpoint.npz").exists():
            first.extend((folder / "history.csv").read_text().splitlines()[:2])
            raise KeyboardInterrupt

    again: list[str] = []

    def look(epoch: int, epochs: int) -> None:
        if epoch == epochs:
            again.extend((folder / "history.csv").read_text().splitlines()[:2])

    with pytest.raises(KeyboardInterrupt):
        reproduce_trial(study, number=1, on_epoch=interrupt)
    assert (folder / "checkpoint.npz").exists()
    assert reproduce_trial(study, number=1, on_epoch=look).identical
    assert not folder.exists()
    # the row of the first epoch holds its measured seconds
    assert len(first) == 2
    assert first == again


def test_two_processes_cannot_reproduce_one_study_at_once(study: StudyRecord) -> None:
    with alone(study, "reproduces"), pytest.raises(StudyError, match="another process reproduces this study"):
        reproduce_trial(study, number=1)
