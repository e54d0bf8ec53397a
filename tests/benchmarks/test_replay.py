"""How long a comparison of all methods takes: 50 searches of each on one table, and its memory."""

import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from mammobench.benchmark.replay.methods import ALL_METHODS
from mammobench.benchmark.replay.search import whole_seconds
from mammobench.benchmark.replay.trace_file import load_trace
from mammobench.benchmark.tables.observed import read_observed
from tests.recorded_tables import write_made_table

SEEDS, TRAININGS = 50, 32
MOST_SECONDS, MOST_MEMORY = 600, 1e9


def memory_of(process: psutil.Process) -> float:
    """Return the bytes of a process and all that it started; what they share is counted once."""
    found = 0.0
    for each in itertools.chain([process], process.children(recursive=True)):
        try:
            found += each.memory_full_info().pss
        except psutil.Error:
            continue
    return found


def watched(process: subprocess.Popen[str]) -> Iterator[float]:
    """Yield the memory that a process takes, until it ends."""
    known = psutil.Process(process.pid)
    while process.poll() is None:
        yield memory_of(known)
        time.sleep(1.0)


@pytest.mark.benchmark
@pytest.mark.timeout(3600)
def test_all_methods_with_fifty_seeds_on_one_table(tmp_path: Path) -> None:
    table = write_made_table(tmp_path / "made", epochs=27, configurations=128, finite=False)
    seconds = TRAININGS * whole_seconds(read_observed(table))
    out = tmp_path / "methods"
    command = [
        sys.executable, "-m", "mammobench", "compare", str(table.folder), "--methods", "all", "--seeds",
        str(SEEDS), "--out", str(out), "--jobs", "2", "--budget-seconds", str(seconds),
    ]  # fmt: skip
    began = time.perf_counter()
    log = tmp_path / "log.txt"
    with log.open("w") as said, subprocess.Popen(command, stderr=said, stdout=said, text=True) as process:
        most = max(watched(process))
    took = time.perf_counter() - began
    assert process.returncode == 0, log.read_text()[-2000:]
    thinking: dict[str, list[float]] = {}
    for path in out.rglob("*.npz"):
        trace = load_trace(path)
        assert trace is not None
        thinking.setdefault(trace.method, []).append(float(trace.thinking.sum()))
    assert set(thinking) == set(ALL_METHODS)
    for method, found in sorted(thinking.items()):
        assert len(found) == SEEDS
        print(f"{method}: thinks {np.mean(found):.2f} s a search")
    print(f"{len(thinking)} methods x {SEEDS} searches: {took:.0f} s, at most {most / 1e6:.0f} MB")
    assert took <= MOST_SECONDS
    assert most <= MOST_MEMORY
