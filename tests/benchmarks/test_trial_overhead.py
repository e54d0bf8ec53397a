"""What a trial costs beyond its own training, prediction and tracing, from the stored seconds."""

from pathlib import Path
from statistics import median

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import mammobench
from mammobench.data.store.image_store import ImageStore

OWN = ("train", "validate", "predict", "trace")
TRIALS = 6


@pytest.mark.benchmark
def test_overhead_of_a_trial(
    benchmark: BenchmarkFixture, phantom: ImageStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    study = benchmark.pedantic(  # type: ignore[no-untyped-call]
        mammobench.search, args=("quick",), kwargs={"data": phantom.path, "trials": TRIALS}, rounds=1
    )
    parts = {part: median(trial.seconds[part] for trial in study.trials) for part in study.trials[0].seconds}
    overhead = [
        sum(seconds for part, seconds in trial.seconds.items() if part not in OWN) for trial in study.trials
    ]
    benchmark.extra_info.update(
        {"median_seconds": parts, "overhead_median": median(overhead), "overhead_largest": max(overhead)}
    )
    print(f"overhead: median {median(overhead):.2f} s, largest {max(overhead):.2f} s; {parts}")
    assert len(study.trials) == TRIALS + 1
