"""Loaded by the server that replays are forked from: what methods need, once for all processes."""

import contextlib

from mammobench.training.runtime import load_libraries

load_libraries()
with contextlib.suppress(ImportError):
    # KerasTuner's methods; it takes seconds and shares its memory
    import mammobench.tuning.engines.keras_tuner_oracles
    import mammobench.tuning.engines.optuna  # noqa: F401
