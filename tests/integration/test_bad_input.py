"""Bad input gets one paragraph that says where and what to do, exit status 2, and leaves nothing behind."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from mammobench import cli
from mammobench.data.phantom import make_phantom
from mammobench.data.store import ImageStore
from tests.kaggle_layout import Layout


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
