import pytest

from mammobench.core.errors import EngineError
from mammobench.core.seeds import generator
from mammobench.space.yaml_file import load_space
from mammobench.tuning.engines.base import Outcome, Proposal
from mammobench.tuning.engines.methods import PRUNERS
from mammobench.tuning.engines.optuna import OptunaEngine
from mammobench.tuning.engines.optuna_pruners import make_pruner

SPACE = load_space("quick")
EPOCHS = SPACE.budget.max_epochs
PRUNING = [name for name, pruner in PRUNERS.items() if name != "none" and not pruner.refused]


def build(pruner: str, seed: int = 0) -> OptunaEngine:
    return OptunaEngine(SPACE, directions=("maximize",), seed=seed, sampler="random", pruner=pruner)


def curve(number: int) -> list[float]:
    """A curve that rises to a level of its own."""
    level = generator(1, number).uniform()
    return [level * (1 - 0.5**epoch) for epoch in range(1, EPOCHS + 1)]


def train(engine: OptunaEngine, number: int) -> Outcome:
    """Train until the engine says stop, as a search does."""
    proposal = engine.propose(number)
    assert isinstance(proposal, Proposal)
    values = curve(number)
    for epoch, value in enumerate(values, start=1):
        engine.report(number, epoch, value)
        if engine.should_stop(number):
            assert epoch < EPOCHS
            outcome = Outcome(proposal, "pruned", (value,), tuple(values[:epoch]))
            break
    else:
        outcome = Outcome(proposal, "finished", (values[-1],), tuple(values))
    engine.learn(outcome)
    return outcome


@pytest.mark.parametrize("pruner", PRUNING)
def test_poor_trials_are_stopped_and_the_best_is_not(pruner: str) -> None:
    engine = build(pruner)
    outcomes = [train(engine, number) for number in range(1, 41)]
    stopped = [outcome for outcome in outcomes if outcome.state == "pruned"]
    assert 5 <= len(stopped) <= 35
    best = max(outcomes, key=lambda outcome: curve(outcome.proposal.number)[-1])
    assert best.state == "finished"
    levels = {state: [curve(o.proposal.number)[-1] for o in outcomes if o.state == state]
              for state in ("pruned", "finished")}  # fmt: skip
    assert sum(levels["pruned"]) / len(levels["pruned"]) < sum(levels["finished"]) / len(levels["finished"])


@pytest.mark.parametrize("pruner", PRUNING)
def test_the_same_trials_are_stopped_after_a_restart(pruner: str) -> None:
    """A trial is running and half told when the process ends; others end in another order."""
    engine = build(pruner)
    outcomes = [train(engine, number) for number in range(1, 21)]
    running = engine.propose(21)
    assert isinstance(running, Proposal)
    for epoch in (1, 2):
        engine.report(21, epoch, curve(21)[epoch - 1])

    resumed = build(pruner)
    for outcome in outcomes:
        resumed.resume(outcome.proposal)
    resumed.resume(running, curve(21)[:2])
    for outcome in outcomes[::-1]:
        resumed.learn(outcome)

    for epoch in range(3, EPOCHS + 1):
        for each in (engine, resumed):
            each.report(21, epoch, curve(21)[epoch - 1])
        assert resumed.should_stop(21) is engine.should_stop(21)
    for each in (engine, resumed):
        each.learn(Outcome(running, "finished", (curve(21)[-1],), tuple(curve(21))))
    assert [train(resumed, n) for n in range(22, 41)] == [train(engine, n) for n in range(22, 41)]


def test_without_a_pruner_nothing_is_stopped() -> None:
    engine = build("none")
    assert {train(engine, number).state for number in range(1, 20)} == {"finished"}


def test_a_trial_outside_the_space_is_not_judged() -> None:
    engine = build("asha")
    engine.report(0, 1, 0.0)
    assert not engine.should_stop(0)


def test_hyperbands_brackets_depend_on_the_seed_only() -> None:
    def ends(seed: int) -> list[str]:
        engine = build("hyperband", seed)
        return [train(engine, number).state for number in range(1, 31)]

    assert ends(0) == ends(0)
    assert ends(0) != ends(1)


def test_wilcoxon_is_refused_with_the_reason() -> None:
    with pytest.raises(EngineError, match=r"the epochs of one training are not.*--pruner median"):
        make_pruner("wilcoxon", max_epochs=9, objectives=1)
    with pytest.raises(EngineError, match="unknown pruner 'sha'"):
        make_pruner("sha", max_epochs=9, objectives=1)


@pytest.mark.parametrize("pruner", PRUNING)
@pytest.mark.parametrize("epochs", [1, 2, 50])
def test_any_budget_has_its_rungs(pruner: str, epochs: int) -> None:
    assert make_pruner(pruner, max_epochs=epochs, objectives=1)
