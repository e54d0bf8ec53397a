from typing import Any

import keras
import numpy as np
import pytest

from mammobench.models.family import build_model, portable
from mammobench.space.config import TrialConfig
from mammobench.space.yaml_file import load_space

REFERENCE = load_space("reference").config({"data.split": "reference"})

SMALL: dict[str, Any] = {"data.image_size": 16, "model.filters": [4, 6]}


SAVES = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
"""Keras 3.15 saves TensorFlow variables through NumPy's older protocol."""


def pixels(count: int = 4, size: int = 16) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 1), dtype=np.uint8)


def build(
    values: dict[str, Any], *, classes: int = 2, seed: int = 0, fast: bool | None = None
) -> keras.Model:
    return build_model(TrialConfig.from_values(SMALL | values), classes=classes, seed=seed, fast=fast)


@pytest.mark.parametrize("fast", [False, True])
def test_the_reference_cnn_has_its_weights(fast: bool) -> None:
    model = build_model(
        load_space("reference").config({"data.split": "reference"}), classes=2, seed=0, fast=fast
    )
    assert model.count_params() == 775_169


def test_the_reference_cnn_is_the_published_network_layer_for_layer() -> None:
    model = build_model(
        load_space("reference").config({"data.split": "reference"}), classes=2, seed=0, fast=False
    )
    expected: list[tuple[type[keras.Layer], tuple[int, ...]]] = [(keras.layers.InputLayer, (100, 100, 1))]
    sizes, filters = [100, 50, 25, 13, 7, 4, 2, 1], [32, 64, 128, 256, 128, 64, 32]
    for block, width in enumerate(filters):
        before, after = (sizes[block],) * 2, (sizes[block + 1],) * 2
        expected += [
            (keras.layers.Conv2D, (*before, width)),
            (keras.layers.Activation, (*before, width)),
            (keras.layers.MaxPooling2D, (*after, width)),
        ]
        if block > 0:
            expected.append((keras.layers.Dropout, (*after, width)))
    expected += [(keras.layers.Flatten, (32,)), (keras.layers.Dense, (1,))]
    found = [(type(layer), tuple(layer.output.shape)[1:]) for layer in model.layers]
    assert found == expected
    assert {layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)} == {0.2}
    kernels = [layer.kernel_size for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert kernels == [(3, 3)] * len(filters)
    pools = [layer for layer in model.layers if isinstance(layer, keras.layers.MaxPooling2D)]
    assert {(layer.pool_size, layer.strides, layer.padding) for layer in pools} == {((2, 2), (2, 2), "same")}
    assert {
        layer.activation.__name__ for layer in model.layers if isinstance(layer, keras.layers.Activation)
    } == {"relu"}
    assert model.layers[-1].activation is keras.activations.sigmoid


def test_building_twice_gives_the_same_weights_whatever_was_built_between() -> None:
    values = {"model.residual": True, "model.squeeze_excite": 2, "model.hidden_units": [5]}
    first = build(values).get_weights()
    keras.random.normal((3,))
    build({"model.filters": [3]})
    for one, other in zip(first, build(values).get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_seed_gives_other_weights_and_layers_differ() -> None:
    first, other = build({}, seed=0), build({}, seed=1)
    assert not np.allclose(first.get_layer("block1_conv1").kernel, other.get_layer("block1_conv1").kernel)
    twins = build({"model.filters": [1, 1]})
    assert not np.allclose(twins.get_layer("block1_conv1").kernel, twins.get_layer("block2_conv1").kernel)


def test_uint8_and_float_pixels_give_the_same_probabilities() -> None:
    model, images = build({}), pixels()
    np.testing.assert_array_equal(model(images), model(images.astype("float32")))


@pytest.mark.parametrize(
    ("intensity", "expected"),
    [
        ("none", lambda x: x),
        ("unit", lambda x: x / 255),
        ("min-max", lambda x: (x - x.min((1, 2, 3), keepdims=True)) / np.ptp(x, (1, 2, 3), keepdims=True)),
        ("z-score", lambda x: (x - x.mean((1, 2, 3), keepdims=True)) / x.std((1, 2, 3), keepdims=True)),
    ],
)
def test_intensity_scales_raw_pixels(intensity: str, expected: Any) -> None:
    model = build({"data.intensity": intensity})
    scaled = keras.Model(model.input, model.get_layer("block1_conv1").input)
    images = pixels()
    np.testing.assert_allclose(scaled(images), expected(images.astype("float64")), atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("intensity", ["unit", "min-max", "z-score"])
def test_an_image_of_one_value_stays_finite(intensity: str) -> None:
    probabilities = build({"data.intensity": intensity})(np.full((2, 16, 16, 1), 200, np.uint8))
    assert np.isfinite(np.asarray(probabilities)).all()


@pytest.mark.parametrize(("classes", "shape"), [(2, (4, 1)), (5, (4, 5))])
def test_outputs_are_probabilities(classes: int, shape: tuple[int, int]) -> None:
    probabilities = np.asarray(build({}, classes=classes)(pixels()))
    assert probabilities.shape == shape
    assert (probabilities >= 0).all()
    assert (probabilities <= 1).all()
    if classes > 2:
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)


def test_fewer_than_two_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="2 classes or more, found 1"):
        build({}, classes=1)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_outputs_and_weights_are_float32_in_mixed_precision(precision: str) -> None:
    keras.config.set_dtype_policy(precision)
    model = build({"model.normalization": "batch", "data.intensity": "z-score", "model.dropout": 0.2})
    assert model.get_layer("block1_conv1").compute_dtype == precision.removeprefix("mixed_")
    assert model.output.dtype == "float32"
    assert {weight.dtype for weight in model.weights} == {"float32"}
    mixed = np.asarray(model(pixels()))
    keras.config.set_dtype_policy("float32")
    single = build({"model.normalization": "batch", "data.intensity": "z-score", "model.dropout": 0.2})
    np.testing.assert_allclose(mixed, single(pixels()), atol=0.02)


FULL: dict[str, Any] = {
    "data.intensity": "min-max",
    "model.normalization": "batch",
    "model.residual": True,
    "model.squeeze_excite": 2,
    "model.dropout": 0.3,
    "model.hidden_units": [5],
    "model.head_dropout": 0.2,
    "augmentation.flips": True,
    "augmentation.quarter_turns": True,
    "augmentation.brightness": 0.2,
}


@SAVES
def test_a_portable_model_is_stock_keras_with_the_same_probabilities(tmp_path: Any) -> None:
    config = TrialConfig.from_values(SMALL | FULL)
    model = build_model(config, classes=2, seed=3)
    plain = portable(model, config, classes=2)
    assert all(type(layer).__module__.startswith("keras.") for layer in plain.layers)
    plain.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", custom_objects={})
    np.testing.assert_allclose(loaded(pixels()), model(pixels()), rtol=1e-5, atol=1e-6)


@SAVES
def test_a_saved_model_keeps_its_layers_and_probabilities(tmp_path: Any) -> None:
    model = build(FULL)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert [type(layer) for layer in loaded.layers] == [type(layer) for layer in model.layers]
    np.testing.assert_array_equal(loaded(pixels()), model(pixels()))


def test_a_models_variables_hold_the_state_of_its_random_layers() -> None:
    model, twin = build(FULL), build(FULL, seed=1)
    model(pixels(), training=True)
    for target, source in zip(twin.variables, model.variables, strict=True):
        target.assign(source)
    np.testing.assert_array_equal(twin(pixels(), training=True), model(pixels(), training=True))
