"""The study in memory that Optuna's samplers and pruners look at.

Whatever is told, in whatever order, leads to the same study: a trial has the number here that it has in the
record, and what a sampler notes down for later is handed out, to travel with the proposal and come back.
"""

import copy
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mammobench.core.objectives import Direction
from mammobench.tuning.engines.optuna_notes import Notes


class Memory(InMemoryStorage):
    """An Optuna storage of one study, in which trials have the numbers they have in the record.

    A number that has not been told yet is held by a waiting trial, which no sampler looks at.

    Args:
        name: Of the study; Hyperband's brackets depend on it.
        directions: Of the objectives.
    """

    def __init__(self, *, name: str, directions: Sequence[Direction]) -> None:
        super().__init__()
        self._name = name
        self._maximize = [direction == "maximize" for direction in directions]
        self._study = self.create_new_study([StudyDirection[each.upper()] for each in directions], name)
        self._ids: list[int] = []
        self._infeasible: set[int] = set()
        self._worst: list[float] | None = None
        self._study_notes: Mapping[str, Any] = {}

    def study(self, sampler: BaseSampler, pruner: BasePruner) -> Study:
        """Return the study for one question: a handle of Optuna's remembers the trials it has once seen."""
        return optuna.load_study(study_name=self._name, storage=self, sampler=sampler, pruner=pruner)

    def trial(self, number: int) -> FrozenTrial:
        """Return a trial as it stands."""
        return self.get_trial(self._ids[number])

    def notes_before(self, number: int) -> Iterator[Mapping[str, Any]]:
        """Yield what samplers have noted with each trial of a lower number."""
        for trial_id in self._ids[:number]:
            yield self.get_trial_system_attrs(trial_id)

    def trained(self) -> list[FrozenTrial]:
        """Return the finished trials in the order of their numbers, without infeasible ones."""
        trials = super().get_all_trials(self._study, deepcopy=False, states=(TrialState.COMPLETE,))
        return [trial for trial in trials if trial.number not in self._infeasible]

    def begin(self, number: int) -> FrozenTrial:
        """Make the trial of a number a running one, still without values."""
        while len(self._ids) <= number:
            waiting = optuna.trial.create_trial(state=TrialState.WAITING)
            self._ids.append(self.create_new_trial(self._study, waiting))
        self.set_trial_state_values(self._ids[number], TrialState.RUNNING)
        self._study_notes = self.get_study_system_attrs(self._study)
        return self.trial(number)

    def notes(self, number: int) -> Notes:
        """Return what the sampler has written since `begin`."""
        study = {
            key: value
            for key, value in self.get_study_system_attrs(self._study).items()
            if self._study_notes.get(key) != value
        }
        notes = {"trial": dict(self.trial(number).system_attrs), "study": study}
        return {where: written for where, written in notes.items() if written}

    def restore(self, number: int, notes: Notes) -> None:
        """Write down again what the sampler wrote when it drew a trial; see `optuna_notes.check_notes`."""
        for key, value in notes.get("trial", {}).items():
            self.set_trial_system_attr(self._ids[number], key, value)
        for key, value in notes.get("study", {}).items():
            self.set_study_system_attr(self._study, key, value)

    def fill(
        self, number: int, values: Mapping[str, Any], distributions: Mapping[str, BaseDistribution]
    ) -> None:
        """Give a running trial its values, as Optuna has them."""
        for key, value in values.items():
            internal = distributions[key].to_internal_repr(value)
            self.set_trial_param(self._ids[number], key, internal, distributions[key])

    def report(self, number: int, epoch: int, value: float) -> None:
        """Note a running trial's objective after an epoch, counted from 1."""
        self.set_trial_intermediate_value(self._ids[number], epoch, value)

    def end(
        self,
        number: int,
        state: TrialState,
        objectives: Sequence[float] | None,
        constraints: Sequence[float],
    ) -> None:
        """End a running trial; a complete one without objectives is infeasible, known by its constraints."""
        named = {str(place): value for place, value in enumerate(constraints)}
        template = optuna.trial.create_trial(state=TrialState.RUNNING, constraints=named)
        for key, value in template.system_attrs.items():
            self.set_trial_system_attr(self._ids[number], key, value)
        if state is TrialState.COMPLETE and objectives is None:
            self._infeasible.add(number)
            objectives = [0.0] * len(self._maximize)
        elif objectives is not None:
            known = self._worst or objectives
            self._worst = [
                min(pair) if maximize else max(pair)
                for pair, maximize in zip(zip(known, objectives, strict=True), self._maximize, strict=True)
            ]
        self.set_trial_state_values(self._ids[number], state, objectives)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials; infeasible ones, never trained, show the worst objectives seen so far.

        Samplers that know constraints rank such trials by their violation and need only that there be
        objectives; for the others, bad ones are how they learn to stay away.
        """
        trials = super().get_all_trials(study_id, deepcopy, states)
        if not self._infeasible:
            return trials
        return [self._at_worst(trial) if trial.number in self._infeasible else trial for trial in trials]

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:  # noqa: ANN401 - as Optuna's
        """Take a sampler's note, unless it is the whole draw, for other processes that draw at the same time.

        Here one draws at a time, and that draw names hyperparameters whose condition turned out not to hold.
        """
        if ":relative_params" not in key:
            super().set_trial_system_attr(trial_id, key, value)

    def _at_worst(self, trial: FrozenTrial) -> FrozenTrial:
        shown = copy.copy(trial)
        if self._worst is not None:
            shown.values = self._worst
        return shown
