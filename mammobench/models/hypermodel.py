"""`HyperModel`: the family of a search space for stock KerasTuner tuners."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import keras_tuner
import numpy as np
import numpy.typing as npt

from mammobench.models.stock import Arrays, compile_model, fit_model
from mammobench.space.config import TrialConfig
from mammobench.space.search_space import SearchSpace


def hyperparameters(
    space: SearchSpace, values: Mapping[str, Any] | None = None
) -> keras_tuner.HyperParameters:
    """Return a space as KerasTuner's ``HyperParameters``; see `SearchSpace.keras_tuner_config`.

    Args:
        space: The space.
        values: The configuration that it holds; None for the first value of each hyperparameter.
    """
    return keras_tuner.HyperParameters.from_config(space.keras_tuner_config(values))


class HyperModel(keras_tuner.HyperModel):
    """Builds, compiles and fits the networks of a search space, one configuration a trial.

    The hyperparameters of the space need not be declared to the tuner; they may be, by
    ``hyperparameters=hyperparameters(space)``.

    Args:
        space: The family.
        train: What the networks will be fitted to; its targets give the number of classes, their shares
            and the length of schedules.
        seed: Of weights and random layers.
    """

    def __init__(self, space: SearchSpace, train: Arrays, *, seed: int = 0) -> None:
        super().__init__(name=space.name)
        self._space, self._targets, self._seed = space, train.targets, seed

    def declare_hyperparameters(self, hp: keras_tuner.HyperParameters) -> None:
        """Add the hyperparameters of the space that are not known yet."""
        hp.merge(hyperparameters(self._space), overwrite=False)

    def config(self, hp: keras_tuner.HyperParameters) -> TrialConfig:
        """Return the configuration of a tuner's values, such as ``tuner.get_best_hyperparameters()[0]``."""
        return self._space.config(self._space.from_keras_tuner(hp.values))

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return the compiled network of a tuner's values; see `compile_model`."""
        self.declare_hyperparameters(hp)
        return compile_model(self.config(hp), self._targets, seed=self._seed)

    def fit(
        self,
        hp: keras_tuner.HyperParameters,
        model: keras.Model,
        images: npt.NDArray[np.uint8],
        targets: npt.NDArray[np.float32],
        *,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        **options: object,
    ) -> keras.callbacks.History:
        """Train by `fit_model`; all that is given to the tuner's ``search`` comes through."""
        return fit_model(model, self.config(hp), Arrays(images, targets), callbacks=callbacks, **options)
