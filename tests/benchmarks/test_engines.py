"""How long Optuna's engine thinks: ask and tell of the thousandth trial, by sampler."""

import importlib.util
import json
import zlib

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from mammobench.space.search_space import SearchSpace
from mammobench.space.yaml_file import load_space, parse_space
from mammobench.tuning.engines.base import Engine, Outcome, Proposal
from mammobench.tuning.engines.making import make_engine
from mammobench.tuning.engines.methods import OPTUNA

TRIALS, ROUNDS = 1_000, 50
FINITE = """
name: finite
task: malignancy
objective: f1
image_size: 64
search:
  model.filters: {choice: [[16, 32], [32, 64], [16, 32, 64]]}
  model.activation: {choice: [relu, elu, gelu, silu]}
  model.dropout: {float: [0.0, 0.5], step: 0.1}
  loss.name: {choice: [binary_crossentropy, binary_focal_crossentropy]}
  loss.gamma: {choice: [0.5, 1.0, 2.0, 3.0, 4.0], when: {loss.name: binary_focal_crossentropy}}
  optimizer.learning_rate: {choice: [0.0001, 0.0003, 0.001, 0.003, 0.01]}
budget: {trials: 12, max_epochs: 9}
"""


def ask_and_tell(engine: Engine, number: int) -> None:
    proposal = engine.propose(number)
    assert isinstance(proposal, Proposal)
    value = zlib.crc32(json.dumps(dict(proposal.values)).encode()) % 1000 / 1000
    engine.learn(Outcome(proposal, "finished", (value,)))


@pytest.mark.benchmark
@pytest.mark.timeout(900)
@pytest.mark.parametrize("sampler", OPTUNA)
def test_ask_and_tell_at_a_thousand_trials(sampler: str, benchmark: BenchmarkFixture) -> None:
    entry = OPTUNA[sampler]
    if entry.package and importlib.util.find_spec(entry.package.module) is None:
        pytest.skip(f"{entry.package.title} is not installed")
    space: SearchSpace = parse_space(FINITE, "finite") if entry.only_finite else load_space("quick")
    trials = 100 if entry.slow else TRIALS
    engine = make_engine(space, engine="optuna", sampler=sampler, directions=("maximize",), seed=0)
    for number in range(1, trials + 1):
        ask_and_tell(engine, number)
    numbers = iter(range(trials + 1, trials + 1 + ROUNDS))
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        ask_and_tell, setup=lambda: ((engine, next(numbers)), {}), rounds=ROUNDS
    )
    median = benchmark.stats.stats.median * 1e3 if benchmark.stats else float("nan")
    note = " (1,000 trials take it seconds: meant for some hundred)" if entry.slow else ""
    print(f"optuna {sampler}: ask and tell at {trials} trials, median {median:.1f} ms{note}")
    assert next(numbers, None) is None
