"""Trials whose process is killed, on a journal and in a database: they go on while they get on."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from optuna.trial import TrialState

from mammobench import api
from mammobench.data.store.image_store import ImageStore
from mammobench.space.yaml_file import parse_space
from mammobench.study.deaths import IN_A_ROW
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord
from mammobench.training.process import EpochEnd
from mammobench.tuning.events import Event, TrialStart
from mammobench.tuning.proposer import Proposer
from tests.integration.watching import require_same_predictions
from tests.postgres import PASSWORD, shared_server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("postgres"), pytest.mark.timeout(900)]

# a trial that asks after each epoch is one ahead of the search at most; the median stops none so soon
SPACE = """\
name: deaths
task: malignancy
image_size: 16
base: {training.batch_size: 16, training.patience: 0, model.filters: [4], optimizer.schedule: cosine}
search:
  optimizer.learning_rate: {float: [1.0e-3, 1.0e-2], log: true}
budget: {trials: 2, max_epochs: 6}
"""
Search = Callable[..., api.Study]


@pytest.fixture(params=["journal", "postgres"])
def search(
    request: pytest.FixtureRequest, phantom: ImageStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Search:
    url = None
    if request.param == "postgres":
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        url = shared_server().new_database()

    def search(name: str, observe: Callable[[StudyRecord, Event], None] = lambda *_: None) -> api.Study:
        return api.search(
            parse_space(SPACE, "deaths"), data=phantom.path, pruner="median", study=tmp_path / name,
            storage=url, heartbeat=1, observe=observe,
        )  # fmt: skip

    return search


def kill_trials() -> None:
    """Kill the processes that train; the database's are children of this process too."""
    servers = [child for child in psutil.Process().children() if "forkserver" in " ".join(child.cmdline())]
    for server in servers:
        for process in server.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def test_one_that_is_killed_after_new_epochs_ends_as_an_undisturbed_one(search: Search) -> None:
    expected, killed = search("expected"), set[int]()

    def observe(_: StudyRecord, event: Event) -> None:
        # what it has said of the epoch after that may have arrived already
        if isinstance(event, EpochEnd) and event.number == 1 and event.epoch in {1, 3, 5} - killed:
            killed.add(event.epoch)
            kill_trials()

    found = search("found", observe)
    assert killed == {1, 3, 5}
    assert [(trial.state, trial.attempts) for trial in found.trials] == [
        ("finished", 1), ("finished", 4), ("finished", 1),
    ]  # fmt: skip
    for trial, other in zip(found.trials, expected.trials, strict=True):
        assert (trial.config, trial.curve, trial.objectives) == (other.config, other.curve, other.objectives)
        require_same_predictions(trial.folder, other.folder)


def test_one_that_is_killed_at_one_epoch_three_times_in_a_row_fails_and_says_so(search: Search) -> None:
    starts: list[int] = []

    def observe(_: StudyRecord, event: Event) -> None:
        if isinstance(event, TrialStart):
            starts.append(event.record.number)
            if event.record.number == 1:
                kill_trials()

    study = search("found", observe)
    assert starts == [0, 1, 1, 1, 2]
    assert len(starts) == 2 + IN_A_ROW
    assert [trial.state for trial in study.trials] == ["finished", "failed", "finished"]
    failed = study.trials[1]
    assert failed.attempts == IN_A_ROW
    assert "killed by SIGKILL" in (failed.reason or "")
    assert "it died 3 times in a row before its first epoch had ended" in (failed.reason or "")


def test_a_search_does_not_end_before_a_trial_that_lost_its_worker_is_queued_again(
    phantom: ImageStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine that found a worker dead may die itself before it has queued the trial."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    asked: dict[str, Any] = {"data": phantom.path, "storage": shared_server().new_database()}
    # longer than the trials take: the search looks for the dead before them and not soon again
    asked |= {"study": tmp_path / "shared", "heartbeat": 15}
    other = api.search(parse_space(SPACE, "deaths"), **asked, launch=lambda _: None).record
    reference = Proposer(other, phantom).next(1)
    assert isinstance(reference, TrialRecord)

    def observe(_: StudyRecord, event: Event) -> None:
        if isinstance(event, TrialStart) and event.record.number == 1:
            other.storage.set_trial_state_values(reference.storage_id, TrialState.FAIL)

    found = api.search(parse_space(SPACE, "deaths"), **asked, observe=observe)
    assert [(trial.state, trial.attempts) for trial in found.trials] == [
        ("finished", 2), ("finished", 1), ("finished", 1),
    ]  # fmt: skip
