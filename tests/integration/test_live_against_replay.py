"""A search that trains comes to what its replay on a recorded table said: proposals, values, seconds."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mammobench.benchmark.replay.methods import parse_method
from mammobench.benchmark.replay.search import replay
from mammobench.benchmark.replay.trace import Budget
from mammobench.benchmark.tables.observed import read_observed
from mammobench.benchmark.tables.table import Table
from mammobench.data.images.phantom import make_phantom
from mammobench.training.runtime import processor

ROOT = Path(__file__).resolve().parents[2]
METHODS = ("random", "qmc", "tpe", "tpe+median", "cmaes+asha")
SEEDS = int(os.environ.get("MAMMOBENCH_LIVE_SEEDS", "5"))
TRIALS = 6


@pytest.mark.slow  # 175 trainings
@pytest.mark.timeout(3600)
def test_a_live_search_does_what_its_replay_does(tmp_path: Path) -> None:
    table = Table.open(ROOT / "reports" / "tables" / "phantom-quick")
    store = make_phantom(tmp_path / "phantom", seed=1)
    assert store.fingerprint == table.metadata["data"]["fingerprint"]
    if table.metadata["processor"] != processor()[0]:
        pytest.skip(f"recorded on {table.metadata['processor']}; seconds and bits are of a machine")
    words = [table.folder, store.path, tmp_path / "out", ",".join(METHODS), SEEDS, TRIALS]
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.live_on_table", *map(str, words)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    observed = read_observed(table)
    same, differences, ratios = [], [], []
    for live in found["traces"]:
        method, seed = live["method"], live["seed"]
        trace = replay(observed, parse_method(method), seed=seed, budget=Budget(trials=TRIALS))
        # the reference CNN has another seed than the recorded ones
        trials, events = trace.trials[1:], trace.events[trace.events["trial"] > 0]
        same.append(found["asked"][method][seed] == trials["values"].tolist())
        ratios.append(sum(live["seconds"][1:]) / float((trials["ended"] - trials["started"]).sum()))
        values = np.array(live["value"])[np.array(live["trial"]) > 0]
        alike = len(values) == len(events)
        differences.append(float(np.abs(values - events["value"]).max()) if alike else math.inf)
        print(method, seed, same[-1], f"{ratios[-1]:.3f}", f"{differences[-1]:.1e}")
    print(f"same proposals {sum(same)} of {len(same)}; seconds, live / replay {np.median(ratios):.3f}")
    assert all(same)
    assert max(differences) < 1e-6  # the table has float32
    assert abs(np.median(ratios) - 1) < 0.05
