"""The simulated clock: held to an oracle that has every time in closed form, and to the cost of rungs."""

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from mammobench.benchmark.replay.answers import Exact
from mammobench.benchmark.replay.simulator import Simulator
from mammobench.benchmark.replay.trace import Budget, Trace
from mammobench.benchmark.tables.observed import Observed
from mammobench.core.errors import EngineError
from tests.recorded_tables import made_table
from tests.scripted import Line, Scripted

SCHEDULES = 1_000
EPOCHS = 6
AHEAD = Budget(trials=1_000)


def simulate(
    table: Observed, engine: Scripted, budget: Budget = AHEAD, *, workers: int = 1, speed: float = 1.0
) -> Trace:
    simulator = Simulator(
        table, Exact(table), engine, seed=0, budget=budget, workers=workers, speed=speed, constraints=0
    )
    return simulator.run(table=table.name, method="scripted")


@dataclass
class Timeline:
    """What becomes of one trial, as the oracle has it."""

    worker: int
    started: float
    ended: float
    epochs: list[tuple[float, int, float]]
    trained: int
    status: str
    until: int


def timeline(
    table: Observed, place: tuple[int, int], line: Line, *, at: float, speed: float, begun: int
) -> Timeline:
    """Work a trial out from its start: nothing that the others do changes it."""
    most = table.max_epochs
    until = min(line.epochs or most, most)
    reached, recorded = int(table.epochs[place]), str(table.status[place])
    start, end = float(table.start_seconds[place]), float(table.end_seconds[place])
    if recorded == "infeasible":
        return Timeline(0, at, at + (start + end) / speed, [], begun, "infeasible", until)
    last = min(until, reached)
    if line.stop is not None and begun <= line.stop < until and 0 < line.stop <= reached:
        last, status = line.stop, "pruned"
    else:
        fails = recorded != "ok" and (reached < until or until == most)
        status = "failed" if fails else "finished"
    last = max(last, begun)
    spent = [start, *table.epoch_seconds[place][begun:last].tolist()]
    epochs = [
        (at + math.fsum(spent[: epoch - begun + 1]) / speed, epoch, float(table.objective[place][epoch - 1]))
        for epoch in range(begun + 1, last + 1)
    ]
    if recorded != "ok" and status != "failed":
        # how long it takes to end well is known of others only
        good = table.status[place[0]] == "ok"
        ends = table.end_seconds[place[0]][good] if good.any() else table.end_seconds[table.status == "ok"]
        end = float(np.median(ends))
    return Timeline(0, at, at + math.fsum([*spent, end]) / speed, epochs, last, status, until)


def oracle(
    table: Observed, places: list[tuple[int, int]], lines: list[Line], *, workers: int, speed: float
) -> list[Timeline]:
    """Place each trial on the first worker that is free, one after the other, without any clock."""
    free = [0.0] * workers
    told: list[Timeline] = []
    latest = 0.0
    for number, place in enumerate(places):
        line = lines[number - 1] if number else Line({})
        at = max([latest, min(free), *(told[each].ended for each in line.needs)])
        begun = 0
        if line.continues is not None:
            origin = told[line.continues]
            kept = origin.status in {"finished", "pruned"} and origin.until < table.max_epochs
            begun = origin.trained if kept else 0
        trial = timeline(table, place, line, at=at, speed=speed, begun=begun)
        trial.worker = next(worker for worker, since in enumerate(free) if since <= at)
        free[trial.worker], latest = trial.ended, at
        told.append(trial)
    return told


@cache
def failing_table(seed: int, failing: float) -> Observed:
    return made_table(seed=seed, seeds=2, epochs=EPOCHS, failing=failing)[0]


def schedule(draw: int) -> tuple[Observed, list[Line], int, float]:
    rng = np.random.default_rng(draw)
    table = failing_table(int(rng.integers(20)), float(rng.choice([0, 0.2, 0.5])))
    status = table.status.copy()
    status[(table.epochs == 0) & (rng.random(status.shape) < 0.5)] = "infeasible"
    start = rng.choice([0.0, 1.0]) * table.start_seconds
    table = replace(table, status=status, start_seconds=start)
    # each configuration begins once and goes on once from a trial: no two times are the same
    configs = rng.permutation(np.arange(1, len(table.proposals)))
    lines: list[Line] = []
    for number in range(1, int(rng.integers(3, 40))):
        after = int(rng.integers(number)) if rng.random() < 0.2 else None
        epochs = int(rng.integers(1, EPOCHS + 1)) if rng.random() < 0.7 else None
        values: Any = table.proposals[configs[number]]
        continues = None
        if lines and rng.random() < 0.3:
            continues = int(rng.integers(1, number))
            values = lines[continues - 1].values
            if any(line.continues == continues for line in lines):
                continues, values = None, table.proposals[configs[number]]
        stop = int(rng.integers(1, EPOCHS)) if rng.random() < 0.3 else None
        lines.append(Line(values, epochs, stop, after, continues))
    return table, lines, int(rng.integers(1, 17)), float(rng.choice([1.0, 1.0, 2.0]))


def test_every_event_of_a_thousand_schedules_is_where_the_oracle_has_it() -> None:
    events = 0
    for draw in range(SCHEDULES):
        table, lines, workers, speed = schedule(draw)
        trace = simulate(table, Scripted(lines), workers=workers, speed=speed)
        frame = trace.trials
        places = list(zip(frame["config"].tolist(), frame["training_seed"].tolist(), strict=True))
        told = oracle(table, places, lines, workers=workers, speed=speed)
        assert len(frame) == len(lines) + 1
        assert frame["worker"].tolist() == [trial.worker for trial in told], draw
        assert frame["status"].tolist() == [trial.status for trial in told], draw
        assert frame["epochs"].tolist() == [trial.trained for trial in told], draw
        assert frame["started"].to_numpy() == pytest.approx(
            [trial.started for trial in told], rel=0, abs=1e-9
        )
        assert frame["ended"].to_numpy() == pytest.approx([trial.ended for trial in told], rel=0, abs=1e-9)
        happened = sorted(
            (seconds, number, epoch, value)
            for number, trial in enumerate(told)
            for seconds, epoch, value in trial.epochs
        )
        found = trace.events
        assert list(zip(found["trial"], found["epoch"], found["value"], strict=True)) == [
            each[1:] for each in happened
        ]
        assert found["seconds"].to_numpy() == pytest.approx([each[0] for each in happened], rel=0, abs=1e-9)
        events += len(happened)
    assert events > 50_000


def even(table: Observed, *, seconds: float = 1.0, beside: float = 0.0) -> Observed:
    """The table with epochs that all take the same."""
    return replace(
        table,
        epoch_seconds=np.full_like(table.epoch_seconds, seconds),
        start_seconds=np.full_like(table.start_seconds, beside),
        end_seconds=np.full_like(table.end_seconds, beside),
    )


def rungs(values: Any, *, promoted: bool) -> list[Line]:
    return [
        Line(values, epochs, after=number, continues=number if promoted and number else None)
        for number, epochs in enumerate((1, 3, 9, 27))
    ]


@pytest.mark.parametrize(("promoted", "seconds"), [(True, 27.0), (False, 40.0)])
def test_promotions_pay_for_their_further_epochs_and_restarts_for_all(promoted: bool, seconds: float) -> None:
    table = even(made_table(epochs=27)[0])
    trace = simulate(table, Scripted(rungs(table.proposals[5], promoted=promoted)))
    assert trace.trials["ended"].iloc[4] - trace.trials["started"].iloc[1] == seconds
    assert (trace.events["trial"] > 0).sum() == seconds
    assert trace.trials["training_seed"].iloc[1:].nunique() == (1 if promoted else 3)


def test_a_promotion_starts_and_ends_as_every_training_does() -> None:
    table = even(made_table(epochs=27)[0], beside=0.5)
    trace = simulate(table, Scripted(rungs(table.proposals[5], promoted=True)))
    assert trace.trials["ended"].iloc[4] - trace.trials["started"].iloc[1] == 27 + 4 * (0.5 + 0.5)


def test_of_what_happens_at_one_time_comes_first_what_was_begun_first() -> None:
    table = even(made_table(epochs=3)[0])
    lines = [Line(values or {}) for values in table.proposals[1:6]]
    trace = simulate(table, Scripted(lines), workers=3)
    assert trace.events["trial"].tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5, 3, 4, 5]


def test_a_budget_of_seconds_cuts_what_would_end_later() -> None:
    table = even(made_table(epochs=3)[0], beside=0.25)
    lines = [Line(values or {}) for values in table.proposals[1:6]]
    trace = simulate(table, Scripted(lines), Budget(seconds=5.75))
    assert trace.trials["status"].tolist() == ["finished", "running"]
    assert trace.trials["epochs"].tolist() == [3, 2]
    assert np.isnan(trace.trials["ended"].iloc[1])
    assert trace.events["seconds"].tolist() == [1.25, 2.25, 3.25, 4.75, 5.75]
    # what would begin at the end does not
    assert len(simulate(table, Scripted(lines), Budget(seconds=3.5)).trials) == 1


@pytest.mark.parametrize("workers", [1, 3])
def test_a_budget_of_epochs_or_trials_is_all_workers_together(workers: int) -> None:
    table, _ = made_table(epochs=3)
    lines = [Line(values or {}) for values in table.proposals[1:20]]
    assert len(simulate(table, Scripted(lines), Budget(epochs=7), workers=workers).events) == 7
    trace = simulate(table, Scripted(lines), Budget(trials=4), workers=workers)
    assert len(trace.trials) == 5
    assert (trace.trials["status"] == "finished").all()


def test_what_was_cut_behind_a_promotion_has_the_epochs_before_it() -> None:
    table = even(made_table(epochs=9)[0], beside=1.0)
    trace = simulate(table, Scripted(rungs(table.proposals[5], promoted=True)[:2]), Budget(seconds=14.5))
    assert trace.trials["epochs"].tolist() == [9, 1, 1]
    assert trace.trials["status"].tolist() == ["finished", "finished", "running"]


def test_a_failure_behind_the_last_epoch_concerns_whole_trainings_alone() -> None:
    table, _ = made_table(epochs=3)
    table = replace(table, status=np.full_like(table.status, "error"))
    values = table.proposals[5] or {}
    trace = simulate(table, Scripted([Line(values, 2), Line(values)]))
    assert trace.trials["status"].tolist() == ["failed", "finished", "failed"]
    assert trace.trials["epochs"].tolist() == [3, 2, 3]


def test_what_was_trained_to_the_end_or_failed_leaves_no_checkpoint() -> None:
    table = even(made_table(epochs=4)[0])
    values = table.proposals[5] or {}
    lines = [Line(values, None, stop=2), Line(values, 3, after=1, continues=1)]
    trace = simulate(table, Scripted(lines))
    assert trace.trials["status"].tolist() == ["finished", "pruned", "finished"]
    assert trace.events.loc[trace.events["trial"] == 2, "epoch"].tolist() == [1, 2, 3]


def test_a_method_that_waits_for_nothing_is_told_so() -> None:
    table, _ = made_table(epochs=3)
    with pytest.raises(EngineError, match="waits, and no trial runs"):
        simulate(table, Scripted([Line(table.proposals[3] or {}, after=1)]))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (Line({"model.activation": "relu"}), "outside the space"),
        (Line({}, 0), "epochs until 0"),
        (Line({}, 2, continues=1), "to go on with trial 1, which there is not"),
        (Line({"model.activation": "gelu"}, 2, continues=0), "with other hyperparameters"),
    ],
)
def test_what_cannot_be_tried_is_refused(line: Line, told: str) -> None:
    table, _ = made_table(epochs=3)
    if "outside" not in told:
        line = replace(line, values={**(table.proposals[0] or {}), **line.values})
    engine = Scripted([line])
    engine.ended.add(1)
    with pytest.raises(EngineError, match=told):
        simulate(table, engine)
