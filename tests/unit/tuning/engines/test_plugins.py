"""Engines of other people's packages, found by entry points, and objects that only propose and learn."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mammobench.benchmark.replay.methods import Method, known_methods, parse_method
from mammobench.benchmark.replay.search import replay
from mammobench.benchmark.replay.trace import Budget
from mammobench.core.errors import EngineError
from mammobench.space.yaml_file import load_space
from mammobench.tuning.engines.base import Outcome, Proposal
from mammobench.tuning.engines.making import check_engine, make_engine
from mammobench.tuning.engines.plugins import as_engine
from tests.recorded_tables import made_table

CODE = '''
from mammobench.tuning.engines.successive_halving import AshaEngine

class Plain:
    """Every configuration in turn; stops each trial after its second epoch."""

    def __init__(self, space, *, directions, seed):
        self.configurations, self.epochs = list(space.configurations()), {}

    def propose(self, number):
        return self.configurations[-number]

    def report(self, number, epoch, value):
        self.epochs[number] = epoch

    def should_stop(self, number):
        return self.epochs[number] == 2

    def learn(self, outcome):
        pass

class Useless:
    def __init__(self, space, **options):
        pass

    def propose(self, number):
        pass
'''
POINTS = """[mammobench.engines]
whole = somebodys_engines:AshaEngine
plain = somebodys_engines:Plain
useless = somebodys_engines:Useless
gone = somebodys_engines_that_are_not:Engine
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package with four engines, as pip would have left it."""
    (tmp_path / "somebodys_engines.py").write_text(CODE, encoding="utf-8")
    information = tmp_path / "somebodys_engines-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: somebodys-engines\nVersion: 1.0\n", encoding="utf-8"
    )
    (information / "entry_points.txt").write_text(POINTS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("somebodys_engines", None)


@pytest.mark.usefixtures("installed")
def test_a_search_takes_an_engine_of_an_entry_point() -> None:
    assert check_engine("whole", None) == "whole"
    engine = make_engine(load_space("quick"), engine="whole", directions=("maximize",), seed=0)
    assert isinstance(engine.propose(1), Proposal)
    with pytest.raises(EngineError, match="plain has no pruners"):
        check_engine("plain", None, pruner="median")
    with pytest.raises(EngineError, match=r"unknown engine 'plan' \(did you mean 'plain'\?\)"):
        check_engine("plan", None)


@pytest.mark.usefixtures("installed")
def test_a_replay_takes_it_by_its_name_and_asks_it_whether_to_stop() -> None:
    table, _ = made_table(epochs=5)
    assert {"whole", "plain"} <= set(known_methods())
    trace = replay(table, parse_method("plain"), seed=0, budget=Budget(trials=4))
    # the reference CNN, which lies in this space, too
    assert trace.trials["status"].tolist() == ["pruned"] * 5
    assert trace.trials["epochs"].tolist() == [2] * 5
    rungs = replay(table, parse_method("whole"), seed=0, budget=Budget(trials=20)).trials
    assert (rungs["continues"] >= 0).any()


@pytest.mark.usefixtures("installed")
def test_an_engine_that_cannot_be_loaded_or_does_not_learn_is_told_so() -> None:
    space = load_space("quick")
    with pytest.raises(EngineError, match=r"gone cannot be loaded .*Install somebodys_engines_that_are_not"):
        make_engine(space, engine="gone", directions=("maximize",), seed=0)
    with pytest.raises(EngineError, match="useless has no learn"):
        make_engine(space, engine="useless", directions=("maximize",), seed=0)


class First:
    """The first configurations in turn, and what came of them."""

    def __init__(self, space: Any, *, directions: Any, seed: int) -> None:
        del directions, seed
        self.configurations, self.outcomes = list(space.configurations()), list[Outcome]()

    def propose(self, number: int) -> dict[str, Any]:
        values: dict[str, Any] = self.configurations[number]
        return values

    def learn(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


def test_a_class_that_only_proposes_values_and_learns_is_a_method() -> None:
    table, _ = made_table(epochs=3)
    trace = replay(table, Method.of(First), seed=0, budget=Budget(trials=5))
    assert trace.method == "First"
    assert trace.trials["config"].tolist() == [0, 1, 2, 3, 4, 5]


def test_what_an_object_does_not_have_does_nothing() -> None:
    engine = as_engine(First(load_space("activations"), directions=(), seed=0), name="first")
    engine.resume(Proposal(0, {}))
    engine.report(0, 1, 0.5)
    assert not engine.stops
    assert not engine.should_stop(0)
    assert engine.settled() is None
    with pytest.raises(EngineError, match=r"nothing has no propose and no learn.*found object"):
        as_engine(object(), name="nothing")
