"""Loaded by the server that replays are forked from: what methods need, once for all processes."""

import gc

import mammobench.benchmark.replay.search
import mammobench.tuning.engines.optuna  # noqa: F401

# what is collected no more is not written to, and stays shared
gc.collect()
gc.freeze()
