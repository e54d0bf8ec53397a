"""`predict` on image files of which some are broken: the others are predicted all the same."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from mammobench.cli import app
from mammobench.models.family import build_model
from mammobench.space.config import TrialConfig
from tests.pictures import picture

CONFIG = TrialConfig.from_values({"data.task": "malignancy", "data.image_size": 16, "model.filters": [4]})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that was never trained, as `reproduce` exports one."""
    folder = tmp_path_factory.mktemp("model")
    build_model(CONFIG, classes=2, seed=0, fast=False).save(folder / "model.keras")
    described = {"config": CONFIG.model_dump(mode="json"), "trial": 7, "threshold": 0.5, "native_size": 32}
    (folder / "config.json").write_text(json.dumps(described))
    return folder / "model.keras"


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Two pictures, one cut short between them, and one that is text."""
    folder = tmp_path / "films"
    folder.mkdir()
    for number, name in enumerate(("a.png", "b.png", "d.png")):
        cv2.imwrite(str(folder / name), picture(number))
    (folder / "b.png").write_bytes((folder / "b.png").read_bytes()[:200])
    (folder / "c.dcm").write_text("no DICOM file")
    return folder


def run(*words: Path | str) -> Result:
    return CliRunner(env={"COLUMNS": "400"}).invoke(app, ["predict", *map(str, words)])


def run_json(*words: Path | str, status: int) -> dict[str, Any]:
    result = run(*words, "--json", "--quiet")
    assert result.exit_code == status, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_a_broken_picture_stops_no_other(model: Path, films: Path, tmp_path: Path) -> None:
    told = run_json(model, films, "--heatmaps", tmp_path / "maps", status=1)
    assert told["unreadable"] == 2
    a, b, c, d = told["images"]
    alone = run_json(model, films / "a.png", films / "d.png", status=0)
    assert alone["unreadable"] == 0
    assert [alone["images"][0]["probabilities"], alone["images"][1]["probabilities"]] == [
        a["probabilities"],
        d["probabilities"],
    ]
    assert a["error"] is d["error"] is None
    for broken, words in ((b, "b.png: the image does not decode"), (c, "c.dcm: ")):
        assert words in broken["error"]
        assert broken["probabilities"] is broken["decision"] is broken["heatmap"] is None
    assert [Path(image["heatmap"]).name for image in (a, d)] == ["a.png", "d.png"]
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == ["a.png", "d.png"]

    result = run(model, films)
    assert result.exit_code == 1
    lines = {
        line.split()[0].rpartition("/")[2]: line for line in result.stdout.splitlines() if "films" in line
    }
    assert "none" in lines["b.png"]
    assert "the image does not decode" in lines["b.png"]
    assert f"{a['probabilities']['malignant']:.3f}" in lines["a.png"]
    assert "2 of 4 images could not be read" in result.stderr


def test_where_all_are_broken_it_says_so(model: Path, films: Path, tmp_path: Path) -> None:
    told = run_json(model, films / "b.png", films / "c.dcm", "--heatmaps", tmp_path / "maps", status=1)
    assert (told["unreadable"], len(told["images"])) == (2, 2)
    assert not (tmp_path / "maps").exists()
    result = run(model, films / "b.png")
    assert result.exit_code == 1
    assert "the image does not decode" in result.stdout
    assert "no image could be read" in result.stderr


def test_blank_pictures_are_pictures(model: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "black.png"), np.zeros((16, 16), np.uint8))
    told = run_json(model, tmp_path / "black.png", status=0)
    assert told["images"][0]["error"] is None
