from pathlib import Path
from typing import Any

import pytest
from optuna.study import StudyDirection
from optuna.trial import TrialState

from mammobench.core.errors import StudyError
from mammobench.space.yaml_file import load_space
from mammobench.study.record import StudyRecord, utc_now
from mammobench.study.spec import StudySpec
from mammobench.study.storage.access import claim_waiting, fail_stale
from mammobench.training.filenames import CHECKPOINT
from mammobench.training.result import TrialResult
from tests.postgres import shared_server

VALUES = {
    "model.filters": [16, 32],
    "model.activation": "relu",
    "model.normalization": "none",
    "model.dropout": 0.1,
    "loss.name": "binary_crossentropy",
    "optimizer.learning_rate": 0.001,
}
RESULT = TrialResult(
    objective=0.75,
    threshold=0.4,
    epochs=3,
    best_epoch=2,
    weights=100,
    seconds={"train": 2.0},
    environment={"threads": 2},
)


OPTIONS: dict[str, Any] = {"engine": "optuna", "sampler": "tpe", "seed": 0, "precision": "float32"}


def spec(**changes: object) -> StudySpec:
    return StudySpec(
        name="s",
        space_name="quick",
        space=load_space("quick").to_dict(),
        objective="f1",
        direction="maximize",
        data="store",
        fingerprint="abc",
        store={"synthetic": True},
        versions={},
        created=utc_now(),
        command="mammobench search --space quick",
        **OPTIONS,
    ).model_copy(update=changes)


@pytest.fixture
def study(tmp_path: Path) -> StudyRecord:
    return StudyRecord.create(tmp_path / "s", spec())


def start(study: StudyRecord) -> int:
    config = study.space.config(VALUES)
    return study.start_trial(VALUES, config, role="searched", seed=5, split="5" * 64, ask=0.1).number


def test_a_trial_is_read_back_as_it_was_recorded(study: StudyRecord) -> None:
    number = start(study)
    study.report_epoch(number, 1, 0.5)
    study.report_epoch(number, 2, float("nan"))
    checkpoint = study.trial_folder(number) / CHECKPOINT
    checkpoint.touch()
    study.finish_trial(number, RESULT, start=0.5, total=3.0)
    assert not checkpoint.exists()
    (record,) = StudyRecord.open(study.folder).trials
    assert (record.state, record.objective, record.threshold, record.best_epoch) == ("finished", 0.75, 0.4, 2)
    assert record.hyperparameters == VALUES
    assert record.config == study.space.config(VALUES)
    assert record.seconds == {"ask": 0.1, "start": 0.5, "train": 2.0, "other": 0.5}
    assert record.folder == study.folder / "trials" / "0000"


def test_a_failed_trial_keeps_its_reason_and_a_running_one_its_epochs(study: StudyRecord) -> None:
    failed, running = start(study), start(study)
    study.fail_trial(failed, "out of memory")
    study.report_epoch(running, 1, 0.5)
    records = StudyRecord.open(study.folder).trials
    assert [(record.state, record.reason, record.epochs) for record in records] == [
        ("failed", "out of memory", 0),
        ("running", None, 1),
    ]


def test_only_one_process_searches_a_study(study: StudyRecord) -> None:
    with (
        study.lock(),
        pytest.raises(StudyError, match="another process is searching"),
        StudyRecord.open(study.folder).lock(),
    ):
        pass
    with study.lock():
        assert True


def test_what_differs_between_two_requests_is_named() -> None:
    changed = spec(seed=1, fingerprint="def", space=load_space("ddsm").to_dict())
    differences = spec().differences(changed)
    assert {"seed", "data fingerprint", "space.image_size", "space.search"} <= differences.keys()
    assert differences["seed"] == (0, 1)


def test_more_trials_are_the_same_study() -> None:
    space = load_space("quick").to_dict()
    more = spec(space={**space, "name": "other", "budget": {**space["budget"], "trials": 99}})
    assert not spec().differences(more)


def test_a_folder_without_a_study_is_told(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"no study here.*no such folder"):
        StudyRecord.open(tmp_path / "missing")
    with pytest.raises(StudyError, match="a folder without it"):
        StudyRecord.open(tmp_path)


@pytest.mark.parametrize(("file", "said"), [("study.json", "description"), ("study.journal", "record")])
def test_a_damaged_study_is_told_with_its_file(study: StudyRecord, file: str, said: str) -> None:
    start(study)
    (study.folder / file).write_text("{damaged\n{}\n")
    with pytest.raises(StudyError, match=rf"{file}.*damaged .*{said}"):
        StudyRecord.open(study.folder).trials  # noqa: B018 - reading is what fails


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
