"""One suite that every engine and sampler passes."""

import importlib.util
import json
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from itertools import product
from typing import Any

import pytest

from mammobench.core.errors import EngineError
from mammobench.space.search_space import Choice, SearchSpace
from mammobench.space.yaml_file import load_space, parse_space
from mammobench.tuning.engines.base import Ending, Engine, NoProposal, Outcome, Proposal
from mammobench.tuning.engines.making import make_engine
from mammobench.tuning.engines.methods import ENGINES
from mammobench.tuning.engines.registry import Sampler

Method = tuple[str, str]


TRIALS, TRIALS_OF_SLOW = 16, 13
"""How many a test has a method propose."""

FINITE = """
name: finite
task: malignancy
objective: f1
image_size: 64
search:
  model.activation: {choice: [relu, elu]}
  model.dropout: {float: [0.0, 0.3], step: 0.1}
  model.convolutions_per_block: {int: [1, 2]}
  loss.name: {choice: [binary_crossentropy, binary_focal_crossentropy]}
  loss.gamma: {choice: [1.0, 2.0], when: {loss.name: binary_focal_crossentropy}}
  model.filters: {choice: [[16, 32], [32, 64]]}
budget: {trials: 12, max_epochs: 9}
"""
SMALL = """
name: small
task: malignancy
objective: f1
image_size: 64
search:
  model.dropout: {float: [0.0, 0.2], step: 0.1}
  loss.name: {choice: [binary_crossentropy, binary_focal_crossentropy]}
  loss.gamma: {choice: [1.0, 2.0, 3.0], when: {loss.name: binary_focal_crossentropy}}
budget: {trials: 12, max_epochs: 9}
"""


def traits_of(method: Method) -> Sampler:
    return ENGINES[method[0]].samplers[method[1]]


def trials_of(method: Method) -> int:
    return TRIALS_OF_SLOW if traits_of(method).slow else TRIALS


def needed(method: Method) -> str | None:
    """The package that a method loads, which is slow or may be missing."""
    package = traits_of(method).package
    return package.module if package else {"keras-tuner": "keras_tuner"}.get(method[0])


def parameters() -> Iterator[Any]:
    for engine, library in ENGINES.items():
        for sampler in library.samplers:
            needs = needed((engine, sampler))
            marks = [pytest.mark.xdist_group(needs)] if needs else []
            if needs and importlib.util.find_spec(needs) is None:
                marks.append(pytest.mark.skip(reason=f"{needs} is not installed"))
            yield pytest.param((engine, sampler), id=f"{engine}-{sampler}", marks=marks)


@pytest.fixture(params=parameters())
def method(request: pytest.FixtureRequest) -> Method:
    chosen: Method = request.param
    return chosen


@cache
def space_for(method: Method) -> SearchSpace:
    """A space with conditions, lists, steps, and a continuous range where the method takes one."""
    return parse_space(FINITE, "finite") if traits_of(method).only_finite else load_space("quick")


def build(method: Method, seed: int = 0, space: SearchSpace | None = None, **options: Any) -> Engine:
    asked = {"directions": ("maximize",), **options}
    return make_engine(space or space_for(method), engine=method[0], sampler=method[1], seed=seed, **asked)


def objective(proposal: Proposal) -> float:
    """A made-up objective, the same for the same configuration and epochs, better with more epochs."""
    dropout = float(proposal.values.get("model.dropout", 0.0))
    rate = float(proposal.values.get("optimizer.learning_rate", 1e-3))
    text = json.dumps(dict(proposal.values), sort_keys=True)
    luck = zlib.crc32(text.encode()) % 100 / 500
    return 0.5 - abs(math.log10(rate) + 3) / 10 - dropout / 2 + luck + (proposal.epochs or 9) / 100


def ended(proposal: Proposal) -> Outcome:
    """Every fifth trial fails; the others finish, those that were to stop early with a shorter curve."""
    if proposal.number % 5 == 4:
        return Outcome(proposal, "failed")
    value = objective(proposal)
    epochs = proposal.epochs or 9
    curve = tuple(value * epoch / epochs for epoch in range(1, epochs + 1))
    return Outcome(proposal, "finished", (value,), curve)


@dataclass
class Search:
    """Drives an engine as a search with workers does, and keeps the record that it could be rebuilt from."""

    engine: Engine
    workers: int = 1
    end: Callable[[Proposal], Outcome] = ended
    proposals: list[Proposal] = field(default_factory=list)
    running: list[Proposal] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    used_up: bool = False

    def run(self, trials: int) -> list[Proposal]:
        """Go on until so many have been proposed, or the space is used up; the last are left running."""
        while len(self.proposals) < trials and not (self.used_up and not self.running):
            if self.used_up or len(self.running) == self.workers:
                self.finish_one()
                continue
            asked = self.engine.propose(len(self.proposals) + 1)
            if isinstance(asked, Proposal):
                self.proposals.append(asked)
                self.running.append(asked)
            elif asked is NoProposal.WAIT:
                assert self.running, "an engine that waits for nothing waits for ever"
                self.finish_one()
            else:
                self.used_up = True
        return self.proposals

    def finish_one(self) -> None:
        """End one of the running trials, not always the oldest."""
        ending = self.running.pop(len(self.outcomes) * 7 % len(self.running))
        self.outcomes.append(self.end(ending))
        self.engine.learn(self.outcomes[-1])

    def rebuilt(self, engine: Engine, how: str) -> "Search":
        """Tell another engine the record, as a new process does, and return a search that goes on."""
        stored = {each.number: roundtrip(each) for each in self.proposals}
        outcomes = {each.proposal.number: each for each in self.outcomes}
        if how == "each with its outcome":
            for number, proposal in stored.items():
                if number in outcomes:
                    engine.learn(replace(outcomes[number], proposal=proposal))
                else:
                    engine.resume(proposal)
        else:
            order = {"then outcomes as they came": 1, "then outcomes backwards": -1}[how]
            for proposal in stored.values():
                engine.resume(proposal)
            for outcome in self.outcomes[::order]:
                engine.learn(replace(outcome, proposal=stored[outcome.proposal.number]))
        return Search(
            engine, self.workers, self.end, [*self.proposals], [*self.running], [*self.outcomes], self.used_up
        )


def roundtrip(proposal: Proposal) -> Proposal:
    """Return the proposal as a record on disk gives it back."""
    return Proposal(**json.loads(json.dumps(asdict(proposal))))


def search(method: Method, trials: int | None = None, seed: int = 0, **options: Any) -> Search:
    made = Search(build(method, seed, **options.pop("build", {})), **options)
    made.run(trials or trials_of(method))
    return made


@pytest.mark.parametrize("space", ["quick", "ddsm", "losses"])
def test_proposals_lie_in_the_space_and_obey_conditions(space: str, method: Method) -> None:
    searched = load_space(space)
    if traits_of(method).only_finite:
        with pytest.raises(EngineError, match="finite"):
            build(method, space=searched)
        searched = parse_space(FINITE, "finite")
    made = search(method, build={"space": searched})
    assert [proposal.number for proposal in made.proposals] == list(range(1, len(made.proposals) + 1))
    for proposal in made.proposals:
        assert searched.contains(proposal.values)
        searched.config(proposal.values)


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
def test_a_seed_repeats(seed: int, method: Method) -> None:
    first, second = (search(method, seed=seed).proposals for _ in range(2))
    assert first == second


def test_seeds_differ_where_the_method_has_chance_in_it(method: Method) -> None:
    first, second = (search(method, 4, seed=seed).proposals for seed in (0, 1))
    differ = [each.values for each in first] != [each.values for each in second]
    assert differ is traits_of(method).seeded


@pytest.mark.parametrize(
    ("after", "workers", "how"),
    [
        (0, 1, "each with its outcome"),
        (3, 1, "each with its outcome"),
        (12, 1, "each with its outcome"),
        *product(
            (3, 12), (3,), ("each with its outcome", "then outcomes as they came", "then outcomes backwards")
        ),
    ],
)
def test_replaying_the_record_rebuilds_the_engine(after: int, workers: int, how: str, method: Method) -> None:
    uninterrupted = search(method, workers=workers)
    killed = search(method, max(after, 1), workers=workers) if after else Search(build(method))
    resumed = killed.rebuilt(build(method), how)
    assert resumed.run(trials_of(method)) == uninterrupted.proposals


def test_the_record_may_begin_with_a_trial_that_was_not_proposed(method: Method) -> None:
    values = search(method, 1, seed=5).proposals[0].values
    reference = Outcome(Proposal(0, values), "finished", (0.5,), (0.4, 0.5))
    proposals = []
    for _ in range(2):
        engine = build(method)
        engine.learn(reference)
        proposals.append(Search(engine).run(6))
    assert proposals[0] == proposals[1]
    assert values not in [proposal.values for proposal in proposals[0]]


def test_several_workers_get_different_configurations(method: Method) -> None:
    proposals = search(method, workers=3).proposals
    new = [json.dumps(dict(each.values)) for each in proposals if each.continues is None]
    assert len(set(new)) == len(new)


def test_what_continues_a_trial_has_its_configuration_and_more_epochs(method: Method) -> None:
    proposals = search(method, 24 if traits_of(method).continues else None).proposals
    first = {proposal.number: proposal for proposal in proposals}
    continued = [proposal for proposal in proposals if proposal.continues is not None]
    assert bool(continued) is traits_of(method).continues
    for proposal in continued:
        assert proposal.continues is not None
        earlier = first[proposal.continues]
        assert proposal.values == earlier.values
        assert (earlier.epochs or 9) < (proposal.epochs or 9)


def unfinished(proposal: Proposal, state: Ending) -> Outcome:
    """What is known of a trial that did not finish."""
    if state == "pruned":
        return Outcome(proposal, state, (0.1,), (0.2, 0.1), (-1.0,))
    return Outcome(proposal, state, constraints=(5.0,) if state == "infeasible" else ())


@pytest.mark.parametrize("state", ["failed", "pruned", "infeasible"])
def test_trials_that_do_not_finish_stop_no_search(state: Ending, method: Method) -> None:
    def end(proposal: Proposal) -> Outcome:
        if proposal.number % 3 == 0:
            return unfinished(proposal, state)
        return Outcome(proposal, "finished", (objective(proposal),), constraints=(-1.0,))

    uninterrupted = search(method, build={"constraints": 1}, end=end)
    assert len(uninterrupted.proposals) == trials_of(method)
    continued = [each.continues for each in uninterrupted.proposals if each.continues is not None]
    assert all(number % 3 for number in continued)
    killed = search(method, 9, build={"constraints": 1}, end=end)
    resumed = killed.rebuilt(build(method, constraints=1), "each with its outcome")
    assert resumed.run(trials_of(method)) == uninterrupted.proposals


@pytest.mark.parametrize("workers", [1, 3])
def test_a_space_used_up_ends_the_search_and_repeats_nothing(workers: int, method: Method) -> None:
    space = parse_space(SMALL, "small")
    made = search(method, 200, workers=workers, build={"space": space})
    new = [json.dumps(dict(each.values)) for each in made.proposals if each.continues is None]
    assert made.used_up
    assert len(set(new)) == len(new)
    # Hyperband has no place for some of them; the others propose them all
    assert traits_of(method).continues or len(new) == space.size == 12
    assert made.engine.propose(len(made.proposals) + 1) is NoProposal.USED_UP


def test_a_space_with_nothing_to_search_has_one_configuration(method: Method) -> None:
    space = replace(load_space("quick"), hyperparameters=())
    made = search(method, 50, build={"space": space})
    assert made.used_up
    assert [each.values for each in made.proposals if each.continues is None] == [{}]


def test_a_space_with_one_hyperparameter_of_two_values_is_searched(method: Method) -> None:
    space = replace(
        load_space("quick"), hyperparameters=(Choice(key="model.activation", values=("relu", "elu")),)
    )
    made = search(method, 50, build={"space": space})
    new = [each.values["model.activation"] for each in made.proposals if each.continues is None]
    assert sorted(new) == ["elu", "relu"]


def test_an_unknown_engine_sampler_or_pruner_is_told_with_the_nearest() -> None:
    with pytest.raises(EngineError, match="did you mean 'optuna'"):
        build(("optua", "tpe"), space=load_space("quick"))
    with pytest.raises(EngineError, match="did you mean 'random'"):
        build(("optuna", "randon"), space=load_space("quick"))
    with pytest.raises(EngineError, match=r"did you mean 'median'\?\): expected one of none, median, asha"):
        build(("optuna", "tpe"), space=load_space("quick"), pruner="medain")
    with pytest.raises(EngineError, match=r"no pruners: its oracles .*--sampler hyperband has stopping"):
        build(("keras-tuner", "random"), space=load_space("quick"), pruner="median")
