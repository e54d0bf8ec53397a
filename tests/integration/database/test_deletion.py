"""A study goes from a database, a bucket and a terminal, also after a kill anywhere; nothing else does."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from optuna.study import StudyDirection

from mammobench import cli
from mammobench.core.errors import StudyError
from mammobench.data.store.image_store import ImageStore
from mammobench.study.artifacts import open_artifacts
from mammobench.study.deletion import delete, plan_deletion
from mammobench.study.record import StudyRecord
from mammobench.study.storage.access import heartbeat
from mammobench.study.storage.url import redacted
from tests.postgres import PASSWORD, free_port, shared_server
from tests.s3 import shared_s3
from tests.small_study import finish, start, write_small_study

# a command that is killed when it has removed one thing after another
KILLED = """\
import os, pathlib, shutil, sys
from mammobench.study.deletion import delete, plan_deletion
left = [int(sys.argv[2])]
def counted(function):
    def call(*words, **more):
        if left[0] == 0:
            os._exit(9)
        left[0] -= 1
        return function(*words, **more)
    return call
plan = plan_deletion(sys.argv[1])
for owner, name in ((shutil, "rmtree"), (os, "unlink"), (pathlib.Path, "unlink"), (os, "remove")):
    setattr(owner, name, counted(getattr(owner, name)))
sys.exit(bool(delete(plan)))
"""


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


@pytest.mark.parametrize(("answer", "status"), [("n\n", 1), ("y\n", 0)])
def test_a_terminal_is_asked(answer: str, status: int, here: Path, phantom: ImageStore) -> None:
    write_small_study(here / "reports" / "quick", phantom, finished=1)
    main, other = os.openpty()
    os.write(main, answer.encode())
    done = subprocess.run(
        [sys.executable, "-m", "mammobench", "delete", "quick"],
        stdin=other, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == status
    assert "Remove all of this for good?" in done.stderr
    assert "1 entry of trials" in done.stdout
    assert (here / "reports" / "quick").exists() == bool(status)


def test_it_can_be_killed_anywhere_and_called_again(here: Path, phantom: ImageStore) -> None:
    for steps in (3, 9, 12):
        placed(here / "reports" / "quick", phantom, str(here / "place"))
        words = [sys.executable, "-c", KILLED, "quick", str(steps)]
        done = subprocess.run(words, capture_output=True, check=False, timeout=120)
        assert done.returncode in {0, 9}, done.stderr
        if (here / "reports" / "quick").exists():
            assert delete(plan_deletion("quick")) == ()
        assert not (here / "reports" / "quick").exists()
        assert not list((here / "place").iterdir())


class TestInADatabase:
    """A record that other machines write too."""

    pytestmark = pytest.mark.xdist_group("postgres")

    @pytest.fixture
    def url(self, monkeypatch: pytest.MonkeyPatch) -> str:
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        return redacted(shared_server().new_database())

    def test_its_record_goes_and_that_of_others_stays(
        self, here: Path, url: str, phantom: ImageStore
    ) -> None:
        study = placed(here / "reports" / "quick", phantom, str(here / "place"), url)
        other = write_small_study(here / "reports" / "other", phantom, storage=url)
        plan = plan_deletion("quick")
        assert (plan.record, plan.trials, len(plan.artifacts)) == (url, 3, 7)
        assert delete(plan) == ()
        assert not study.folder.exists()
        assert not list((here / "place").iterdir())
        assert [known.study_name for known in other.storage.get_all_studies()] == ["other"]
        assert len(StudyRecord.open(other.folder).trials) == 3

    @pytest.mark.parametrize(
        "damage", ["no folder", "no study.json", "torn study.json", "gone from the database"]
    )
    def test_it_goes_whatever_is_missing(
        self, damage: str, here: Path, url: str, phantom: ImageStore
    ) -> None:
        study = placed(here / "reports" / "quick", phantom, str(here / "place"), url)
        if damage == "no folder":
            shutil.rmtree(study.folder)
        elif damage == "no study.json":
            (study.folder / "study.json").unlink()
        elif damage == "torn study.json":
            (study.folder / "study.json").write_text("{")
        else:
            # as a deletion that was killed leaves it
            study.storage.delete_study(study.study_id)
            shutil.rmtree(here / "place")
        assert delete(plan_deletion("quick", url=url)) == ()
        assert not study.folder.exists()
        assert study.storage.get_all_studies() == []
        assert not (here / "place").exists() or not list((here / "place").iterdir())

    def test_a_worker_that_lives_keeps_it_and_a_dead_one_does_not(
        self, here: Path, url: str, phantom: ImageStore
    ) -> None:
        study = write_small_study(here / "reports" / "quick", phantom, finished=1, storage=url, beat=1)
        plan = plan_deletion("quick")
        trial = start(study, phantom)
        beating = heartbeat(study.storage, trial.storage_id)
        beating.start()
        try:
            time.sleep(8)
            for refused in (lambda: plan_deletion("quick"), lambda: delete(plan)):
                with pytest.raises(StudyError, match="is being searched"):
                    refused()
            assert len(StudyRecord.open(study.folder).trials) == 2
        finally:
            beating.join()
        deadline = time.monotonic() + 30
        while True:
            try:
                assert delete(plan_deletion("quick")) == ()
                break
            except StudyError:
                assert time.monotonic() < deadline
                time.sleep(1)
        assert study.storage.get_all_studies() == []

    def test_another_study_of_that_name_stays(self, here: Path, url: str, phantom: ImageStore) -> None:
        study = write_small_study(here / "reports" / "quick", phantom, storage=url)
        described = json.loads((study.folder / "study.json").read_text())
        (study.folder / "study.json").write_text(
            json.dumps({**described, "created": "2020-01-01T00:00:00+00:00"})
        )
        with pytest.raises(StudyError, match="another study 'quick', made at another time"):
            plan_deletion("quick")
        assert len(study.trials) == 3

    def test_what_an_interrupted_creation_left_there_goes(
        self, here: Path, url: str, phantom: ImageStore
    ) -> None:
        other = write_small_study(here / "reports" / "other", phantom, finished=0, storage=url)
        other.storage.create_new_study([StudyDirection.MAXIMIZE], "half")
        assert delete(plan_deletion("half", url=url)) == ()
        assert [known.study_name for known in other.storage.get_all_studies()] == ["other"]

    def test_a_database_that_cannot_be_reached_is_told_and_the_rest_goes(
        self, here: Path, url: str, phantom: ImageStore, run: Callable[..., tuple[int, str, str]]
    ) -> None:
        study = write_small_study(here / "reports" / "quick", phantom, storage=url)
        away = f"postgresql://me@127.0.0.1:{free_port()}/none"
        described = json.loads((study.folder / "study.json").read_text())
        (study.folder / "study.json").write_text(json.dumps({**described, "storage": away}))
        status, out, err = run("quick", "--yes", "--json")
        assert status == 1
        assert away in json.loads(out)["left"][0]
        assert "cannot reach the database server" in " ".join(err.split())
        assert not study.folder.exists()
        assert len(study.trials) == 3


class TestOnS3:
    """Artifacts in a bucket."""

    pytestmark = pytest.mark.xdist_group("postgres")

    def test_they_go_and_a_bucket_that_is_gone_is_told(
        self, here: Path, phantom: ImageStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server = shared_s3()
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        bucket, client = server.new_bucket(), server.client()
        client.put_object(Bucket=bucket, Key="lab/other/file", Body=b"precious")
        placed(here / "reports" / "quick", phantom, f"s3://{bucket}/lab")
        assert delete(plan_deletion("quick")) == ()
        assert [item["Key"] for item in client.list_objects_v2(Bucket=bucket)["Contents"]] == [
            "lab/other/file"
        ]

        study = placed(here / "reports" / "quick", phantom, f"s3://{bucket}/lab")
        described = json.loads((study.folder / "study.json").read_text())
        gone = {**described, "artifacts": "s3://mistyped/lab"}
        (study.folder / "study.json").write_text(json.dumps(gone))
        (reason,) = delete(plan_deletion("quick"))
        assert "7 files in s3://mistyped/lab" in reason
        assert not study.folder.exists()
