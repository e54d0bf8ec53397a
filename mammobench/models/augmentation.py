"""Random changes of training images, on pixel values of 0 to 255 ahead of any scaling."""

from typing import Any

import keras

from mammobench.core.aliases import Tensor
from mammobench.core.seeds import derive_seed
from mammobench.space.config import AugmentationConfig

_RANGE = (0.0, 255.0)
_HALF_TURN = 2  # quarters


@keras.saving.register_keras_serializable(package="mammobench")
class RandomQuarterTurn(keras.Layer):
    """Turns each image of a batch by 0, 90, 180 or 270 degrees, in training only.

    Input and output: square images of shape (batch, size, size, channels).

    Args:
        seed: Seed of the draws.
        **kwargs: `keras.Layer`'s arguments.
    """

    def __init__(self, *, seed: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Turn each image by its own draw."""
        if not training:
            return inputs
        draws = keras.random.uniform((keras.ops.shape(inputs)[0], 1, 1, 1), 0, 4, seed=self.seed_generator)
        quarters = keras.ops.floor(draws)
        # Two choices make four turns: half a turn or none, then a quarter turn or none.
        x = keras.ops.where(quarters >= _HALF_TURN, keras.ops.flip(inputs, (1, 2)), inputs)
        quarter = keras.ops.flip(keras.ops.transpose(x, (0, 2, 1, 3)), 1)
        return keras.ops.where(keras.ops.equal(quarters % 2, 1), quarter, x)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the layer's arguments."""
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="mammobench")
class Augmentation(keras.Layer):
    """Random changes of each image, in training only: intensity first, then turns, rotation and zoom.

    Input and output: images of shape (batch, size, size, 1) with values of 0 to 255, float32. Borders that
    rotation or zooming out uncover are filled by reflection. With per-image scaling (min-max, z-score)
    brightness and contrast matter only through the values that they clip.

    Args:
        settings: What to change and how much: the fields of `AugmentationConfig`.
        seed: Root of the draws.
        **kwargs: `keras.Layer`'s arguments.
    """

    def __init__(self, settings: dict[str, Any], *, seed: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.settings = AugmentationConfig.model_validate(settings)
        self.seed = seed
        self.steps = _steps(self.settings, seed)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Build the steps, none of which changes the shape."""
        for step in self.steps:
            step.build(input_shape)
        self.built = True

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Change each image by its own draws."""
        if not training:  # Keras's own layers would augment unless they are told not to
            return inputs
        for step in self.steps:
            inputs = step(inputs, training=True)
        return inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the layer's arguments."""
        return {**super().get_config(), "settings": self.settings.model_dump(), "seed": self.seed}


def apply_augmentation(x: keras.KerasTensor, config: AugmentationConfig, *, seed: int) -> keras.KerasTensor:
    """Apply `Augmentation` to images of shape (batch, size, size, 1), or nothing where none is configured."""
    if config == AugmentationConfig():
        return x
    layer = Augmentation(config.model_dump(), seed=derive_seed(seed, "augmentation"), dtype="float32")
    return layer(x)


def _steps(config: AugmentationConfig, seed: int) -> list[keras.Layer]:
    def common(name: str) -> dict[str, Any]:
        return {"seed": derive_seed(seed, name), "name": name, "dtype": "float32"}

    layers = keras.layers
    chosen = []
    if config.brightness:
        chosen.append(layers.RandomBrightness(config.brightness, _RANGE, **common("brightness")))
    if config.contrast:
        chosen.append(layers.RandomContrast(config.contrast, _RANGE, **common("contrast")))
    if config.flips:
        # One RandomFlip("horizontal_and_vertical") draws once for both: half a turn, never one mirror.
        chosen.append(layers.RandomFlip("horizontal", **common("flip_horizontal")))
        chosen.append(layers.RandomFlip("vertical", **common("flip_vertical")))
    if config.quarter_turns:
        chosen.append(RandomQuarterTurn(**common("quarter_turn")))
    if config.rotation:
        turn = config.rotation / 360
        chosen.append(layers.RandomRotation((-turn, turn), fill_mode="reflect", **common("rotation")))
    if config.zoom:
        chosen.append(layers.RandomZoom((-config.zoom, config.zoom), fill_mode="reflect", **common("zoom")))
    return chosen
