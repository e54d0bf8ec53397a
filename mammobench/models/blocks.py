"""One block of the family: convolutions with normalisation and activation, then pooling and dropout."""

from dataclasses import dataclass

import keras

from mammobench.core.registry import resolve
from mammobench.core.seeds import derive_seed
from mammobench.models.toolkit import Toolkit
from mammobench.space.components import ACTIVATIONS
from mammobench.space.config import ModelConfig

NON_DECREASING = frozenset(name for name, each in ACTIVATIONS.items() if each.non_decreasing)
"""Activations f with f(max(x)) == max(f(x)); gelu, silu, mish and hard_silu dip below zero and are not."""

_MOST_GROUPS = 8

BATCH_MOMENTUM = 0.9
"""Of the moving statistics: Keras's 0.99 needs several hundred steps, and a small set has few an epoch."""


def groups_for(channels: int) -> int:
    """Return how many groups normalise `channels` features: the largest divisor of them up to 8."""
    return max(groups for groups in range(1, _MOST_GROUPS + 1) if channels % groups == 0)


@dataclass(frozen=True)
class Maker:
    """Makes the named, seeded layers of one network.

    A layer's seed comes from its name and the network's seed, so its first weights do not depend on what
    else the network holds or on what was built before.
    """

    config: ModelConfig
    seed: int
    toolkit: Toolkit

    def layer_seed(self, name: str) -> int:
        """Return the seed of the layer called `name`."""
        return derive_seed(self.seed, "layer", name)

    def kernel(self, name: str, role: str = "kernel") -> keras.initializers.Initializer:
        """Return the kernel initialiser: the activation's, for most of them Glorot's uniform."""
        kind = resolve(ACTIVATIONS[self.config.activation].initializer)
        return kind(seed=derive_seed(self.seed, "layer", name, role))

    def penalty(self) -> keras.regularizers.Regularizer | None:
        """Return the L2 penalty of kernels, or None."""
        return keras.regularizers.L2(self.config.l2) if self.config.l2 else None

    def convolution(
        self, name: str, filters: int, *, size: int, strides: int = 1, separable: bool = False
    ) -> keras.Layer:
        """Return a padded convolution; one that normalisation follows has no bias."""
        common = {
            "strides": strides,
            "padding": "same",
            "use_bias": self.config.normalization == "none",
            "name": name,
        }
        if separable:
            return keras.layers.SeparableConv2D(
                filters,
                size,
                depthwise_initializer=self.kernel(name, "depthwise"),
                pointwise_initializer=self.kernel(name, "pointwise"),
                depthwise_regularizer=self.penalty(),
                pointwise_regularizer=self.penalty(),
                **common,
            )
        return self.toolkit.convolution(
            filters, size, kernel_initializer=self.kernel(name), kernel_regularizer=self.penalty(), **common
        )

    def dense(self, name: str, units: int, **arguments: object) -> keras.Layer:
        """Return a dense layer with the network's initialiser and penalty."""
        return keras.layers.Dense(
            units,
            kernel_initializer=self.kernel(name),
            kernel_regularizer=self.penalty(),
            name=name,
            **arguments,
        )

    def normalization(self, name: str, channels: int) -> keras.Layer | None:
        """Return the normalisation of a feature map, or None.

        Layer normalisation works on the features of each position; group normalisation on groups of
        features over all positions (see `groups_for`).
        """
        match self.config.normalization:
            case "batch":
                return self.toolkit.batch_normalization(momentum=BATCH_MOMENTUM, name=name)
            case "layer":
                return self.toolkit.layer_normalization(name=name)
            case "group":
                return self.toolkit.group_normalization(groups=groups_for(channels), name=name)
        return None

    def activation(self, name: str) -> keras.Layer:
        """Return the activation as a layer."""
        return keras.layers.Activation(resolve(ACTIVATIONS[self.config.activation].where), name=name)

    def dropout(self, name: str, rate: float, *, maps: bool) -> keras.Layer | None:
        """Return dropout of the configured kind, or None at rate 0.

        Args:
            name: The layer's name.
            rate: Share dropped; for Gaussian noise its standard deviation.
            maps: Whether the input is feature maps. Spatial dropout of vectors is plain dropout.
        """
        if not rate:
            return None
        seed = self.layer_seed(name)
        match self.config.dropout_kind:
            case "spatial" if maps:
                return keras.layers.SpatialDropout2D(rate, seed=seed, name=name)
            case "alpha":
                return keras.layers.AlphaDropout(rate, seed=seed, name=name)
            case "gaussian_noise":
                return keras.layers.GaussianNoise(rate, seed=seed, name=name)
        return self.toolkit.dropout(rate, seed=seed, name=name)


def apply_block(x: keras.KerasTensor, make: Maker, index: int) -> keras.KerasTensor:
    """Apply block `index` (from 0).

    Each convolution is followed by normalisation and activation; the last one by normalisation, the
    shortcut, activation, pooling, the gate of squeeze-and-excite (Hu et al. 2018) and dropout. Where the
    toolkit says so, max-pooling comes ahead of a non-decreasing activation. The shortcut (He et al. 2016)
    is the block's input, through a 1 x 1 convolution where width or size change. With strided pooling the
    last convolution has stride 2 instead.

    Args:
        x: Feature maps of shape (batch, height, width, channels).
        make: Makes the layers.
        index: Which of ``config.filters`` this block is.

    Returns:
        Feature maps of shape (batch, ceil(height / 2), ceil(width / 2), filters).
    """
    config, name, width = make.config, f"block{index + 1}", make.config.filters[index]
    stride = 2 if config.pooling == "strided" else 1
    shortcut = x
    for number in range(1, config.convolutions_per_block + 1):
        last = number == config.convolutions_per_block
        x = make.convolution(
            f"{name}_conv{number}",
            width,
            size=config.kernel_size,
            strides=stride if last else 1,
            separable=config.separable,
        )(x)
        if normalization := make.normalization(f"{name}_norm{number}", width):
            x = normalization(x)
        if not last:
            x = make.activation(f"{name}_activation{number}")(x)
    if config.residual:
        if stride > 1 or shortcut.shape[-1] != width:
            shortcut = make.convolution(f"{name}_shortcut", width, size=1, strides=stride)(shortcut)
        x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
    x = _activate_and_pool(x, make, name)
    if config.squeeze_excite:
        x = _squeeze_excite(x, make, name)
    if index >= config.dropout_from_block and (
        dropout := make.dropout(f"{name}_dropout", config.dropout, maps=True)
    ):
        x = dropout(x)
    return x


def _activate_and_pool(x: keras.KerasTensor, make: Maker, name: str) -> keras.KerasTensor:
    config = make.config
    steps = [make.activation(f"{name}_activation{config.convolutions_per_block}")]
    if config.pooling == "average":
        steps.append(keras.layers.AveragePooling2D(2, padding="same", name=f"{name}_pool"))
    elif config.pooling == "max":
        steps.append(make.toolkit.max_pooling(2, padding="same", name=f"{name}_pool"))
        if make.toolkit.pools_first and config.activation in NON_DECREASING:
            steps.reverse()
    for step in steps:
        x = step(x)
    return x


def _squeeze_excite(x: keras.KerasTensor, make: Maker, name: str) -> keras.KerasTensor:
    width = int(x.shape[-1])
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(x)
    narrow = max(1, width // make.config.squeeze_excite)
    gate = make.dense(f"{name}_excite1", narrow, activation="relu")(gate)
    gate = make.dense(f"{name}_excite2", width, activation="sigmoid")(gate)
    return keras.layers.Multiply(name=f"{name}_gate")([x, gate])
