"""What every point of the family keeps: it builds, trains a step, and predicts finite probabilities."""

from typing import Any

import keras
import numpy as np
import pytest

from mammobench.core.registry import resolve
from mammobench.models.augmentation import Augmentation
from mammobench.models.family import build_model
from mammobench.models.losses import build_loss, encode_targets
from mammobench.models.optimizers import build_optimizer
from mammobench.space.components import ACTIVATIONS
from mammobench.space.config import KEYS, AugmentationConfig, TrialConfig

BASE: dict[str, Any] = {"data.image_size": 16, "model.filters": [4, 5], "model.hidden_units": [3]}
POINTS: list[dict[str, Any]] = [
    *({"model.activation": activation} for activation in ACTIVATIONS),
    *({"model.normalization": kind} for kind in ("batch", "layer", "group")),
    *({"model.pooling": kind, "model.residual": True} for kind in ("average", "strided")),
    *(
        {"model.dropout": 0.3, "model.head_dropout": 0.3, "model.dropout_kind": kind}
        for kind in ("dropout", "spatial", "alpha", "gaussian_noise")
    ),
    *({"model.head": head} for head in ("flatten", "max")),
    *({"data.intensity": kind} for kind in ("none", "min-max", "z-score", "histogram", "clahe")),
    {"model.convolutions_per_block": 2, "model.separable": True, "model.kernel_size": 5},
    {"model.squeeze_excite": 4, "model.l2": 0.01, "model.normalization": "batch", "model.residual": True},
    {"augmentation.flips": True, "augmentation.quarter_turns": True, "augmentation.rotation": 20.0},
    {"augmentation.zoom": 0.2, "augmentation.brightness": 0.2, "augmentation.contrast": 0.2},
    {"model.activation": "selu", "model.dropout_kind": "alpha", "model.dropout": 0.1},
]


def label(point: dict[str, Any]) -> str:
    return ",".join(f"{key.split('.')[1]}={value}" for key, value in point.items())


@pytest.mark.parametrize("point", POINTS, ids=label)
@pytest.mark.parametrize(("classes", "fast"), [(2, None), (5, False)])
def test_a_point_of_the_family_trains_a_step(point: dict[str, Any], classes: int, fast: bool | None) -> None:
    task = "five-class" if classes == 5 else "malignancy"
    extra = {"data.task": task} | ({"loss.name": "categorical_crossentropy"} if classes == 5 else {})
    config = TrialConfig.from_values(BASE | extra | point)
    model = build_model(config, classes=classes, seed=0, fast=fast)
    loss = build_loss(config.loss, classes=classes, prior=np.full(classes, 1 / classes))
    model.compile(build_optimizer(config.optimizer, steps_per_epoch=1, max_epochs=1), loss, run_eagerly=True)
    images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 1), dtype=np.uint8)
    before = [np.array(weight.numpy()) for weight in model.trainable_weights]
    cost = model.train_on_batch(images, encode_targets(np.arange(4) % classes, classes))
    assert np.isfinite(cost)
    after = [weight.numpy() for weight in model.trainable_weights]
    assert any(not np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    probabilities = np.asarray(model(images))
    assert probabilities.dtype == np.float32
    assert np.isfinite(probabilities).all()
    np.testing.assert_array_equal(model(images), probabilities)


def test_the_points_cover_every_key_of_the_model_and_the_augmentation() -> None:
    named = {key for point in [BASE, *POINTS] for key in point}
    wanted = {key for key in KEYS if key.startswith(("model.", "augmentation."))}
    assert wanted - named == {"model.dropout_from_block"}  # tests/unit/models/test_blocks.py has it


@pytest.mark.parametrize("field", sorted(AugmentationConfig.model_fields))
def test_augmentation_changes_training_images_only_and_repeats_with_its_seed(field: str) -> None:
    value = True if field in {"flips", "quarter_turns"} else (45.0 if field == "rotation" else 0.4)
    images = np.random.default_rng(0).uniform(0, 255, (16, 12, 12, 1)).astype("float32")
    layers = [Augmentation({field: value}, seed=seed, dtype="float32") for seed in (0, 0, 1)]
    np.testing.assert_array_equal(layers[0](images), images)
    one, same, other = (np.asarray(layer(images, training=True)) for layer in layers)
    assert one.shape == images.shape
    assert one.min() >= 0
    assert one.max() <= 255.001
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, images)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, np.asarray(layers[0](images, training=True)))


def test_flips_and_quarter_turns_reach_all_eight_positions_of_an_image() -> None:
    image = np.random.default_rng(0).uniform(0, 255, (6, 6)).astype("float32")
    positions = [np.rot90(side, turns) for side in (image, image.T) for turns in range(4)]
    layer = Augmentation({"flips": True, "quarter_turns": True}, seed=0, dtype="float32")
    changed = np.asarray(layer(np.repeat(image[None, :, :, None], 400, axis=0), training=True))[..., 0]
    found = np.array([[np.array_equal(one, position) for position in positions] for one in changed])
    assert (found.sum(axis=1) == 1).all()
    assert (found.sum(axis=0) > 20).all()


@pytest.mark.parametrize(("settings", "expected"), [({"flips": True}, 4), ({"quarter_turns": True}, 4)])
def test_flips_and_turns_alone_reach_four_positions(settings: dict[str, Any], expected: int) -> None:
    image = np.random.default_rng(0).uniform(0, 255, (6, 6, 1)).astype("float32")
    layer = Augmentation(settings, seed=0, dtype="float32")
    changed = np.asarray(layer(np.repeat(image[None], 200, axis=0), training=True))
    assert len({one.tobytes() for one in changed}) == expected


def test_a_compiled_step_gives_the_same_bits_each_time() -> None:
    config = TrialConfig.from_values(
        BASE | {"model.normalization": "batch", "model.dropout": 0.3, "augmentation.flips": True}
    )
    images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 1), dtype=np.uint8)
    weights = []
    for _ in range(2):
        model = build_model(config, classes=2, seed=5)
        model.compile(keras.optimizers.Adam(), "binary_crossentropy")
        model.train_on_batch(images, encode_targets(np.arange(4) % 2, 2))
        weights.append([weight.numpy() for weight in model.weights])
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_survives_saving(name: str) -> None:
    layer = keras.layers.Activation(resolve(ACTIVATIONS[name].where))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    x = np.linspace(-4, 4, 33, dtype="float32")
    np.testing.assert_array_equal(again(x), layer(x))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_said_not_to_decrease_does_not(name: str) -> None:
    values = np.asarray(resolve(ACTIVATIONS[name].where)(keras.ops.linspace(-9.0, 9.0, 20_001)))
    rounding = -1e-6
    assert bool((np.diff(values) >= rounding).all()) == ACTIVATIONS[name].non_decreasing
