"""The section of what the model sees."""

import base64
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mammobench.data.splits.split import Split
from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.report.explanations import LARGEST, explanations_of, overlaid, selected_explanations
from mammobench.report.html import environment
from mammobench.study.record import StudyRecord
from mammobench.training.filenames import EXPLANATIONS

StudyWriter = Callable[..., StudyRecord]


def write_explanations(folder: Path, *, size: int = 32, name: str = "film 7", heat: int = 255) -> None:
    maps = np.zeros((2, size, size), np.uint8)
    maps[:, :4, :4] = heat
    np.savez(
        folder / EXPLANATIONS, kind=np.array(["true positive", "false negative"]), row=np.array([3, 4]),
        id=np.array([name, "film 8"]), probability=np.array([0.97, 0.04]), target=np.array([1, 1]),
        answer=np.array([1, 0]), images=np.full((2, size, size), 80, np.uint8), heat=maps,
    )  # fmt: skip


def decoded(uri: str) -> np.ndarray:
    data = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))


@pytest.fixture
def split(simulated_study: StudyRecord) -> Split:
    return Split.load(simulated_study.split_path(simulated_study.trial(1).split))


def test_pictures_come_by_kind_with_what_the_model_says(split: Split, tmp_path: Path) -> None:
    write_explanations(tmp_path)
    shown = explanations_of(tmp_path, split, "mammobench explain s")
    assert [kind for kind, _ in shown.kinds] == ["true positives", "false negatives"]
    picture = shown.kinds[0][1][0]
    assert picture.caption == "predicted malignant, true class malignant; probability of malignant 0.970"
    assert (
        shown.kinds[1][1][0].caption
        == "predicted benign, true class malignant; probability of malignant 0.040"
    )
    assert (decoded(picture.image) == 80).all()
    overlay = decoded(picture.overlay)
    assert (overlay[16:, 16:] == 80).all()
    assert (overlay[:4, :4] != 80).any()
    assert shown.command == ""


def test_large_pictures_are_shown_small(split: Split, tmp_path: Path) -> None:
    write_explanations(tmp_path, size=299)
    shown = explanations_of(tmp_path, split, "")
    assert decoded(shown.kinds[0][1][0].image).shape == (LARGEST, LARGEST, 3)


def test_without_pictures_the_command_is_told(split: Split, tmp_path: Path) -> None:
    assert explanations_of(tmp_path, split, "mammobench explain s").command == "mammobench explain s"
    (tmp_path / EXPLANATIONS).write_bytes(b"PK damaged")
    damaged = explanations_of(tmp_path, split, "mammobench explain s")
    assert (damaged.kinds, damaged.command) == ((), "mammobench explain s")
    assert "damaged" in damaged.note


def test_the_section_shows_them_and_escapes_names(write_study: StudyWriter, tmp_path: Path) -> None:
    study = write_study(tmp_path / "s", trials=2, images=60)
    board = build_leaderboard(study, resamples=20)
    assert board.selected is not None

    def section() -> str:
        shown = SimpleNamespace(value=selected_explanations([study], board))
        return environment().get_template("explanations.html").render(section=shown)

    assert "<code>mammobench explain " in section()
    write_explanations(study.trial_folder(int(board.selected["trial"])), name="<b>film</b>")
    shown = section()
    assert "&lt;b&gt;film&lt;/b&gt;" in shown
    assert shown.count('src="data:image/png;base64,') == 4
    assert "<code>" not in shown


def test_a_map_of_nothing_is_told(split: Split, tmp_path: Path) -> None:
    write_explanations(tmp_path, heat=0)
    told = explanations_of(tmp_path, split, "").kinds[0][1][0].caption
    assert told.endswith("probability of malignant 0.970; no region raises its score")


def test_no_heat_leaves_an_image_grey() -> None:
    image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert (overlaid(image, np.zeros((8, 8), np.uint8)) == image[..., None]).all()
