"""`data prepare` on a stranger's folders, through the command line."""

import json
import os
import sys
from pathlib import Path

import pytest

from mammobench import cli
from mammobench.data.store.image_store import ImageStore
from tests.folder_layout import picture, pictures, two_classes


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> "Run":
    monkeypatch.chdir(tmp_path)
    return Run(monkeypatch, capsys)


class Run:
    """Runs `data prepare mine --out store` with more words; returns the two streams."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *words: str, status: int = 0) -> tuple[str, str]:
        self.monkeypatch.setattr(
            sys, "argv", ["mammobench", "data", "prepare", "mine", "--out", "store", *words]
        )
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = self.capsys.readouterr()
        assert (ended.value.code or 0) == status, err
        assert "Traceback" not in err
        return out, " ".join(err.split())


def test_the_way_from_a_refusal_to_a_store(run: Run) -> None:
    for label in ("0", "1"):
        for number in range(6):
            picture(Path("mine", label, f"case_{label}{number // 2}_{number}.png"), 40 * number, 60)
    _, told = run(status=2)
    assert "--labels '0=benign,1=malignant'" in told
    out, _ = run("--labels", "0=benign,1=malignant", "--patient-pattern", r"case_(\d+)_", "--json", "--quiet")
    manifest = json.loads(out)
    assert manifest["image_size"] == 60
    assert manifest["counts"]["patients"] == 6
    assert {"benign mass", "malignant mass"} <= {
        name for name, count in manifest["counts"].items() if count == 6
    }


def test_a_table_of_other_words_is_taken_by_options(run: Run) -> None:
    pictures(Path("mine/images"), count=4, side=16)
    lines = ["Filename;Diagnosis;Patient ID", *(f"images/{number}.png;B;P{number}" for number in range(4))]
    Path("mine/data.csv").write_text("\n".join(lines))
    run(
        "--separator", ";", "--columns", "file=filename,label=diagnosis,patient=patient_id",
        "--labels", "B=benign", "--all-test",
    )  # fmt: skip
    store = ImageStore.open(Path("store"))
    assert store.index["patient"].tolist() == ["P0", "P1", "P2", "P3"]
    assert set(store.index["split"]) == {"test"}


@pytest.mark.parametrize(
    ("side", "following"),
    [
        (40, "an image_size of at most 40"),
        (60, "--space quick --data store"),
        (200, "--space ddsm --data store"),
    ],
)
def test_what_is_made_is_told_with_its_side_and_a_space_that_fits(
    run: Run, side: int, following: str
) -> None:
    for name in ("benign", "malignant"):
        pictures(Path("mine", name), side=side)
    out, _ = run()
    assert f"side: {side} px (" in out
    assert following in out


@pytest.mark.parametrize("words", [["--labels", "0"], ["--columns", "file"], ["--patient-pattern", "x"]])
def test_options_that_say_nothing_are_refused(run: Run, words: list[str]) -> None:
    two_classes(Path("mine"))
    assert f"{words[0]}: " in run(*words, status=2)[1]


def test_a_name_that_is_not_utf_8_is_told_without_a_traceback(run: Run) -> None:
    two_classes(Path("mine"))
    Path("mine/benign/0.png").rename(Path(os.fsdecode(b"mine/benign/M\xfcller.png")))
    _, told = run(status=2)
    assert r"benign/M\xfcller.png: the file's name is not UTF-8" in told
