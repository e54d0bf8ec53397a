"""How long a comparison of all methods takes: 50 searches of each on one table, and its memory."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

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


class Memory(NamedTuple):
    """Bytes of a process and all that it started; what they share is counted once.

    Attributes:
        own: What the machine cannot have back while they run.
        mapped: Pages of files, most of them TensorFlow's libraries, which it can.
    """

    own: int
    mapped: int


def memory_of(process: psutil.Process) -> Memory:
    own = mapped = 0
    for each in [process, *process.children(recursive=True)]:
        try:
            told = Path(f"/proc/{each.pid}/smaps_rollup").read_text("ascii")
        except OSError:
            continue
        kilobytes = {
            name: int(size) for name, size in re.findall(r"^(Pss\w*): +(\d+) kB", told, re.MULTILINE)
        }
        own += 1024 * kilobytes.get("Pss_Anon", 0)
        mapped += 1024 * kilobytes.get("Pss_File", 0)
    return Memory(own, mapped)


def watched(process: subprocess.Popen[str]) -> Iterator[Memory]:
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
    print(
        f"{len(thinking)} methods x {SEEDS} searches: {took:.0f} s, at most "
        f"{most.own / 1e6:.0f} MB, and {most.mapped / 1e6:.0f} MB of mapped files"
    )
    assert took <= MOST_SECONDS
    assert most.own <= MOST_MEMORY
