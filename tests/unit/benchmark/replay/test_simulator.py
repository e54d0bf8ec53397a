"""The simulated clock against an oracle that is no simulation, and what a method is told when."""

from collections.abc import Sequence

import numpy as np
import pytest

from mammobench.benchmark.replay.trace import Budget
from tests.planned import Plan, simulate, training

EPOCHS = 9


def random_plan(rng: np.random.Generator) -> list[Plan]:
    plan: list[Plan] = []
    for place in range(int(rng.integers(1, 14))):
        earlier = [
            other for other, each in enumerate(plan)
            if each.stops is None and each.training.status == "ok" and each.epochs < EPOCHS
            and other not in {later.continues for later in plan}
        ]  # fmt: skip
        if earlier and rng.random() < 0.3:
            other = int(rng.choice(earlier))
            epochs = int(rng.integers(plan[other].epochs + 1, EPOCHS + 1))
            plan.append(Plan(plan[other].training, epochs, continues=other))
            continue
        failing = rng.random() < 0.2
        trained = int(rng.integers(0, EPOCHS)) if failing else EPOCHS
        plan.append(
            Plan(
                training(
                    rng.uniform(0.1, 5.0, trained).tolist(),
                    start=float(rng.uniform(0, 2)),
                    end=float(rng.uniform(0, 2)),
                    status="diverged" if failing else "ok",
                    value=float(place),
                ),
                int(rng.integers(1, EPOCHS + 1)),
                stops=int(rng.integers(1, EPOCHS)) if rng.random() < 0.3 else None,
            )
        )
    return plan


def oracle(
    plan: Sequence[Plan], workers: int
) -> tuple[list[tuple[float, int, int]], list[tuple[int, float, float]]]:
    """Return epochs by time and the start and end of each trial, worked out by arithmetic alone."""
    free = [0.0] * workers
    spans: list[tuple[int, float, float]] = []
    done: list[int] = []
    epochs: list[tuple[float, int, int]] = []
    before = 0.0
    for place, each in enumerate(plan):
        begun = 0 if each.continues is None else done[each.continues]
        ready = 0.0 if each.continues is None else spans[each.continues][2]
        start = max(min(free), ready, before)
        worker = next(number for number, time in enumerate(free) if time <= start)
        made = each.training
        last = min(each.epochs, len(made.objective))
        stopped = each.stops is not None and begun < each.stops <= last and each.stops < each.epochs
        if stopped and each.stops is not None:
            last = each.stops
        now = start + made.start_seconds
        for epoch in range(begun, last):
            now += made.epoch_seconds[epoch]
            epochs.append((now, place + 1, epoch + 1))
        fails = made.status != "ok" and each.epochs > len(made.objective)
        now += made.end_seconds if made.status == "ok" or (fails and not stopped) else 0.0
        spans.append((worker, start, now))
        done.append(last)
        free[worker] = now
        before = start
    return sorted(epochs), spans


def test_a_thousand_random_schedules_happen_as_arithmetic_says() -> None:
    rng = np.random.default_rng(7)
    for _ in range(1_000):
        plan, workers = random_plan(rng), int(rng.integers(1, 17))
        trace, _ = simulate(plan, workers=workers, epochs=EPOCHS)
        epochs, spans = oracle(plan, workers)
        events = trace.events[trace.events["trial"] > 0]
        assert list(zip(events["trial"], events["epoch"], strict=True)) == [each[1:] for each in epochs]
        np.testing.assert_allclose(events["seconds"], [each[0] for each in epochs], rtol=0, atol=1e-9)
        searched = trace.trials[trace.trials["trial"] > 0]
        np.testing.assert_allclose(
            searched[["worker", "started", "ended"]].to_numpy(), spans, rtol=0, atol=1e-9
        )


def test_a_budget_of_seconds_ends_a_search_between_events() -> None:
    plan = [Plan(training([1.0] * EPOCHS), EPOCHS)] * 1
    trace, _ = simulate(plan, workers=1, epochs=EPOCHS, budget=Budget(seconds=4.5))
    assert trace.events[trace.events["trial"] == 1]["seconds"].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert trace.trials["status"].tolist() == ["finished", "running"]
    assert np.isnan(trace.trials["ended"].iloc[1])


RUNGS = (1, 3, 9, 27)


def test_a_promotion_from_checkpoints_costs_the_epochs_of_one_training() -> None:
    whole = training([1.0] * 27)
    plan = [Plan(whole, epochs, continues=place - 1 if place else None) for place, epochs in enumerate(RUNGS)]
    trace, _ = simulate(plan, workers=1, epochs=27)
    assert trace.trials["ended"].iloc[-1] == pytest.approx(27, abs=1e-9)
    restarted, _ = simulate([Plan(whole, epochs) for epochs in RUNGS], workers=1, epochs=27)
    assert restarted.trials["ended"].iloc[-1] == pytest.approx(40, abs=1e-9)


def test_nothing_that_a_method_is_told_lies_in_its_future() -> None:
    """At each of ten thousand decisions, all that was told has happened by then, and all of that was told."""
    rng = np.random.default_rng(11)
    decisions = 0
    while decisions < 10_000:
        plan, workers = random_plan(rng), int(rng.integers(1, 9))
        trace, engine = simulate(plan, workers=workers, epochs=EPOCHS)
        happened = {
            (trial, epoch): seconds
            for seconds, trial, epoch in zip(
                trace.events["seconds"], trace.events["trial"], trace.events["epoch"], strict=True
            )
        }
        begun = dict(zip(trace.trials["trial"], trace.trials["started"], strict=True))
        ended = dict(zip(trace.trials["trial"], trace.trials["ended"], strict=True))
        for kind, trial, epoch, told_at in engine.told:
            # the epochs of a trial that is continued are told again when it runs again
            at = happened.get((trial, epoch), begun[trial]) if kind == "epoch" else ended[trial]
            assert at is not None
            assert at <= told_at
            decisions += 1
        told = {each[1:3]: each[3] for each in engine.told if each[0] == "epoch"}
        # a trial whose last epochs are told with its end needs no report of them
        assert all(told.get(place, seconds) == seconds for place, seconds in happened.items() if place[0] > 0)


def test_a_fast_trial_is_not_stopped_on_what_a_slow_rival_says_later() -> None:
    """The rival's first value comes at 10 s; the fast trial has ended by 0.9 s."""
    fast, slow = training([0.1] * EPOCHS, value=0.1), training([10.0] * EPOCHS, value=0.9)
    trace, engine = simulate([Plan(slow, EPOCHS), Plan(fast, EPOCHS)], workers=2, epochs=EPOCHS)
    before = [each for each in engine.told if each[1] == 1]
    first = engine.told.index(before[0])
    assert [each[2] for each in engine.told[:first] if each[0] == "epoch"] == list(range(1, EPOCHS + 1))
    assert trace.trials.set_index("trial").loc[2, "ended"] == pytest.approx(0.9, abs=1e-9)


def test_a_method_that_waits_is_asked_again_when_something_has_happened() -> None:
    plan = [
        Plan(training([1.0] * EPOCHS), 3),
        Plan(training([5.0] * EPOCHS), 1),
        Plan(training([1.0] * EPOCHS), 9, continues=0),
    ]
    trace, _ = simulate(plan, workers=3, epochs=EPOCHS)
    assert trace.trials["started"].tolist() == [0.0, 0.0, 0.0, 3.0]
    assert trace.trials["ended"].iloc[3] == pytest.approx(9.0)


def test_a_failure_takes_its_time_and_is_told_as_one() -> None:
    failing = training([1.0, 1.0], end=0.5, status="out of memory")
    at_once = training([], start=2.0, end=1.0, status="diverged")
    trace, engine = simulate([Plan(failing, EPOCHS), Plan(at_once, EPOCHS)], workers=1, epochs=EPOCHS)
    assert trace.trials["status"].tolist() == ["finished", "failed", "failed"]
    assert trace.trials["ended"].tolist()[1:] == [2.5, 5.5]
    assert ("failed", 1, 2, 2.5) in engine.told


def test_what_would_fail_later_ends_well_before() -> None:
    failing = training([1.0, 1.0, 1.0], end=7.0, status="diverged")
    trace, _ = simulate([Plan(failing, 3)], workers=1, epochs=EPOCHS)
    assert trace.trials["status"].tolist() == ["finished", "finished"]
    assert trace.trials["ended"].iloc[1] == pytest.approx(3.0)
