"""What a model costs to use: weights, arithmetic and time of one image."""

import math
import time
from collections.abc import Mapping
from statistics import median

import keras
import numpy as np

from mammobench.training.result import COSTS, InfeasibleError

_WARM_UP, _FEWEST, _MOST = 3, 10, 200
_SECONDS = 0.5


def measure_costs(model: keras.Model, names: tuple[str, ...] = ()) -> dict[str, float]:
    """Return a model's costs: always ``weights`` and ``flops``, and ``latency_ms`` where `names` has it.

    Args:
        model: A functional model, each of whose layers is used once.
        names: Costs that are wanted, of `mammobench.training.result.COSTS`.

    Raises:
        ValueError: For an unknown cost.
    """
    if unknown := set(names) - set(COSTS):
        raise ValueError(f"expected costs of {COSTS}, found {sorted(unknown)}")
    costs = {"weights": float(model.count_params()), "flops": float(count_flops(model))}
    if "latency_ms" in names:
        costs["latency_ms"] = measure_latency(model)
    return costs


def check_limits(costs: Mapping[str, float], limits: Mapping[str, float]) -> None:
    """Refuse a model that costs more than it may.

    Args:
        costs: Its costs, those of `limits` among them.
        limits: Name to the most that is allowed.

    Raises:
        InfeasibleError: When a cost is over its limit; it carries the costs.
    """
    for name, limit in limits.items():
        if costs[name] > limit:
            raise InfeasibleError(name, limit, costs)


def count_flops(model: keras.Model) -> int:
    """Return the multiplications and additions of one image's forward pass.

    Two for each multiply-add of convolutions and dense layers, the usual count; biases, normalisation,
    activations and pooling are left out. TensorFlow's profiler, which would count them, is gone from
    TensorFlow 2, and Keras has none.

    Args:
        model: A functional model, each of whose layers is used once.

    Raises:
        TypeError: For a layer with a kernel that is none of Keras's convolutions and dense layers.
    """
    return 2 * sum(_multiply_adds(layer) for layer in model.layers)


def measure_latency(model: keras.Model) -> float:
    """Return the median time of predicting one image, in milliseconds, on the device that the model is on.

    Python's part of a prediction is in it. The measuring itself takes half a second after the first
    predictions, which compile. What else the machine does at the time makes it longer.

    Args:
        model: A built model of one input; it keeps its state.
    """
    # a model of its own: predictions of another batch size would have the model's own function traced again
    twin = keras.Model(model.inputs, model.outputs)
    twin.compile(jit_compile=model.jit_compile)
    image = np.zeros((1, *model.input_shape[1:]), np.uint8)
    for _ in range(_WARM_UP):
        twin.predict_on_batch(image)
    seconds: list[float] = []
    end = time.perf_counter() + _SECONDS
    while len(seconds) < _FEWEST or (len(seconds) < _MOST and time.perf_counter() < end):
        start = time.perf_counter()
        twin.predict_on_batch(image)
        seconds.append(time.perf_counter() - start)
    return 1000 * median(seconds)


def _multiply_adds(layer: keras.Layer) -> int:
    layers = keras.layers
    if isinstance(layer, layers.SeparableConv2D):
        kernels = [layer.depthwise_kernel, layer.pointwise_kernel]
    elif isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D | layers.Dense):
        # a kernel's inputs are those of its group already
        kernels = [layer.kernel]
    elif hasattr(layer, "kernel"):
        raise TypeError(f"expected a convolution or dense layer of Keras, found {type(layer).__name__}")
    else:
        return 0
    # a kernel is applied at each position of the output: all of its axes but batch and channels
    positions = math.prod(layer.output.shape[1:-1])
    return int(positions * sum(math.prod(kernel.shape) for kernel in kernels))
