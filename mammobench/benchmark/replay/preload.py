"""Loaded by the server that replays are forked from: what methods need, once for all processes."""

import contextlib
import gc

from mammobench.training.runtime import load_libraries

load_libraries()
with contextlib.suppress(ImportError):
    # KerasTuner's methods; it takes seconds and shares its memory
    import mammobench.tuning.engines.keras_tuner_oracles
    import mammobench.tuning.engines.optuna  # noqa: F401

# what is collected no more is not written to, and stays shared
gc.collect()
gc.freeze()
