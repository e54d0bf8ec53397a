"""Every kind of damage that the doctor knows, done to a real study folder."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from mammobench.analysis.doctor import Examination, examine, mend
from mammobench.core.errors import StudyError
from mammobench.core.files import written_aside
from mammobench.data.images.phantom import make_phantom
from mammobench.data.store.image_store import ImageStore
from mammobench.study.record import StudyRecord
from mammobench.study.storage.url import redacted
from mammobench.training.filenames import CHECKPOINT
from tests.postgres import PASSWORD, free_port, shared_server
from tests.small_study import finish, start, write_small_study

Floats = npt.NDArray[np.float32]
pytestmark = pytest.mark.xdist_group("postgres")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, phantom: ImageStore) -> Path:
    """A healthy study with three finished trials."""
    return write_small_study(tmp_path_factory.mktemp("doctor") / "s", phantom).folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy of it to damage."""
    return shutil.copytree(whole, tmp_path / "s")


def told(examination: Examination) -> list[tuple[str, str, str]]:
    """Return severity, place in the folder and whether it can be mended, of each finding."""
    return [
        (finding.severity, finding.where.name, "mendable" if finding.cure else "not mendable")
        for finding in examination.findings
    ]


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def mended(folder: Path) -> list[str]:
    """Mend a folder; check that mending once was enough, and that mending again changes nothing."""
    done = mend(examine(folder))
    after = contents(folder)
    assert mend(examine(folder)) == []
    assert contents(folder) == after
    return done


def test_a_healthy_study_is_told_in_one_line_and_left_alone(folder: Path) -> None:
    before = contents(folder)
    examination = examine(folder)
    (line,) = examination.lines()
    assert "healthy" in line
    assert "3 finished" in line
    assert not examination.damaged
    assert examination.holdings["trials/*/predictions.npz"].files == 3
    assert examination.spec is not None
    assert json.loads(json.dumps(examination.to_dict()))["spec"]["name"] == "s"
    assert contents(folder) == before


def test_no_folder_is_no_study(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no such folder"):
        examine(tmp_path / "missing")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (None, "missing"),
        ("", "torn or no JSON"),
        ('{"format": 1, "name": "s", "spa', "torn or no JSON"),
        ("[]", "not one of a study"),
        ('{"format": 1, "name": "s"}', r"not one of a study \(\w+: Field required\)"),
        ('{"format": 99, "name": "s"}', "the format 99; this version reads up to"),
        ('{"format": "new"}', "the format 'new'"),
    ],
)
def test_a_description_that_cannot_be_used(folder: Path, text: str | None, what: str) -> None:
    path = folder / "study.json"
    whole = path.read_bytes()
    path.unlink()
    if text is not None:
        path.write_text(text)
    before = contents(folder)
    (finding,) = examine(folder).findings
    assert (finding.severity, finding.where) == ("damage", path)
    assert re.search(what, finding.what)
    if "format" in what and "Field" not in what:
        # a later version's, which this one must not write over
        assert mend(examine(folder)) == []
        assert {path: data for path, data in contents(folder).items() if path.name != ".lock"} == before
        return
    mended(folder)
    assert path.read_bytes() == whole
    copy = folder / "study.json.damaged-1"
    assert (copy.read_text() if copy.exists() else None) == text
    assert examine(folder).healthy


def test_a_description_that_the_record_does_not_hold_is_told_so(folder: Path) -> None:
    journal = folder / "study.journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(line for line in lines if not line.startswith(b'{"op_code":2')))
    (folder / "study.json").unlink()
    (finding,) = examine(folder).findings
    assert "versions up to 0.2" in finding.remedy
    assert mend(examine(folder)) == []
    assert not (folder / "study.json").exists()


def test_a_description_and_a_record_that_disagree(folder: Path) -> None:
    path = folder / "study.json"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"seed": 0', b'"seed": 9'))
    (finding,) = examine(folder).findings
    assert finding.what == "the description and the record disagree in seed"
    mended(folder)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("zeros", [b"\0" * 4096, b"\0" * 100 + b'tail":1}\n', b"\0\n" * 3])
def test_zeros_at_the_end_of_the_record_need_no_mending(
    folder: Path, phantom: ImageStore, zeros: bytes
) -> None:
    journal = folder / "study.journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole + zeros)
    study = StudyRecord.open(folder)
    finish(study, start(study, phantom))
    assert journal.read_bytes().startswith(whole + b"{")
    assert [trial.number for trial in StudyRecord.open(folder).trials] == [0, 1, 2, 3]


def test_a_line_of_zeros_inside_the_record_is_dropped(folder: Path) -> None:
    journal = folder / "study.journal"
    whole = journal.read_bytes()
    first, rest = whole.split(b"\n", 1)
    journal.write_bytes(first + b"\n" + b"\0" * 512 + b"\n" + rest)
    assert told(examine(folder)) == [("damage", "study.journal", "mendable")]
    mended(folder)
    assert journal.read_bytes() == whole


@pytest.fixture
def read_only(folder: Path, tmp_path: Path) -> Iterator[Path]:
    """The study on a file system that nothing can be written to."""
    with StudyRecord.open(folder).lock():
        pass
    place = tmp_path / "read-only"
    place.mkdir()
    if os.geteuid() != 0 or mount("mount", "--bind", folder, place):
        pytest.skip("a read-only mount needs root and the right to mount")
    try:
        assert mount("mount", "-o", "remount,ro,bind", place) == 0
        yield place
    finally:
        mount("umount", place)


def mount(program: str, *arguments: str | Path) -> int:
    return subprocess.run([str(shutil.which(program)), *arguments], check=False).returncode


def test_a_study_on_read_only_media_is_examined_and_read(read_only: Path, folder: Path) -> None:
    assert examine(read_only).healthy
    assert len(StudyRecord.open(read_only).trials) == 3
    with StudyRecord.open(folder).lock():
        assert examine(read_only).in_use
    with pytest.raises(StudyError, match="cannot be written to"):
        mend(examine(read_only))


def test_a_torn_record_on_read_only_media_is_read(folder: Path, read_only: Path) -> None:
    with (folder / "study.journal").open("ab") as journal:
        journal.write(b'{"op_code":4,')
    assert len(StudyRecord.open(read_only).trials) == 3
    assert told(examine(read_only)) == [("warning", "study.journal", "mendable")]


def test_a_record_that_is_missing(folder: Path) -> None:
    (folder / "study.journal").unlink()
    assert told(examine(folder)) == [("damage", "study.journal", "not mendable")]
    assert not (folder / "study.journal").exists()


def test_a_record_of_another_study(folder: Path) -> None:
    text = (folder / "study.json").read_text()
    (folder / "study.json").write_text(text.replace('"name": "s"', '"name": "t"', 1))
    (finding,) = examine(folder).findings
    assert finding.what == "the description and the record disagree in name"
    mended(folder)
    assert (folder / "study.json").read_text() == text


def test_a_cut_last_write_is_dropped_and_the_trial_goes_on(folder: Path, phantom: ImageStore) -> None:
    study = StudyRecord.open(folder)
    start(study, phantom)
    journal = folder / "study.journal"
    whole = journal.read_bytes()
    study.report_epoch(3, 1, 0.5)
    cut = journal.read_bytes()[:-20]
    journal.write_bytes(cut)
    assert told(examine(folder)) == [("warning", "study.journal", "mendable"), ("note", "s", "not mendable")]
    (line,) = mended(folder)
    assert "study.journal: dropped" in line
    assert journal.read_bytes() == whole
    assert (folder / "study.journal.damaged-1").read_bytes() == cut
    assert [trial.state for trial in StudyRecord.open(folder).trials] == ["finished"] * 3 + ["running"]


def test_a_record_that_was_written_on_behind_a_cut_write_opens_again(folder: Path) -> None:
    journal = folder / "study.journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:-3], lines[-3][:40], *lines[-2:]]))
    with pytest.raises(StudyError, match="damaged trial record"):
        StudyRecord.open(folder)
    assert ("damage", "study.journal", "mendable") in told(examine(folder))
    mended(folder)
    assert StudyRecord.open(folder).trials[-1].state == "finished"


def test_what_a_line_torn_in_the_middle_costs_is_told_and_nothing_is_touched(folder: Path) -> None:
    journal = folder / "study.journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    of_trial_1 = next(index for index, line in enumerate(lines) if b'"trial_id":1' in line)
    lines[of_trial_1] = b"#" * 30 + b"\n"
    journal.write_bytes(b"".join(lines))
    before = contents(folder)
    examination = examine(folder)
    damage = examination.findings[0]
    assert (damage.severity, damage.where, damage.cure) == ("damage", journal, None)
    assert f"line {of_trial_1 + 1} of {len(lines)} cannot be read" in damage.what
    assert "they tell of trials 1, 2" in damage.what
    # what stands before it is known
    assert examination.trials == {"finished": 1, "running": 1}
    assert mend(examination) == []
    assert {path: data for path, data in contents(folder).items() if path.name != ".lock"} == before


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda path: path.unlink(), "missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-30]), "damaged"),
        (lambda path: path.write_bytes(b""), "damaged"),
        (lambda path: spoil(path, lambda values: values[:-1]), "of the wrong shape"),
        (lambda path: spoil(path, lambda values: values * np.nan), "not all numbers"),
    ],
)
def test_predictions_that_cannot_be_used(folder: Path, damage: Callable[[Path], object], what: str) -> None:
    path = folder / "trials" / "0001" / "predictions.npz"
    damage(path)
    (finding,) = examine(folder).findings
    assert finding.what.startswith(f"the predictions of trial 1 are {what}")
    assert (finding.severity, finding.where, finding.cure) == ("damage", path, None)


def spoil(path: Path, change: Callable[[Floats], Floats]) -> None:
    """Change the last of the stored arrays, the sealed one."""
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    last = list(arrays)[-1]
    np.savez(path, **{**arrays, last: change(arrays[last])})


def test_a_history_that_is_missing(folder: Path) -> None:
    (folder / "trials" / "0002" / "history.csv").unlink()
    assert told(examine(folder)) == [("warning", "history.csv", "not mendable")]


@pytest.mark.parametrize("text", [None, "{", "[1]", '{"seed": 8}'])
def test_a_configuration_is_written_again_from_the_record(folder: Path, text: str | None) -> None:
    path = folder / "trials" / "0001" / "config.json"
    whole = path.read_bytes()
    path.unlink()
    if text is not None:
        path.write_text(text)
    assert told(examine(folder)) == [("warning", "config.json", "mendable")]
    mended(folder)
    assert path.read_bytes() == whole
    copy = path.with_name("config.json.damaged-1")
    assert (copy.read_text() if copy.exists() else None) == text


@pytest.mark.parametrize("damage", ["missing", "torn", "changed", "swapped"])
def test_a_split_is_made_again_with_the_same_rows(folder: Path, damage: str) -> None:
    (path,) = (folder / "splits").iterdir()
    whole = StudyRecord.open(folder).trials[0].split
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    path.unlink()
    if damage == "torn":
        path.write_bytes(b"PK")
    elif damage == "changed":
        np.savez(path, **{**arrays, "test_rows": arrays["test_rows"][::-1]})
    elif damage == "swapped":
        np.savez(path, **{**arrays, "hash": np.array("0" * 64)})
    assert told(examine(folder)) == [("damage", path.name, "mendable")]
    mended(folder)
    with np.load(path) as stored:
        assert str(stored["hash"]) == whole
        assert all(np.array_equal(stored[name], arrays[name]) for name in arrays)


def test_without_the_images_a_split_cannot_be_made_again(
    folder: Path, tmp_path: Path, phantom: ImageStore
) -> None:
    store = shutil.copytree(phantom.path, tmp_path / "store")
    text = (folder / "study.json").read_text()
    (folder / "study.json").write_text(text.replace(str(phantom.path.resolve()), str(store)))
    assert examine(folder).healthy
    shutil.rmtree(store)
    (path,) = (folder / "splits").iterdir()
    path.unlink()
    assert told(examine(folder)) == [
        ("damage", path.name, "not mendable"),
        ("warning", "store", "not mendable"),
    ]
    assert mend(examine(folder)) == []


def test_another_image_store_is_told_from_the_one_that_was_searched(folder: Path, tmp_path: Path) -> None:
    spec = json.loads((folder / "study.json").read_text())
    store = make_phantom(tmp_path / "store", images=60, seed=5)
    (folder / "study.json").write_text(json.dumps({**spec, "data": str(store.path)}))
    (finding,) = examine(folder).findings
    assert finding.what == "the image store is another than the study was made for"
    images = np.load(store.path / "images-299.npy", mmap_mode="r+")
    images[3] ^= 1
    images.flush()
    (finding,) = examine(folder).findings
    assert "the images were changed after the store was made" in finding.what


def test_what_interrupted_writes_left_is_removed(folder: Path) -> None:
    for name in ("study.json", "history.csv", "predictions.npz", "index.html", "model.keras", "x.damaged-1"):
        path = folder / "best" / name
        with written_aside(path) as aside:
            pass
        path.rename(aside)
    (folder / "study.journal.lock").symlink_to("study.journal")
    (folder / "best" / ".notes.txt").write_text("a person wrote this")
    examination = examine(folder)
    assert [finding.severity for finding in examination.findings] == ["note"] * 7
    assert not examination.damaged
    assert len(mended(folder)) == 7
    assert (folder / "best" / ".notes.txt").exists()
    assert examine(folder).healthy


def test_nothing_is_held_against_a_search_that_runs_nor_mended_under_it(
    folder: Path, phantom: ImageStore
) -> None:
    study = StudyRecord.open(folder)
    with study.lock():
        start(study, phantom)
        (folder / "trials" / "0003" / ".config-abcdefgh.json").touch()
        with (folder / "study.journal").open("ab") as journal:
            journal.write(b'{"op_code":8,')
        examination = examine(folder)
        assert (examination.healthy, examination.in_use) == (True, True)
        assert "being searched now" in examination.lines()[0]
        with pytest.raises(StudyError, match="another process is searching"):
            mend(examination)


def test_an_interrupted_search_is_told_with_the_command_that_goes_on(
    folder: Path, phantom: ImageStore
) -> None:
    start(StudyRecord.open(folder), phantom)
    (finding,) = examine(folder).findings
    assert (finding.severity, finding.cure) == ("note", None)
    assert finding.what == "the search was interrupted in trial 3"
    assert "mammobench search --space quick --study s" in finding.remedy


def test_checkpoints_that_nothing_will_continue_are_removed(folder: Path, phantom: ImageStore) -> None:
    study = StudyRecord.open(folder)
    promotable = start(study, phantom, dropout=0.1, until=3)
    finish(study, promotable)
    promoted = start(study, phantom, dropout=0.2, until=3)
    finish(study, promoted)
    finish(study, start(study, phantom, dropout=0.2, continues=promoted.number))
    stopped = start(study, phantom, dropout=0.3)
    finish(study, stopped, stopped=True)
    running = start(study, phantom, dropout=0.5)
    for trial in study.trials:
        (trial.folder / CHECKPOINT).write_bytes(b"0" * 2_000_000)
    finding = next(finding for finding in examine(folder).findings if finding.cure)
    assert finding.remedy == "Removing it frees 2.0 MB"
    assert len(mended(folder)) == 5
    kept = {path.parent.name for path in folder.glob(f"trials/*/{CHECKPOINT}")}
    assert kept == {f"{trial.number:04d}" for trial in (promotable, stopped, running)}


def test_a_folder_that_the_record_does_not_know_is_left_for_a_person(folder: Path) -> None:
    (folder / "trials" / "0042").mkdir()
    assert told(examine(folder)) == [("warning", "0042", "not mendable")]


def test_a_report_older_than_the_record(folder: Path, phantom: ImageStore) -> None:
    (folder / "index.html").write_text("<html>")
    assert examine(folder).healthy
    study = StudyRecord.open(folder)
    finish(study, start(study, phantom))
    newest = folder / "trials" / "0003" / "predictions.npz"
    assert newest.stat().st_mtime_ns > (folder / "index.html").stat().st_mtime_ns
    (finding,) = examine(folder).findings
    assert finding.what == "the report is older than the newest result"
    assert f"mammobench report {folder}" in finding.remedy


def test_a_disk_that_is_nearly_full(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    assert examine(folder, room=free // 2).healthy
    (finding,) = examine(folder, room=free * 2).findings
    assert finding.severity == "warning"
    assert "MB are free on the disk" in finding.what


@pytest.mark.parametrize("database", [False, True])
def test_files_of_trials_on_other_machines_are_fetched(
    tmp_path: Path, phantom: ImageStore, monkeypatch: pytest.MonkeyPatch, database: bool
) -> None:
    url = shared_server().new_database() if database else None
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    study = write_small_study(
        tmp_path / "s", phantom, finished=0, artifacts=str(tmp_path / "shared"),
        storage=None if url is None else redacted(url),
    )  # fmt: skip
    trial = start(study, phantom)
    finish(study, trial, push=True)
    assert examine(study.folder).healthy
    whole = contents(trial.folder)
    shutil.rmtree(trial.folder)
    assert told(examine(study.folder)) == [
        ("note", name, "mendable") for name in ("config.json", "history.csv", "predictions.npz")
    ]
    assert len(mended(study.folder)) == 3
    assert contents(trial.folder) == whole
    assert examine(study.folder).healthy


def test_a_database_that_cannot_be_reached_is_told(tmp_path: Path, phantom: ImageStore) -> None:
    study = write_small_study(tmp_path / "s", phantom)
    spec = json.loads((study.folder / "study.json").read_text())
    url = f"postgresql://mammo@127.0.0.1:{free_port()}/none"
    (study.folder / "study.json").write_text(json.dumps({**spec, "storage": url}))
    (finding,) = examine(study.folder).findings
    assert (finding.what, finding.severity) == ("cannot reach the database server", "damage")


def test_workers_elsewhere_may_be_writing_what_looks_left_over(
    tmp_path: Path, phantom: ImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    url = redacted(shared_server().new_database())
    study = write_small_study(tmp_path / "s", phantom, finished=1, storage=url)
    (study.folder / ".index-abcdefgh.html").touch()
    assert len(examine(study.folder).findings) == 1
    start(study, phantom)
    assert examine(study.folder).healthy
