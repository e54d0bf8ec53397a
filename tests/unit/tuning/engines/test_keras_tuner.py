"""KerasTuner's oracles behind `Engine`; what every engine does stands in tests/contracts/test_engines.py."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from mammobench.core.errors import EngineError
from mammobench.models.hypermodel import hyperparameters
from mammobench.space.search_space import Budget, Choice, FloatRange, IntRange, SearchSpace
from mammobench.space.yaml_file import load_space, shipped_spaces
from mammobench.tuning.engines.base import Engine, NoProposal, Outcome, Proposal
from mammobench.tuning.engines.keras_tuner import KerasTunerEngine
from mammobench.tuning.engines.methods import KERAS_TUNER

# one worker loads TensorFlow for all of them
pytestmark = pytest.mark.xdist_group("keras_tuner")

RATE = FloatRange(key="optimizer.learning_rate", low=1e-4, high=1e-2, log=True)
LOSS = Choice(key="loss.name", values=("dice", "tversky"))
BETA = FloatRange(key="loss.beta", low=0.0, high=0.5, step=0.1, when={"loss.name": ("tversky",)})
RESIDUAL = Choice(key="model.residual", values=(False, True))
FILTERS = Choice(key="model.filters", values=([8], [8, 16], [8, 16, 32]))
# both conditions must hold, and neither parent stands under the other
GATE = Choice(
    key="model.squeeze_excite",
    values=(0, 8),
    when={"model.residual": (True,), "model.filters": ([8, 16], [8, 16, 32])},
)
KERNELS = IntRange(key="model.convolutions_per_block", low=1, high=7, log=True)


def make(*hyperparameters: Choice | FloatRange | IntRange, max_epochs: int = 9) -> SearchSpace:
    return SearchSpace(
        name="x",
        task="malignancy",
        objective="f1",
        image_size=32,
        base={},
        hyperparameters=hyperparameters,
        budget=Budget(trials=2, max_epochs=max_epochs),
    )


CONTINUOUS = make(RATE, LOSS, BETA)
FINITE = make(LOSS, BETA, FILTERS)


def build(space: SearchSpace, sampler: str, seed: int = 0) -> KerasTunerEngine:
    return KerasTunerEngine(space, sampler=sampler, directions=("maximize",), seed=seed)


def outcome(proposal: Proposal) -> Outcome:
    """Return a made-up end: every fifth trial fails, the rest prefer dice and a low beta."""
    if proposal.number % 5 == 4:
        return Outcome(proposal, "failed")
    values = proposal.values
    rate = math.log10(values.get("optimizer.learning_rate", 1e-3))
    score = float(values.get("loss.name") == "dice") - abs(rate + 3) - values.get("loss.beta", 0.0)
    return Outcome(proposal, "finished", (score,), (score,))


def run(
    engine: Engine, numbers: range, *, at_once: int = 1, running: tuple[Proposal, ...] = ()
) -> tuple[list[Proposal], list[tuple[str, Any]]]:
    """Propose and learn with several trials running, which end in an order of their own.

    Returns the proposals, and all that the engine was told, in the order in which it was.
    """
    proposals: list[Proposal] = []
    events: list[tuple[str, Any]] = []
    now = list(running)
    for number in numbers:
        while True:
            proposal = engine.propose(number) if len(now) < at_once else NoProposal.WAIT
            if proposal is NoProposal.WAIT:
                # the newest ends first when its number is even
                ended = outcome(now.pop(-1 if now[-1].number % 2 == 0 else 0))
                engine.learn(ended)
                events.append(("ended", ended))
                continue
            break
        if proposal is NoProposal.USED_UP:
            break
        assert isinstance(proposal, Proposal)
        proposals.append(proposal)
        events.append(("proposed", proposal))
        now.append(proposal)
    return proposals, events


def recorded(proposal: Proposal) -> Proposal:
    """Return a proposal as a record that is kept as JSON gives it back."""
    return Proposal(**json.loads(json.dumps(vars(proposal))))


def replay(engine: Engine, events: list[tuple[str, Any]]) -> tuple[Proposal, ...]:
    """Tell an engine the record: proposals in the order of their numbers, outcomes afterwards."""
    proposals = {event.number: event for kind, event in events if kind == "proposed"}
    ended = {event.proposal.number: event for kind, event in events if kind == "ended"}
    for number in sorted(proposals):
        engine.resume(recorded(proposals[number]))
    for number in sorted(ended):
        engine.learn(replace(ended[number], proposal=recorded(ended[number].proposal)))
    return tuple(proposal for number, proposal in proposals.items() if number not in ended)


@pytest.mark.parametrize("at_once", [1, 2, 3])
@pytest.mark.parametrize("sampler", KERAS_TUNER)
def test_a_replayed_record_goes_on_as_if_nothing_had_stopped(sampler: str, at_once: int) -> None:
    # the Gaussian process starts after three finished trials and takes about a second a proposal
    slow = sampler == "bayesian"
    space, trials = (make(RATE), 9) if slow else (CONTINUOUS, 20)
    uninterrupted, events = run(build(space, sampler), range(trials), at_once=at_once)
    assert len(uninterrupted) == trials
    for stop in (len(events) - 4,) if slow else (len(events) // 3, len(events) - 4):
        engine = build(space, sampler)
        running = replay(engine, events[:stop])
        known = sum(kind == "proposed" for kind, _ in events[:stop])
        again, _ = run(engine, range(known, trials), at_once=at_once, running=running)
        assert again == uninterrupted[known:]


@pytest.mark.parametrize("sampler", ["random", "bayesian", "hyperband"])
def test_seeds_repeat_and_differ_and_zero_is_one(sampler: str) -> None:
    first, again, other = (run(build(CONTINUOUS, sampler, seed), range(4))[0] for seed in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.parametrize("at_once", [1, 3])
@pytest.mark.parametrize("sampler", KERAS_TUNER)
def test_a_finite_space_is_searched_to_its_end_and_nothing_twice(sampler: str, at_once: int) -> None:
    space = make(LOSS, BETA) if sampler == "bayesian" else FINITE
    proposals, _ = run(build(space, sampler), range(200), at_once=at_once)
    fresh = [proposal.values for proposal in proposals if proposal.continues is None]
    assert len(fresh) == space.size
    assert all(values not in fresh[:index] for index, values in enumerate(fresh))


@pytest.mark.parametrize("sampler", KERAS_TUNER)
def test_a_trial_that_no_oracle_proposed_is_not_proposed_again(sampler: str) -> None:
    engine = build(make(LOSS, BETA), sampler)
    # as the configuration file has it; the grid calculates 0.30000000000000004
    reference = {"loss.name": "tversky", "loss.beta": 0.3}
    engine.learn(Outcome(Proposal(0, reference), "finished", (1.0,)))
    proposals, _ = run(engine, range(1, 200))
    fresh = [proposal.values for proposal in proposals if proposal.continues is None]
    assert len(fresh) == 6
    assert not any(values.get("loss.beta", 0.0) == pytest.approx(0.3) for values in fresh)


@pytest.mark.parametrize("sampler", KERAS_TUNER)
def test_a_space_with_nothing_to_search_has_one_configuration(sampler: str) -> None:
    engine = build(make(), sampler)
    first = engine.propose(0)
    assert isinstance(first, Proposal)
    assert first.values == {}
    engine.learn(Outcome(first, "finished", (0.5,)))
    assert engine.propose(1) is NoProposal.USED_UP


@pytest.mark.parametrize("sampler", KERAS_TUNER)
def test_many_failures_in_a_row_end_nothing(sampler: str) -> None:
    engine = build(CONTINUOUS, sampler)
    for number in range(12):
        proposal = engine.propose(number)
        assert isinstance(proposal, Proposal)
        assert proposal.continues is None
        engine.learn(Outcome(proposal, "infeasible" if number % 2 else "failed"))


def test_bayesian_learns_what_is_asked() -> None:
    proposals, _ = run(build(make(RATE), "bayesian"), range(9))
    scores = [ended.objectives[0] for ended in map(outcome, proposals) if ended.objectives]
    # the first three are random
    assert max(scores[3:]) > max(scores[:3])


def test_hyperband_trains_all_a_little_and_the_best_longer() -> None:
    engine = build(make(RATE), "hyperband")
    scores: dict[int, float] = {}
    proposals: list[Proposal] = []
    for number in range(13):
        proposal = engine.propose(number)
        assert isinstance(proposal, Proposal)
        proposals.append(proposal)
        scores[number] = -abs(math.log10(proposal.values["optimizer.learning_rate"]) + 3)
        engine.learn(Outcome(proposal, "finished", (scores[number],)))
    assert [proposal.epochs for proposal in proposals] == [1] * 9 + [3] * 3 + [9]
    best = sorted(range(9), key=lambda number: scores[number], reverse=True)
    assert [proposal.continues for proposal in proposals[9:12]] == best[:3]
    assert proposals[12].continues == 9
    for proposal in proposals[9:]:
        assert proposal.continues is not None
        assert proposal.values == proposals[proposal.continues].values


@pytest.mark.parametrize("fails", [{0}, {1, 3, 5}, set(range(8)), set(range(9)), {9}, {9, 10, 11}])
def test_a_failed_trial_is_the_worst_of_its_round_and_blocks_nothing(fails: set[int]) -> None:
    engine = build(make(RATE), "hyperband")
    proposals: list[Proposal] = []
    for number in range(30):
        proposal = engine.propose(number)
        assert isinstance(proposal, Proposal)
        assert proposal.continues not in fails
        proposals.append(proposal)
        end = Outcome(proposal, "failed") if number in fails else Outcome(proposal, "finished", (0.1,))
        engine.learn(end)
    first = [
        proposal for proposal in proposals if (proposal.memo["iteration"], proposal.memo["bracket"]) == (0, 2)
    ]
    survivors = [proposal for proposal in first if proposal.number not in fails]
    reached = {proposal.epochs for proposal in survivors}
    expected = {frozenset(range(9)): set(), frozenset({9, 10, 11}): {1}}.get(frozenset(fails), {1, 3, 9})
    assert reached == expected


def test_hyperband_promotes_in_a_space_smaller_than_its_bracket() -> None:
    space = make(FILTERS, RESIDUAL)
    proposals, _ = run(build(space, "hyperband"), range(100))
    assert max(proposal.epochs or 0 for proposal in proposals) == space.budget.max_epochs


def test_hyperband_waits_for_running_trials_only_where_nothing_is_left_to_try() -> None:
    engine = build(make(FILTERS), "hyperband")
    proposals = [engine.propose(number) for number in range(3)]
    assert engine.propose(3) is NoProposal.WAIT
    for proposal in proposals:
        assert isinstance(proposal, Proposal)
        engine.learn(Outcome(proposal, "finished", (float(proposal.number),)))
    promoted = engine.propose(3)
    assert isinstance(promoted, Proposal)
    assert (promoted.continues, promoted.epochs) == (2, 3)


@pytest.mark.parametrize("name", sorted(shipped_spaces()))
@pytest.mark.parametrize("sampler", ["random", "grid"])
def test_proposals_lie_in_every_shipped_space(name: str, sampler: str) -> None:
    space = load_space(name)
    engine = build(space, sampler)
    found = (engine.propose(number) for number in range(12))
    proposals = [proposal for proposal in found if isinstance(proposal, Proposal)]
    assert proposals
    for proposal in proposals:
        assert space.contains(proposal.values)
        assert space.values_of(space.config(proposal.values)) == proposal.values


def test_every_value_of_a_hyperparameter_survives_the_way_to_keras_tuner_and_back() -> None:
    space = make(LOSS, BETA, RESIDUAL, FILTERS, GATE, KERNELS, RATE)
    for configuration in space.configurations():
        there = hyperparameters(space, configuration)
        assert there.values.keys() == configuration.keys()
        assert all(there.is_active(key) == (key in configuration) for key in there._hps)
        assert space.from_keras_tuner(there.values) == configuration


@pytest.mark.parametrize("item", [LOSS, BETA, RESIDUAL, FILTERS, KERNELS, RATE], ids=lambda item: item.key)
def test_keras_tuner_draws_every_value_and_none_outside(item: Choice | FloatRange | IntRange) -> None:
    item = replace(item, when={})
    kind = hyperparameters(make(item)).space[0]
    draws = [item.from_keras_tuner(kind.prob_to_value(index / 2000)) for index in range(2001)]
    assert all(item.contains(value) for value in draws)
    assert {draws[0], draws[-1]} >= set(item.samples()) if not isinstance(item, Choice) else True
    if math.isfinite(item.count):
        assert all(value in draws for value in item.grid())


def test_a_log_range_is_drawn_on_a_log_scale() -> None:
    kind = hyperparameters(make(RATE)).space[0]
    assert kind.prob_to_value(0.5) == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("sampler", "directions", "message"),
    [
        ("random", ("maximize", "minimize"), "one objective"),
        ("tpe", ("maximize",), "unknown sampler 'tpe'"),
    ],
)
def test_what_it_cannot_do_is_told_before_anything_is_loaded(
    sampler: str, directions: Any, message: str
) -> None:
    with pytest.raises(EngineError, match=message):
        KerasTunerEngine(CONTINUOUS, sampler=sampler, directions=directions, seed=0)
