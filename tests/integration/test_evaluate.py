"""A study's model on another set, through the command line."""

from pathlib import Path

import numpy as np
import pytest

from mammobench.data.images.phantom import make_phantom
from mammobench.study.record import StudyRecord
from tests.integration.command_line import CommandLine


@pytest.mark.slow
@pytest.mark.xdist_group("searched")
def test_a_studys_model_is_tested_on_other_images(searched: CommandLine, tmp_path: Path) -> None:
    other = make_phantom(tmp_path / "other", images=48, seed=9)
    told = searched.run_json("evaluate", "tiny", "--data", str(other.path))
    trial = StudyRecord.open(searched.folder / "reports" / "tiny").trial(told["trial"])
    assert (told["threshold"], told["synthetic"], told["store"]) == (trial.threshold, True, "other")
    assert told["slices"][0]["slice"] == "all"
    lesions = int((other.index["label"] > 0).sum())
    assert told["slices"][0]["images"] == lesions
    assert 0 <= told["auroc"]["low"] <= told["auroc"]["high"] <= 1
    (kept,) = (searched.folder / "reports" / "tiny" / "evaluations").iterdir()
    with np.load(kept / "predictions.npz") as saved:
        assert saved["probability"].shape == (lesions,)
    # the model is there now: the second time nothing is trained
    out, err = searched.run("evaluate", "tiny", "--data", str(other.path))
    assert "Training the trial again" not in err
    assert f"Trial {told['trial']} of tiny on other (synthetic)" in out


@pytest.mark.slow  # loads TensorFlow to refuse
def test_the_studys_own_images_are_refused(searched: CommandLine) -> None:
    _, err = searched.run("evaluate", "tiny", "--data", str(searched.store), status=2)
    assert "these are the images that the study was made with" in err
