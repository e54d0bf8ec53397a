"""A study's folder: what was asked, the record of its trials, and the artifacts that the record names.

Optuna's storage is the record, whichever engine proposes: a trial's hyperparameters are its params, its
validation objective its value, and the rest of a `TrialRecord` its user attributes. Nothing is kept twice.
"""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

import optuna
from filelock import FileLock, Timeout
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState
from pydantic import BaseModel, ConfigDict, ValidationError

from mammobench.config import TrialConfig
from mammobench.errors import ConfigError, StudyError
from mammobench.files import write_json
from mammobench.space import Choice, FloatRange, Hyperparameter, IntRange, SearchSpace, encode
from mammobench.space_file import parse_space
from mammobench.trial import CHECKPOINT, TrialResult

Role = Literal["reference", "searched"]
State = Literal["finished", "failed", "running"]

_SPEC = "study.json"
_JOURNAL = "study.journal"
# the live table and the log tell of trials, in the project's words
optuna.logging.set_verbosity(optuna.logging.WARNING)

_STATES: dict[TrialState, State] = {TrialState.COMPLETE: "finished", TrialState.FAIL: "failed"}


class StudySpec(BaseModel):
    """What was asked of a study: the content of ``study.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = 1
    name: str
    space_name: str
    space: dict[str, Any]
    objective: str
    direction: Literal["maximize", "minimize"]
    engine: str
    sampler: str
    seed: int
    precision: str
    data: str
    fingerprint: str
    store: dict[str, Any]
    versions: dict[str, str]
    created: str
    command: str

    def differences(self, other: "StudySpec") -> dict[str, tuple[Any, Any]]:
        """Return what two specs ask differently that would change a trial: name to (this, other)."""

        def asked(spec: StudySpec) -> dict[str, Any]:
            space = {key: value for key, value in spec.space.items() if key not in {"name", "budget"}}
            return {
                **{f"space.{key}": value for key, value in space.items()},
                "space.budget.max_epochs": spec.space["budget"]["max_epochs"],
                "engine": spec.engine,
                "sampler": spec.sampler,
                "seed": spec.seed,
                "precision": spec.precision,
                "data fingerprint": spec.fingerprint,
            }

        mine, theirs = asked(self), asked(other)
        return {key: (mine[key], theirs[key]) for key in mine if mine[key] != theirs[key]}


@dataclass(frozen=True)
class TrialRecord:
    """One trial as the storage has it.

    Attributes:
        number: 0 is the reference CNN on the study's data, size and budget; the search counts from 1.
        role: ``reference`` or ``searched``.
        state: ``finished``, ``failed`` or ``running`` (which includes interrupted).
        config: Its configuration.
        hyperparameters: Dotted key to value, the searched ones only.
        seed: The seed of its weights, batches, dropout and augmentation.
        objective: Its value on validation; None until finished.
        threshold: The decision threshold chosen on validation; None for more than two classes.
        epochs: Epochs trained.
        best_epoch: The epoch whose weights predicted, counted from 1.
        weights: Number of the model's weights.
        seconds: Wall-clock seconds by part; they add up to all that the trial took.
        environment: Versions, processor, threads, precision, backend.
        split: Hash of its split, the stem of a file in ``splits/``.
        reason: Why it failed.
        folder: ``trials/0007``, with config.json, history.csv, predictions.npz and log.txt.
    """

    number: int
    role: Role
    state: State
    config: TrialConfig
    hyperparameters: Mapping[str, Any]
    seed: int
    objective: float | None
    threshold: float | None
    epochs: int
    best_epoch: int
    weights: int
    seconds: Mapping[str, float]
    environment: Mapping[str, Any]
    split: str
    reason: str | None
    folder: Path

    @property
    def in_space(self) -> bool:
        """Whether an engine could propose it and so learns from it; the reference CNN may lie outside."""
        return self.role == "searched" or bool(self.hyperparameters)


@dataclass(frozen=True)
class StudyRecord:
    """An opened study folder.

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

    @classmethod
    def create(cls, folder: Path, spec: StudySpec) -> Self:
        """Start a study in a folder that holds none yet."""
        folder.mkdir(parents=True, exist_ok=True)
        # without study.json a journal is what an interrupted creation left
        (folder / _JOURNAL).unlink(missing_ok=True)
        storage = _journal(folder)
        direction = optuna.study.StudyDirection[spec.direction.upper()]
        study_id = storage.create_new_study([direction], spec.name)
        # the spec is written last: a folder with study.json is a whole study
        write_json(folder / _SPEC, spec.model_dump(mode="json"))
        return cls(folder, spec, storage, study_id)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a study that exists.

        Raises:
            StudyError: Where there is none, or its study.json or journal cannot be read.
        """
        path = folder / _SPEC
        if not path.is_file():
            raise StudyError(
                "no study here",
                where=folder,
                expected=f"a folder with {_SPEC}",
                found="a folder without it" if folder.is_dir() else "no such folder",
                remedy="Name a study under reports/ or give its path; `mammobench search` starts one",
            )
        try:
            spec = StudySpec.model_validate_json(path.read_text(encoding="utf-8"))
        except (ValidationError, UnicodeDecodeError) as error:
            raise StudyError(f"damaged study description ({error})", where=path) from None
        try:
            storage = _journal(folder)
            study_id = storage.get_study_id_from_name(spec.name)
        except (KeyError, ValueError) as error:
            raise StudyError(
                f"damaged trial record ({error!r})", where=folder / _JOURNAL, remedy="Restore it from a copy"
            ) from None
        return cls(folder, spec, storage, study_id)

    @staticmethod
    def exists(folder: Path) -> bool:
        """Return whether `folder` holds a study."""
        return (folder / _SPEC).is_file()

    def lock(self) -> AbstractContextManager[object]:
        """Take the lock that the process which searches holds, until the end of a ``with`` block.

        It is free again when that process dies, however it dies.

        Raises:
            StudyError: When another process searches this study now.
        """
        try:
            return FileLock(self.folder / ".lock").acquire(timeout=0)
        except Timeout:
            raise StudyError(
                "another process is searching this study",
                where=self.folder,
                remedy="Wait for it, stop it with Ctrl-C, or choose another --study name",
            ) from None

    @property
    def space(self) -> SearchSpace:
        """The search space of the study."""
        return parse_space(json.dumps(self.spec.space), self.folder / _SPEC)

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        """Every trial, by number."""
        space = self.space
        frozen = self.storage.get_all_trials(self.study_id, deepcopy=False)
        return tuple(self._record(trial, space) for trial in frozen)

    def trial_folder(self, number: int) -> Path:
        """Return the folder of a trial's artifacts."""
        return self.folder / "trials" / f"{number:04d}"

    def split_path(self, split_hash: str) -> Path:
        """Return the file of a split."""
        return self.folder / "splits" / f"{split_hash}.npz"

    def start_trial(
        self, values: Mapping[str, Any], config: TrialConfig, *, role: Role, seed: int, split: str, ask: float
    ) -> TrialRecord:
        """Enter a trial as running, with all that is needed to run it again.

        Args:
            values: Searched hyperparameters, conditions obeyed; empty for the reference CNN.
            config: The whole configuration.
            role: Who asked for it.
            seed: Its seed.
            split: Hash of its split.
            ask: Seconds that the engine took to propose it.
        """
        space = self.space
        distributions = {
            item.key: _distribution(item) for item in space.hyperparameters if item.key in values
        }
        trial = optuna.trial.create_trial(
            state=TrialState.RUNNING,
            params={key: encode(value) for key, value in values.items()},
            distributions=distributions,
            user_attrs={
                "role": role,
                "seed": seed,
                "split": split,
                "config": config.values(),
                "seconds": {"ask": ask},
            },
        )
        trial_id = self.storage.create_new_trial(self.study_id, template_trial=trial)
        record = self._record(self.storage.get_trial(trial_id), space)
        record.folder.mkdir(parents=True, exist_ok=True)
        return record

    def report_epoch(self, number: int, epoch: int, objective: float) -> None:
        """Record the validation objective after an epoch."""
        if objective == objective:  # noqa: PLR0124 - NaN has no place in a curve
            self.storage.set_trial_intermediate_value(self._id(number), epoch, objective)

    def finish_trial(self, number: int, result: TrialResult, *, start: float, total: float) -> None:
        """Record a trial's result; its artifacts are on disk already.

        Args:
            number: The trial's number.
            result: What training told.
            start: Seconds from launch to the trial's first line.
            total: Seconds from launch to the end of its process; what no part claims is stored as ``other``.
        """
        trial_id = self._id(number)
        asked = self.storage.get_trial(trial_id).user_attrs["seconds"]
        parts = {**asked, "start": start, **result.seconds}
        parts["other"] = max(0.0, total - start - sum(result.seconds.values()))
        for key, value in (
            ("threshold", result.threshold),
            ("epochs", result.epochs),
            ("best_epoch", result.best_epoch),
            ("weights", result.weights),
            ("environment", dict(result.environment)),
            ("seconds", parts),
        ):
            self.storage.set_trial_user_attr(trial_id, key, value)
        self.storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [result.objective])
        self._remove_checkpoint(number)

    def fail_trial(self, number: int, reason: str) -> None:
        """Record that a trial failed and why."""
        trial_id = self._id(number)
        self.storage.set_trial_user_attr(trial_id, "reason", reason)
        self.storage.set_trial_state_values(trial_id, TrialState.FAIL)
        self._remove_checkpoint(number)

    def _remove_checkpoint(self, number: int) -> None:
        (self.trial_folder(number) / CHECKPOINT).unlink(missing_ok=True)

    def _id(self, number: int) -> int:
        return self.storage.get_trial_id_from_study_id_trial_number(self.study_id, number)

    def _record(self, trial: FrozenTrial, space: SearchSpace) -> TrialRecord:
        attributes = trial.user_attrs
        where = f"{self.folder / _JOURNAL}, trial {trial.number}"
        try:
            config = TrialConfig.from_values(attributes["config"])
            return TrialRecord(
                number=trial.number,
                role=attributes["role"],
                state=_STATES.get(trial.state, "running"),
                config=config,
                hyperparameters={
                    item.key: attributes["config"][item.key]
                    for item in space.hyperparameters
                    if item.key in trial.params
                },
                seed=attributes["seed"],
                objective=trial.value if trial.state == TrialState.COMPLETE else None,
                threshold=attributes.get("threshold"),
                epochs=attributes.get("epochs", len(trial.intermediate_values)),
                best_epoch=attributes.get("best_epoch", 0),
                weights=attributes.get("weights", 0),
                seconds=attributes["seconds"],
                environment=attributes.get("environment", {}),
                split=attributes["split"],
                reason=attributes.get("reason"),
                folder=self.trial_folder(trial.number),
            )
        except (KeyError, ConfigError) as error:
            raise StudyError(f"damaged trial record ({error!r})", where=where) from None


def utc_now() -> str:
    """Return the time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _journal(folder: Path) -> JournalStorage:
    return JournalStorage(JournalFileBackend(str(folder / _JOURNAL)))


def _distribution(item: Hyperparameter) -> BaseDistribution:
    if isinstance(item, Choice):
        return CategoricalDistribution([encode(value) for value in item.values])
    if isinstance(item, FloatRange):
        return FloatDistribution(item.low, item.high, log=item.log, step=item.step)
    if not isinstance(item, IntRange):
        raise TypeError(f"no distribution for {type(item).__name__}")
    return IntDistribution(item.low, item.high, log=item.log, step=item.step)
