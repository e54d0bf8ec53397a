"""Trials whose workers die: in the record of a real database, where heartbeats are made old by hand."""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from mammobench.study.deaths import IN_A_ROW, deaths_of
from mammobench.study.record import StudyRecord
from mammobench.study.storage.access import claim_waiting, fail_stale
from mammobench.study.trial_record import TrialRecord
from tests.postgres import PostgresServer
from tests.recorded import new_study, on_postgres
from tests.recorded_study import RESULT, spec, start


@on_postgres
class TestOfWorkers:
    """A trial that one machine after another takes up and dies with."""

    @pytest.fixture
    def study(self, tmp_path: Path, url: str) -> StudyRecord:
        return StudyRecord.create(tmp_path / "s", spec(heartbeat=1), url=url)

    @pytest.fixture
    def die(self, study: StudyRecord, server: PostgresServer, url: str) -> Callable[[], None]:
        """Make all running trials' heartbeats old and have the dead ones judged."""

        def die() -> None:
            deadline = time.monotonic() + 30
            server.psql(
                "UPDATE trial_heartbeats SET heartbeat = heartbeat - interval '1 hour'",
                database=url.rpartition("/")[2],
            )
            # nobody is judged within a grace period of the server's start
            while TrialState.RUNNING in states(study) and time.monotonic() < deadline:
                fail_stale(study.storage, study.study_id)
                time.sleep(0.05)
            assert TrialState.RUNNING not in states(study)

        return die

    def test_a_trial_that_gets_on_may_lose_any_number_of_them(
        self, study: StudyRecord, die: Callable[[], None]
    ) -> None:
        number = start(study)
        for epoch in range(1, 6):
            assert study.report_epoch(number, epoch, 0.1 * epoch)
            die()
            taken_up(study)
            # the next machine begins further back and tells of the same epochs again
            assert study.report_epoch(number, 1, 0.1)
        assert study.finish_trial(number, RESULT, start=0.1, total=2.2)
        (trial,) = study.trials
        assert (trial.state, trial.attempts) == ("finished", 6)
        assert trial.curve == tuple(0.1 * epoch for epoch in range(1, 6))
        entries = study.storage.get_all_trials(study.study_id)
        assert [entry.state for entry in entries] == [TrialState.FAIL] * 5 + [TrialState.COMPLETE]
        assert [entry.system_attrs.get("retry_history", []) for entry in entries] == [
            list(range(attempt)) for attempt in range(6)
        ]

    def test_three_deaths_in_a_row_at_one_epoch_fail_it_and_say_so(
        self, study: StudyRecord, die: Callable[[], None]
    ) -> None:
        number = start(study)
        die()
        taken_up(study)
        assert study.report_epoch(number, 1, 0.1)
        for death in range(1, IN_A_ROW + 1):
            assert [trial.state for trial in study.trials] == ["running"]
            die()
            if death < IN_A_ROW:
                taken_up(study)
        (trial,) = study.trials
        assert (trial.state, trial.attempts, trial.lost) == ("failed", 4, False)
        assert re.match(r"its worker died 3 times in a row after epoch 1,.* smaller ", trial.reason or "")
        fail_stale(study.storage, study.study_id)
        assert claim_waiting(study.storage, study.study_id) is None

    def test_deaths_of_its_process_and_of_its_worker_are_counted_together(
        self, study: StudyRecord, die: Callable[[], None]
    ) -> None:
        number = start(study)
        assert study.count_death(number) == (0,)
        die()
        taken_up(study)
        assert study.trial(number).attempts == 3
        assert study.count_death(number) == (0, 0, 0)
        # it does not run again
        assert study.trial(number).attempts == 3

    def test_one_whose_next_attempt_nobody_has_queued_yet_is_lost_not_over(self, study: StudyRecord) -> None:
        number = start(study)
        study.storage.set_trial_state_values(study.trial(number).storage_id, TrialState.FAIL)
        (trial,) = study.trials
        assert (trial.state, trial.lost) == ("failed", True)
        assert "a search that goes on runs it again" in (trial.reason or "")
        fail_stale(study.storage, study.study_id)
        assert [(trial.state, trial.lost) for trial in study.trials] == [("running", False)]


def taken_up(study: StudyRecord) -> TrialRecord:
    claimed = claim_waiting(study.storage, study.study_id)
    assert claimed is not None
    return study.adopt(claimed)


def states(study: StudyRecord) -> set[TrialState]:
    return {trial.state for trial in study.storage.get_all_trials(study.study_id)}


ENTERS = """
import sys, time
from pathlib import Path
from tests.recorded import entered
from mammobench.study.storage.access import heartbeat, open_storage
storage = open_storage(Path(sys.argv[3]), sys.argv[1], heartbeat_interval=1, grace_period=60)
heartbeat(storage, entered(storage, int(sys.argv[2]))).start()
print("running", flush=True)
"""


@on_postgres
def test_a_process_killed_on_this_machine_and_in_this_folder_leaves_its_trial_waiting(
    connect: Callable[[], BaseStorage], url: str, tmp_path: Path
) -> None:
    """It is not the trial's fault, whatever else has died before; and nobody waits for a grace period."""
    storage = connect()
    study_id = new_study(storage)
    (tmp_path / "elsewhere").mkdir()
    for place in (tmp_path, tmp_path / "elsewhere"):
        with subprocess.Popen(
            [sys.executable, "-c", ENTERS, url, str(study_id), str(place)], stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "running\n"
            fail_stale(storage, study_id)
            assert [trial.state for trial in storage.get_all_trials(study_id)][-1] == TrialState.RUNNING
            other.kill()
    fail_stale(storage, study_id)
    # whoever worked elsewhere may have been another machine, of which heartbeats alone tell
    told = [(trial.state, deaths_of(trial.user_attrs)) for trial in storage.get_all_trials(study_id)]
    assert told == [(TrialState.WAITING, ()), (TrialState.RUNNING, ())]
    claimed = claim_waiting(storage, study_id)
    fail_stale(storage, study_id)
    assert claimed is not None
    assert storage.get_trial(claimed).state == TrialState.RUNNING
