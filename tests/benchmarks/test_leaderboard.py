"""The figures of a big search: intervals of a thousand configurations, and the whole table of a study.

Wanted on 2 cores: 1,000 configurations x 2,000 resamples x 15,364 images (the pooled test set of the Kaggle
layout) in 60 s, and the table of a study with 1,000 trials in 30 s and 1 GB.
"""

import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from mammobench.core.seeds import generator
from mammobench.data.splits.split import Part, Split
from mammobench.evaluation.entries import Answers, Entry
from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.evaluation.points import METRICS
from mammobench.evaluation.scoring import add_intervals
from mammobench.study.record import StudyRecord

CONFIGURATIONS, RESAMPLES, IMAGES = 1_000, 2_000, 15_364


def peak_memory() -> float:
    """Return this process's largest resident size so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def simulate_part(images: int) -> Part:
    labels = np.where(generator(0, "labels", images).random(images) < 0.13, 4, 0).astype(np.int64)
    rows = np.arange(images)
    # every image its own group is the most there is to resample
    return Part(rows, (labels > 0).astype(np.int64), labels, rows)


def simulate_answers(part: Part, number: int) -> Answers:
    numbers = generator(0, "answers", number, len(part))
    logits = 1.5 * part.targets - 2 + numbers.normal(size=len(part))
    probabilities = (1 / (1 + np.exp(-logits))).astype(np.float32)
    return Answers((probabilities >= 0.4).astype(np.int8), probabilities)


@pytest.mark.benchmark
@pytest.mark.timeout(900)
def test_intervals_of_a_thousand_configurations(benchmark: BenchmarkFixture) -> None:
    small, test = simulate_part(20), simulate_part(IMAGES)
    split = Split("official", "screening", ("normal", "lesion"), small, small, test, False, False, (), "")  # noqa: FBT003 - a record's fields
    entries = [
        Entry(
            {f"{part}_calibration_error": 0.0 for part in ("validation", "test")},
            {"validation": simulate_answers(small, number), "test": simulate_answers(test, number)},
        )
        for number in range(CONFIGURATIONS)
    ]
    before, busy = peak_memory(), time.process_time()

    def intervals() -> None:
        add_intervals(entries, split, seed=0, count=RESAMPLES, level=0.95)

    benchmark.pedantic(intervals, rounds=1)  # type: ignore[no-untyped-call]
    peak, busy = peak_memory(), time.process_time() - busy
    assert benchmark.stats is not None
    benchmark.extra_info.update({"peak_mb": peak, "before_mb": before})
    seconds = benchmark.stats.stats.max
    told = f"{seconds:.1f} s ({busy:.1f} of processor), {peak:.0f} MB, {before:.0f} before"
    print(f"{len(METRICS)} metrics of {CONFIGURATIONS}: {told}")
    assert all(f"test_{metric}_low" in entries[-1].row for metric in METRICS)
    assert seconds < 60
    assert peak < 2000


@pytest.mark.benchmark
@pytest.mark.timeout(900)
def test_the_table_of_a_study_with_a_thousand_trials(
    benchmark: BenchmarkFixture, write_study: Callable[..., StudyRecord], tmp_path: Path
) -> None:
    study = write_study(tmp_path / "thousand", trials=CONFIGURATIONS)
    busy = time.process_time()
    board = benchmark.pedantic(lambda: build_leaderboard(study), rounds=1)  # type: ignore[no-untyped-call]
    assert benchmark.stats is not None
    peak, seconds = peak_memory(), benchmark.stats.stats.max
    benchmark.extra_info["peak_mb"] = peak
    busy = time.process_time() - busy
    print(f"a table of {len(board.frame)} rows: {seconds:.1f} s ({busy:.1f} of processor), {peak:.0f} MB")
    assert seconds < 30
    assert peak < 1000
