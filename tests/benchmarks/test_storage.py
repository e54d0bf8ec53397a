"""What the record costs with 1,000 trials in it, on a journal and on PostgreSQL, without any engine.

To be seen: entering and closing a trial leave room for an engine, whose ask and tell are to take less than
50 ms on a journal and 100 ms on PostgreSQL, together with the record's part.
"""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from pytest_benchmark.fixture import BenchmarkFixture

from mammobench.study.storage.access import claim_waiting, close_trial, enter_trial, fail_stale, open_storage
from tests.postgres import shared_server

TRIALS, LAST = 1_000, 100


def proposed(number: int) -> FrozenTrial:
    return optuna.create_trial(
        state=TrialState.RUNNING,
        params={f"x{key}": number / TRIALS for key in range(8)},
        distributions={f"x{key}": FloatDistribution(0, 1) for key in range(8)},
        user_attrs={"role": "searched", "seed": number, "config": {f"key{key}": key for key in range(60)}},
    )


@pytest.mark.benchmark
@pytest.mark.parametrize("kind", ["journal", "postgresql"])
def test_entering_and_closing_the_thousandth_trial(
    benchmark: BenchmarkFixture, tmp_path: Path, kind: str
) -> None:
    url = None if kind == "journal" else shared_server().new_database()
    storage = open_storage(tmp_path, url)
    study_id = storage.create_new_study([StudyDirection.MAXIMIZE], "study")
    seconds: dict[str, list[float]] = {}

    def timed(name: str, call: Callable[[], object]) -> object:
        started, busy = time.perf_counter(), time.process_time()
        answer = call()
        seconds.setdefault(name, []).append(time.perf_counter() - started)
        seconds.setdefault(f"{name} (processor)", []).append(time.process_time() - busy)
        return answer

    def one_trial(number: int) -> None:
        def propose() -> FrozenTrial:
            assert len(storage.get_all_trials(study_id, deepcopy=False)) == number
            return proposed(number)

        if number % 10 == 0:
            timed("fail_stale", lambda: fail_stale(storage, study_id))
        timed("claim_waiting", lambda: claim_waiting(storage, study_id))
        trial = timed("enter", lambda: enter_trial(storage, study_id, propose))
        assert isinstance(trial, FrozenTrial)
        trial_id = trial._trial_id
        for epoch in range(1, 4):
            report = lambda epoch=epoch: storage.set_trial_intermediate_value(trial_id, epoch, 0.5)  # noqa: E731
            timed("report", report)
        attributes = {"result": {f"key{key}": key for key in range(60)}}
        timed(
            "close",
            lambda: close_trial(storage, trial_id, TrialState.COMPLETE, [0.5], attributes=attributes),
        )
        timed("read all", lambda: storage.get_all_trials(study_id, deepcopy=False))

    def search() -> None:
        for number in range(TRIALS):
            one_trial(number)

    benchmark.pedantic(search, rounds=1)  # type: ignore[no-untyped-call]
    medians = {name: median(values[-LAST:]) for name, values in seconds.items()}
    fresh = _seconds_of_a_first_read(tmp_path, url, study_id)
    told = ", ".join(f"{name} {1000 * value:.1f}" for name, value in medians.items())
    print(f"{kind}, ms at the median of the last {LAST}: {told}; first read of all {1000 * fresh:.0f}")
    benchmark.extra_info.update({"median_seconds": medians, "first_read_seconds": fresh})
    assert len(seconds["close"]) == TRIALS


def _seconds_of_a_first_read(folder: Path, url: str | None, study_id: int) -> float:
    started = time.perf_counter()
    storage: BaseStorage = open_storage(folder, url)
    assert len(storage.get_all_trials(study_id, deepcopy=False)) == TRIALS
    return time.perf_counter() - started
