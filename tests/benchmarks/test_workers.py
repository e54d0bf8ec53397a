"""Trials an hour of two workers against one on the same cores, start and all, round by round."""

import time
from pathlib import Path
from statistics import median

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from mammobench.data.images.phantom import make_phantom
from mammobench.data.store.image_store import ImageStore
from mammobench.training.process import EpochEnd, TrialProcess, wait_for_any
from mammobench.tuning.devices import Lease, Leases
from tests.trial_tasks import make_task

WORKERS = (1, 2)
TRIALS = 4
ROUNDS = 3
MODEL = {
    "data.image_size": 64,
    "model.filters": [32, 64, 128],
    "model.dropout": 0.2,
    "training.max_epochs": 4,
    "training.patience": 0,
    "training.precision": "float32",
}


def trials_an_hour(workers: int, store: ImageStore, folder: Path) -> float:
    """Run `TRIALS` equal trials, `workers` at a time, and return how many an hour that makes."""
    folder.mkdir()
    leases = Leases(workers)
    running: dict[TrialProcess, Lease] = {}
    started = time.perf_counter()
    waiting = list(range(TRIALS))
    while waiting or running:
        while waiting and len(running) < workers:
            number, lease = waiting.pop(), leases.take()
            task = make_task(store, folder / str(number), MODEL, threads=lease.threads, devices=lease.devices)
            running[TrialProcess(task)] = lease
        for process in wait_for_any(list(running)):
            for message in process.messages():
                if not isinstance(message, EpochEnd):
                    assert message.result is not None
                    leases.give_back(running.pop(process))
    return TRIALS * 3600 / (time.perf_counter() - started)


@pytest.mark.benchmark
@pytest.mark.timeout(1800)
def test_trials_an_hour_of_two_workers_against_one(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    store = make_phantom(tmp_path / "store", images=1000)
    # the server loads TensorFlow once, for all that follows
    trials_an_hour(1, store, tmp_path / "warm-up")
    rates: dict[int, list[float]] = {workers: [] for workers in WORKERS}

    def one_round() -> None:
        for workers in WORKERS:
            folder = tmp_path / f"{workers}-{len(rates[workers])}"
            rates[workers].append(trials_an_hour(workers, store, folder))

    benchmark.pedantic(one_round, rounds=ROUNDS)  # type: ignore[no-untyped-call]
    ratios = [two / one for one, two in zip(rates[1], rates[2], strict=True)]
    benchmark.extra_info.update({"trials_an_hour": rates, "ratios": ratios})
    print(f"trials an hour, 64 px: {rates}; two workers against one: {median(ratios):.2f} of {ratios}")
    assert all(len(each) == ROUNDS for each in rates.values())
