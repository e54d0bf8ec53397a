"""Grad-CAM against what can be worked out by hand, and on the family."""

import keras
import numpy as np
import pytest

from mammobench.core.errors import ConfigError
from mammobench.core.seeds import generator
from mammobench.models.family import build_model
from mammobench.models.gradcam import enlarged, feature_layer, grad_cam
from mammobench.space.config import TrialConfig

SIZE = 8


def averaging(units: int, activation: str) -> keras.Model:
    """A convolution, its mean over the image, and one dense layer: the case with a known map."""
    inputs = keras.Input((SIZE, SIZE, 1))
    maps = keras.layers.Conv2D(3, 3, padding="same", activation="tanh", name="maps")(inputs)
    pooled = keras.layers.GlobalAveragePooling2D()(maps)
    model = keras.Model(inputs, keras.layers.Dense(units, activation=activation, name="end")(pooled))
    numbers = generator(0, "gradcam", units)
    model.set_weights([numbers.normal(size=weight.shape) for weight in model.get_weights()])
    return model


@pytest.fixture
def pixels() -> np.ndarray:
    return generator(0, "pixels").integers(0, 256, (4, SIZE, SIZE, 1)).astype(np.uint8)


def class_activation_maps(model: keras.Model, pixels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The definition of Zhou et al. 2016: the maps weighted by the dense layer; the mean divides by area."""
    maps = np.asarray(keras.Model(model.input, model.get_layer("maps").output)(pixels))
    weighted = np.einsum("nhwk,nk->nhw", maps, weights) / SIZE**2
    return np.asarray(np.maximum(weighted, 0))


@pytest.mark.parametrize("answer", [0, 1])
def test_with_a_mean_and_one_sigmoid_it_is_the_class_activation_map(answer: int, pixels: np.ndarray) -> None:
    model = averaging(1, "sigmoid")
    weights = np.asarray(model.get_layer("end").kernel)[:, 0] * (1 if answer else -1)
    expected = class_activation_maps(model, pixels, np.tile(weights, (4, 1)))
    found = grad_cam(model, pixels, np.full(4, answer))
    assert expected.max() > 0
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_with_a_softmax_each_image_has_the_map_of_its_own_answer(pixels: np.ndarray) -> None:
    model, answers = averaging(3, "softmax"), np.array([2, 0, 1, 2])
    weights = np.asarray(model.get_layer("end").kernel).T[answers]
    expected = class_activation_maps(model, pixels, weights)
    np.testing.assert_allclose(grad_cam(model, pixels, answers), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "name", "side"),
    [
        ({"model.filters": [4, 8], "model.normalization": "batch"}, "block2_activation1", 8),
        ({"model.filters": [4, 8], "model.residual": True, "model.squeeze_excite": 4},
         "block2_activation1", 8),
        ({"model.filters": [4, 8], "model.pooling": "strided", "model.head": "flatten"},
         "block2_activation1", 4),
        ({"model.filters": [4], "model.separable": True, "model.hidden_units": [5]},
         "block1_activation1", 16),
    ],
)  # fmt: skip
def test_of_the_family_the_last_activation_is_explained(
    changes: dict[str, object], name: str, side: int
) -> None:
    config = TrialConfig.from_values({"data.task": "malignancy", "data.image_size": 16, **changes})
    model = build_model(config, classes=2, seed=0, fast=False)
    assert feature_layer(model).name == name
    heat = grad_cam(model, np.full((2, 16, 16, 1), 90, np.uint8), np.array([0, 1]))
    assert heat.shape == (2, side, side)
    assert np.isfinite(heat).all()
    assert heat.min() >= 0


def test_a_model_without_convolutions_or_with_another_end_is_refused() -> None:
    inputs = keras.Input((4, 4, 1))
    flat = keras.layers.Flatten()(inputs)
    with pytest.raises(ConfigError, match="expected a convolution"):
        feature_layer(keras.Model(inputs, keras.layers.Dense(1)(flat)))
    with pytest.raises(ConfigError, match="expected a dense last layer, found Flatten"):
        grad_cam(keras.Model(inputs, flat), np.zeros((1, 4, 4, 1), np.uint8), np.zeros(1, np.int64))


def test_a_map_is_enlarged_to_its_own_maximum_and_nothing_stays_nothing() -> None:
    large = enlarged(np.array([[0, 0.5], [0, 2]], np.float32), 8)
    assert large.shape == (8, 8)
    assert large.max() == large[-1, -1] == 255
    assert not enlarged(np.zeros((2, 2), np.float32), 8).any()
