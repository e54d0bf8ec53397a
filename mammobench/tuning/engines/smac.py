"""SMAC (Lindauer et al. 2022) as an engine: a random forest with expected improvement, by its ask and tell.

For each proposal SMAC is made anew, seeded from (seed, trial number), and told the record of trials in the
order of their numbers: what it proposes depends on these alone. It works in a temporary folder.
"""

import logging
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import ConfigSpace
import joblib
import numpy as np
from smac import HyperparameterOptimizationFacade, Scenario
from smac.main.exceptions import ConfigurationSpaceExhaustedException
from smac.model.random_forest.random_forest import RandomForest
from smac.runhistory import StatusType, TrialInfo, TrialValue

from mammobench.core.aliases import FieldValue
from mammobench.core.errors import EngineError
from mammobench.core.objectives import Direction
from mammobench.core.seeds import derive_seed, generator
from mammobench.space.search_space import Choice, FloatRange, Hyperparameter, IntRange, SearchSpace
from mammobench.tuning.engines.base import Engine, NoProposal, Outcome, Proposal, require_in_space
from mammobench.tuning.engines.promoting import Place, draw_new

_ATTEMPTS = 3
"""Proposals that repeat another in a row, after which one is drawn at random."""

_LEAVES = 4096
"""Of a tree; for SMAC's own 2**20 scikit-learn sets aside 0.1 s worth of memory at each fit."""

_ENDLESS = 2**31 - 1


class SmacEngine(Engine):
    """SMAC's facade for hyperparameter optimisation; its Sobol design first, a quarter of the trials.

    A failed trial is told as crashed, at the worst objective seen so far.

    Args:
        space: What to search.
        directions: Of the objective; one only.
        seed: The study's seed.
        sampler: Without effect; there is one.

    Raises:
        EngineError: For several objectives.
    """

    def __init__(
        self, space: SearchSpace, *, directions: Sequence[Direction], seed: int, sampler: str = "smac"
    ) -> None:
        del sampler
        if len(directions) != 1:
            raise EngineError(
                "SMAC is used here for one objective",
                found=f"{len(directions)} objectives",
                remedy="Ask for one, or for another engine: --engine optuna",
            )
        # it says what it samples, and the search says what matters
        logging.getLogger("smac").setLevel(logging.ERROR)
        self._space, self._seed = space, seed
        self._sign = -1.0 if directions[0] == "maximize" else 1.0
        self._record: dict[int, tuple[Proposal, Outcome | None]] = {}
        self._tried: dict[Place, None] = {}

    def propose(self, number: int) -> Proposal | NoProposal:
        """Ask SMAC, which is told the record, for a configuration that has not been tried."""
        if len(self._tried) >= self._space.size:
            return NoProposal.USED_UP
        values = self._asked(number) if self._space.hyperparameters else None
        if values is None:
            values = draw_new(self._space, self._tried.keys(), generator(self._seed, number, "propose"))
        if values is None:
            return NoProposal.USED_UP
        proposal = Proposal(number, values)
        self.resume(proposal)
        return proposal

    def resume(self, proposal: Proposal, curve: Sequence[float] = ()) -> None:  # noqa: ARG002 - it sees no epochs
        """Enter a running trial.

        Raises:
            EngineError: For values outside the space.
        """
        self._enter(proposal, None)

    def learn(self, outcome: Outcome) -> None:
        """Enter what became of a trial.

        Raises:
            EngineError: For values outside the space.
        """
        self._enter(outcome.proposal, outcome)

    def _enter(self, proposal: Proposal, outcome: Outcome | None) -> None:
        require_in_space(self._space, proposal.values)
        self._record[proposal.number] = proposal, outcome
        self._tried[self._space.place(proposal.values)] = None

    def _asked(self, number: int) -> dict[str, Any] | None:
        for attempt in range(_ATTEMPTS):
            values = self._ask(number, attempt)
            if values is not None and self._space.place(values) not in self._tried:
                return values
        return None

    def _ask(self, number: int, attempt: int) -> dict[str, Any] | None:
        costs = {
            known: self._sign * outcome.objectives[0]
            for known, (_, outcome) in self._record.items()
            if outcome is not None and outcome.objectives is not None
        }
        with tempfile.TemporaryDirectory(prefix="mammobench-smac-") as folder:
            known = configuration_space(self._space)
            first = self._scenario(known, self._space.budget.trials, derive_seed(self._seed, "sobol"), folder)
            design = HyperparameterOptimizationFacade.get_initial_design(first).select_configurations()
            begun = sum(trial > 0 for trial in self._record) + attempt
            if begun < len(design):
                return decoded(self._space, dict(design[begun]))
            if not costs:
                return None
            seed = derive_seed(self._seed, number, "propose", attempt)
            scenario = self._scenario(known, _ENDLESS, seed, folder)
            facade = HyperparameterOptimizationFacade
            smac = facade(
                scenario,
                model=_forest(scenario),
                initial_design=facade.get_initial_design(scenario, n_configs=0),
                intensifier=facade.get_intensifier(scenario, max_config_calls=1),
                logging_level=False,
            )
            for trial, (proposal, outcome) in sorted(self._record.items()):
                values = encoded(self._space, proposal.values)
                info = TrialInfo(ConfigSpace.Configuration(known, values), seed=0)
                if trial in costs:
                    smac.tell(info, TrialValue(costs[trial]), save=False)
                elif outcome is not None:
                    worst = TrialValue(max(costs.values()), status=StatusType.CRASHED)
                    smac.tell(info, worst, save=False)
                else:
                    smac.runhistory.add_running_trial(info)
            # a pool of one thread for each prediction of ten trees takes ten times as long
            with (
                joblib.parallel_config("sequential"),
                np.errstate(all="ignore"),
                warnings.catch_warnings(),
                suppress(ConfigurationSpaceExhaustedException),
            ):
                # the mean of no times, where it had nowhere to search from
                warnings.simplefilter("ignore", RuntimeWarning)
                return decoded(self._space, dict(smac.ask().config))
        return None

    @staticmethod
    def _scenario(known: ConfigSpace.ConfigurationSpace, trials: int, seed: int, folder: str) -> Scenario:
        return Scenario(
            known, n_trials=trials, deterministic=True, seed=seed, output_directory=Path(folder) / str(seed)
        )


def _forest(scenario: Scenario) -> RandomForest:
    """Return the forest of SMAC's facade."""
    return RandomForest(
        scenario.configspace,
        n_trees=10,
        ratio_features=1.0,
        min_samples_split=2,
        min_samples_leaf=1,
        bootstrapping=True,
        log_y=True,
        max_leaf_nodes=_LEAVES,
        seed=scenario.seed,
    )


def configuration_space(space: SearchSpace) -> ConfigSpace.ConfigurationSpace:
    """Return a space as ConfigSpace has it: choices by their place, ranges with a step by its number."""
    found = ConfigSpace.ConfigurationSpace()
    items = {item.key: item for item in space.hyperparameters}
    made = {item.key: _made(item) for item in space.hyperparameters}
    found.add(list(made.values()))
    for item in space.hyperparameters:
        conditions = [
            ConfigSpace.InCondition(
                made[item.key], made[parent], [_encoded(items[parent], value) for value in allowed]
            )
            for parent, allowed in item.when.items()
        ]
        if conditions:
            found.add(conditions[0] if len(conditions) == 1 else ConfigSpace.AndConjunction(*conditions))
    return found


def encoded(space: SearchSpace, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration as `configuration_space` has it."""
    items = {item.key: item for item in space.hyperparameters}
    return {key: _encoded(items[key], value) for key, value in values.items()}


def decoded(space: SearchSpace, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration of `configuration_space` in the order and the types of the space."""
    return {
        item.key: _decoded(item, values[item.key]) for item in space.hyperparameters if item.key in values
    }


def _continuous(item: Hyperparameter) -> bool:
    return isinstance(item, FloatRange) and item.step is None and item.low < item.high


def _made(item: Hyperparameter) -> Any:  # noqa: ANN401 - one of ConfigSpace's kinds
    if isinstance(item, FloatRange) and _continuous(item):
        return ConfigSpace.Float(item.key, (item.low, item.high), log=item.log)
    if isinstance(item, IntRange) and item.log and item.low < item.high:
        return ConfigSpace.Integer(item.key, (item.low, item.high), log=True)
    if isinstance(item, Choice) or item.count == 1:
        return ConfigSpace.Categorical(item.key, [str(place) for place in range(int(item.count))])
    return ConfigSpace.Integer(item.key, (0, int(item.count) - 1))


def _encoded(item: Hyperparameter, value: FieldValue) -> Any:  # noqa: ANN401 - as ConfigSpace has it
    if isinstance(item, FloatRange) and _continuous(item):
        return float(value)
    if isinstance(item, IntRange) and item.log and item.low < item.high:
        return int(value)
    place = round(item.position(value) * (1 if isinstance(item, Choice) else item.count - 1))
    return str(place) if isinstance(item, Choice) or item.count == 1 else place


def _decoded(item: Hyperparameter, value: Any) -> FieldValue:  # noqa: ANN401 - as ConfigSpace has it
    if isinstance(item, FloatRange) and _continuous(item):
        # it rounds to ten digits, and may come out a little beyond an end
        return min(max(float(value), item.low), item.high)
    if isinstance(item, IntRange) and item.log and item.low < item.high:
        return int(value)
    return item.grid()[int(value)]
