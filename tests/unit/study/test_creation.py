"""A study that is made while others make it, or whose description is gone: nothing of a record is lost."""

import json
import os
import shutil
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from mammobench.core.errors import StudyError
from mammobench.data.store.image_store import ImageStore
from mammobench.study.lock import is_locked, locked
from mammobench.study.record import StudyRecord
from mammobench.tuning.opening import start_or_continue
from tests.small_study import finish, small_request, small_spec, start, write_small_study

FIRST_RELEASE = Path(__file__).resolve().parents[2] / "studies" / "first-release"


def search_once(folder: Path, store: Path, others: int) -> str:
    """Start or continue a study, finish two trials in it, and return what came of it."""
    barrier = folder.parent / "here"
    barrier.mkdir(exist_ok=True)
    (barrier / str(os.getpid())).touch()
    images = ImageStore.open(store, verify=False)
    while len(list(barrier.iterdir())) < others:
        time.sleep(0.01)
    try:
        with start_or_continue(small_request(folder), images) as study:
            for _ in range(2):
                finish(study, start(study, images))
            deadline = time.monotonic() + 60
            while len(list(folder.parent.glob("refused-*"))) < others - 1 and time.monotonic() < deadline:
                time.sleep(0.01)
    except StudyError as error:
        (folder.parent / f"refused-{os.getpid()}").touch()
        return error.problem
    return "searched"


def test_of_several_starts_of_one_new_study_one_searches_and_the_others_are_refused(
    tmp_path: Path, phantom: ImageStore
) -> None:
    starts, folder = 4, tmp_path / "s"
    with ProcessPoolExecutor(starts, mp_context=get_context("fork")) as pool:
        told = pool.map(search_once, [folder] * starts, [phantom.path] * starts, [starts] * starts)
        assert Counter(told) == {"searched": 1, "another process is searching this study": starts - 1}
    assert [trial.state for trial in StudyRecord.open(folder).trials] == ["finished", "finished"]


def test_a_study_is_locked_from_before_it_is_looked_for(tmp_path: Path, phantom: ImageStore) -> None:
    folder = tmp_path / "s"
    with (
        locked(folder),
        pytest.raises(StudyError, match="another process is searching"),
        start_or_continue(small_request(folder), phantom),
    ):
        pass
    with start_or_continue(small_request(folder), phantom):
        assert is_locked(folder)
    assert not is_locked(folder)


def test_a_failed_creation_leaves_no_folder(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "s"
    with pytest.raises(RuntimeError, match="no reason"), locked(folder):
        raise RuntimeError("no reason")
    assert not folder.exists()
    with pytest.raises(ZeroDivisionError), locked(folder):
        _ = (folder / "study.journal").write_bytes(b"") / 0
    assert (folder / "study.journal").exists()


def test_a_record_with_trials_whose_description_is_gone_is_left_alone(
    tmp_path: Path, phantom: ImageStore
) -> None:
    study = write_small_study(tmp_path / "s", phantom)
    (study.folder / "study.json").unlink()
    record = (study.folder / "study.journal").read_bytes()
    with pytest.raises(StudyError, match=r"study.json, is gone.*mammobench doctor .* --mend"):
        StudyRecord.create(study.folder, small_spec("s", phantom))
    assert (study.folder / "study.journal").read_bytes() == record
    (study.folder / "study.journal").unlink()
    with pytest.raises(StudyError, match=r"results of trials, but study.json and the record are gone"):
        StudyRecord.create(study.folder, small_spec("s", phantom))


@pytest.mark.parametrize("left", ["nothing", "the journal", "half a line"])
def test_what_an_interrupted_creation_left_is_begun_again(
    tmp_path: Path, phantom: ImageStore, left: str
) -> None:
    study = write_small_study(tmp_path / "s", phantom, finished=0)
    (study.folder / "study.json").unlink()
    journal = study.folder / "study.journal"
    if left == "nothing":
        journal.unlink()
    elif left == "half a line":
        journal.write_bytes(journal.read_bytes()[:40])
    again = StudyRecord.create(study.folder, small_spec("s", phantom))
    finish(again, start(again, phantom))
    assert [trial.state for trial in StudyRecord.open(study.folder).trials] == ["finished"]


def test_the_record_holds_the_description_before_any_trial(tmp_path: Path, phantom: ImageStore) -> None:
    study = write_small_study(tmp_path / "s", phantom, finished=1)
    lines = [json.loads(line) for line in (study.folder / "study.journal").read_text().splitlines()]
    assert [line["op_code"] for line in lines[:3]] == [0, 2, 4]
    assert lines[1]["user_attr"]["spec"] == json.loads((study.folder / "study.json").read_text())


def test_an_older_record_gets_the_description_when_its_study_goes_on(
    tmp_path: Path, phantom: ImageStore
) -> None:
    with start_or_continue(small_request(tmp_path / "s"), phantom):
        pass
    journal = tmp_path / "s" / "study.journal"
    created, _ = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(created)
    with start_or_continue(small_request(tmp_path / "s"), phantom) as study:
        recorded = study.storage.get_study_user_attrs(study.study_id)
    assert recorded["spec"] == study.spec.model_dump(mode="json")


def test_a_study_of_the_first_release_is_not_written_over(tmp_path: Path, phantom: ImageStore) -> None:
    folder = shutil.copytree(FIRST_RELEASE, tmp_path / "first-release")
    (folder / "study.json").unlink()
    with pytest.raises(StudyError, match="a record of trials"):
        StudyRecord.create(folder, small_spec("first-release", phantom))
