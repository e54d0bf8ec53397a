"""Search methods on tables with known truth."""

import hashlib
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from mammobench.benchmark.replay.answers import Encoding, Nearest
from mammobench.benchmark.replay.methods import ALL_METHODS, Method, methods_named, parse_method
from mammobench.benchmark.replay.search import replay, whole_seconds
from mammobench.benchmark.replay.surrogate import Surrogate
from mammobench.benchmark.replay.trace import Budget, Trace
from mammobench.benchmark.replay.trace_file import digest_of
from mammobench.benchmark.replay.validity import held_out
from mammobench.benchmark.tables.observed import Observed
from mammobench.core.errors import ConfigError, DataError, EngineError
from mammobench.space.search_space import SearchSpace
from mammobench.tuning.engines.base import Engine, Proposal
from tests.recorded_tables import made_table

OWN_AND_OPTUNA = [name for name in ALL_METHODS if "keras-tuner" not in name]


def searched(table: Observed, method: str, *, seed: int = 0, trials: int = 12, workers: int = 1) -> Trace:
    budget = Budget(seconds=trials * whole_seconds(table))
    return replay(table, parse_method(method), seed=seed, budget=budget, workers=workers)


@pytest.mark.slow  # test_failures does so by default, with fewer workers
@pytest.mark.parametrize("finite", [True, False], ids=["finite", "continuous"])
@pytest.mark.parametrize("method", OWN_AND_OPTUNA)
def test_a_method_searches_a_table_of_which_a_fifth_fails(method: str, *, finite: bool) -> None:
    table, _ = made_table(failing=0.2, finite=finite)
    trace = searched(table, method, trials=16, workers=3)
    trials = trace.trials
    assert (trials["status"] == "failed").any()
    for row in trials[trials["status"].isin(["failed", "finished"])].to_dict("records"):
        config, seed = row["config"], row["training_seed"]
        if row["status"] == "failed":
            assert table.status[config, seed] != "ok"
            assert row["epochs"] == table.epochs[config, seed]
        if row["continues"] < 0:
            begun = row["epochs"]
            spent = table.start_seconds[config, seed] + np.nansum(table.epoch_seconds[config, seed, :begun])
            if table.status[config, seed] != "ok" and row["status"] != "failed":
                # what it would have taken to end well was not recorded
                continue
            spent += table.end_seconds[config, seed]
            assert (row["ended"] - row["started"]) * trace.speed == pytest.approx(spent, abs=1e-9)
    for seconds, trial, epoch, value in trace.events.itertuples(index=False):
        of_trial = trials.iloc[int(trial)]
        assert value == table.objective[of_trial["config"], of_trial["training_seed"], int(epoch) - 1]
        assert seconds <= (trace.budget.seconds or 0.0)


def test_the_same_search_is_the_same_to_the_byte_in_another_process() -> None:
    code = (
        "from tests.unit.benchmark.replay.test_replay import digest_of_searches; print(digest_of_searches())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed in ("1", "2")
    }  # fmt: skip
    assert found == {digest_of_searches()}


def digest_of_searches() -> str:
    table, _ = made_table(failing=0.1)
    methods = ("tpe+asha", "asha", "random+median")
    digests = [digest_of(searched(table, method, workers=3)) for method in methods]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def test_searches_of_one_seed_share_their_training_seeds() -> None:
    table, _ = made_table()
    first, second = (searched(table, method, trials=30).trials for method in ("random", "qmc"))
    seeds = [dict(zip(frame["config"], frame["training_seed"], strict=True)) for frame in (first, second)]
    shared = set(seeds[0]) & set(seeds[1])
    assert len(shared) > 5
    assert all(seeds[0][config] == seeds[1][config] for config in shared)


@pytest.mark.slow
def test_random_search_is_as_good_as_the_closed_form_says() -> None:
    """The best of n configurations that are drawn without replacement, in the mean over 2,000 searches."""
    table, _ = made_table(seeds=1, noise=0.0)
    final = table.objective.max(axis=2)[:, 0]
    others = np.sort(np.delete(final, table.reference))
    trials, searches = 8, 2_000
    count = len(others) + 1
    # trial 0 is the reference CNN, which lies in this space and is not drawn again
    ranks = np.arange(1, count)
    below = np.cumprod([(ranks - step) / (count - 1 - step) for step in range(trials)], axis=0)[-1]
    chance = np.diff(np.concatenate([[0.0], np.maximum(below, 0)]))
    expected = float(np.sum(chance * np.maximum(others, final[table.reference])))
    best = [
        max(final[searched_trials(table, seed, trials)].max(), final[table.reference])
        for seed in range(searches)
    ]
    error = np.std(best, ddof=1) / np.sqrt(searches)
    assert abs(np.mean(best) - expected) < 3 * error


def searched_trials(table: Observed, seed: int, trials: int) -> np.ndarray:
    trace = replay(table, parse_method("random"), seed=seed, budget=Budget(trials=trials))
    return trace.trials["config"].to_numpy()[1:]


def test_twice_the_budget_is_twice_as_far_at_each_moment() -> None:
    table, _ = made_table()
    once, twice = (searched(table, method) for method in ("random", "random*2"))
    assert len(twice.events) == pytest.approx(2 * len(once.events), rel=0.15)
    assert twice.events["seconds"].max() <= once.budget.seconds
    budget = Budget(epochs=45)
    counted = [
        len(replay(table, parse_method(name), seed=0, budget=budget).events)
        for name in ("random", "random*2")
    ]
    assert counted == [45, 90]


def test_i_epoch_trains_all_for_one_epoch_and_the_best_to_the_end() -> None:
    table, _ = made_table(configurations=48, epochs=27)
    trace = replay(table, parse_method("i-epoch"), seed=0, budget=Budget(epochs=270))
    trials = trace.trials[trace.trials["trial"] > 0]
    begun = trials[trials["continues"] < 0]
    assert (begun["epochs"] == 1).all()
    gone_on = trials[trials["continues"] >= 0]
    assert set(gone_on[gone_on["status"] == "finished"]["epochs"]) == {27}
    values = trace.events.set_index(["trial", "epoch"])["value"]
    first = [values[trial, 1] for trial in begun["trial"]]
    chosen = [values[trial, 1] for trial in gone_on["continues"]]
    assert min(chosen) >= sorted(first, reverse=True)[len(chosen) - 1]


def test_asha_promotes_the_best_third_of_each_rung() -> None:
    table, _ = made_table(epochs=9, noise=0.0)
    trace = searched(table, "asha", trials=30)
    trials = trace.trials[trace.trials["trial"] > 0]
    rungs = Counter(trials[trials["status"] == "finished"]["until"])
    assert set(rungs) == {1, 3, 9}
    # who is among the best third changes as others end, so that more of them are promoted in the end
    assert rungs[9] < rungs[3] <= rungs[1] / 2
    values = trace.events.set_index(["trial", "epoch"])["value"]
    for _, row in trials[trials["until"] == 3].iterrows():
        peers = trials[(trials["until"] == 1) & (trials["ended"] <= row["started"])]["trial"]
        scores = sorted((values[trial, 1] for trial in peers), reverse=True)
        assert values[int(row["continues"]), 1] in scores[: len(scores) // 3]


class MineIsRandom(Engine):
    """Somebody's own method."""

    def __init__(self, space: SearchSpace, *, directions: object, seed: int) -> None:
        del directions
        self._draws, self._all = np.random.default_rng(seed), list(space.configurations())

    def propose(self, number: int) -> Proposal:
        return Proposal(number, self._all[int(self._draws.integers(len(self._all)))])

    def resume(self, proposal: Proposal, curve: object = ()) -> None:
        pass

    def learn(self, outcome: object) -> None:
        pass


def test_a_class_is_a_method() -> None:
    table, _ = made_table()
    method = Method.of(MineIsRandom)
    trace = replay(table, method, seed=0, budget=Budget(trials=5))
    assert method.name == "MineIsRandom"
    assert len(trace.trials) == 6


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tpee", "did you mean 'tpe'"),
        ("optuna:tpe+ashaa", "did you mean 'asha'"),
        ("optunaa:tpe", "did you mean 'optuna'"),
        ("design:sobol", "unknown library"),
        ("keras-tuner:hyperband+asha", "has no pruners"),
        ("tpe+wilcoxon", None),
        ("", "no methods"),
        ("tpe,tpe", "stands twice"),
    ],
)
def test_a_wrong_method_is_refused_with_the_nearest_name(name: str, said: str | None) -> None:
    table, _ = made_table()

    def search() -> None:
        for method in methods_named(name):
            replay(table, method, seed=0, budget=Budget(trials=1))

    with pytest.raises(EngineError, match=said):
        search()


def test_a_method_whose_package_is_missing_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    table, _ = made_table()
    real = __import__("importlib.util").util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *rest: None if name == "torch" else real(name, *rest)
    )
    with pytest.raises(EngineError, match="gp"):
        replay(table, parse_method("gp"), seed=0, budget=Budget(trials=1))


@pytest.mark.parametrize("budget", [Budget(seconds=1.0), Budget(epochs=8), Budget(trials=0), Budget()])
def test_a_budget_below_one_training_is_refused(budget: Budget) -> None:
    table, _ = made_table(epochs=9)
    with pytest.raises(ConfigError, match="budget"):
        replay(table, parse_method("random"), seed=0, budget=budget)


def test_exact_answers_need_the_whole_space() -> None:
    table, _ = made_table(configurations=40)
    with pytest.raises(DataError, match="all configurations"):
        replay(table, parse_method("random"), seed=0, budget=Budget(trials=2), answers="exact")


def test_the_nearest_answer_of_a_recorded_configuration_is_itself() -> None:
    table, _ = made_table(finite=False)
    answers = Nearest(table)
    for config in table.searched:
        made = answers.answer(table.proposals[config] or {}, 0, 0)
        assert (made.config, made.distance) == (config, 0.0)


def test_a_hyperparameter_that_one_of_two_lacks_is_a_whole_difference() -> None:
    table, _ = made_table()
    encoding = Encoding(table.space)
    values = dict(table.proposals[0] or {})
    points = encoding.encode(
        [values, {key: value for key, value in values.items() if key != "model.activation"}]
    )
    assert encoding.distances(points[0], points).tolist() == [0.0, pytest.approx(1 / 3)]


def test_a_surrogate_answers_better_than_the_mean_of_all() -> None:
    table, _ = made_table(finite=False, configurations=96, epochs=27)
    found = held_out(table, "surrogate")
    assert found.error < found.spread / 2
    assert found.correlation > 0.8


def test_surrogate_answers_differ_as_training_seeds_do_and_repeat() -> None:
    table, _ = made_table(finite=False, failing=0.2)
    answers = Surrogate(table)
    values = table.proposals[3] or {}
    made = [answers.answer(values, visit, 5) for visit in range(40)]
    assert made == [answers.answer(values, visit, 5) for visit in range(40)]
    assert len({each.objective for each in made}) > 10
    ends = [answers.answer(table.proposals[config] or {}, 0, 5).status for config in table.searched]
    assert 0.05 < np.mean([status != "ok" for status in ends]) < 0.4
