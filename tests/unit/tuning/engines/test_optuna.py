import json
import math
from dataclasses import asdict, replace
from importlib.util import find_spec

import numpy as np
import pytest
from optuna.samplers import TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from mammobench.core.errors import EngineError
from mammobench.core.objectives import Direction
from mammobench.core.seeds import generator
from mammobench.space.search_space import SearchSpace
from mammobench.space.yaml_file import load_space, parse_space
from mammobench.tuning.engines import optuna_samplers as samplers
from mammobench.tuning.engines.base import NoProposal, Outcome, Proposal
from mammobench.tuning.engines.optuna import OptunaEngine

NUMBERS = """
name: numbers
task: malignancy
objective: f1
image_size: 64
search:
  model.dropout: {float: [0.0, 0.5]}
  optimizer.learning_rate: {float: [1.0e-4, 1.0e-2], log: true}
  loss.name: {choice: [binary_crossentropy, binary_focal_crossentropy]}
  loss.gamma: {float: [0.5, 5.0], log: true, when: {loss.name: binary_focal_crossentropy}}
budget: {trials: 12, max_epochs: 9}
"""


@pytest.fixture(scope="module")
def space() -> SearchSpace:
    return parse_space(NUMBERS, "numbers")


def distance(proposal: Proposal) -> float:
    """How far a configuration is from the best there is, at dropout 0.1 and learning rate 1e-3."""
    rate, dropout = (float(proposal.values[key]) for key in ("optimizer.learning_rate", "model.dropout"))
    return abs(math.log10(rate) + 3) + 2 * abs(dropout - 0.1)


def propose(engine: OptunaEngine, number: int) -> Proposal:
    proposal = engine.propose(number)
    assert isinstance(proposal, Proposal)
    return proposal


def stored(proposal: Proposal) -> Proposal:
    return Proposal(**json.loads(json.dumps(asdict(proposal))))


def test_the_arrays_that_tpe_keeps_are_those_that_optuna_makes_anew(
    space: SearchSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = OptunaEngine(space, directions=("maximize",), seed=0, sampler="tpe")
    kept, compared = samplers._Tpe._get_internal_repr, 0

    def both(
        self: samplers._Tpe, trials: list[FrozenTrial], group: samplers.Distributions, study: Study
    ) -> dict[str, np.ndarray]:
        nonlocal compared
        arrays, anew = (
            kept(self, trials, group, study),
            TPESampler._get_internal_repr(self, trials, group, study),
        )
        assert list(arrays) == list(anew)
        for key, column in anew.items():
            assert arrays[key].dtype == column.dtype
            np.testing.assert_array_equal(arrays[key], column)
            compared += column.size
        return arrays

    monkeypatch.setattr(samplers._Tpe, "_get_internal_repr", both)
    for number in range(1, 31):
        proposal = propose(engine, number)
        engine.learn(Outcome(proposal, "finished", (-distance(proposal),), ()))
    assert compared > 100


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "nsga2"])
def test_what_learns_comes_nearer_in_either_direction(
    space: SearchSpace, sampler: str, direction: Direction
) -> None:
    sign = -1.0 if direction == "maximize" else 1.0
    engine = OptunaEngine(space, directions=(direction,), seed=0, sampler=sampler)
    found = []
    for number in range(1, 101):
        proposal = propose(engine, number)
        found.append(distance(proposal))
        engine.learn(Outcome(proposal, "finished", (sign * found[-1],)))
    assert sum(found[-25:]) < 0.6 * sum(found[:25])


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "cmaes", "qmc"])
def test_many_generations_and_workers_are_rebuilt(space: SearchSpace, sampler: str) -> None:
    """Generations, parents, CMA-ES's state and the place in a sequence outlive the process."""
    engine = OptunaEngine(space, directions=("minimize",), seed=3, sampler=sampler)
    proposals, outcomes, running = [], [], []
    shuffled = generator(0, "who ends")
    for number in range(1, 75):
        proposals.append(propose(engine, number))
        running.append(proposals[-1])
        if len(running) == 4:
            ending = running.pop(int(shuffled.integers(4)))
            state = "failed" if ending.number % 9 == 0 else "finished"
            outcomes.append(Outcome(ending, state, None if state == "failed" else (distance(ending),)))  # type: ignore[arg-type]
            engine.learn(outcomes[-1])
    again = OptunaEngine(space, directions=("minimize",), seed=3, sampler=sampler)
    for proposal in proposals:
        again.resume(stored(proposal))
    for outcome in outcomes[::-1]:
        again.learn(replace(outcome, proposal=stored(outcome.proposal)))
    for number in range(75, 85):
        expected, found = propose(engine, number), propose(again, number)
        assert found == expected
        engine.learn(Outcome(expected, "finished", (distance(expected),)))
        again.learn(Outcome(found, "finished", (distance(found),)))


def test_what_is_told_twice_counts_once(space: SearchSpace) -> None:
    once, twice = (OptunaEngine(space, directions=("minimize",), seed=0, pruner="median") for _ in range(2))
    for number in range(1, 16):
        proposal = propose(once, number)
        outcome = Outcome(proposal, "finished", (distance(proposal),), (2.0, distance(proposal)))
        once.learn(outcome)
        twice.resume(proposal, (2.0,))
        twice.resume(proposal, (2.0,))
        twice.learn(outcome)
        twice.learn(replace(outcome, objectives=(9.0,)))
    assert propose(once, 16) == propose(twice, 16)


def test_several_objectives_are_traded_off(space: SearchSpace) -> None:
    """One objective wants high rates, the other low: all of them are proposed, with low dropout."""
    for sampler in ("nsga2", "tpe"):
        engine = OptunaEngine(space, directions=("maximize", "minimize"), seed=0, sampler=sampler)
        found = []
        for number in range(1, 101):
            proposal = propose(engine, number)
            rate, dropout = proposal.values["optimizer.learning_rate"], proposal.values["model.dropout"]
            engine.learn(
                Outcome(proposal, "finished", (math.log10(rate) - dropout, math.log10(rate) + dropout))
            )
            found.append((rate, dropout))
        first, last = found[:25], found[-25:]
        assert sum(dropout for _, dropout in last) < 0.6 * sum(dropout for _, dropout in first)
        assert min(rate for rate, _ in last) < 5e-4
        assert max(rate for rate, _ in last) > 2e-3


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_a_constraint_is_learnt_from_trials_that_were_never_trained(space: SearchSpace, sampler: str) -> None:
    """The objective wants much dropout, and one configuration in seventeen is cheap enough to be trained."""

    def too_dear(state: str) -> int:
        engine = OptunaEngine(space, directions=("maximize",), seed=0, sampler=sampler, constraints=1)
        over = []
        for number in range(1, 121):
            proposal = propose(engine, number)
            dropout = proposal.values["model.dropout"]
            violation = (dropout - 0.03,)
            over.append(dropout > 0.03)
            if not over[-1]:
                engine.learn(Outcome(proposal, "finished", (dropout,), constraints=violation))
            elif state == "infeasible":
                engine.learn(Outcome(proposal, "infeasible", constraints=violation))
            else:
                engine.learn(Outcome(proposal, "failed"))
        return sum(over[-40:])

    assert too_dear("infeasible") <= 30
    assert too_dear("failed") >= 35


def test_infeasible_trials_before_any_finished_one_are_no_obstacle(space: SearchSpace) -> None:
    for sampler in ("tpe", "nsga2", "cmaes"):
        engine = OptunaEngine(space, directions=("maximize",), seed=0, sampler=sampler, constraints=2)
        for number in range(1, 31):
            engine.learn(Outcome(propose(engine, number), "infeasible", constraints=(1.0, -1.0)))
        assert space.contains(propose(engine, 31).values)


def test_a_wrong_number_of_constraints_is_told(space: SearchSpace) -> None:
    engine = OptunaEngine(space, directions=("maximize",), seed=0, constraints=2)
    with pytest.raises(EngineError, match=r"trial 1 .*expected 2, found 1"):
        engine.learn(Outcome(propose(engine, 1), "infeasible", constraints=(1.0,)))


def test_steps_are_proposed_as_a_reader_writes_them() -> None:
    engine = OptunaEngine(load_space("dropout"), directions=("maximize",), seed=0)
    for number in range(1, 30):
        proposal = propose(engine, number)
        assert proposal.values["model.dropout"] in {0.0, 0.1, 0.2, 0.3, 0.4, 0.5}
        engine.learn(Outcome(proposal, "finished", (0.5,)))


def test_a_branch_without_range_of_an_infinite_space_is_not_tried_twice() -> None:
    """Three of the eight losses have few configurations; a search soon draws them again."""
    engine = OptunaEngine(load_space("losses"), directions=("maximize",), seed=0, sampler="tpe")
    tried = []
    for number in range(1, 41):
        proposal = propose(engine, number)
        assert proposal.values not in tried
        tried.append(proposal.values)
        good = proposal.values["loss.name"] == "dice"
        engine.learn(Outcome(proposal, "finished", (float(good),)))


def test_the_grid_tries_every_configuration_in_an_order_of_the_seed() -> None:
    space = load_space("activations")
    orders: list[list[str]] = []
    for seed in (0, 1):
        engine = OptunaEngine(space, directions=("maximize",), seed=seed, sampler="grid")
        orders.append([])
        while isinstance(proposal := engine.propose(len(orders[-1]) + 1), Proposal):
            orders[-1].append(json.dumps(dict(proposal.values)))
            engine.learn(Outcome(proposal, "failed"))
        assert proposal is NoProposal.USED_UP
    assert len(orders[0]) == space.size
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])


def test_qmc_spreads_more_evenly_than_chance(space: SearchSpace) -> None:
    def emptiest(sampler: str) -> int:
        engine = OptunaEngine(space, directions=("maximize",), seed=0, sampler=sampler)
        counts = [0] * 16
        for number in range(1, 65):
            proposal = propose(engine, number)
            engine.learn(Outcome(proposal, "finished", (0.5,)))
            rate = (math.log10(proposal.values["optimizer.learning_rate"]) + 4) / 2
            row, column = int(proposal.values["model.dropout"] * 8), int(rate * 4)
            counts[min(row, 3) * 4 + min(column, 3)] += 1
        return min(counts)

    assert emptiest("qmc") >= 3 > emptiest("random")


def test_what_a_method_cannot_do_is_told_with_a_remedy(space: SearchSpace) -> None:
    two: tuple[Direction, ...] = ("maximize", "minimize")
    with pytest.raises(
        EngineError, match=r"learning_rate.*any number in a range.*Give each a step or a list"
    ):
        OptunaEngine(space, directions=("maximize",), seed=0, sampler="grid")
    with pytest.raises(EngineError, match=r"one objective.*found 2 objectives.*nsga2"):
        OptunaEngine(space, directions=two, seed=0, sampler="cmaes")
    with pytest.raises(EngineError, match=r"pruner median compares trials by one objective"):
        OptunaEngine(space, directions=two, seed=0, pruner="median")
    with pytest.raises(EngineError, match=r"terminator judges one objective"):
        OptunaEngine(space, directions=two, seed=0, terminate=True)
    with pytest.raises(EngineError, match=r"unknown sampler 'sobol'"):
        OptunaEngine(space, directions=two, seed=0, sampler="sobol")


@pytest.mark.skipif(find_spec("torch") is not None, reason="PyTorch is installed")
def test_gp_without_pytorch_names_the_extra(space: SearchSpace) -> None:
    with pytest.raises(EngineError, match=r"needs PyTorch.*mammobench\[gp\]"):
        OptunaEngine(space, directions=("maximize",), seed=0, sampler="gp")
