"""A study in a database that several processes may search: attempts, names, interrupted creations."""

from pathlib import Path

import pytest
from optuna.study import StudyDirection
from optuna.trial import TrialState

from mammobench.core.errors import StudyError
from mammobench.study.record import StudyRecord
from mammobench.study.storage.access import claim_waiting, fail_stale
from tests.postgres import shared_server
from tests.recorded_study import RESULT, spec, start


class TestInADatabase:
    """A study that several processes may search."""

    pytestmark = pytest.mark.xdist_group("postgres")

    @pytest.fixture
    def url(self) -> str:
        return shared_server().new_database()

    @pytest.fixture
    def shared(self, tmp_path: Path, url: str) -> StudyRecord:
        return StudyRecord.create(tmp_path / "s", spec(), url=url)

    def test_an_attempt_that_was_given_up_is_not_taken_for_the_next_one(
        self, tmp_path: Path, shared: StudyRecord, url: str
    ) -> None:
        number = start(shared)
        other = StudyRecord.join(tmp_path / "elsewhere", "s", url=url)
        other.storage.set_trial_state_values(other.trial(number).storage_id, TrialState.FAIL)
        fail_stale(other.storage, other.study_id)
        claimed = claim_waiting(other.storage, other.study_id)
        assert claimed is not None
        other.adopt(claimed)

        # whoever reads all trials comes upon the next attempt
        assert [trial.storage_id for trial in shared.trials] == [claimed]
        assert shared.count_death(number) is None
        assert not shared.finish_trial(number, RESULT, start=0.1, total=2.2)
        shared.release(number)
        assert [trial.state for trial in shared.trials] == ["running"]
        assert other.report_epoch(number, 1, 0.5)
        assert other.finish_trial(number, RESULT, start=0.1, total=2.2)
        assert shared.trial(number).state == "finished"

    def test_a_worker_that_slept_learns_that_its_trial_is_gone(
        self, tmp_path: Path, shared: StudyRecord, url: str
    ) -> None:
        number = start(shared)
        other = StudyRecord.join(tmp_path / "elsewhere", "s", url=url)
        other.storage.set_trial_state_values(other.trial(number).storage_id, TrialState.FAIL)
        fail_stale(other.storage, other.study_id)
        assert [trial.number for trial in shared.trials] == [number]
        assert not shared.report_epoch(number, 1, 0.5)
        assert shared.trial(number).curve == ()

    def test_a_recorded_name_that_leads_elsewhere_is_refused(
        self, tmp_path: Path, shared: StudyRecord, url: str
    ) -> None:
        poisoned = spec(name="../../x").model_dump(mode="json")
        shared.storage.set_study_user_attr(shared.study_id, "spec", poisoned)
        with pytest.raises(StudyError, match="damaged study description"):
            StudyRecord.join(tmp_path / "elsewhere", "s", url=url)
        assert not (tmp_path / "elsewhere").exists()

    def test_a_creation_that_was_interrupted_is_begun_again_and_a_whole_one_is_not(
        self, tmp_path: Path, shared: StudyRecord, url: str
    ) -> None:
        shared.storage.create_new_study([StudyDirection.MAXIMIZE], "half")
        StudyRecord.create(tmp_path / "half", spec(name="half"), url=url)
        assert StudyRecord.join(tmp_path / "elsewhere", "half", url=url).spec.name == "half"
        with pytest.raises(StudyError, match="the database has a study 's' already"):
            StudyRecord.create(tmp_path / "again", spec(), url=url)
