from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mammobench.models.blocks import groups_for
from mammobench.models.family import build_model
from mammobench.space.config import TrialConfig


def names(values: dict[str, Any], *, fast: bool = False) -> list[str]:
    config = TrialConfig.from_values({"data.image_size": 16, "model.filters": [4, 4]} | values)
    return [layer.name for layer in build_model(config, classes=2, seed=0, fast=fast).layers]


@given(st.integers(1, 4096))
@settings(max_examples=200)
def test_groups_divide_any_width(width: int) -> None:
    groups = groups_for(width)
    assert 1 <= groups <= 8
    assert width % groups == 0
    assert all(width % more for more in range(groups + 1, 9))


@pytest.mark.parametrize("activation", ["gelu", "silu", "mish", "hard_silu"])
def test_activations_that_dip_pool_last(activation: str) -> None:
    values = np.asarray(keras.activations.get(activation)(keras.ops.linspace(-9.0, 9.0, 20_001)))
    assert np.diff(values).min() < -1e-5
    order = names({"model.activation": activation}, fast=True)
    assert order.index("block1_activation1") < order.index("block1_pool")


def test_fast_networks_max_pool_ahead_of_a_non_decreasing_activation_only() -> None:
    fast, stock = names({}, fast=True), names({}, fast=False)
    assert fast.index("block1_pool") < fast.index("block1_activation1")
    assert stock.index("block1_activation1") < stock.index("block1_pool")
    average = names({"model.pooling": "average"}, fast=True)
    assert average.index("block1_activation1") < average.index("block1_pool")


def test_a_block_is_convolution_normalisation_activation_pooling_gate_and_dropout() -> None:
    values = {
        "model.convolutions_per_block": 2,
        "model.normalization": "layer",
        "model.residual": True,
        "model.squeeze_excite": 2,
        "model.dropout": 0.1,
        "model.dropout_from_block": 1,
    }
    block = [name for name in names(values) if name.startswith("block2")]
    assert block == [
        "block2_conv1", "block2_norm1", "block2_activation1", "block2_conv2", "block2_norm2",
        "block2_add", "block2_activation2", "block2_pool", "block2_squeeze", "block2_excite1",
        "block2_excite2", "block2_gate", "block2_dropout",
    ]  # fmt: skip
    assert "block1_dropout" not in names(values)


@pytest.mark.parametrize("pooling", ["max", "average", "strided"])
def test_every_pooling_halves_the_side_rounding_up(pooling: str) -> None:
    config = TrialConfig.from_values(
        {"data.image_size": 18, "model.filters": [2, 2, 2], "model.pooling": pooling, "model.residual": True}
    )
    model = build_model(config, classes=2, seed=0)
    assert model.get_layer("head").input.shape[1:] == (3, 3, 2)
    assert any(layer.name == "block1_pool" for layer in model.layers) == (pooling != "strided")


def test_more_blocks_than_halvings_still_build() -> None:
    config = TrialConfig.from_values(
        {"data.image_size": 16, "model.filters": [2] * 7, "model.head": "flatten"}
    )
    assert build_model(config, classes=2, seed=0).get_layer("head").output.shape == (None, 2)


def test_a_convolution_has_a_bias_only_where_no_normalisation_follows() -> None:
    for normalization, has_bias in (("none", True), ("batch", False)):
        config = TrialConfig.from_values({"data.image_size": 16, "model.normalization": normalization})
        assert build_model(config, classes=2, seed=0).get_layer("block1_conv1").use_bias is has_bias


def test_l2_penalises_every_kernel() -> None:
    config = TrialConfig.from_values(
        {"data.image_size": 16, "model.filters": [2, 3], "model.l2": 0.01, "model.hidden_units": [4]}
    )
    model = build_model(config, classes=2, seed=0)
    kernels = [weight for weight in model.trainable_weights if weight.name == "kernel"]
    expected = 0.01 * sum(float(np.sum(np.square(kernel))) for kernel in kernels)
    assert len(kernels) == 4
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)
