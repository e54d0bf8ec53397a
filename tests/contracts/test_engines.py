"""One suite that every engine and sampler passes."""

import math
from dataclasses import replace
from typing import Any

import pytest

from mammobench.engines import ENGINES, make_engine
from mammobench.engines.base import Engine, Outcome, Proposal
from mammobench.errors import EngineError
from mammobench.metrics import Direction
from mammobench.space import SearchSpace
from mammobench.space_file import load_space

EVERY = [(engine, sampler) for engine, samplers in ENGINES.items() for sampler in samplers]
TRIALS = 16


def build(
    space: SearchSpace, method: tuple[str, str], seed: int = 0, direction: Direction = "maximize"
) -> Engine:
    return make_engine(space, engine=method[0], sampler=method[1], direction=direction, seed=seed)


def objective(values: dict[str, Any]) -> float:
    """A made-up objective that prefers learning rates near 1e-3."""
    rate, dropout = float(values["optimizer.learning_rate"]), float(values["model.dropout"])
    return -abs(math.log10(rate) + 3) - dropout


def outcome(proposal: Proposal) -> Outcome:
    failed = proposal.number % 5 == 4
    value = None if failed else objective(dict(proposal.values))
    return Outcome(proposal.number, proposal.values, value)


def run(engine: Engine, numbers: range) -> list[Proposal]:
    proposals = []
    for number in numbers:
        proposal = engine.propose(number)
        assert proposal is not None
        proposals.append(proposal)
        engine.learn(outcome(proposal))
    return proposals


@pytest.fixture(params=EVERY, ids="-".join)
def method(request: pytest.FixtureRequest) -> tuple[str, str]:
    chosen: tuple[str, str] = request.param
    return chosen


@pytest.mark.parametrize("space", ["quick", "ddsm", "losses"])
def test_proposals_lie_in_the_space_and_obey_conditions(space: str, method: tuple[str, str]) -> None:
    searched = load_space(space)
    engine = build(searched, method)
    for number in range(TRIALS):
        proposal = engine.propose(number)
        assert proposal is not None
        assert proposal.number == number
        assert searched.contains(proposal.values)
        engine.learn(Outcome(number, proposal.values, float(number)))


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
def test_a_seed_repeats(seed: int, method: tuple[str, str]) -> None:
    first, second = (run(build(load_space("quick"), method, seed), range(TRIALS)) for _ in range(2))
    assert first == second


def test_seeds_differ(method: tuple[str, str]) -> None:
    first, second = (run(build(load_space("quick"), method, seed), range(3)) for seed in (0, 1))
    assert first != second


@pytest.mark.parametrize("after", [0, 3, 12])
def test_replaying_the_record_rebuilds_the_engine(after: int, method: tuple[str, str]) -> None:
    uninterrupted = run(build(load_space("quick"), method), range(TRIALS))
    engine = build(load_space("quick"), method)
    for proposal in uninterrupted[:after]:
        engine.learn(outcome(proposal))
    assert run(engine, range(after, TRIALS)) == uninterrupted[after:]


def test_a_trial_that_was_running_is_taken_up_again(method: tuple[str, str]) -> None:
    uninterrupted = run(build(load_space("quick"), method), range(TRIALS))
    engine = build(load_space("quick"), method)
    for proposal in uninterrupted[:12]:
        engine.learn(outcome(proposal))
    engine.resume(uninterrupted[12])
    engine.learn(outcome(uninterrupted[12]))
    assert run(engine, range(13, TRIALS)) == uninterrupted[13:]


def test_a_space_used_up_ends_the_search_and_repeats_nothing(method: tuple[str, str]) -> None:
    space = load_space("activations")
    engine = build(space, method)
    seen: list[Any] = []
    while (proposal := engine.propose(len(seen))) is not None:
        assert proposal.values not in seen
        seen.append(proposal.values)
        engine.learn(Outcome(proposal.number, proposal.values, 0.0))
    assert len(seen) == space.size


def test_a_space_with_nothing_to_search_has_one_configuration(method: tuple[str, str]) -> None:
    engine = build(replace(load_space("quick"), hyperparameters=()), method)
    proposal = engine.propose(0)
    assert proposal is not None
    assert proposal.values == {}
    assert engine.propose(1) is None


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_tpe_learns_what_is_asked(direction: Direction) -> None:
    sign = 1.0 if direction == "maximize" else -1.0
    engine = build(load_space("quick"), ("optuna", "tpe"), direction=direction)
    values = []
    for number in range(60):
        proposal = engine.propose(number)
        assert proposal is not None
        values.append(objective(dict(proposal.values)))
        engine.learn(Outcome(number, proposal.values, sign * values[-1]))
    assert sum(values[-20:]) > sum(values[:20])


def test_an_unknown_engine_or_sampler_is_told_with_the_nearest() -> None:
    with pytest.raises(EngineError, match="did you mean 'optuna'"):
        build(load_space("quick"), ("optua", "tpe"))
    with pytest.raises(EngineError, match="did you mean 'random'"):
        build(load_space("quick"), ("optuna", "randon"))
