"""Names of what a trial leaves in its folder, in its training and later: each stands here alone."""

CONFIG = "config.json"
"""Its configuration, seed, data, split and environment; also beside an exported model."""

HISTORY = "history.csv"
"""One row an epoch."""

PREDICTIONS = "predictions.npz"
"""Probabilities on validation and, sealed, on test."""

EPOCHS = "epochs.npz"
"""Where a table of trainings is recorded: probabilities after each epoch, sealed on test."""

LOG = "log.txt"
RESULTS = (CONFIG, HISTORY, PREDICTIONS, EPOCHS, LOG)
"""What a trial that has ended leaves, and another machine wants of it."""

CHECKPOINT = "checkpoint.npz"
"""While it runs; the record's keeper removes it when the trial has ended."""

TENSORBOARD = "tensorboard"
"""A folder of event files, where they are asked for."""

STRESS = "stress.npz"
"""Probabilities under conditions of `mammobench.data.images.conditions`."""

EXPLANATIONS = "explanations.npz"
"""Heat maps of Grad-CAM."""

REPLICATES = "replicates"
"""A folder with one of each training with another seed, named by its number, from 1."""

REPLICATE = "replicate.json"
"""Seed, threshold and objective of one of them."""
