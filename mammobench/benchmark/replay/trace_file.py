"""Traces in files: one a search, whole or not there."""

import hashlib
import json
import zipfile
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pandas as pd

from mammobench.benchmark.replay.trace import Budget, Trace
from mammobench.core.files import written_aside

_TEXTS = ("status", "values")
_DECIDES = ("mammobench", "optuna", "keras-tuner", "smac", "scikit-learn", "scipy", "numpy", "cmaes")


@cache
def made_by() -> dict[str, str | None]:
    """Return the versions on which a replay depends; None for a package that is not installed."""
    found: dict[str, str | None] = {}
    for package in _DECIDES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def save_trace(trace: Trace, path: Path) -> None:
    """Write a trace, whole or not at all."""
    head = {
        "made_by": made_by(),
        "table": trace.table,
        "method": trace.method,
        "seed": trace.seed,
        "budget": vars(trace.budget),
        "speed": trace.speed,
    }
    arrays = {f"trials_{name}": trace.trials[name].to_numpy() for name in trace.trials if name not in _TEXTS}
    arrays |= {f"events_{name}": trace.events[name].to_numpy() for name in trace.events}
    for name in _TEXTS:
        lines = "\n".join(trace.trials[name].tolist()).encode()
        arrays[f"trials_{name}"] = np.frombuffer(lines, np.uint8)
    arrays["head"] = np.frombuffer(json.dumps(head).encode(), np.uint8)
    arrays["thinking"] = trace.thinking
    with written_aside(path) as aside:
        np.savez_compressed(aside, allow_pickle=False, **arrays)


def load_trace(path: Path) -> Trace | None:
    """Read a trace; None where there is none, or what is there is not one, or other versions made it."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            head = json.loads(saved["head"].tobytes())
            if head["made_by"] != made_by():
                return None
            trials = {
                name.removeprefix("trials_"): saved[name]
                for name in saved.files
                if name.startswith("trials_")
            }
            events = {
                name.removeprefix("events_"): saved[name]
                for name in saved.files
                if name.startswith("events_")
            }
            count = len(trials["trial"])
            columns = {
                name: value.tobytes().decode().split("\n")[:count] if name in _TEXTS else value
                for name, value in trials.items()
            }
            frame = pd.DataFrame(columns)[[*(name for name in trials if name not in _TEXTS), *_TEXTS]]
            return Trace(
                table=head["table"],
                method=head["method"],
                seed=head["seed"],
                trials=frame,
                events=pd.DataFrame(events),
                budget=Budget(**head["budget"]),
                thinking=saved["thinking"],
                speed=head["speed"],
            )
    except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def digest_of(trace: Trace) -> str:
    """Return a SHA-256 over all that a search did, its thinking aside."""
    digest = hashlib.sha256(json.dumps([trace.table, trace.method, trace.seed, trace.speed]).encode())
    for frame in (trace.trials, trace.events):
        for name in sorted(frame.columns):
            values = frame[name].to_numpy()
            numbers = values.dtype.kind in "if"
            digest.update(name.encode())
            digest.update(values.tobytes() if numbers else "\n".join(map(str, values)).encode())
    return digest.hexdigest()
