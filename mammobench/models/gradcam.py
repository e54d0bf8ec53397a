"""Grad-CAM: which part of an image speaks for the answer that a network gives, in a process that has Keras.

Selvaraju et al. 2017, doi:10.1109/ICCV.2017.74: the last convolutional feature maps A^k, weighted by the mean
gradient of the class's score before the softmax or sigmoid with respect to each, summed and cut at zero. For
a network that averages its last maps and has no hidden layer it is the class activation map of Zhou et al.
2016, doi:10.1109/CVPR.2016.319.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from mammobench.core.aliases import KerasLayer, KerasModel
from mammobench.core.errors import ConfigError
from mammobench.core.metrics import Floats, Ints, predicted_classes
from mammobench.data.images.intensity import prepared
from mammobench.models.saved_model import open_model

Images = npt.NDArray[np.uint8]
BATCH = 32


@dataclass(frozen=True)
class Look:
    """What to look at.

    Attributes:
        model: A saved Keras model of the family.
        images: Raw pixels of the model's size, uint8 (n, size, size).
        intensity: How images were normalised for its training, in the model or ahead of it.
        threshold: Of the decision; None for more than two classes.
        heat: Whether to say where the model looks.
        answers: Classes to explain, int64 (n,); None for those that the model answers.
        classes: How many the model must have; None for any.
    """

    model: Path
    images: Images
    intensity: str
    threshold: float | None
    heat: bool = True
    answers: Ints | None = None
    classes: int | None = None


@dataclass(frozen=True, eq=False)
class Seen:
    """What a model makes of images.

    Attributes:
        probabilities: float64, (n,) for two classes or (n, classes).
        answers: Explained classes, int64 (n,).
        heat: 0 where nothing speaks for the answer to 255 where most does, each image by itself; uint8
            (n, size, size), None where not asked for.
    """

    probabilities: Floats
    answers: Ints
    heat: Images | None


def look(asked: Look) -> Seen:
    """Predict images, and say where in each the model sees its answer.

    Raises:
        ConfigError: For a model that cannot be used; see `open_model` and `grad_cam`.
    """
    size = asked.images.shape[1]
    model = open_model(asked.model, size=size, classes=asked.classes)
    pixels = prepared(asked.images, asked.intensity)[..., None]
    starts = range(0, len(pixels), BATCH)
    parts = [np.asarray(model.predict_on_batch(pixels[start : start + BATCH])) for start in starts]
    predicted = np.concatenate(parts).astype(np.float64)
    predicted = predicted[:, 0] if predicted.shape[1] == 1 else predicted
    answers = predicted_classes(predicted, asked.threshold) if asked.answers is None else asked.answers
    answers = np.asarray(answers, np.int64)
    if not asked.heat:
        return Seen(predicted, answers, None)
    maps = [
        grad_cam(model, pixels[start : start + BATCH], answers[start : start + BATCH]) for start in starts
    ]
    return Seen(predicted, answers, np.stack([enlarged(heat, size) for part in maps for heat in part]))


def grad_cam(model: KerasModel, pixels: Images, answers: Ints) -> npt.NDArray[np.float32]:
    """Return the map of each image, float32 (n, height, width) of the last feature maps, 0 or more.

    Args:
        model: A functional Keras model whose last layer is dense: one sigmoid unit, or softmax.
        pixels: As the model takes them, (n, size, size, 1).
        answers: The class to explain, (n,); with one unit, class 0 is explained by the negative score.

    Raises:
        ConfigError: For a model without convolutions or with another end, or a backend other than TensorFlow.
    """
    # imported here: the process that asks does without it
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ConfigError(
            "Grad-CAM needs gradients of TensorFlow",
            where="KERAS_BACKEND",
            expected="tensorflow",
            found=keras.backend.backend(),
        )
    last = model.layers[-1]
    if not isinstance(last, keras.layers.Dense):
        raise ConfigError(
            "Grad-CAM needs the score before the probability",
            where=model.name,
            expected="a dense last layer",
            found=type(last).__name__,
        )
    # imports TensorFlow
    from mammobench.models.fast_tensorflow import weighted_maps

    return np.asarray(weighted_maps(model, feature_layer(model).output, pixels, answers), np.float32)


def feature_layer(model: KerasModel) -> KerasLayer:
    """Return the layer that ends the last convolution: its normalisation, shortcut and activation included.

    Raises:
        ConfigError: When there is no convolution.
    """
    import keras

    layers = keras.layers
    convolutions = (layers.Conv2D, layers.SeparableConv2D, layers.DepthwiseConv2D)
    # what changes neither size nor place of a feature map
    within = (
        *convolutions, layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization,
        layers.Activation, layers.Add,
    )  # fmt: skip
    places = [place for place, layer in enumerate(model.layers) if isinstance(layer, convolutions)]
    if not places:
        raise ConfigError(
            "Grad-CAM needs feature maps", where=model.name, expected="a convolution", found="none"
        )
    place, shape = places[-1], model.layers[places[-1]].output.shape
    for later in model.layers[place + 1 :]:
        if not isinstance(later, within) or later.output.shape != shape:
            break
        place += 1
    return model.layers[place]


def enlarged(heat: npt.NDArray[np.float32], size: int) -> Images:
    """Bring a map to an image's size, and its maximum to 255; all zeros stay zeros."""
    large = cv2.resize(heat, (size, size), interpolation=cv2.INTER_LINEAR)
    top = float(large.max())
    scaled: Images = np.rint(large * (255 / top if top > 0 else 0)).astype(np.uint8)
    return scaled
