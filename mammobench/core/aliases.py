"""Names for values that Python's types cannot tell apart, so that a signature says what is meant."""

from typing import Any, TypeAlias

Tensor: TypeAlias = Any
"""A tensor of whichever backend Keras runs on, symbolic or not; Keras ships no types."""

KerasModel: TypeAlias = Any
"""A `keras.Model`, named without importing Keras."""

KerasLayer: TypeAlias = Any
"""A `keras.Layer`, named without importing Keras."""

KerasTunerHyperParameters: TypeAlias = Any
"""A `keras_tuner.HyperParameters`, named without importing KerasTuner."""

Json: TypeAlias = Any
"""What `json` reads and writes: None, bool, int, float, str, lists and dicts of them."""

FieldValue: TypeAlias = Any
"""What a field of `TrialConfig` holds, as a search space file writes it: bool, int, float, str, or a list."""
