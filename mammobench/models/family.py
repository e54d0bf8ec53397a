"""The family: one builder from a `TrialConfig` to a Keras model that takes raw pixels."""

import keras

from mammobench.core.metrics import BINARY
from mammobench.models.augmentation import apply_augmentation
from mammobench.models.blocks import Maker, apply_block
from mammobench.models.toolkit import STOCK, Toolkit
from mammobench.space.config import AugmentationConfig, DataConfig, TrialConfig

_SMALLEST_SPREAD = 1e-3


def build_model(config: TrialConfig, *, classes: int, seed: int, fast: bool | None = None) -> keras.Model:
    """Build the network of a configuration.

    Input: pixel values of 0 to 255 of shape (batch, image_size, image_size, 1), uint8 or any float; the
    network augments them (in training only) and scales them as ``config.data.intensity`` says, so that a
    saved model takes raw pixels; for ``histogram`` and ``clahe`` it takes what
    `mammobench.data.images.intensity.prepared` makes of them. Output: float32 probabilities whatever the
    precision, of shape (batch, 1) for two classes (the probability of class 1) and (batch, classes)
    otherwise.

    The layers' precision is Keras's global policy at the time of the call. Two calls with the same
    arguments give the same first weights and the same random masks, whatever was built in between.

    Args:
        config: What to build.
        classes: Number of classes, 2 or more.
        seed: Root of every initialiser and random layer.
        fast: Use the fast TensorFlow layers; None takes them where TensorFlow is Keras's backend. Weights
            are the same, one to one, either way.

    Raises:
        ValueError: For fewer than two classes.
    """
    if classes < BINARY:
        raise ValueError(f"expected 2 classes or more, found {classes}")
    make = Maker(config.model, seed, _toolkit(fast))
    size = config.data.image_size
    inputs = keras.Input((size, size, 1), name="pixels", dtype="float32")
    x = apply_augmentation(inputs, config.augmentation, seed=seed)
    x = _scale(x, config.data)
    for index in range(len(config.model.filters)):
        x = apply_block(x, make, index)
    outputs = _apply_head(x, make, classes)
    return keras.Model(inputs, outputs, name="mammobench")


def portable(model: keras.Model, config: TrialConfig, *, classes: int) -> keras.Model:
    """Return the same trained network in Keras's own layers only, without augmentation.

    Saved, it opens with `keras.saving.load_model` where mammobench is not installed.

    Args:
        model: A network that `build_model` built from `config` for as many `classes`.
        config: Its configuration.
        classes: Its number of classes.
    """
    plain = config.model_copy(update={"augmentation": AugmentationConfig()})
    twin = build_model(plain, classes=classes, seed=0, fast=False)
    twin.set_weights(model.get_weights())
    return twin


def _toolkit(fast: bool | None) -> Toolkit:
    if fast is None:
        fast = keras.backend.backend() == "tensorflow"
    if not fast:
        return STOCK
    from mammobench.models.fast_tensorflow import FAST

    return FAST


def _scale(x: keras.KerasTensor, data: DataConfig) -> keras.KerasTensor:
    # In float32 under every policy: the first convolution casts down, after the subtraction.
    match data.intensity:
        case "unit" | "histogram" | "clahe":
            return keras.layers.Rescaling(1 / 255, dtype="float32", name="unit")(x)
        case "min-max":
            low = keras.ops.amin(x, axis=(1, 2, 3), keepdims=True)
            high = keras.ops.amax(x, axis=(1, 2, 3), keepdims=True)
            return (x - low) / keras.ops.maximum(high - low, 1.0)
        case "z-score":
            # Layer normalisation of a whole image without weights is its z-score.
            return keras.layers.LayerNormalization(
                axis=(1, 2, 3),
                epsilon=_SMALLEST_SPREAD,
                center=False,
                scale=False,
                dtype="float32",
                name="z_score",
            )(x)
    return x


def _apply_head(x: keras.KerasTensor, make: Maker, classes: int) -> keras.KerasTensor:
    config = make.config
    match config.head:
        case "flatten":
            x = keras.layers.Flatten(name="head")(x)
        case "average":
            x = keras.layers.GlobalAveragePooling2D(name="head")(x)
        case "max":
            x = keras.layers.GlobalMaxPooling2D(name="head")(x)
    if dropout := make.dropout("head_dropout", config.head_dropout, maps=False):
        x = dropout(x)
    for number, units in enumerate(config.hidden_units, start=1):
        x = make.dense(f"hidden{number}", units)(x)
        x = make.activation(f"hidden{number}_activation")(x)
        if dropout := make.dropout(f"hidden{number}_dropout", config.head_dropout, maps=False):
            x = dropout(x)
    if classes == BINARY:
        return make.dense("probability", 1, activation="sigmoid", dtype="float32")(x)
    return make.dense("probability", classes, activation="softmax", dtype="float32")(x)
