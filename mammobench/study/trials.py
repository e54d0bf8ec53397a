"""The trials of an opened study: read from the record, entered, and ended.

Optuna's storage is the record, whichever engine proposes: a trial's hyperparameters are its params, its
validation objective its values, and the rest of a `TrialRecord` its user attributes. Nothing is kept twice.
A trial whose worker died has several entries there, one an attempt; the last one counts.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from mammobench.core.errors import StudyError
from mammobench.space.config import TrialConfig
from mammobench.space.search_space import SearchSpace
from mammobench.space.yaml_file import parse_space
from mammobench.study import filenames
from mammobench.study.deaths import DEATHS, FAILURE_REASON, may_run_again, one_more_death
from mammobench.study.optuna_private import trial_id_of
from mammobench.study.spec import StudySpec
from mammobench.study.storage.access import close_trial, enter_trial, still_ours
from mammobench.study.trial_entry import RESULT, latest_attempts, new_trial
from mammobench.study.trial_record import Role, TrialRecord, read_trial
from mammobench.training.filenames import CHECKPOINT
from mammobench.training.result import TrialResult
from mammobench.training.task import Trial

_ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@dataclass(frozen=True)
class RecordedTrials:
    """The trials of an opened study folder.

    Attributes:
        folder: Where it is.
        spec: What was asked.
        storage: Optuna's storage.
        study_id: The study's id there.
    """

    folder: Path
    spec: StudySpec
    storage: BaseStorage = field(repr=False)
    study_id: int = field(repr=False)
    _ended: dict[int, TrialRecord] = field(default_factory=dict, repr=False, compare=False)
    _ids: dict[int, int] = field(default_factory=dict, repr=False, compare=False)
    _held: dict[int, TrialRecord] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def space(self) -> SearchSpace:
        """The search space of the study."""
        return parse_space(json.dumps(self.spec.space), self.folder / filenames.SPEC, recorded=True)

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        """Every trial, by number.

        Raises:
            StudyError: When the record of one is damaged; see `readable_trials`.
        """
        return tuple(self._record(trial, number) for number, trial in self._latest().items())

    def readable_trials(self) -> tuple[tuple[TrialRecord, ...], tuple[StudyError, ...]]:
        """Return the trials whose record is sound, and what is wrong with the others."""
        records, faults = [], []
        for number, trial in self._latest().items():
            try:
                records.append(self._record(trial, number))
            except StudyError as error:
                faults.append(error)
        return tuple(records), tuple(faults)

    def _latest(self) -> dict[int, FrozenTrial]:
        latest = latest_attempts(self.storage.get_all_trials(self.study_id, deepcopy=False))
        self._ids.update({number: trial_id_of(trial) for number, trial in latest.items()})
        return latest

    def trial_folder(self, number: int) -> Path:
        """Return the folder of a trial's artifacts."""
        return filenames.trial_folder(self.folder, number)

    def split_path(self, split_hash: str) -> Path:
        """Return the file of a split."""
        return filenames.split_path(self.folder, split_hash)

    def start_trial(
        self, values: Mapping[str, Any], config: TrialConfig, *, role: Role, seed: int, split: str, ask: float
    ) -> TrialRecord:
        """Enter the next trial as running, with all that is needed to run it again; see `new_trial`."""
        number = 1 + max((record.number for record in self.trials), default=-1)
        asked = Trial(number=number, config=config, seed=seed)
        trial = new_trial(self.space, values, asked, role=role, split=split, ask=ask)
        record = self.enter(lambda: trial)
        assert record is not None  # noqa: S101 - there is a trial to enter
        return record

    def enter(self, propose: Callable[[], FrozenTrial | None]) -> TrialRecord | None:
        """Enter what `propose` returns as running, while nobody else proposes; see `storage.enter_trial`."""
        entered = enter_trial(self.storage, self.study_id, propose)
        return None if entered is None else self._hold(entered)

    def adopt(self, storage_id: int) -> TrialRecord:
        """Return a trial that has been taken over, its folder made."""
        return self._hold(self.storage.get_trial(storage_id))

    def _hold(self, trial: FrozenTrial) -> TrialRecord:
        record = self._record(trial)
        self._held[record.number] = record
        record.folder.mkdir(parents=True, exist_ok=True)
        return record

    def trial(self, number: int) -> TrialRecord:
        """Return one trial as the storage has it now."""
        return self._record(self.storage.get_trial(self._id(number)), number)

    def report_epoch(self, number: int, epoch: int, objective: float) -> bool:
        """Record the validation objective after an epoch; False when the trial is no longer ours."""
        if objective != objective:  # noqa: PLR0124 - NaN has no place in a curve
            return True
        trial_id = self._id(number)
        ours = still_ours(lambda: self.storage.set_trial_intermediate_value(trial_id, epoch, objective))
        if not ours:
            self._held.pop(number, None)
        return ours

    def sign(self, number: int, worker: str) -> None:
        """Write down which worker runs a trial."""
        still_ours(lambda: self.storage.set_trial_user_attr(self._id(number), "worker", worker))

    def release(self, number: int) -> None:
        """Leave a running trial to whoever comes first; only a database has others."""
        trial_id = self._id(number)
        still_ours(lambda: self.storage.set_trial_state_values(trial_id, TrialState.WAITING))
        self._held.pop(number, None)

    def finish_trial(
        self,
        number: int,
        result: TrialResult,
        *,
        start: float,
        total: float,
        constraints: tuple[float, ...] = (),
    ) -> bool:
        """Record a trial's result; its artifacts are on disk already.

        Args:
            number: The trial's number.
            result: What training told.
            start: Seconds from launch to the trial's first line.
            total: Seconds from launch to the end of its process; what no part claims is stored as ``other``.
            constraints: Each limited cost less its limit.

        Returns:
            Whether the trial was still ours: not when it was given up for dead and is run elsewhere.
        """
        before = self._held.get(number) or self.trial(number)
        parts = dict(before.seconds)
        for key, seconds in {"start": start, **result.seconds}.items():
            parts[key] = parts.get(key, 0.0) + seconds
        parts["other"] = max(0.0, total - start - sum(result.seconds.values()))
        objectives = [
            result.costs.get(name, result.objective) if name != self.spec.objective else result.objective
            for name in self.spec.objectives
        ]
        state = TrialState.PRUNED if result.stopped else TrialState.COMPLETE
        came_of_it = {
            "threshold": result.threshold,
            "epochs": result.epochs,
            "best_epoch": result.best_epoch,
            "weights": result.weights,
            "costs": dict(result.costs),
            "constraints": list(constraints),
            "objectives": objectives,
            "environment": dict(result.environment),
            "seconds": parts,
        }
        done = self._close(number, state, objectives, {RESULT: came_of_it})
        if done:
            # a trial stopped at a rung keeps its checkpoint for the trial that continues it
            if state == TrialState.PRUNED or before.whole:
                self._remove_checkpoint(number)
            if before.continues is not None:
                self._remove_checkpoint(before.continues)
        return done

    def refuse_trial(self, number: int, costs: Mapping[str, float], constraints: tuple[float, ...]) -> bool:
        """Record that a trial is over a limit and was not trained."""
        came_of_it = {
            "costs": dict(costs),
            "constraints": list(constraints),
            "weights": int(costs.get("weights", 0)),
        }
        return self._close(number, TrialState.PRUNED, None, {RESULT: came_of_it})

    def fail_trial(
        self,
        number: int,
        reason: str,
        *,
        fault: str | None = None,
        start: float = 0.0,
        total: float = 0.0,
    ) -> bool:
        """Record that a trial failed and why.

        Args:
            number: The trial.
            reason: In one line.
            fault: The kind of it, of `mammobench.training.failures.Fault`.
            start: Seconds from launch to its process's first line.
            total: Seconds from launch to the end of its process.
        """
        before = self._held.get(number) or self.trial(number)
        seconds = {**before.seconds, "start": start, "other": max(0.0, total - start)}
        came_of_it = {"seconds": seconds, "fault": fault}
        done = self._close(number, TrialState.FAIL, None, {FAILURE_REASON: reason, RESULT: came_of_it})
        if done:
            self._remove_checkpoint(number)
        return done

    def count_death(self, number: int) -> tuple[int, ...] | None:
        """Note that the process of a running trial was killed, unless it was so once too often.

        Returns:
            The epochs that the record had at each death so far; None when the trial is no longer ours.
        """
        trial_id = self._id(number)
        deaths = one_more_death(self.storage.get_trial(trial_id))
        if not may_run_again(deaths):
            return deaths
        ours = still_ours(lambda: self.storage.set_trial_user_attr(trial_id, DEATHS, list(deaths)))
        return deaths if ours else None

    def _close(
        self, number: int, state: TrialState, values: list[float] | None, attributes: Mapping[str, object]
    ) -> bool:
        done = close_trial(self.storage, self._id(number), state, values, attributes=attributes)
        self._held.pop(number, None)
        return done

    def _remove_checkpoint(self, number: int) -> None:
        (self.trial_folder(number) / CHECKPOINT).unlink(missing_ok=True)

    def _id(self, number: int) -> int:
        """Return the attempt that this process runs, else the latest one."""
        if number in self._held:
            # somebody may have given it up for dead meanwhile, and a later attempt is not ours to write to
            return self._held[number].storage_id
        if number not in self._ids:
            self._latest()
        return self._ids[number]

    def _record(self, trial: FrozenTrial, number: int | None = None) -> TrialRecord:
        known = self._ended.get(trial_id_of(trial))
        if known is not None:
            return known
        record = read_trial(
            trial, self.space, study=self.folder, objectives=self.spec.objectives, number=number
        )
        if trial.state in _ENDED:
            self._ended[record.storage_id] = record
        return record
