"""Predicting with a saved model, in a process that has Keras."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mammobench.core.metrics import Floats
from mammobench.data.images.pixels import Pixels
from mammobench.data.store.image_store import ImageStore
from mammobench.models.saved_model import open_model
from mammobench.training.predict import Predictor


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
    """Return probabilities, float64, (n,) for two classes or (n, classes), in the order of the rows.

    Raises:
        ConfigError: For a model that cannot be used; see `open_model`.
    """
    model = open_model(asked.model, size=asked.size)
    store = ImageStore.open(asked.store, verify=False)
    pixels = Pixels(store, size=asked.size, interpolation=asked.interpolation, intensity=asked.intensity)
    predicted: Floats = Predictor(model, pixels, len(asked.rows))(asked.rows).astype(np.float64)
    return predicted
