"""The family of networks, their losses and their optimizers, in Keras 3 for any backend.

`mammobench.models.family.build_model` turns a `TrialConfig` into a model. Importing that module also
registers the project's own layers, so that `keras.saving.load_model` knows them.

For code of one's own around stock KerasTuner or Optuna there are `HyperModel`, `compile_model`, `train_model`
and `load_arrays`. They are loaded when they are first used, KerasTuner with the first alone.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
