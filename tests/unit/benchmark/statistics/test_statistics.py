"""What a comparison says, against truth that is known."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mammobench.benchmark.replay.methods import parse_method
from mammobench.benchmark.replay.search import answers_of, replay, whole_seconds
from mammobench.benchmark.replay.trace import Budget, Trace
from mammobench.benchmark.statistics.assessment import assess
from mammobench.benchmark.statistics.differences import (
    difference,
    expected_time,
    mean_of,
    seeds_to_decide,
    speedup,
    verdict,
)
from mammobench.benchmark.statistics.incumbents import steps_of
from mammobench.benchmark.statistics.scale import expected_best, scale_of
from mammobench.benchmark.statistics.tables_together import (
    critical_difference,
    interquartile_mean,
    probability_of_improvement,
    ranks_of,
)
from mammobench.benchmark.tables.observed import Observed
from mammobench.core.errors import ConfigError, DataError
from tests.recorded_tables import made_table


def searches(table: Observed, methods: str, *, seeds: int = 6, trials: int = 12) -> list[Trace]:
    budget, answers = Budget(seconds=trials * whole_seconds(table)), answers_of(table, "auto")
    return [
        replay(table, parse_method(method), seed=seed, budget=budget, answers=answers)
        for method in methods.split(",")
        for seed in range(seeds)
    ]


def test_a_method_more_changes_no_score_of_the_others() -> None:
    made = made_table()
    few = assess([made], searches(made[0], "random,tpe"))
    more = assess([made], searches(made[0], "random,tpe,asha,qmc+median"))
    keys = ["table", "method", "measure"]
    both = few.scores.merge(more.scores, on=keys, suffixes=("_few", "_more"))
    # what methods took of the processor is measured, and no score
    both = both[both["measure"] != "thinking"]
    assert len(both) == len(few.scores) * 7 / 8
    pd.testing.assert_series_equal(both["value_few"], both["value_more"], check_names=False)
    pd.testing.assert_frame_equal(few.tables, more.tables)


def test_the_order_of_methods_changes_nothing() -> None:
    made = made_table()
    found = [assess([made], searches(made[0], methods)) for methods in ("random,tpe,asha", "asha,random,tpe")]
    frames = [each.pairs.sort_values(["method", "other"], ignore_index=True) for each in found]
    pd.testing.assert_frame_equal(frames[0], frames[1])
    assert found[0].lead == found[1].lead


def test_regret_is_0_at_the_best_configuration_and_1_at_the_median_one() -> None:
    observed, sealed = made_table(configurations=47)
    scale = scale_of(observed, sealed)
    assert np.nanmin(scale.test[:, -1]) == pytest.approx(0.0)
    assert np.median(scale.test[:, -1]) == pytest.approx(1.0)


def test_the_incumbent_is_what_validation_selects_among_the_finished() -> None:
    observed, sealed = made_table(noise=0.05)
    trace = searches(observed, "random", seeds=1, trials=20)[0]
    scale = scale_of(observed, sealed)
    steps = steps_of(trace, scale, sealed.searched)
    trials = trace.trials[trace.trials["status"] == "finished"].sort_values("ended")
    for moment in np.linspace(0, trace.budget.seconds or 0.0, 60):
        done = trials[trials["ended"] <= moment]
        shown = steps.on("seconds", np.array([moment]))[0]
        if not len(done):
            assert shown == 1.0
            continue
        values = [
            observed.objective[config, seed].max()
            for config, seed in zip(done["config"], done["training_seed"], strict=True)
        ]
        chosen = int(done["config"].iloc[int(np.argmax(values))])
        assert shown == pytest.approx(scale.test[chosen, -1])


def test_what_goes_on_takes_the_place_of_what_it_continues() -> None:
    observed, sealed = made_table(epochs=9)
    trace = searches(observed, "asha", seeds=1, trials=20)[0]
    scale = scale_of(observed, sealed)
    steps = steps_of(trace, scale, sealed.searched)
    last = trace.trials[trace.trials["status"] == "finished"]
    kept = last[~last["trial"].isin(last["continues"])]
    values = [
        scale.value[config, seed, epochs - 1]
        for config, seed, epochs in zip(kept["config"], kept["training_seed"], kept["epochs"], strict=True)
    ]
    best = kept.iloc[int(np.argmax(values))]
    assert steps.test[-1] == pytest.approx(scale.test[int(best["config"]), int(best["epochs"]) - 1])


def test_the_target_is_what_100_random_trainings_reach() -> None:
    observed, sealed = made_table(noise=0.05, configurations=40)
    scale = scale_of(observed, sealed)
    rng = np.random.default_rng(0)
    value, score = scale.value[:, :, -1], scale.test[:, -1]
    configs, seeds = (rng.integers(size, size=(20_000, 100)) for size in value.shape)
    best = value[configs, seeds].argmax(axis=1)
    found = score[configs[np.arange(len(best)), best]]
    error = found.std() / math.sqrt(len(found))
    assert abs(found.mean() - scale.target) < 3 * error


def test_a_training_that_failed_is_never_the_best() -> None:
    assert expected_best(np.array([[np.nan], [0.5]]), np.array([0.0, 0.7]), 100) == pytest.approx(0.7)


def censored(
    rng: np.random.Generator, mean: float, searches: int, end: float
) -> tuple[np.ndarray, np.ndarray]:
    times = rng.exponential(mean, searches)
    return np.minimum(times, end), (times <= end).astype(float)


def test_the_expected_time_of_censored_searches_is_the_true_one() -> None:
    rng = np.random.default_rng(1)
    found = [expected_time(*censored(rng, 50.0, 200, 60.0)) for _ in range(200)]
    assert np.mean(found) == pytest.approx(50.0, rel=0.02)


def test_a_method_that_never_reached_the_target_has_no_interval() -> None:
    never, always = (np.full(5, 9.0), np.zeros(5)), (np.full(5, 3.0), np.ones(5))
    found = speedup(*never, *always)
    assert found.value == 0.0
    assert math.isnan(found.low)
    assert math.isinf(speedup(*always, *never).value)


@pytest.mark.slow
def test_the_interval_of_the_speedup_covers_the_truth() -> None:
    """Two thousand comparisons of 50 searches with exponential times, a third of them censored."""
    rng = np.random.default_rng(2)
    hits, repeats, truth = 0, 2_000, 2.5
    for _ in range(repeats):
        base, mine = censored(rng, 100.0, 50, 120.0), censored(rng, 100.0 / truth, 50, 120.0)
        found = speedup(*mine, *base)
        hits += found.low <= truth <= found.high
    assert 0.93 <= hits / repeats <= 0.97, hits / repeats


@pytest.mark.slow
def test_a_method_against_itself_is_rarely_called_different() -> None:
    """A thousand comparisons of random search with itself under other seeds, 30 searches each."""
    made = made_table()
    traces = searches(made[0], "random", seeds=600, trials=8)
    auc = assess([made], traces).searches["auc"].to_numpy()
    rng = np.random.default_rng(3)
    different, repeats = 0, 1_000
    for _ in range(repeats):
        drawn = rng.permutation(auc)
        found = difference(drawn[:30], drawn[30:60])
        different += verdict(found, corrected_p=found.p, equivalence=0.0) in {"better", "worse"}
    assert different / repeats <= 0.065, different / repeats


def test_the_interquartile_mean_is_scipys_and_its_interval_holds_it() -> None:
    rng = np.random.default_rng(4)
    scores = [rng.normal(place, 1, 25) for place in range(3)]
    found = interquartile_mean(scores, 0)
    assert found.value == pytest.approx(stats.trim_mean(np.concatenate(scores), 0.25))
    assert found.low < found.value < found.high


def test_the_probability_of_improvement_is_that_of_pairs() -> None:
    found = probability_of_improvement([np.array([0.0, 1.0])], [np.array([1.0, 2.0])], 0)
    assert found.value == pytest.approx(0.875)


@pytest.mark.parametrize(("methods", "tables", "expected"), [(2, 10, 1.960), (5, 14, 2.728), (10, 30, 3.164)])
def test_the_critical_difference_is_that_of_demsars_table(methods: int, tables: int, expected: float) -> None:
    """Critical values q of Nemenyi's test at 0.05 from Demšar (2006), table 5a."""
    q = critical_difference(methods, tables) / math.sqrt(methods * (methods + 1) / (6 * tables))
    assert q == pytest.approx(expected, abs=0.001)


def test_ranks_need_six_tables() -> None:
    rng = np.random.default_rng(5)
    scores = rng.random((6, 4))
    assert not ranks_of(scores).no_diagram
    assert ranks_of(scores).friedman_p == pytest.approx(stats.friedmanchisquare(*scores.T).pvalue)
    assert "from 6 on" in ranks_of(scores[:5]).no_diagram
    assert math.isnan(ranks_of(scores[:5]).critical_difference)


def test_a_difference_within_the_spread_between_training_seeds_is_equivalence() -> None:
    rng = np.random.default_rng(6)
    small = mean_of(rng.normal(0.01, 0.02, 50))
    assert verdict(small, corrected_p=small.p, equivalence=0.1) == "equivalent"
    large = mean_of(rng.normal(-0.5, 0.1, 50))
    assert verdict(large, corrected_p=large.p, equivalence=0.1) == "better"
    unclear = mean_of(rng.normal(0.1, 1.0, 20))
    assert verdict(unclear, corrected_p=unclear.p, equivalence=0.1) == "undecided"


def test_the_seeds_that_would_decide_do_decide() -> None:
    """With as many searches as predicted the interval leaves out 0 about half the time or more."""
    rng = np.random.default_rng(7)
    decided, needed = [], []
    for _ in range(300):
        pilot = rng.normal(0.2, 1.0, 30)
        found = mean_of(pilot)
        if found.low < 0 < found.high:
            more = seeds_to_decide(replace(found, value=0.2), 30, equivalence=0.0)
            needed.append(30 + more)
            later = mean_of(rng.normal(0.2, 1.0, 30 + more))
            decided.append(not later.low < 0 < later.high)
    assert 0.4 < np.mean(decided) < 0.75
    # twice the standard error squared over the difference squared
    assert np.median(needed) == pytest.approx((2.0 / 0.2) ** 2, rel=0.25)


def test_a_method_that_lacks_searches_is_named() -> None:
    made = made_table()
    traces = searches(made[0], "random,tpe", seeds=2)
    other = made_table(seed=5)
    with pytest.raises(ConfigError, match="none of random"):
        assess([made, other], traces)


def test_a_table_whose_configurations_are_all_equal_has_no_scale() -> None:
    observed, sealed = made_table()
    with pytest.raises(DataError, match="no better than its median"):
        scale_of(observed, replace(sealed, test=np.full_like(sealed.test, 0.5)))


def test_one_search_of_each_method_settles_nothing() -> None:
    found = mean_of(np.array([0.3]))
    assert math.isnan(found.low)
    assert found.p == 1
    # ten of one value are ten signs, two are no proof
    assert mean_of(np.full(2, 0.3)).p == 0.5
    assert mean_of(np.full(10, 0.3)).p == pytest.approx(2 / 2**10)
    assert mean_of(np.zeros(10)).p == 1
