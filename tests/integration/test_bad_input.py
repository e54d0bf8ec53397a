"""Bad input gets one paragraph that says where and what to do, exit status 2, and leaves nothing behind."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from mammobench import cli
from mammobench.data.images.phantom import make_phantom
from mammobench.data.store.image_store import ImageStore
from mammobench.study.record import StudyRecord
from tests.kaggle_layout import Layout
from tests.postgres import free_port
from tests.small_study import write_small_study


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> "Fails":
    monkeypatch.chdir(tmp_path)
    return Fails(monkeypatch, capsys, tmp_path)


class Fails:
    """Runs a command that must fail, and returns what it says."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
    ) -> None:
        self.monkeypatch, self.capsys, self.folder = monkeypatch, capsys, folder

    def __call__(self, *words: str) -> str:
        self.monkeypatch.setattr(sys, "argv", ["mammobench", *words])
        before = set(self.folder.rglob("*"))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = self.capsys.readouterr()
        assert ended.value.code == 2
        assert not out
        assert "Traceback" not in err
        assert set(self.folder.rglob("*")) == before
        return " ".join(err.split())


def test_no_trials_are_nothing_to_search(fails: Fails, phantom: ImageStore) -> None:
    said = fails("search", "--space", "quick", "--data", str(phantom.path), "--trials", "0")
    assert "--trials: nothing to search: expected 1 or more, found 0" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["search", "--space", "qick"], "did you mean 'quick'"),
        (["search", "--space", "missing.yaml"], "no such search space file"),
        (["search", "--space", "quick", "--data", "missing"], "missing"),
        (["search", "--space", "quick", "--engine", "optona"], "did you mean 'optuna'"),
        (["search", "--space", "quick", "--sampler", "tpee"], "did you mean 'tpe'"),
        (["search", "--space", "quick", "--objective", "f2"], "did you mean 'f1'"),
        (["search", "--space", "quick", "--workers", "0"], "workers"),
        (["search", "--space", "quick", "--spaec", "x"], "No such option"),
        (["report", "missing"], "no study 'missing'"),
        (["reproduce", "missing"], "mammobench search"),
        (["data", "prepare", "missing", "--out", "store"], "missing"),
        (["data", "phantom", "--out", "store", "--difficulty", "2"], "between 0 and 1"),
        (["spaces", "qick"], "did you mean 'quick'"),
        (["nonsense"], "No such command"),
    ],
    ids=" ".join,
)
def test_a_wrong_word_is_told_with_the_right_one(words: list[str], said: str, fails: Fails) -> None:
    assert said in fails(*words)


def test_a_space_file_is_told_with_its_line(fails: Fails) -> None:
    Path("mine.yaml").write_text("name: x\ntask: malignancy\nimage_size: 32\nbuget: {}\n")
    said = fails("search", "--space", "mine.yaml")
    assert "mine.yaml, line 4" in said
    assert "did you mean 'budget'" in said


def test_a_store_whose_images_were_changed_is_refused(fails: Fails, phantom: ImageStore) -> None:
    shutil.copytree(phantom.path, "changed")
    images = np.load("changed/images-299.npy", mmap_mode="r+")
    images[7, 3, 3] ^= 1
    images.flush()
    del images
    said = fails("search", "--space", "quick", "--data", "changed")
    assert "7" in said
    assert "changed" in said


def test_a_store_that_exists_is_not_written_over(fails: Fails) -> None:
    Path("store").mkdir()
    Path("store/precious.txt").write_text("x")
    assert "store" in fails("data", "phantom", "--out", "store", "--images", "60")
    assert Path("store/precious.txt").exists()


def test_a_store_too_small_for_the_task_leaves_no_study(fails: Fails) -> None:
    make_phantom(Path("small"), images=6, seed=0)
    said = fails("search", "--space", "quick", "--data", "small")
    assert "small" in said


def test_images_larger_than_the_store_holds_are_refused(fails: Fails, phantom: ImageStore) -> None:
    Path("large.yaml").write_text(
        "name: l\ntask: malignancy\nimage_size: 512\nbudget: {trials: 1, max_epochs: 1}\n"
    )
    said = fails("search", "--space", "large.yaml", "--data", str(phantom.path))
    assert "expected images of 512 px or more, found 299 px" in said


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("missing", "training10_3"),
        ("truncated", "training10_1.tfrecords"),
        ("longer", "cv10_labels.npy"),
    ],
)
def test_a_damaged_source_is_told_with_its_file(damage: str, said: str, fails: Fails, tmp_path: Path) -> None:
    source = tmp_path / "source"
    Layout(source).write()
    if damage == "missing":
        shutil.rmtree(source / "training10_3")
    elif damage == "truncated":
        shard = source / "training10_1" / "training10_1.tfrecords"
        shard.write_bytes(shard.read_bytes()[:-100])
    else:
        labels = np.load(source / "cv10_labels.npy")
        np.save(source / "cv10_labels.npy", np.append(labels, 0))
    assert said in fails("data", "prepare", str(source), "--out", "store")


SPACE = "task: malignancy\nimage_size: 32\nbudget: {trials: 1, max_epochs: 1}\n"


@pytest.mark.parametrize("name", ["../../evil", "/evil", "..", "", "-rf", "a\\nb", "$(id)", "x" * 300])
def test_a_space_with_a_name_that_leads_elsewhere_is_refused_with_its_line(name: str, fails: Fails) -> None:
    Path("mine.yaml").write_text(f'# A space.\nname: "{name}"\n{SPACE}')
    said = fails("search", "--space", "mine.yaml")
    assert (
        "mine.yaml, line 2, name: not a name that a study can have: expected a text of 1 to 100 letters"
        in said
    )
    assert len(said) < 700
    assert fails("spaces", "mine.yaml")


@pytest.mark.parametrize(
    ("study", "said"),
    [
        ("", "--study: a study needs a name"),
        (".", "cannot fill the working directory"),
        ("..", "cannot fill the working directory"),
        ("./reports", "holds studies and is none"),
        ("x" * 300, "300 characters"),
        ("./" + "x" * 300, "300 characters"),
        ("-rf", "not a study's name"),
        ("mine", None),
        ("./mine", "holds no study"),
        ("mine/notes.txt/s", "a file stands where"),
    ],
)
def test_a_study_is_refused_a_place_that_is_not_its_own(
    study: str, said: str | None, fails: Fails, phantom: ImageStore
) -> None:
    Path("mine").mkdir()
    Path("mine/notes.txt").touch()
    if said is None:
        # a name, and none of the folder here
        said = "--trials: nothing to search"
        assert said in fails("search", "--space", "quick", "--study", study, "--trials", "0")
        return
    assert said in fails("search", "--space", "quick", "--data", str(phantom.path), f"--study={study}")


@pytest.mark.parametrize("command", ["report", "reproduce", "doctor", "dashboard", "explain", "worker"])
@pytest.mark.parametrize("study", ["", "x" * 300])
def test_a_name_that_no_study_can_have_is_told(command: str, study: str, fails: Fails) -> None:
    assert "no study" in fails(command, study)


def test_a_name_that_no_file_system_takes_is_told(fails: Fails) -> None:
    assert "too long" in fails("search", "--space", "x" * 300)
    assert "too long" in fails("search", "--space", "quick", "--data", "x" * 300)


class TestAStudyGoesOn:
    """Whatever is asked of a study that exists is as it stands, or is refused with what stands."""

    @pytest.fixture
    def study(self, fails: Fails, phantom: ImageStore) -> StudyRecord:
        return write_small_study(fails.folder / "reports" / "quick", phantom, finished=3)

    @pytest.fixture
    def words(self, study: StudyRecord, phantom: ImageStore) -> list[str]:
        return ["search", "--space", "quick", "--data", str(phantom.path), "--study", study.folder.name]

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            (["--stop-when-settled"], "stop_when_settled: False there, True asked"),
            (
                ["--storage", f"postgresql://me@127.0.0.1:{free_port()}/none"],
                "storage: None there, postgresql://me@",
            ),
            (["--artifacts", "elsewhere"], "artifacts: None there, "),
            (["--artifacts", "s3://nowhere/at-all"], "artifacts: None there, s3://nowhere/at-all asked"),
            (["--heartbeat", "3"], "heartbeat: 10 there, 3 asked"),
            (["--trials", "2"], "the study has more trials already"),
            (["--precision", "mixed_bfloat16"], "precision: float32 there, mixed_bfloat16 asked"),
            (["--seed", "1"], "seed: 0 there, 1 asked"),
        ],
        ids=lambda value: value[0] if isinstance(value, list) else "",
    )
    def test_what_is_asked_otherwise_is_refused_with_what_stands(
        self, more: list[str], said: str, words: list[str], fails: Fails
    ) -> None:
        found = fails(*words, *more)
        assert said in found
        assert "Choose another name with --study" in found or "choose another name with --study" in found

    def test_a_database_that_the_environment_asks_for_is_told_as_such(
        self, words: list[str], fails: Fails, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MAMMOBENCH_STORAGE", "postgresql://me:secret@127.0.0.1:1/none")
        found = fails(*words)
        assert "unset MAMMOBENCH_STORAGE" in found
        assert "secret" not in found


@pytest.mark.parametrize(
    ("artifacts", "said"),
    [
        ("", "no such place for artifacts"),
        ("gs://bucket/prefix", "no such place for artifacts: expected a folder"),
        ("s3:/bucket/prefix", "no such place for artifacts"),
        ("s3://", "an S3 place is a bucket and a prefix"),
        ("notes.txt/below", "cannot make a folder among the artifacts"),
        ("reports", "would lie in the study's own folder"),
        ("reports/quick/artifacts", "would lie in the study's own folder"),
    ],
)
def test_a_place_for_artifacts_that_is_none_leaves_no_study(
    artifacts: str, said: str, fails: Fails, phantom: ImageStore
) -> None:
    Path("notes.txt").touch()
    words = ["search", "--space", "quick", "--data", str(phantom.path), "--trials", "1"]
    assert said in fails(*words, f"--artifacts={artifacts}")
    assert not Path("reports").exists()
