"""Files of trials through a shared folder and through a real S3 protocol."""

import json
import shutil
import threading
import traceback
from pathlib import Path

import optuna
import pytest
from optuna.artifacts import get_all_artifact_meta
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState

from mammobench.core.errors import ConfigError, StudyError
from mammobench.study.artifacts import Artifacts, open_artifacts
from mammobench.study.storage.access import open_storage
from tests.postgres import free_port
from tests.s3 import CREDENTIALS, S3Server, shared_s3

on_s3 = pytest.mark.xdist_group("s3")
NAMES = ("predictions.npz", "history.csv", "log.txt")


class Stored:
    """What lies in the place, as one who looks into it sees it."""

    def __init__(self, where: str, s3: S3Server | None) -> None:
        self.where, self._s3 = where, s3
        self._bucket = where.removeprefix("s3://").split("/")[0]

    def ids(self) -> list[str]:
        if self._s3 is None:
            return sorted(
                str(path.relative_to(self.where)) for path in Path(self.where).rglob("*") if path.is_file()
            )
        listed = self._s3.client().list_objects_v2(Bucket=self._bucket)
        return sorted(item["Key"] for item in listed.get("Contents", ()))

    def overwrite(self, key: str, content: bytes) -> None:
        if self._s3 is None:
            (Path(self.where) / key).write_bytes(content)
        else:
            self._s3.client().put_object(Bucket=self._bucket, Key=key, Body=content)

    def remove(self, key: str) -> None:
        if self._s3 is None:
            (Path(self.where) / key).unlink()
        else:
            self._s3.client().delete_object(Bucket=self._bucket, Key=key)


@pytest.fixture(params=["folder", pytest.param("s3", marks=on_s3)])
def stored(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stored:
    if request.param == "folder":
        return Stored(str(tmp_path / "shared"), None)
    s3 = shared_s3()
    for key, value in s3.environment.items():
        monkeypatch.setenv(key, value)
    return Stored(f"s3://{s3.new_bucket()}/some/prefix", s3)


@pytest.fixture
def storage(tmp_path: Path) -> BaseStorage:
    return open_storage(tmp_path, None)


@pytest.fixture
def trial_id(storage: BaseStorage) -> int:
    return storage.create_new_trial(storage.create_new_study([StudyDirection.MAXIMIZE], "a study"))


@pytest.fixture
def artifacts(stored: Stored, storage: BaseStorage, tmp_path: Path) -> Artifacts:
    return open_artifacts(stored.where, tmp_path / "a study", storage)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        (folder / name).write_bytes(bytes([number]) * 100_000)
    return folder


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return tmp_path / "there"


def test_files_come_to_another_machine_as_they_were(
    artifacts: Artifacts, storage: BaseStorage, trial_id: int, here: Path, there: Path, stored: Stored
) -> None:
    assert artifacts.push(trial_id, here, [*NAMES, "never-written.npz"])
    assert all(key.split("/")[-2] == "a study" for key in stored.ids())
    there.mkdir()
    (there / "log.txt").write_text("of an attempt that was interrupted here", encoding="utf-8")
    assert artifacts.pull(trial_id, there, [*NAMES, "never-written.npz"]) == set(NAMES)
    for name in NAMES:
        assert (there / name).read_bytes() == (here / name).read_bytes()
    assert sorted(path.name for path in there.iterdir()) == sorted(NAMES)
    named = get_all_artifact_meta(storage.get_trial(trial_id), storage=storage)
    assert sorted(meta.filename for meta in named) == sorted(NAMES)


def test_the_file_pushed_last_is_the_one_that_is_pulled(
    artifacts: Artifacts, trial_id: int, here: Path, there: Path
) -> None:
    for number in range(12):
        (here / "log.txt").write_text(f"version {number}", encoding="utf-8")
        assert artifacts.push(trial_id, here, ["log.txt"])
    artifacts.pull(trial_id, there, ["log.txt"])
    assert (there / "log.txt").read_text("utf-8") == "version 11"


def test_a_checkpoint_replaces_the_one_before_and_removes_it(
    artifacts: Artifacts, storage: BaseStorage, trial_id: int, here: Path, there: Path, stored: Stored
) -> None:
    path, fetched = here / "checkpoint.npz", there / "checkpoint.npz"
    assert not artifacts.pull_checkpoint(trial_id, fetched)
    artifacts.remove_checkpoint(trial_id)
    for epoch in range(3):
        path.write_bytes(b"x" * epoch * 1000)
        assert artifacts.push_checkpoint(trial_id, path)
        assert len(stored.ids()) == 1
    assert artifacts.pull_checkpoint(trial_id, fetched)
    assert fetched.read_bytes() == path.read_bytes()
    storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [1.0])
    artifacts.remove_checkpoint(trial_id)
    artifacts.remove_checkpoint(trial_id)
    assert stored.ids() == []
    assert artifacts.pull_checkpoint(trial_id, fetched)
    fetched.unlink()
    assert not artifacts.pull_checkpoint(trial_id, fetched)
    assert list(there.iterdir()) == []


def test_a_worker_that_was_given_up_leaves_nothing_and_takes_nothing_away(
    artifacts: Artifacts, storage: BaseStorage, trial_id: int, here: Path, there: Path, stored: Stored
) -> None:
    assert artifacts.push_checkpoint(trial_id, here / NAMES[0])
    kept = stored.ids()
    storage.set_trial_state_values(trial_id, TrialState.FAIL)
    attributes = storage.get_trial(trial_id).system_attrs
    again = storage.create_new_trial(
        0, optuna.create_trial(state=TrialState.WAITING, system_attrs=attributes)
    )
    assert not artifacts.push_checkpoint(trial_id, here / NAMES[1])
    assert not artifacts.push(trial_id, here, NAMES)
    assert stored.ids() == kept
    assert artifacts.pull_checkpoint(again, there / "checkpoint.npz")
    assert (there / "checkpoint.npz").read_bytes() == (here / NAMES[0]).read_bytes()


def test_a_file_that_is_damaged_or_gone_is_not_taken(
    artifacts: Artifacts, trial_id: int, here: Path, there: Path, stored: Stored
) -> None:
    artifacts.push(trial_id, here, ["log.txt"])
    (key,) = stored.ids()
    stored.overwrite(key, b"half")
    with pytest.raises(StudyError, match=r"log.txt\): damaged.*expected 100000 bytes.*found 4 bytes"):
        artifacts.pull(trial_id, there, NAMES)
    stored.remove(key)
    with pytest.raises(StudyError, match=r"gone from the artifacts.*log.txt of trial"):
        artifacts.pull(trial_id, there, NAMES)
    assert list(there.iterdir()) == []


def test_workers_push_at_the_same_time(
    artifacts: Artifacts, storage: BaseStorage, trial_id: int, here: Path, tmp_path: Path
) -> None:
    trials = [trial_id, *(storage.create_new_trial(0) for _ in range(3))]

    def work(number: int) -> None:
        folder = tmp_path / f"worker {number}"
        folder.mkdir()
        for epoch in range(4):
            (folder / "checkpoint.npz").write_bytes(bytes([number, epoch]) * 10_000)
            assert artifacts.push_checkpoint(number, folder / "checkpoint.npz")
        assert artifacts.push(number, here, NAMES)

    threads = [threading.Thread(target=work, args=(number,)) for number in trials]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in trials:
        folder = tmp_path / f"fetched {number}"
        assert artifacts.pull(number, folder, NAMES) == set(NAMES)
        assert artifacts.pull_checkpoint(number, folder / "checkpoint.npz")
        assert (folder / "checkpoint.npz").read_bytes() == bytes([number, 3]) * 10_000


def test_without_a_place_files_stay_where_they_are(
    storage: BaseStorage, trial_id: int, here: Path, there: Path, tmp_path: Path
) -> None:
    artifacts = open_artifacts(None, tmp_path, storage)
    assert artifacts.push(trial_id, here, NAMES)
    assert artifacts.push_checkpoint(trial_id, here / "log.txt")
    artifacts.remove_checkpoint(trial_id)
    assert artifacts.pull(trial_id, here, [*NAMES, "other"]) == set(NAMES)
    assert artifacts.pull(trial_id, there, NAMES) == set()
    assert artifacts.pull_checkpoint(trial_id, here / "log.txt")
    assert not artifacts.pull_checkpoint(trial_id, there / "log.txt")
    assert storage.get_trial(trial_id).system_attrs == {}


# what goes wrong


@pytest.mark.parametrize(
    ("where", "message"),
    [("gs://bucket", "found gs://"), ("s3://key:hidden@bucket/x", "AWS_ACCESS_KEY_ID"), ("s3://", "BUCKET")],
)
def test_another_place_is_refused(storage: BaseStorage, tmp_path: Path, where: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        open_artifacts(where, tmp_path, storage)
    assert "hidden" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_named(storage: BaseStorage, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StudyError, match=r"file/s: cannot make a folder.*mounted"):
        open_artifacts(str(tmp_path / "file"), tmp_path / "s", storage)


def test_a_folder_that_goes_away_is_named(
    storage: BaseStorage, trial_id: int, here: Path, tmp_path: Path
) -> None:
    artifacts = open_artifacts(str(tmp_path / "shared"), tmp_path / "s", storage)
    shutil.rmtree(tmp_path / "shared")
    with pytest.raises(StudyError, match=r"shared/s: cannot store a file.*No such file.*mounted"):
        artifacts.push(trial_id, here, NAMES)
    assert storage.get_trial(trial_id).system_attrs == {}


@on_s3
class TestS3:
    @pytest.fixture
    def s3(self, monkeypatch: pytest.MonkeyPatch) -> S3Server:
        s3 = shared_s3()
        for key, value in s3.environment.items():
            monkeypatch.setenv(key, value)
        return s3

    @pytest.mark.usefixtures("s3")
    def test_a_missing_bucket_is_named(self, storage: BaseStorage, tmp_path: Path) -> None:
        with pytest.raises(StudyError, match=r"s3://nowhere/p: cannot look into the bucket.*404.*exists"):
            open_artifacts("s3://nowhere/p", tmp_path, storage)

    @pytest.mark.usefixtures("s3")
    def test_missing_keys_are_named(
        self, storage: BaseStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for key in CREDENTIALS:
            monkeypatch.delenv(key)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        for key in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
            monkeypatch.setenv(key, str(tmp_path / "none"))
        with pytest.raises(StudyError, match=r"credentials.*AWS_ACCESS_KEY_ID"):
            open_artifacts("s3://bucket", tmp_path, storage)

    @pytest.mark.usefixtures("s3")
    def test_an_endpoint_that_is_not_there_is_named(
        self, storage: BaseStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        with pytest.raises(StudyError, match=r"Could not connect.*AWS_ENDPOINT_URL is right") as caught:
            open_artifacts("s3://bucket", tmp_path, storage)
        assert CREDENTIALS["AWS_SECRET_ACCESS_KEY"] not in "".join(traceback.format_exception(caught.value))

    def test_the_record_holds_no_keys(
        self, s3: S3Server, storage: BaseStorage, trial_id: int, here: Path, tmp_path: Path
    ) -> None:
        artifacts = open_artifacts(f"s3://{s3.new_bucket()}", tmp_path / "s", storage)
        artifacts.push(trial_id, here, NAMES)
        recorded = json.dumps(storage.get_trial(trial_id).system_attrs)
        assert "predictions.npz" in recorded
        assert CREDENTIALS["AWS_ACCESS_KEY_ID"] not in recorded
        assert CREDENTIALS["AWS_SECRET_ACCESS_KEY"] not in (tmp_path / "study.journal").read_text("utf-8")


@pytest.mark.parametrize(
    ("key", "value"),
    [("artifact_id", "../../evil"), ("filename", "../evil"), ("size", "text"), ("sha256", None)],
)
def test_what_a_record_says_of_a_file_is_checked_before_it_is_fetched_or_removed(
    key: str, value: str | None, tmp_path: Path, storage: BaseStorage, trial_id: int, here: Path
) -> None:
    artifacts = open_artifacts(str(tmp_path / "shared"), tmp_path / "a study", storage)
    assert artifacts.push_checkpoint(trial_id, here / NAMES[0])
    entry = dict(storage.get_trial(trial_id).system_attrs["mammobench:checkpoint"])
    storage.set_trial_system_attr(trial_id, "mammobench:checkpoint", {**entry, key: value})
    evil = tmp_path / "evil"
    evil.write_bytes(b"kept")
    for use in (
        lambda: artifacts.remove_checkpoint(trial_id),
        lambda: artifacts.pull_checkpoint(trial_id, tmp_path / "there" / "checkpoint.npz"),
    ):
        with pytest.raises(StudyError, match=f"damaged trial record.*{key}"):
            use()
    assert evil.read_bytes() == b"kept"


def test_a_place_that_a_record_alone_names_is_not_made(tmp_path: Path, storage: BaseStorage) -> None:
    with pytest.raises(StudyError, match="not there"):
        open_artifacts(str(tmp_path / "elsewhere"), tmp_path / "s", storage, make=False)
    assert not (tmp_path / "elsewhere").exists()
