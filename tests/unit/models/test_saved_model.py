"""A model file that cannot be used is told, in the process that asked, and no code in it is run."""

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import pytest

from mammobench import cli
from mammobench.space.config import TrialConfig

CONFIG = TrialConfig.from_values({"data.task": "malignancy", "data.image_size": 16})
DESCRIBED = {"config": CONFIG.model_dump(mode="json"), "trial": 7, "threshold": 0.25, "native_size": 16}


@keras.saving.register_keras_serializable("elsewhere")
class Unknown(keras.layers.Layer):
    """Known in this process alone."""

    def call(self, inputs: Any) -> Any:
        return inputs


def model(side: int = 16, channels: int = 1, units: int = 1, *layers: Any) -> Any:
    return keras.Sequential(
        [keras.Input((side, side, channels)), *layers, keras.layers.Conv2D(2, 3),
         keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(units, "sigmoid")]
    )  # fmt: skip


def write(kind: str, path: Path) -> None:
    if kind == "text":
        path.write_text("no model")
    elif kind == "truncated":
        model().save(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == "bits turned over":
        model().save(path)
        content = bytearray(path.read_bytes())
        content[300:700] = bytes(value ^ 0x55 for value in content[300:700])
        path.write_bytes(content)
    elif kind == "code":
        model(16, 1, 1, keras.layers.Lambda(lambda pixels: pixels * 2)).save(path)
    elif kind == "an unknown layer":
        model(16, 1, 1, Unknown()).save(path)
    elif kind == "a vector":
        keras.Sequential([keras.Input((16,)), keras.layers.Dense(1)]).save(path)
    elif kind == "maps":
        keras.Sequential([keras.Input((16, 16, 1)), keras.layers.Conv2D(1, 3)]).save(path)
    else:
        sizes = {"other images": (32,), "colours": (16, 3), "five classes": (16, 1, 5)}
        model(*sizes[kind]).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text(json.dumps(DESCRIBED))
    cv2.imwrite(str(tmp_path / "patch.png"), np.zeros((16, 16), np.uint8))
    return tmp_path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("text", "Keras refuses the model"),
        ("truncated", "Keras refuses the model"),
        ("bits turned over", "Keras refuses the model"),
        ("code", "Keras refuses the model"),
        ("an unknown layer", "Keras refuses the model"),
        ("a vector", "the model is for other images: expected an input of shape (16, 16, 1), found (16)"),
        ("other images", "expected an input of shape (16, 16, 1), found (32, 32, 1)"),
        ("colours", "expected an input of shape (16, 16, 1), found (16, 16, 3)"),
        ("five classes", "expected probabilities of 2 classes, found an output of shape (5)"),
        ("maps", "expected probabilities of 2 classes, found an output of shape (14, 14, 1)"),
    ],
)
def test_predict_tells_what_is_wrong_with_a_model(
    kind: str, said: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write(kind, folder / "model.keras")
    words = [
        "predict",
        str(folder / "model.keras"),
        str(folder / "patch.png"),
        "--heatmaps",
        str(folder / "maps"),
    ]
    monkeypatch.setattr(sys, "argv", ["mammobench", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capfd.readouterr()
    assert ended.value.code == 2
    assert not out
    assert "Traceback" not in err
    assert said in " ".join(err.split())
    assert "mammobench reproduce" in err
    assert not (folder / "maps").exists()


def test_a_sound_model_predicts(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    model().save(folder / "model.keras")
    words = ["predict", str(folder / "model.keras"), str(folder / "patch.png"), "--json", "--quiet"]
    monkeypatch.setattr(sys, "argv", ["mammobench", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    (image,) = json.loads(capfd.readouterr().out)["images"]
    assert sum(image["probabilities"].values()) == pytest.approx(1)
