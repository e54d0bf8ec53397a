"""An engine is made by name; one of another package takes one entry."""

from collections.abc import Sequence

import pytest

from mammobench.core.errors import ConfigError, EngineError
from mammobench.core.objectives import Direction
from mammobench.core.registry import register
from mammobench.space.search_space import SearchSpace
from mammobench.space.yaml_file import load_space
from mammobench.tuning.engines.base import Engine, NoProposal, Outcome, Proposal
from mammobench.tuning.engines.making import check_engine, make_engine
from mammobench.tuning.engines.methods import ENGINES, sampler_help
from mammobench.tuning.engines.registry import Library, Sampler


class NothingToTry(Engine):
    def __init__(
        self, space: SearchSpace, *, directions: Sequence[Direction], seed: int, sampler: str
    ) -> None:
        self.made_of = (space.name, tuple(directions), seed, sampler)

    def propose(self, number: int) -> NoProposal:  # noqa: ARG002 - as every engine
        return NoProposal.USED_UP

    def resume(self, proposal: Proposal, curve: Sequence[float] = ()) -> None:
        pass

    def learn(self, outcome: Outcome) -> None:
        pass


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Library:
    samplers = {name: Sampler(name=name, meaning=name, where="elsewhere:a") for name in ("first", "other")}
    library = Library(
        name="elsewhere",
        meaning="of another package",
        where="tests.unit.tuning.engines.test_making:NothingToTry",
        samplers=samplers,
        several="other",
        lacks="it sees no epochs",
    )
    monkeypatch.setitem(ENGINES, "elsewhere", library)
    return library


@pytest.mark.usefixtures("elsewhere")
def test_another_packages_engine_takes_one_entry() -> None:
    space = load_space("quick")
    engine = make_engine(space, engine="elsewhere", directions=("maximize",), seed=3)
    assert isinstance(engine, NothingToTry)
    assert engine.made_of == ("quick", ("maximize",), 3, "first")
    assert check_engine("elsewhere", None, objectives=2) == "other"
    assert "elsewhere: first, other" in sampler_help()
    with pytest.raises(EngineError, match="elsewhere has no pruners: it sees no epochs"):
        check_engine("elsewhere", None, pruner="asha")
    with pytest.raises(EngineError, match="elsewhere has no terminator"):
        check_engine("elsewhere", None, terminate=True)
    with pytest.raises(EngineError, match="elsewhere has no sampler 'tpe'"):
        check_engine("elsewhere", "tpe")


def test_an_engine_is_registered_once(elsewhere: Library) -> None:
    with pytest.raises(ConfigError, match="a name that is free"):
        register(ENGINES, elsewhere)
