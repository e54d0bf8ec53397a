"""A searched study's model looked into and used on image files, through the command line."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from mammobench.data.splits.split import Split
from mammobench.data.store.image_store import ImageStore
from mammobench.evaluation.predictions import open_test
from mammobench.study.record import StudyRecord
from tests.integration.command_line import CommandLine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200), pytest.mark.xdist_group("searched")]


def test_the_surest_test_images_get_heat_maps_that_the_report_shows(searched: CommandLine) -> None:
    told = searched.run_json("explain", "tiny", "--each", "2")
    study = StudyRecord.open(searched.folder / "reports" / "tiny")
    with np.load(searched.folder / told["explanations"]) as kept:
        assert kept["heat"].shape == kept["images"].shape == (len(told["images"]), 16, 16)
        assert kept["heat"].dtype == np.uint8
        assert kept["heat"].any()
        assert kept["id"].tolist() == [image["id"] for image in told["images"]]
    assert Path(told["explanations"]).parent.name == f"{told['trial']:04d}"
    page = (study.folder / "index.html").read_text("utf-8")
    assert page.count('src="data:image/png;base64,') == 2 * len(told["images"])
    assert 'id="sees">Explanations' in page


def test_files_are_predicted_as_the_trial_predicted_its_test_images(
    searched: CommandLine, tmp_path: Path
) -> None:
    study = StudyRecord.open(searched.folder / "reports" / "tiny")
    store = ImageStore.open(searched.store)
    folder = tmp_path / "films"
    folder.mkdir()
    native = store.images(store.manifest.image_size)
    model = searched.run_json("reproduce", "tiny")
    trial = study.trial(model["trial"])
    split = Split.load(study.split_path(trial.split))
    for place, row in enumerate(split.test.rows):
        cv2.imwrite(str(folder / f"{place:03d}.png"), np.asarray(native[row]))
    told = searched.run_json("predict", "tiny", str(folder), "--heatmaps", str(tmp_path / "maps"))
    stored = open_test(trial.folder)
    found = [image["probabilities"]["malignant"] for image in told["images"]]
    np.testing.assert_allclose(found, stored, atol=1e-5)
    assert told["threshold"] == trial.threshold
    assert [image["decision"] == "malignant" for image in told["images"]] == [
        value >= trial.threshold for value in found
    ]
    assert len(list((tmp_path / "maps").iterdir())) == len(stored)
    again = searched.run_json("predict", model["model"], str(folder))
    assert [image["probabilities"] for image in again["images"]] == [
        image["probabilities"] for image in told["images"]
    ]
    out, _ = searched.run("predict", "tiny", str(folder / "000.png"))
    words = " ".join(out.split())
    assert "not a medical device" in words
    assert "synthetic images" in words
    assert "resized from 299 x 299 to 16 px" in words


def test_an_unreadable_image_is_named_and_stops_no_other(searched: CommandLine, tmp_path: Path) -> None:
    searched.run("reproduce", "tiny")
    shutil.copy(Path(__file__), tmp_path / "b.png")
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((16, 16), np.uint8))
    out, err = searched.run("predict", "tiny", str(tmp_path), "--heatmaps", str(tmp_path / "maps"), status=1)
    assert "the image does not decode" in " ".join(out.split())
    assert "1 of 2 images could not be read" in " ".join(err.split())
    assert [path.name for path in (tmp_path / "maps").iterdir()] == ["a.png"]
