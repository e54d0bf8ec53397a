"""What every loss keeps: finite at the ends, least at the truth, trainable, saved and loaded."""

import keras
import numpy as np
import pytest

from mammobench.models.losses import TWO_CLASSES_ONLY, build_loss, encode_targets
from mammobench.space.components import LOSSES
from mammobench.space.config import LossConfig

CASES = [(name, 2) for name in LOSSES] + [(name, 5) for name in LOSSES if name not in TWO_CLASSES_ONLY]
TARGETS = np.array([0, 1, 1, 0, 0, 1])


def made(name: str, classes: int) -> keras.losses.Loss:
    settings = {"name": name, "gamma": 0.5, "gamma_positive": 0.5, "q": 0.3, "label_smoothing": 0.1}
    return build_loss(
        LossConfig.model_validate(settings), classes=classes, prior=np.full(classes, 1 / classes)
    )


def targets_of(classes: int) -> np.ndarray:
    return encode_targets(TARGETS if classes == 2 else np.arange(6) % 5, classes)


@pytest.mark.parametrize(("name", "classes"), CASES)
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_certain_answers_right_or_wrong_have_finite_losses_and_gradients(
    name: str, classes: int, policy: str
) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        loss = made(name, classes)
    finally:
        keras.config.set_dtype_policy(before)
    y = targets_of(classes)
    for certain in (y, 1 - y if classes == 2 else np.roll(y, 1, axis=1)):
        value, gradient = value_and_gradient(loss, y, certain.astype("float32"))
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


def value_and_gradient(loss: keras.losses.Loss, y: np.ndarray, p: np.ndarray) -> tuple[float, np.ndarray]:
    """The loss and its gradient with respect to the probabilities."""
    tf = pytest.importorskip("tensorflow")
    probabilities = tf.convert_to_tensor(p)
    with tf.GradientTape() as tape:
        tape.watch(probabilities)
        value = loss(y, probabilities)
    return float(value), np.asarray(tape.gradient(value, probabilities))


@pytest.mark.parametrize(("name", "classes"), CASES)
def test_better_answers_cost_less(name: str, classes: int) -> None:
    loss, y = made(name, classes), targets_of(classes)
    middle = np.full_like(y, 0.5 if classes == 2 else 1 / classes)
    costs = [float(loss(y, y * share + middle * (1 - share))) for share in (0.8, 0.4, 0.0)]
    assert costs == sorted(costs)
    assert costs[0] < costs[-1]


@pytest.mark.parametrize(("name", "classes"), CASES)
def test_a_loss_trains_with_sample_weights(name: str, classes: int) -> None:
    units, end = (1, "sigmoid") if classes == 2 else (classes, "softmax")
    start = keras.initializers.GlorotUniform(seed=0)
    model = keras.Sequential([
        keras.Input((4,)),
        keras.layers.Dense(units, activation=end, kernel_initializer=start),
    ])  # fmt: skip
    model.compile(keras.optimizers.SGD(0.2), made(name, classes), run_eagerly=True)
    y = targets_of(classes)
    x = np.random.default_rng(0).normal(size=(6, 4)) * 0.1 + y[:, :1]
    weights = np.linspace(0.5, 1.5, 6)
    costs = [float(model.train_on_batch(x, y, sample_weight=weights)) for _ in range(8)]
    assert costs[-1] < costs[0]


@pytest.mark.parametrize(("name", "classes"), CASES)
def test_a_loss_survives_saving(name: str, classes: int) -> None:
    loss = made(name, classes)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    y = targets_of(classes)
    p = np.random.default_rng(0).dirichlet(np.ones(5), 6).astype("float32")[:, : y.shape[1]]
    assert float(again(y, p)) == float(loss(y, p))
