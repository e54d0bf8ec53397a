"""What describes a model, and heat maps as files."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mammobench.analysis.prediction import Prediction, model_of_file, write_overlays
from mammobench.core.errors import ConfigError, DataError
from mammobench.space.config import TrialConfig

CONFIG = TrialConfig.from_values({"data.task": "malignancy", "data.image_size": 32})
DESCRIBED = {
    "config": CONFIG.model_dump(mode="json"), "trial": 7, "threshold": 0.25, "study": "quick",
    "native_size": 299, "synthetic": True,
}  # fmt: skip


def write(folder: Path, described: object) -> Path:
    (folder / "model.keras").write_bytes(b"")
    (folder / "config.json").write_text(json.dumps(described))
    return folder / "model.keras"


def test_a_model_is_described_by_the_file_beside_it(tmp_path: Path) -> None:
    model = model_of_file(write(tmp_path, DESCRIBED))
    assert (model.name, model.threshold, model.native, model.synthetic) == (
        "trial 7 of quick",
        0.25,
        299,
        True,
    )
    assert model.config == CONFIG
    assert model.class_names == ("benign", "malignant")


def test_what_the_first_release_wrote_is_enough(tmp_path: Path) -> None:
    first = {key: DESCRIBED[key] for key in ("config", "trial", "threshold")}
    assert model_of_file(write(tmp_path, first)).native == 32


@pytest.mark.parametrize(
    ("described", "words"),
    [({}, "'config'"), ([], "damaged"), ({**DESCRIBED, "threshold": "x"}, "could not convert"),
     ({**DESCRIBED, "config": {"data": {"task": "x"}}}, "damaged")],
)  # fmt: skip
def test_a_damaged_description_is_named(described: object, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=words) as raised:
        model_of_file(write(tmp_path, described))
    assert "config.json" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_model_without_description_or_none_at_all_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such model"):
        model_of_file(tmp_path / "model.keras")
    (tmp_path / "model.keras").write_bytes(b"")
    with pytest.raises(ConfigError, match="the description of the model is missing"):
        model_of_file(tmp_path / "model.keras")


def test_heat_maps_are_named_after_their_images(tmp_path: Path) -> None:
    overlay = np.full((32, 32, 3), (10, 20, 30), np.uint8)
    done = [
        Prediction(Path(name), {}, "benign", "", picture)
        for name, picture in {"a/x.png": overlay, "b/x.dcm": overlay, "y.png": None}.items()
    ]
    written = write_overlays(done, tmp_path / "maps")
    assert [path.name for path in written] == ["x.png", "x-2.png"]
    picture = cv2.imread(str(written[0]))
    assert picture is not None
    assert picture.shape == (256, 256, 3)
    assert (picture == (10, 20, 30)).all()
    with pytest.raises(DataError, match="found a file"):
        write_overlays(done, written[0])
