"""Prints a digest of each trace of some methods: run by tests in processes and Pythons of their own."""

import argparse
import hashlib
import json

from mammobench.benchmark.replay.methods import parse_method
from mammobench.benchmark.replay.search import replay
from mammobench.benchmark.replay.trace import Budget, Trace
from tests.recorded_tables import made_table


def digest_of(trace: Trace) -> str:
    """Return the SHA-256 of every byte of a trace but its real seconds."""
    digest = hashlib.sha256()
    for frame in (trace.trials, trace.events):
        for name, column in frame.items():
            values = column.to_numpy()
            text = values.dtype.kind not in "if"
            digest.update(str(name).encode())
            digest.update(json.dumps(values.tolist()).encode() if text else values.tobytes())
    return digest.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("methods", nargs="+")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--answers", nargs="+", default=["exact", "nearest", "surrogate"])
    arguments = parser.parse_args()
    found = {}
    for answers in arguments.answers:
        table, _ = made_table(epochs=9, failing=0.1, finite=answers == "exact")
        for method in arguments.methods:
            for seed in arguments.seeds:
                trace = replay(
                    table,
                    parse_method(method),
                    seed=seed,
                    budget=Budget(epochs=120),
                    workers=3,
                    answers=answers,
                )
                found[f"{answers} {method} {seed}"] = digest_of(trace)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
