"""Random search on a table against the closed form of the best of n drawn without replacement."""

import math
from dataclasses import replace

import numpy as np

from mammobench.benchmark.replay.methods import parse_method
from mammobench.benchmark.replay.search import replay
from mammobench.benchmark.replay.trace import Budget
from mammobench.benchmark.tables.observed import Observed
from tests.recorded_tables import made_table

SEARCHES = 600
TRIALS = (1, 4, 12, 30)


def expected_best(table: Observed, count: int) -> float:
    """Return the mean of the best of `count` configurations, each drawn once and trained with a random seed.

    The chance that all of them stay at or below a value is the elementary symmetric polynomial of degree
    `count` of each configuration's share of seeds that do, over the number of subsets.
    """
    # the reference CNN lies in the space, was trained before, and is not drawn again
    best = np.delete(table.objective.max(axis=2), table.reference, axis=0)
    levels = np.unique(best)
    chances = []
    for level in levels:
        polynomial = np.zeros(count + 1)
        polynomial[0] = 1.0
        for share in (best <= level).mean(axis=1):
            polynomial[1:] += share * polynomial[:-1]
        chances.append(polynomial[count] / math.comb(len(best), count))
    return float((levels * np.diff([0.0, *chances])).sum())


def test_the_best_of_n_is_what_its_closed_form_says() -> None:
    table, _ = made_table(epochs=1, noise=0.05)
    # made_table's objective has but one epoch here: a training is one value
    found = np.empty((SEARCHES, len(TRIALS)))
    for seed in range(SEARCHES):
        trace = replay(table, parse_method("random"), seed=seed, budget=Budget(trials=max(TRIALS)))
        values = trace.events["value"].to_numpy()[1:]
        assert trace.trials["config"].is_unique
        found[seed] = [values[:count].max() for count in TRIALS]
    for place, count in enumerate(TRIALS):
        error = found[:, place].std(ddof=1) / math.sqrt(SEARCHES)
        assert abs(found[:, place].mean() - expected_best(table, count)) <= 3 * error, count


def test_the_closed_form_is_that_of_an_order_statistic_where_there_is_one_seed() -> None:
    table, _ = made_table(epochs=1, seeds=1)
    values = np.sort(np.delete(table.objective[:, 0, 0], table.reference))
    chances = [math.comb(place, 3) / math.comb(len(values), 4) for place in range(len(values))]
    assert np.isclose(expected_best(table, 4), np.dot(values, chances))


def test_the_reference_is_trained_first_and_counts_for_no_trial() -> None:
    table, _ = made_table(epochs=2)
    trace = replay(table, parse_method("random"), seed=0, budget=Budget(trials=5))
    assert trace.trials["config"].iloc[0] == table.reference
    assert len(trace.trials) == 6
    outside = replace(table, proposals=(None, *table.proposals[1:]))
    trace = replay(outside, parse_method("random"), seed=0, budget=Budget(trials=5), answers="nearest")
    assert trace.trials["values"].iloc[0] == "{}"
    assert trace.trials["config"].iloc[0] == table.reference
