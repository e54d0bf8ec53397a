import math

import pytest

from mammobench.space.yaml_file import load_space
from mammobench.tuning.engines.base import Outcome, Proposal
from mammobench.tuning.engines.optuna import OptunaEngine
from mammobench.tuning.engines.optuna_terminator import PATIENCE

SPACE = load_space("quick")


def settled_after(values: list[float], sampler: str = "random", terminate: bool = True) -> list[str | None]:
    """What the engine says after each trial."""
    engine = OptunaEngine(
        SPACE, directions=("maximize",), seed=0, sampler=sampler, constraints=1, terminate=terminate
    )
    said = []
    for number, value in enumerate(values, start=1):
        proposal = engine.propose(number)
        assert isinstance(proposal, Proposal)
        infeasible = value < 0
        objectives, state = (None, "infeasible") if infeasible else ((value,), "finished")
        engine.learn(Outcome(proposal, state, objectives, constraints=(1.0,)))  # type: ignore[arg-type]
        said.append(engine.settled())
    return said


def test_a_search_without_progress_has_settled() -> None:
    said = settled_after([0.5, 0.6] + [0.55] * (PATIENCE + 1))
    assert said[: PATIENCE + 1] == [None] * (PATIENCE + 1)
    assert said[-1] == f"no better objective in the last {PATIENCE} trials"


def test_a_search_that_still_improves_has_not() -> None:
    assert set(settled_after([number / 100 for number in range(60)])) == {None}


def test_trials_that_were_not_trained_are_not_counted() -> None:
    assert set(settled_after([0.6] + [-1.0] * (PATIENCE + 5))) == {None}


def test_it_is_silent_unless_asked() -> None:
    assert set(settled_after([0.6] * (PATIENCE + 10), terminate=False)) == {None}


@pytest.mark.slow
def test_regret_is_judged_the_same_each_time() -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    values = [0.5 + 0.1 * math.sin(number) for number in range(33)]
    said = settled_after(values, sampler="gp")
    assert said[:29] == [None] * 29
    assert said == settled_after(values, sampler="gp")
