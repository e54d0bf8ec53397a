"""Each fast layer gives what Keras's own gives: values, gradients and state."""

from typing import Any

import keras
import numpy as np
import pytest

from mammobench.core.registry import resolve
from mammobench.models.blocks import NON_DECREASING
from mammobench.models.family import build_model
from mammobench.space.components import ACTIVATIONS
from mammobench.space.config import TrialConfig

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="fast layers are TensorFlow's"
)
if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    from mammobench.models import fast_tensorflow as fast

SHAPE = (4, 6, 8, 5)


def normal(shape: tuple[int, ...] = SHAPE, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(1.0, 2.0, shape).astype("float32")


def outputs_and_gradients(layer: keras.Layer, x: np.ndarray, **arguments: Any) -> list[np.ndarray]:
    """The layer's output and the gradients of a random projection of it, in float32."""
    inputs = tf.cast(x, layer.compute_dtype)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, **arguments)
        loss = tf.reduce_sum(tf.cast(outputs, "float32") * normal(tuple(outputs.shape), seed=1))
    gradients = tape.gradient(loss, [inputs, *(weight.value for weight in layer.trainable_weights)])
    return [np.asarray(tf.cast(value, "float32")) for value in (outputs, *gradients)]


def assert_same(one: list[np.ndarray], other: list[np.ndarray], *, tolerance: float) -> None:
    for left, right in zip(one, other, strict=True):
        np.testing.assert_allclose(
            left, right, rtol=tolerance, atol=tolerance * max(1.0, np.abs(right).max())
        )


@pytest.mark.parametrize(("policy", "tolerance"), [("float32", 1e-5), ("mixed_bfloat16", 0.02)])
def test_convolution_is_keras_own(policy: str, tolerance: float) -> None:
    pair = [kind(3, 3, padding="same", dtype=policy) for kind in (fast.FusedConv2D, keras.layers.Conv2D)]
    for layer in pair:
        layer.build(SHAPE)
    pair[0].set_weights([normal((3, 3, 5, 3), seed=2), normal((3,), seed=3)])
    pair[1].set_weights(pair[0].get_weights())
    one, other = (outputs_and_gradients(layer, normal()) for layer in pair)
    assert_same(one, other, tolerance=tolerance)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_the_gradient_of_a_bias_is_that_of_float32(policy: str) -> None:
    # so many values a channel that a sum in 16 bits stands still
    shape, gradients = (8, 32, 32, 5), []
    for precision in (policy, "float32"):
        layer = fast.FusedConv2D(3, 3, padding="same", dtype=precision)
        layer.build(shape)
        layer.set_weights([normal((3, 3, 5, 3), seed=2), normal((3,), seed=3)])
        gradients.append(outputs_and_gradients(layer, normal(shape))[-1])
    rounded, exact = gradients
    np.testing.assert_allclose(rounded, exact, rtol=0.01)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("policy", "tolerance"), [("float32", 1e-5), ("mixed_bfloat16", 0.02), ("mixed_float16", 0.004)]
)
def test_batch_normalisation_is_keras_own(policy: str, tolerance: float, training: bool) -> None:
    pair = [
        kind(dtype=policy, momentum=0.9)
        for kind in (fast.FusedBatchNormalization, keras.layers.BatchNormalization)
    ]
    for layer in pair:
        layer.build(SHAPE)
    weights = [normal((5,), seed=2), normal((5,), seed=3), normal((5,), seed=4), normal((5,), seed=5) ** 2]
    for layer in pair:
        layer.set_weights(weights)
    one, other = (outputs_and_gradients(layer, normal(), training=training) for layer in pair)
    assert_same(one, other, tolerance=tolerance)
    assert_same(
        pair[0].get_weights(), pair[1].get_weights(), tolerance=1e-5 if policy == "float32" else 0.004
    )
    assert np.array_equal(pair[0].get_weights()[2], weights[2]) is not training


def test_frozen_batch_normalisation_keeps_its_statistics() -> None:
    layer = fast.FusedBatchNormalization()
    layer.build(SHAPE)
    layer.trainable = False
    np.testing.assert_allclose(layer(normal(), training=True), layer(normal(), training=False))
    np.testing.assert_array_equal(layer.get_weights()[2], np.zeros(5))


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("shape", [(4, 6, 8, 5), (3, 2, 2, 1), (2, 5, 4, 3), (2, 1, 1, 2)])
def test_max_pooling_is_keras_own_to_the_bit(shape: tuple[int, ...], policy: str) -> None:
    pair = [
        kind(2, padding="same", dtype=policy) for kind in (fast.WindowMaxPooling2D, keras.layers.MaxPooling2D)
    ]
    one, other = (outputs_and_gradients(layer, normal(shape)) for layer in pair)
    assert_same(one, other, tolerance=0)


def test_equal_values_of_a_window_share_no_gradient() -> None:
    x = np.random.default_rng(0).integers(0, 2, (6, 8, 8, 3)).astype("float32")
    pair = [kind(2, padding="same") for kind in (fast.WindowMaxPooling2D, keras.layers.MaxPooling2D)]
    one, other = (outputs_and_gradients(layer, x) for layer in pair)
    assert_same(one, other, tolerance=0)


@pytest.mark.parametrize("activation", sorted(NON_DECREASING))
def test_pooling_ahead_of_a_non_decreasing_activation_changes_nothing(activation: str) -> None:
    pool = keras.layers.MaxPooling2D(2, padding="same")
    activate = keras.layers.Activation(resolve(ACTIVATIONS[activation].where))
    first = keras.Sequential([keras.Input(SHAPE[1:]), pool, activate])
    last = keras.Sequential([keras.Input(SHAPE[1:]), activate, pool])
    one, other = (outputs_and_gradients(model, normal()) for model in (first, last))
    assert_same(one, other, tolerance=1e-6)


@pytest.mark.parametrize(("rate", "kept"), [(0.2, 205), (0.5, 128), (0.999, 1), (0.001, 256)])
def test_dropout_keeps_the_nearest_256th_and_scales_by_its_inverse(rate: float, kept: int) -> None:
    layer = fast.ByteDropout(rate, seed=0)
    outputs = np.asarray(layer(np.full((512, 512), 3.0, "float32"), training=True))
    assert layer.kept_of_256 == kept
    assert set(np.unique(outputs)) <= {np.float32(0), np.float32(3) * np.float32(256 / kept)}
    share, n = kept / 256, outputs.size
    assert abs((outputs > 0).mean() - share) <= 5 * np.sqrt(share * (1 - share) / n)
    assert outputs.mean() == pytest.approx(3.0, abs=3 * 5 * np.sqrt((1 - share) / share / n) + 1e-6)


def test_dropout_masks_the_gradient_as_it_masks_the_value() -> None:
    x = tf.ones((7, 9))
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = fast.ByteDropout(0.4, seed=0)(x, training=True)
    np.testing.assert_array_equal(tape.gradient(outputs, x), outputs)
    assert 0 < np.count_nonzero(outputs) < 63


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (2, 3, 3, 7)])
def test_dropout_takes_any_shape_and_precision(shape: tuple[int, ...]) -> None:
    for dtype in ("float32", "bfloat16", "float16"):
        outputs = fast.ByteDropout(0.5, seed=0, dtype=dtype)(tf.ones(shape, dtype), training=True)
        assert outputs.shape == shape
        assert outputs.dtype == dtype


def test_dropout_is_silent_in_inference_and_draws_anew_each_step() -> None:
    layer, x = fast.ByteDropout(0.5, seed=0), tf.ones((64, 64))
    np.testing.assert_array_equal(layer(x), x)
    first, second = np.asarray(layer(x, training=True)), np.asarray(layer(x, training=True))
    assert not np.array_equal(first, second)
    again = fast.ByteDropout(0.5, seed=0)
    np.testing.assert_array_equal(again(x, training=True), first)


def test_dropout_goes_on_from_a_restored_state() -> None:
    layer, other, x = fast.ByteDropout(0.5, seed=0), fast.ByteDropout(0.5, seed=9), tf.ones((8, 8))
    layer(x, training=True)
    other.seed_generator.state.assign(layer.seed_generator.state)
    np.testing.assert_array_equal(layer(x, training=True), other(x, training=True))


def test_neighbouring_values_are_dropped_independently() -> None:
    kept = np.asarray(fast.ByteDropout(0.5, seed=1)(tf.ones((1 << 16,)), training=True)) > 0
    for lag in (1, 2, 3, 4, 5, 8):
        both = np.corrcoef(kept[:-lag], kept[lag:])[0, 1]
        assert abs(both) < 5 / np.sqrt(kept.size)


@pytest.mark.parametrize("normalization", ["none", "batch", "layer", "group"])
def test_a_fast_network_is_the_stock_one(normalization: str) -> None:
    config = TrialConfig.from_values(
        {"data.image_size": 20, "model.filters": [4, 6, 6], "model.normalization": normalization,
         "model.residual": True, "model.squeeze_excite": 2}
    )  # fmt: skip
    x = np.random.default_rng(0).integers(0, 256, (4, 20, 20, 1)).astype("float32")
    pair = [build_model(config, classes=2, seed=0, fast=choice) for choice in (True, False)]
    assert [weight.path for weight in pair[0].weights] == [weight.path for weight in pair[1].weights]
    one, other = (outputs_and_gradients(model, x, training=True) for model in pair)
    assert_same(one, other, tolerance=2e-4)
