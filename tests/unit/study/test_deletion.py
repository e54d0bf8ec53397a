"""A study goes with all that is its own, and nothing else does."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mammobench import cli
from mammobench.core.errors import MammobenchError, StudyError
from mammobench.data.store.image_store import ImageStore
from mammobench.study.artifacts import open_artifacts
from mammobench.study.deletion import delete, plan_deletion
from mammobench.study.record import StudyRecord
from tests.small_study import finish, start, write_small_study


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    def command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mammobench", "delete", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return int(ended.value.code or 0), out, err

    return command


def placed(folder: Path, store: ImageStore, artifacts: str, storage: str | None = None) -> StudyRecord:
    """Write a study whose trials' files lie in a place of artifacts too."""
    study = write_small_study(folder, store, finished=0, artifacts=artifacts, storage=storage)
    for _ in range(2):
        finish(study, start(study, store), push=True)
    running = start(study, store)
    (running.folder / "checkpoint").write_bytes(b"half")
    place = open_artifacts(study.spec.artifacts, study.folder, study.storage)
    assert place.push_checkpoint(running.storage_id, running.folder / "checkpoint")
    study.fail_trial(running.number, "stopped")
    return study


def test_a_study_on_a_journal_goes_and_its_neighbours_stay(here: Path, phantom: ImageStore) -> None:
    write_small_study(here / "reports" / "quick", phantom)
    other = write_small_study(here / "reports" / "quick-2", phantom)
    outside = here / "outside"
    outside.mkdir()
    (outside / "precious.txt").touch()
    (here / "reports" / "quick" / "trials" / "link").symlink_to(outside)
    (here / "reports" / "quick" / "link").symlink_to(outside)
    plan = plan_deletion("quick")
    assert (plan.name, plan.trials, plan.left) == ("quick", 3, ())
    assert plan.files > 9
    assert (here / "reports" / "quick" / "study.json").exists()
    assert delete(plan) == ()
    assert not (here / "reports" / "quick").exists()
    assert (outside / "precious.txt").exists()
    assert len(StudyRecord.open(other.folder).trials) == 3
    with pytest.raises(StudyError, match="no study 'quick'"):
        plan_deletion("quick")


def test_it_is_asked_and_listed(
    here: Path, phantom: ImageStore, run: Callable[..., tuple[int, str, str]]
) -> None:
    study = write_small_study(here / "reports" / "quick", phantom)
    status, out, err = run("quick")
    assert (status, out) == (2, "")
    assert "Repeat the command with --yes" in " ".join(err.split())
    assert "3 entries of trials" in err
    assert StudyRecord.exists(study.folder)
    status, out, _ = run("quick", "--yes", "--json")
    told = json.loads(out)
    assert (status, told["study"], told["trials"], told["left"]) == (0, "quick", 3, [])
    assert not study.folder.exists()
    status, out, err = run("quick", "--yes")
    assert (status, out) == (2, "")
    write_small_study(here / "reports" / "quick", phantom)
    assert run("quick", "--yes", "--quiet") == (0, "", "")


def test_a_study_that_is_searched_is_left_alone(here: Path, phantom: ImageStore) -> None:
    study = write_small_study(here / "reports" / "quick", phantom)
    before = sorted(study.folder.rglob("*"))
    plan = plan_deletion("quick")
    with study.lock():
        with pytest.raises(StudyError, match="is being searched"):
            plan_deletion("quick")
        with pytest.raises(StudyError, match="is being searched"):
            delete(plan)
    assert set(before) <= set(study.folder.rglob("*"))


@pytest.mark.parametrize(
    "damage", ["no study.json", "torn study.json", "no study.journal", "torn study.journal", "both"]
)
def test_a_damaged_study_goes_too(
    damage: str, here: Path, phantom: ImageStore, run: Callable[..., tuple[int, str, str]]
) -> None:
    study = write_small_study(here / "reports" / "quick", phantom)
    for name in ("study.json", "study.journal"):
        path = study.folder / name
        if damage in {f"no {name}", "both"}:
            path.unlink()
        elif damage == f"torn {name}":
            path.write_bytes(b'{"op_code": "x"}\n' + path.read_bytes()[:50])
    status, _, err = run("quick", "--yes")
    assert not study.folder.exists()
    assert status == 0, err


@pytest.mark.parametrize("what", ["mine", ".", "reports", "outer"])
def test_a_folder_that_holds_more_than_a_study_is_left_alone(
    what: str, here: Path, phantom: ImageStore
) -> None:
    write_small_study(here / "reports" / "quick", phantom, finished=1)
    (here / "mine" / "trials").mkdir(parents=True)
    (here / "mine" / "thesis.txt").touch()
    for folder in (here, here / "reports", here / "outer"):
        folder.mkdir(exist_ok=True)
        shutil.copy(here / "reports" / "quick" / "study.json", folder)
    shutil.copytree(here / "reports" / "quick", here / "outer" / "inner")
    before = set(here.rglob("*"))
    with pytest.raises(StudyError, match=r"no study here|holds more than the study"):
        plan_deletion(f"./{what}")
    assert set(here.rglob("*")) - set(here.rglob(".lock")) == before


def test_a_linked_folder_goes_with_its_link(here: Path, phantom: ImageStore) -> None:
    write_small_study(here / "disk" / "quick", phantom, finished=1)
    (here / "reports").mkdir()
    (here / "reports" / "quick").symlink_to(here / "disk" / "quick")
    assert delete(plan_deletion("quick")) == ()
    assert not (here / "disk" / "quick").exists()
    assert not (here / "reports" / "quick").is_symlink()


def test_artifacts_of_the_study_go_and_no_others(here: Path, phantom: ImageStore) -> None:
    study = placed(here / "reports" / "quick", phantom, str(here / "place"))
    other = placed(here / "elsewhere" / "quick", phantom, str(here / "place"))
    plan = plan_deletion("quick")
    assert len(plan.artifacts) == 7
    assert delete(plan) == ()
    assert not study.folder.exists()
    # another study of that name uses the same place
    assert len(list((here / "place" / "quick").iterdir())) == 7
    assert delete(plan_deletion(other.folder)) == ()
    assert not list((here / "place").iterdir())


def test_an_artifact_that_is_named_to_lead_elsewhere_stays(here: Path, phantom: ImageStore) -> None:
    study = placed(here / "reports" / "quick", phantom, str(here / "place"))
    (here / "precious.txt").touch()
    trial = start(study, phantom)
    entry = {"artifact_id": "../../precious.txt", "filename": "x", "version": 1, "size": 1}
    study.storage.set_trial_system_attr(trial.storage_id, "artifacts:x", json.dumps(entry))
    delete(plan_deletion("quick"))
    assert (here / "precious.txt").exists()
    assert not study.folder.exists()


def test_a_place_that_is_gone_is_told_and_the_rest_goes(
    here: Path, phantom: ImageStore, run: Callable[..., tuple[int, str, str]]
) -> None:
    study = placed(here / "reports" / "quick", phantom, str(here / "place"))
    shutil.rmtree(here / "place")
    status, out, err = run("quick", "--yes")
    assert status == 1
    assert "7 files in" in " ".join(out.split())
    assert "Not removed: 7 files in" in err
    assert not study.folder.exists()


def test_what_is_no_study_is_told(here: Path) -> None:
    (here / "mine").mkdir()
    for given in ("missing", "", "x" * 300, "./mine", "mine"):
        with pytest.raises(MammobenchError, match="no study"):
            plan_deletion(given)
