"""Which layer classes a network is made of: Keras's own, or faster ones with the same mathematics."""

from collections.abc import Callable
from dataclasses import dataclass

import keras


@dataclass(frozen=True)
class Toolkit:
    """The layer classes whose speed depends on the backend.

    Each takes the arguments of the Keras layer of that name and holds the same weights in the same order,
    so that weights move between networks built with different toolkits.

    Attributes:
        convolution: Like `keras.layers.Conv2D`.
        batch_normalization: Like `keras.layers.BatchNormalization`.
        layer_normalization: Like `keras.layers.LayerNormalization`.
        group_normalization: Like `keras.layers.GroupNormalization`.
        dropout: Like `keras.layers.Dropout`.
        max_pooling: Like `keras.layers.MaxPooling2D`.
        pools_first: Max-pool ahead of an activation that never decreases: the same values from a quarter
            of the work.
    """

    convolution: Callable[..., keras.Layer]
    batch_normalization: Callable[..., keras.Layer]
    layer_normalization: Callable[..., keras.Layer]
    group_normalization: Callable[..., keras.Layer]
    dropout: Callable[..., keras.Layer]
    max_pooling: Callable[..., keras.Layer]
    pools_first: bool


STOCK = Toolkit(
    convolution=keras.layers.Conv2D,
    batch_normalization=keras.layers.BatchNormalization,
    layer_normalization=keras.layers.LayerNormalization,
    group_normalization=keras.layers.GroupNormalization,
    dropout=keras.layers.Dropout,
    max_pooling=keras.layers.MaxPooling2D,
    pools_first=False,
)
"""Keras's own layers in the usual order: the path of every backend but TensorFlow, and of exports."""
