"""i-Epoch and ASHA with promotion: what they plan, and what they do where a space is used up."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from mammobench.space.search_space import Budget, SearchSpace
from mammobench.space.yaml_file import load_space
from mammobench.tuning.engines.base import NoProposal, Outcome, Proposal
from mammobench.tuning.engines.i_epoch import IEpochEngine
from mammobench.tuning.engines.promoting import PromotingEngine, Spending, draw_new
from mammobench.tuning.engines.successive_halving import AshaEngine, rungs
from tests.recorded_tables import made_space


def with_budget(trials: int, epochs: int, *, finite: bool = False) -> SearchSpace:
    return replace(made_space(finite=finite, epochs=epochs), budget=Budget(trials=trials, max_epochs=epochs))


def run(engine: PromotingEngine, trials: int) -> list[Proposal]:
    """Let one worker search; a trial is the better, the larger its batches."""
    proposals = []
    for number in range(1, trials + 1):
        answer = engine.propose(number)
        if not isinstance(answer, Proposal):
            assert answer is NoProposal.USED_UP
            break
        proposals.append(answer)
        value = answer.values["training.batch_size"] / 100 + number / 1e6
        engine.learn(Outcome(answer, "finished", (value,)))
    return proposals


@pytest.mark.parametrize(("epochs", "start", "most"), [(864, 0.0, 27), (864, 3.0, 27), (300, 0.5, 9)])
def test_i_epoch_spends_what_there_is_on_all_and_on_a_tenth(epochs: int, start: float, most: int) -> None:
    engine = IEpochEngine(
        with_budget(1, most), directions=("maximize",), seed=0, spending=Spending(epochs, start)
    )
    first, promoted = engine.first, engine.first // 10
    spent = first * (1 + start) + promoted * (most - 1 + start)
    assert spent == pytest.approx(epochs, rel=0.08)


def test_i_epoch_counts_promotions_where_a_search_ends_by_trials() -> None:
    engine = IEpochEngine(with_budget(22, 9), directions=("maximize",), seed=0)
    proposals = run(engine, 22)
    assert [each.epochs for each in proposals] == [1] * 20 + [9] * 2
    best = sorted(proposals[:20], key=lambda each: (each.values["training.batch_size"], each.number))
    assert [each.continues for each in proposals[20:]] == [best[-1].number, best[-2].number]


def test_i_epoch_waits_for_all_before_it_promotes_and_goes_on_with_the_next_best() -> None:
    engine = IEpochEngine(with_budget(3, 9), directions=("minimize",), seed=0)
    begun = [engine.propose(number) for number in (1, 2, 3)]
    assert engine.propose(4) is NoProposal.WAIT
    for value, proposal in zip((0.3, 0.1), begun, strict=False):
        assert isinstance(proposal, Proposal)
        engine.learn(Outcome(proposal, "finished", (value,)))
    assert engine.propose(4) is NoProposal.WAIT
    assert isinstance(begun[2], Proposal)
    engine.learn(Outcome(begun[2], "failed"))
    promoted = [engine.propose(number) for number in (4, 5)]
    assert [each.continues for each in promoted if isinstance(each, Proposal)] == [2, 1]
    # what failed is not trained on
    assert engine.propose(6) is NoProposal.USED_UP


def test_asha_promotes_a_third_and_where_a_space_is_used_up_the_rest() -> None:
    space = with_budget(1, 9, finite=True)
    proposals = run(AshaEngine(space, directions=("maximize",), seed=0), 1_000)
    ended = Counter(each.epochs for each in proposals)
    assert ended == {1: 48, 3: 48, 9: 48}
    last_new = max(each.number for each in proposals if each.continues is None)
    before = Counter(each.epochs for each in proposals if each.number < last_new)
    # who is among the best third changes as others end, so that more than a third are promoted
    assert 48 / 3 - 1 <= before[3] <= 48 / 2
    assert before[3] / 3 - 1 <= before[9] < before[3]


@pytest.mark.parametrize(
    ("most", "expected"), [(27, (1, 3, 9, 27)), (9, (1, 3, 9)), (20, (1, 3, 9, 20)), (1, (1,))]
)
def test_rungs_are_powers_of_three_and_the_whole(most: int, expected: tuple[int, ...]) -> None:
    assert rungs(most) == expected


def test_what_is_drawn_is_uniform_and_repeats_nothing() -> None:
    space = made_space(finite=True, epochs=9)
    counts = Counter(
        space.place(draw_new(space, (), np.random.default_rng(seed)) or {}) for seed in range(4_800)
    )
    assert len(counts) == 48
    assert sum((count - 100) ** 2 / 100 for count in counts.values()) < 47 + 4 * math.sqrt(2 * 47)
    tried = dict.fromkeys(list(counts)[:47])
    rest = draw_new(space, tried.keys(), np.random.default_rng(0))
    assert rest is not None
    assert space.place(rest) not in tried
    assert draw_new(space, counts.keys(), np.random.default_rng(0)) is None


def test_conditions_are_obeyed() -> None:
    space = load_space("quick")
    for seed in range(50):
        assert space.contains(draw_new(space, (), np.random.default_rng(seed)) or {})
