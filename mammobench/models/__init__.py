"""The family of networks, their losses and their optimizers, in Keras 3 for any backend.

`mammobench.models.family.build_model` turns a `TrialConfig` into a model. Importing that module also
registers the project's own layers, so that `keras.saving.load_model` knows them. This package itself
imports nothing: `mammobench.models.reference` is read where Keras need not be loaded.
"""
