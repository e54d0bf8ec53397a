"""Trainings that failed are told as failures after the seconds that they took; nothing is made up."""

from dataclasses import replace

import numpy as np
import pytest

from mammobench.benchmark.replay.methods import ALL_METHODS, parse_method
from mammobench.benchmark.replay.search import replay
from mammobench.benchmark.replay.trace import Budget
from mammobench.benchmark.tables.observed import Observed
from tests.recorded_tables import made_table


def failing_table(*, finite: bool) -> Observed:
    """A table a fifth of whose trainings fail, some in their first epoch, some infeasible."""
    table, _ = made_table(epochs=9, failing=0.2, finite=finite, seed=3)
    status = table.status.copy()
    at_once = np.flatnonzero(((table.epochs == 0) & (status != "ok")).ravel())
    status.ravel()[at_once[::3]] = "infeasible"
    table = replace(table, status=status)
    assert 0.1 < (status != "ok").mean() < 0.3
    assert ((table.epochs == 0) & (status != "ok") & (status != "infeasible")).any()
    assert (status == "infeasible").any()
    return table


def methods() -> list[object]:
    return [
        pytest.param(name, marks=[pytest.mark.xdist_group("keras_tuner")] if "keras" in name else [])
        for name in ALL_METHODS
    ]


@pytest.mark.parametrize("name", methods())
@pytest.mark.parametrize("workers", [1, 4])
def test_no_method_crashes_and_every_failure_is_as_it_was_recorded(name: str, workers: int) -> None:
    table = failing_table(finite=True)
    trace = replay(table, parse_method(name), seed=1, budget=Budget(epochs=300), workers=workers)
    speed, failed = parse_method(name).speed, 0
    for _, trial in trace.trials.iterrows():
        place = int(trial["config"]), int(trial["training_seed"])
        recorded, reached = table.status[place], int(table.epochs[place])
        events = trace.events[trace.events["trial"] == trial["trial"]]
        seconds = np.diff([trial["started"] + table.start_seconds[place] / speed, *events["seconds"]])
        epochs = events["epoch"].to_numpy()
        assert (epochs <= reached).all()
        assert events["value"].to_numpy() == pytest.approx(table.objective[place][epochs - 1], rel=0, abs=0)
        assert seconds == pytest.approx(table.epoch_seconds[place][epochs - 1] / speed, rel=0, abs=1e-9)
        if trial["status"] in {"failed", "infeasible"}:
            failed += 1
            assert recorded != "ok"
            assert (trial["status"] == "infeasible") == (recorded == "infeasible")
            assert trial["epochs"] == reached
            before = trial["continues"]
            begun = 0 if before < 0 else trace.trials["epochs"].iloc[before]
            spent = table.start_seconds[place] + table.epoch_seconds[place][begun:reached].sum()
            took = (spent + table.end_seconds[place]) / speed
            assert trial["ended"] - trial["started"] == pytest.approx(took, rel=0, abs=1e-9)
        elif trial["status"] in {"finished", "pruned"}:
            assert trial["epochs"] <= reached
            assert recorded == "ok" or trial["epochs"] < table.max_epochs
    assert failed


@pytest.mark.parametrize("answers", ["nearest", "surrogate"])
def test_other_answers_fail_too(answers: str) -> None:
    table = failing_table(finite=False)
    trace = replay(
        table,
        parse_method("random"),
        seed=1,
        budget=Budget(trials=60),
        answers=answers,  # type: ignore[arg-type]
    )
    share = trace.trials["status"].isin(["failed", "infeasible"]).mean()
    assert 0.05 < share < 0.4
    assert np.isfinite(trace.events["value"]).all()
