"""Predicting with a saved model, in a process that has Keras."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mammobench.data.pixels import Pixels
from mammobench.data.store import ImageStore
from mammobench.metrics import Floats
from mammobench.predictor import Predictor


@dataclass(frozen=True)
class Inference:
    """What to predict.

    Attributes:
        model: A saved Keras model of the family.
        store: Folder of the image store.
        size: Side of its input, in pixels.
        interpolation: How images were brought to that size for its training.
        intensity: How images were normalised for its training, in the model or ahead of it.
        rows: Rows of the store, int64 (n,).
    """

    model: Path
    store: Path
    size: int
    interpolation: str
    intensity: str
    rows: npt.NDArray[np.int64]


def infer(asked: Inference) -> Floats:
    """Return probabilities, float64, (n,) for two classes or (n, classes), in the order of the rows."""
    # imported here: the process that asks does without them
    import keras

    model = keras.saving.load_model(asked.model, compile=False)
    store = ImageStore.open(asked.store, verify=False)
    pixels = Pixels(store, size=asked.size, interpolation=asked.interpolation, intensity=asked.intensity)
    predicted: Floats = Predictor(model, pixels, len(asked.rows))(asked.rows).astype(np.float64)
    return predicted
