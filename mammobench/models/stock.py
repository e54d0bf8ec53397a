"""The family in code of one's own: arrays to train on, a compiled model, and ``fit`` with its configuration.

For stock Keras, KerasTuner and Optuna. A study's own trials are run by `mammobench.training.loop.run_trial`,
which also resumes, selects the best epoch and repeats to the bit.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import numpy.typing as npt

from mammobench.core.errors import ConfigError
from mammobench.core.metrics import BINARY
from mammobench.data.images.intensity import AHEAD_OF_MODEL, prepared
from mammobench.data.splits.split import Part, make_split
from mammobench.data.splits.tasks import get_task
from mammobench.data.store.image_store import ImageStore
from mammobench.models.family import build_model
from mammobench.models.losses import build_loss, class_weights, encode_targets
from mammobench.models.optimizers import Plateau, build_optimizer
from mammobench.space.config import DataConfig, TrialConfig
from mammobench.space.search_space import Choice, Hyperparameter, SearchSpace


class Arrays(NamedTuple):
    """Images and targets of one part of a split, in the order in which ``fit`` takes them.

    Attributes:
        images: Pixels as the models take them, uint8 of shape (n, size, size, 1): raw ones, unless the
            space's intensity is histogram or clahe.
        targets: float32; 0 and 1 of shape (n, 1) for two classes, else one-hot of shape (n, classes).
    """

    images: npt.NDArray[np.uint8]
    targets: npt.NDArray[np.float32]


def load_arrays(store: ImageStore | Path | str, space: SearchSpace) -> tuple[Arrays, Arrays]:
    """Return what a space trains on and what it validates on; test images stay sealed for a study.

    Args:
        store: An image store or its folder.
        space: Its task, image size and split are used.

    Raises:
        DataError: When the store cannot serve the space.
        ConfigError: When the space searches the split, how images are made smaller, or an intensity that
            is not part of the model.
    """
    for item in space.hyperparameters:
        if item.key.startswith("data.") and not _is_inside_the_model(item):
            raise ConfigError(
                "the arrays would not be the same for all configurations",
                where=item.key,
                expected="a space that does not search it",
                remedy="Set it under base",
            )
    prefix = "data."
    fixed = {key.removeprefix(prefix): value for key, value in space.fixed.items() if key.startswith(prefix)}
    data = DataConfig.model_validate(fixed)
    store = store if isinstance(store, ImageStore) else ImageStore.open(Path(store))
    split, images = make_split(store, data), store.images(data.image_size, data.interpolation)
    classes = get_task(data.task).classes

    def arrays(part: Part) -> Arrays:
        pixels = prepared(images[part.rows], data.intensity)
        return Arrays(pixels[..., None], encode_targets(part.targets, classes))

    return arrays(split.train), arrays(split.validation)


def _is_inside_the_model(item: Hyperparameter) -> bool:
    ahead = isinstance(item, Choice) and any(value in tuple(AHEAD_OF_MODEL) for value in item.values)
    return item.key == "data.intensity" and not ahead


def compile_model(config: TrialConfig, targets: npt.NDArray[np.float32], *, seed: int = 0) -> keras.Model:
    """Build the network of a configuration with its loss, optimizer and schedule.

    Its metrics are ``accuracy`` and ``auc``; compare configurations by ``val_auc``, since losses differ.

    Args:
        config: What to build.
        targets: Of the training images, as in `Arrays`.
        seed: Of weights and random layers.
    """
    prior, classes = _prior(targets), max(BINARY, targets.shape[1])
    model = build_model(config, classes=classes, seed=seed)
    model.compile(
        optimizer=build_optimizer(
            config.optimizer,
            steps_per_epoch=-(-len(targets) // config.training.batch_size),
            max_epochs=config.training.max_epochs,
        ),
        loss=build_loss(config.loss, classes=classes, prior=prior),
        metrics=["accuracy", keras.metrics.AUC(name="auc")],
        # as in training: XLA on the CPU runs these convolutions ten times slower
        jit_compile="auto" if keras.backend.backend() != "tensorflow" else _has_gpu(),
    )
    return model


def train_model(
    config: TrialConfig,
    train: Arrays,
    *,
    seed: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    **options: object,
) -> keras.callbacks.History:
    """Build, compile and fit the network of a configuration.

    Args:
        config: What to train.
        train: From `load_arrays`.
        seed: Of weights and random layers.
        callbacks: Keras's.
        **options: Of Keras's ``fit``; ``validation_data``, ``epochs``...

    Returns:
        Keras's history; its ``model`` is the network.
    """
    model = compile_model(config, train.targets, seed=seed)
    return fit_model(model, config, train, callbacks=callbacks, **options)


def fit_model(
    model: keras.Model,
    config: TrialConfig,
    train: Arrays,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    **options: object,
) -> keras.callbacks.History:
    """Call ``model.fit`` with a configuration's batch size, class weights and plateau schedule.

    Args:
        model: What `compile_model` returned.
        config: Its configuration.
        train: From `load_arrays`.
        callbacks: Keras's.
        **options: Of Keras's ``fit``; ``validation_data``, ``epochs``...
    """
    weights = class_weights(_prior(train.targets), config.loss.class_weight)[_classes(train.targets)]
    callbacks = list(callbacks)
    if config.optimizer.schedule == "plateau":
        plateau = Plateau()
        callbacks.append(
            keras.callbacks.ReduceLROnPlateau(
                monitor="val_loss" if "validation_data" in options else "loss",
                patience=plateau.patience,
                factor=plateau.factor,
                min_lr=config.optimizer.learning_rate * plateau.smallest,
            )
        )
    return model.fit(
        train.images,
        train.targets,
        batch_size=config.training.batch_size,
        sample_weight=weights.astype(np.float32),
        callbacks=callbacks,
        **options,
    )


def _classes(targets: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    return targets[:, 0].astype(np.int64) if targets.shape[1] == 1 else targets.argmax(axis=1)


def _prior(targets: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the share of each class, shape (classes,)."""
    return np.bincount(_classes(targets), minlength=max(BINARY, targets.shape[1])) / len(targets)


def _has_gpu() -> bool:
    return bool(keras.distribution.list_devices("gpu"))
