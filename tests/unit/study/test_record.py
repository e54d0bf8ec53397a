from pathlib import Path

import pytest

from mammobench.core.errors import StudyError
from mammobench.space.yaml_file import load_space
from mammobench.study.record import StudyRecord
from mammobench.training.filenames import CHECKPOINT
from tests.recorded_study import RESULT, VALUES, spec, start


@pytest.fixture
def study(tmp_path: Path) -> StudyRecord:
    return StudyRecord.create(tmp_path / "s", spec())


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
