from typing import Any

import keras
import numpy as np
import pytest

from mammobench.models.family import build_model
from mammobench.space.config import TrialConfig
from mammobench.training.costs import check_limits, count_flops, measure_costs, measure_latency
from mammobench.training.result import InfeasibleError

FAMILY: list[tuple[dict[str, Any], int, int]] = [
    # 3 x 3 x 1 -> 4 over 256 positions, 3 x 3 x 4 -> 6 over 64, then 6 -> 1
    ({"model.filters": [4, 6]}, 256 * 36 + 64 * 216 + 6, 40 + 222 + 7),
    # strides of two halve the positions of the convolution itself; 4 x 4 x 6 flat -> 5 -> 1
    (
        {"model.filters": [4, 6], "model.pooling": "strided", "model.head": "flatten",
         "model.hidden_units": [5]},
        64 * 36 + 16 * 216 + 96 * 5 + 5,
        40 + 222 + 485 + 6,
    ),
    # 3 x 3 a channel, then 1 x 1 across channels
    ({"model.filters": [4, 6], "model.separable": True}, 256 * (9 + 4) + 64 * (36 + 24) + 6, 17 + 66 + 7),
    # squeeze 4 to 2 and back once an image; a 1 x 1 shortcut; moving statistics are weights too
    (
        {"model.filters": [4], "model.squeeze_excite": 2, "model.residual": True,
         "model.normalization": "batch"},
        256 * (36 + 4) + 8 + 8 + 4,
        36 + 16 + 4 + 10 + 12 + 5,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("values", "multiply_adds", "weights"), FAMILY)
@pytest.mark.parametrize("fast", [True, False])
def test_costs_of_the_family_are_those_counted_by_hand(
    values: dict[str, Any], multiply_adds: int, weights: int, *, fast: bool
) -> None:
    config = TrialConfig.from_values({"data.image_size": 16, **values})
    model = build_model(config, classes=2, seed=0, fast=fast)
    assert measure_costs(model) == {"weights": weights, "flops": 2 * multiply_adds}


@pytest.mark.parametrize(
    ("layer", "multiply_adds"),
    [
        (keras.layers.Conv2D(8, 3, padding="valid"), 6 * 6 * 9 * 4 * 8),
        (keras.layers.Conv2D(8, 3, padding="same", groups=2, strides=2), 4 * 4 * 9 * 2 * 8),
        (keras.layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2), 8 * 8 * 9 * 4 * 2),
        (keras.layers.SeparableConv2D(5, 3, padding="same", strides=2), 4 * 4 * (9 * 4 + 4 * 5)),
        (keras.layers.Dense(7), 8 * 8 * 4 * 7),
        (keras.layers.MaxPooling2D(2), 0),
        (keras.layers.BatchNormalization(), 0),
    ],
)
def test_flops_of_a_layer_are_two_for_each_multiply_add(layer: keras.Layer, multiply_adds: int) -> None:
    inputs = keras.Input((8, 8, 4))
    assert count_flops(keras.Model(inputs, layer(inputs))) == 2 * multiply_adds


def test_a_layer_that_cannot_be_counted_is_not_counted_as_free() -> None:
    inputs = keras.Input((8, 8, 4))
    model = keras.Model(inputs, keras.layers.Conv2DTranspose(2, 3)(inputs))
    with pytest.raises(TypeError, match="found Conv2DTranspose"):
        count_flops(model)


def test_latency_is_measured_and_leaves_the_model_as_it_was() -> None:
    config = TrialConfig.from_values({"data.image_size": 16, "model.filters": [4], "model.dropout": 0.5})
    model = build_model(config, classes=2, seed=0)
    model.compile(jit_compile=False)
    before = [np.array(variable.value) for variable in model.variables]
    assert 0 < measure_latency(model) < 1000
    for value, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(value, variable.value)


def test_an_unknown_cost_is_refused() -> None:
    inputs = keras.Input((2,))
    with pytest.raises(ValueError, match="found \\['joules'\\]"):
        measure_costs(keras.Model(inputs, keras.layers.Dense(1)(inputs)), ("joules",))


def test_a_cost_at_its_limit_is_allowed_and_one_above_is_not() -> None:
    check_limits({"weights": 10.0}, {"weights": 10.0})
    with pytest.raises(
        InfeasibleError, match=r"^weights: the model costs more .*at most 9, found 10"
    ) as refused:
        check_limits({"weights": 10.0, "flops": 5.0}, {"weights": 9.0})
    assert refused.value.costs == {"weights": 10.0, "flops": 5.0}
