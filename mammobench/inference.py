"""Predicting with a saved model, in a process that has Keras."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mammobench.data.store import ImageStore
from mammobench.metrics import Floats


@dataclass(frozen=True)
class Inference:
    """What to predict.

    Attributes:
        model: A saved Keras model of the family; it takes uint8 images and scales them itself.
        store: Folder of the image store.
        size: Side of its input, in pixels.
        interpolation: How images were brought to that size for its training.
        rows: Rows of the store, int64 (n,).
    """

    model: Path
    store: Path
    size: int
    interpolation: str
    rows: npt.NDArray[np.int64]


def infer(asked: Inference) -> Floats:
    """Return probabilities, float64, (n,) for two classes or (n, classes), in the order of the rows."""
    # imported here: the process that asks does without them
    import keras  # noqa: PLC0415

    from mammobench.training import Predictor  # noqa: PLC0415

    model = keras.saving.load_model(asked.model, compile=False)
    images = ImageStore.open(asked.store, verify=False).images(asked.size, asked.interpolation)
    predicted: Floats = Predictor(model, images, len(asked.rows))(asked.rows).astype(np.float64)
    return predicted
