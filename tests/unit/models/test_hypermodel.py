from dataclasses import replace

import keras
import keras_tuner
import numpy as np
import pytest

from mammobench.core.errors import ConfigError
from mammobench.data.images.intensity import prepared
from mammobench.data.store.image_store import ImageStore
from mammobench.models import Arrays, HyperModel, compile_model, load_arrays, train_model
from mammobench.models.hypermodel import hyperparameters
from mammobench.space.search_space import Budget, Choice, FloatRange, SearchSpace

TINY = SearchSpace(
    name="tiny",
    task="malignancy",
    objective="f1",
    image_size=16,
    base={"training.batch_size": 8},
    hyperparameters=(
        Choice(key="model.filters", values=([4], [4, 8])),
        Choice(key="loss.name", values=("binary_crossentropy", "logit_adjusted")),
        FloatRange(key="loss.tau", low=0.5, high=2.0, when={"loss.name": ("logit_adjusted",)}),
        Choice(key="optimizer.schedule", values=("constant", "plateau")),
        Choice(key="loss.class_weight", values=(0.0, 1.0)),
    ),
    budget=Budget(trials=2, max_epochs=3),
)
VALUES = {
    "model.filters": [4, 8],
    "loss.name": "logit_adjusted",
    "loss.tau": 1.5,
    "optimizer.schedule": "plateau",
    "loss.class_weight": 1.0,
}


@pytest.fixture(scope="module")
def arrays(phantom: ImageStore) -> tuple[Arrays, Arrays]:
    return load_arrays(phantom, TINY)


def test_the_arrays_are_those_of_the_training_and_validation_rows(
    arrays: tuple[Arrays, Arrays], phantom: ImageStore
) -> None:
    train, validation = arrays
    assert train.images.dtype == np.uint8
    assert train.images.shape == (len(train.targets), 16, 16, 1)
    assert set(np.unique(train.targets)) == set(np.unique(validation.targets)) == {0.0, 1.0}
    by_path, _ = load_arrays(str(phantom.path), TINY)
    np.testing.assert_array_equal(by_path.images, train.images)


def test_five_classes_come_one_hot(phantom: ImageStore) -> None:
    train, _ = load_arrays(phantom, replace(TINY, task="five-class"))
    assert train.targets.shape[1] == 5
    np.testing.assert_array_equal(train.targets.sum(axis=1), 1)


def test_arrays_that_would_differ_between_configurations_are_refused(phantom: ImageStore) -> None:
    searched = Choice(key="data.split", values=("official", "reference"))
    with pytest.raises(ConfigError, match=r"data\.split"):
        load_arrays(phantom, replace(TINY, hyperparameters=(searched,)))


def test_intensities_ahead_of_the_model_are_done_to_the_arrays_and_not_searched(phantom: ImageStore) -> None:
    raw, _ = load_arrays(phantom, TINY)
    for intensity in ("histogram", "clahe"):
        fixed = replace(TINY, base={**TINY.base, "data.intensity": intensity})
        train, _ = load_arrays(phantom, fixed)
        np.testing.assert_array_equal(train.images[..., 0], prepared(raw.images[..., 0], intensity))
        searched = Choice(key="data.intensity", values=("unit", intensity))
        with pytest.raises(ConfigError, match=r"data\.intensity"):
            load_arrays(phantom, replace(TINY, hyperparameters=(searched,)))
    inside = Choice(key="data.intensity", values=("unit", "z-score"))
    load_arrays(phantom, replace(TINY, hyperparameters=(inside,)))


def test_a_tuner_learns_the_space_from_the_model_or_is_told(arrays: tuple[Arrays, Arrays]) -> None:
    model = HyperModel(TINY, arrays[0])
    empty = keras_tuner.HyperParameters()
    model.build(empty)
    told = hyperparameters(TINY)
    model.build(told)
    assert [item.name for item in empty.space] == [item.name for item in told.space]
    assert len(told.space) == len(TINY.hyperparameters)


def test_the_model_is_that_of_the_tuners_values(arrays: tuple[Arrays, Arrays]) -> None:
    hypermodel = HyperModel(TINY, arrays[0])
    hp = hyperparameters(TINY, VALUES)
    hp.values["tuner/epochs"] = 3
    config = hypermodel.config(hp)
    assert config == TINY.config(VALUES)
    built = hypermodel.build(hp)
    assert [layer.filters for layer in built.layers if isinstance(layer, keras.layers.Conv2D)] == [4, 8]
    assert built.loss.tau == 1.5


def test_fitting_by_a_tuner_and_by_hand_is_the_same(arrays: tuple[Arrays, Arrays]) -> None:
    train, validation = arrays
    hypermodel, hp = HyperModel(TINY, train), hyperparameters(TINY, VALUES)
    keras.utils.set_random_seed(0)
    model = hypermodel.build(hp)
    tuned = hypermodel.fit(hp, model, *train, validation_data=validation, epochs=2, verbose=0)
    keras.utils.set_random_seed(0)
    by_hand = train_model(TINY.config(VALUES), train, validation_data=validation, epochs=2, verbose=0)
    assert tuned.history == by_hand.history
    assert {"val_auc", "val_accuracy", "learning_rate"} <= tuned.history.keys()


def test_class_weights_count(arrays: tuple[Arrays, Arrays]) -> None:
    train, _ = arrays
    losses = []
    for power in (0.0, 1.0):
        keras.utils.set_random_seed(0)
        config = TINY.config({**VALUES, "loss.class_weight": power})
        losses.append(train_model(config, train, epochs=1, verbose=0).history["loss"])
    assert losses[0] != losses[1]


def test_a_seed_gives_the_first_weights(arrays: tuple[Arrays, Arrays]) -> None:
    config = TINY.config(VALUES)
    first, same, other = (compile_model(config, arrays[0].targets, seed=seed) for seed in (1, 1, 2))
    assert all(map(np.array_equal, first.get_weights(), same.get_weights()))
    assert not all(map(np.array_equal, first.get_weights(), other.get_weights()))
