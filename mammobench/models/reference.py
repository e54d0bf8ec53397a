"""The reference CNN (github.com/srithak1204/mammograms_cnn) as a point of the family.

Seven blocks of convolution 3 x 3, ReLU and max-pooling 2 x 2, dropout 0.2 after every block but the
first, then one sigmoid unit: 775,169 weights at 100 x 100. It sees raw pixel values of 0 to 255.
"""

from typing import Any

REFERENCE: dict[str, Any] = {
    "data.task": "abnormality",
    "data.image_size": 100,
    "data.interpolation": "bilinear",
    "data.split": "reference",
    "data.intensity": "none",
    "model.filters": [32, 64, 128, 256, 128, 64, 32],
    "model.convolutions_per_block": 1,
    "model.kernel_size": 3,
    "model.activation": "relu",
    "model.normalization": "none",
    "model.pooling": "max",
    "model.dropout": 0.2,
    "model.dropout_kind": "dropout",
    "model.dropout_from_block": 1,
    "model.head": "flatten",
    "model.hidden_units": [],
    "model.head_dropout": 0.0,
    "loss.name": "binary_crossentropy",
    "optimizer.name": "adam",
    "optimizer.learning_rate": 0.001,
    "optimizer.schedule": "constant",
    "training.batch_size": 32,
    "training.max_epochs": 50,
    "training.patience": 0,
    "training.weights": "last",
}
"""The reference configuration under dotted keys, for `TrialConfig.from_values`."""

REFERENCE_WEIGHTS: int = 775_169
"""Weights of the reference CNN at 100 x 100 with one output unit."""
