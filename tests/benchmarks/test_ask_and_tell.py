"""Ask and tell with 1,000 trials: the search's own way, engine and record together, on both storages.

The trials' objective is made up; nothing is trained. Wanted: under 50 ms at the median at the end on a
journal, under 100 ms on PostgreSQL.
"""

import time
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from mammobench.data.store.image_store import ImageStore
from mammobench.space.yaml_file import load_space
from mammobench.study.record import StudyRecord, utc_now
from mammobench.study.spec import StudySpec
from mammobench.training.result import TrialResult
from mammobench.tuning.engines.base import NoProposal
from mammobench.tuning.proposer import Proposer
from tests.postgres import shared_server

TRIALS, LAST = 1_000, 100


@pytest.mark.benchmark
@pytest.mark.parametrize("space_name", ["quick", "ddsm"])
@pytest.mark.parametrize("kind", ["journal", "postgresql"])
def test_ask_and_tell_at_a_thousand_trials(
    benchmark: BenchmarkFixture, phantom: ImageStore, tmp_path: Path, kind: str, space_name: str
) -> None:
    url = None if kind == "journal" else shared_server().new_database()
    space = load_space(space_name)
    options: dict[str, Any] = {
        "engine": "optuna", "sampler": "tpe", "seed": 0, "precision": "float32", "storage": url
    }  # fmt: skip
    spec = StudySpec(
        **options, name="s", space_name=space.name, space=space.to_dict(), objective="f1",
        direction="maximize", data=str(phantom.path), fingerprint=phantom.fingerprint,
        store={"synthetic": True}, versions={}, created=utc_now(), command="",
    )  # fmt: skip
    study = StudyRecord.create(tmp_path / "s", spec, url=url)
    proposer = Proposer(study, phantom)
    asks, tells = [], []

    def one_trial(number: int) -> None:
        started = time.perf_counter()
        record = proposer.next(TRIALS)
        asks.append(time.perf_counter() - started)
        assert not isinstance(record, NoProposal)
        rate = record.config.optimizer.learning_rate
        result = TrialResult(1 / (1 + 1e3 * rate), 0.5, 1, 1, number, {"train": 1.0}, {})
        started = time.perf_counter()
        assert study.finish_trial(record.number, result, start=0.0, total=1.0)
        tells.append(time.perf_counter() - started)

    def search() -> None:
        for number in range(TRIALS):
            one_trial(number)

    benchmark.pedantic(search, rounds=1)  # type: ignore[no-untyped-call]
    ask, tell = (1000 * median(seconds[-LAST:]) for seconds in (asks, tells))
    both = 1000 * median(a + b for a, b in zip(asks[-LAST:], tells[-LAST:], strict=True))
    benchmark.extra_info.update({"ask_ms": ask, "tell_ms": tell, "both_ms": both})
    told = f"ask {ask:.1f}, tell {tell:.1f}, both {both:.1f}"
    print(f"{space_name} on {kind}, median ms of the last {LAST}: {told}")
    assert len(study.trials) == TRIALS
