"""Whether answers that are not exact may stand for exact ones."""

import math
from dataclasses import replace

import numpy as np
import pytest

from mammobench.benchmark.replay.methods import parse_method
from mammobench.benchmark.replay.search import Asked, replay
from mammobench.benchmark.replay.trace import Budget, Trace
from mammobench.benchmark.replay.validity import agreement, held_out
from mammobench.benchmark.tables.observed import Observed
from mammobench.core.errors import ConfigError
from tests.recorded_tables import made_table

METHODS = ("random", "qmc", "tpe", "random+asha", "i-epoch", "asha")


def traces(table: Observed, answers: Asked, methods: tuple[str, ...] = METHODS) -> list[Trace]:
    budget = Budget(seconds=200.0)
    return [
        replay(table, parse_method(method), seed=seed, budget=budget, answers=answers)
        for method in methods
        for seed in range(4)
    ]


def shuffled(table: Observed) -> Observed:
    """The table with all that it recorded given to other configurations."""
    order = np.random.default_rng(0).permutation(len(table.proposals))
    names = ("objective", "epoch_seconds", "start_seconds", "end_seconds", "epochs", "status")
    return replace(table, **{name: getattr(table, name)[order] for name in names})


def test_the_nearest_of_a_whole_table_ranks_methods_as_exact_answers_do() -> None:
    table, _ = made_table(epochs=9)
    found = agreement(traces(table, "exact"), traces(table, "nearest"), "maximize")
    assert found.correlation == pytest.approx(1.0)
    assert found.serves
    assert found.told() == "the rank correlation of 6 methods with the exact replay is 1.00"


def test_answers_that_rank_methods_otherwise_do_not_serve() -> None:
    table, _ = made_table(epochs=9)
    exact = traces(table, "exact")
    found = agreement(exact, exact, "maximize")
    assert found.serves
    turned = [replace(trace, method=METHODS[-1 - METHODS.index(trace.method)]) for trace in exact]
    found = agreement(exact, turned, "maximize")
    assert not found.serves
    assert found.told().startswith("does not serve: the rank correlation of 6 methods")


def test_too_few_methods_say_nothing_and_different_ones_are_refused() -> None:
    table, _ = made_table(epochs=3)
    exact = traces(table, "exact", ("random", "qmc"))
    found = agreement(exact, exact, "maximize")
    assert math.isnan(found.correlation)
    assert "does not serve: the rank correlation of 2 methods with the exact replay is not known" in (
        found.told()
    )
    with pytest.raises(ConfigError, match="different methods"):
        agreement(exact, exact[:4], "maximize")


@pytest.mark.parametrize("answers", ["nearest", "surrogate"])
def test_the_error_on_held_out_configurations_is_small_where_neighbours_are_alike(answers: str) -> None:
    table, _ = made_table(finite=False, configurations=96)
    found = held_out(table, answers)  # type: ignore[arg-type]
    lost = held_out(shuffled(table), answers)  # type: ignore[arg-type]
    assert found.error < 0.8 * found.spread
    assert lost.error > 0.85 * lost.spread
    assert lost.correlation < 0.4 < found.correlation
