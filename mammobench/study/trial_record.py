"""`TrialRecord`: one trial as Optuna's storage has it, and how it is read from there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from optuna.trial import FrozenTrial, TrialState

from mammobench.core.errors import ConfigError, StudyError
from mammobench.core.objectives import OBJECTIVES
from mammobench.space.config import TrialConfig
from mammobench.space.search_space import SearchSpace, encode
from mammobench.study.deaths import in_words, may_run_again, one_more_death
from mammobench.study.filenames import trial_folder
from mammobench.study.optuna_private import trial_id_of
from mammobench.study.storage.shared import DamagedTrial
from mammobench.study.trial_attributes import Role, check_attributes
from mammobench.study.trial_entry import ASKED, RESULT, attributes_of, distribution_of, number_of
from mammobench.training.task import Trial

__all__ = ["STATES", "Role", "State", "TrialRecord", "read_trial"]

State = Literal["finished", "pruned", "infeasible", "failed", "running"]
STATES: tuple[State, ...] = get_args(State)

_STATES: dict[TrialState, State] = {
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


@dataclass(frozen=True)
class TrialRecord:
    """One trial.

    Attributes:
        trial: Number, configuration and seed, and the epoch after which its method wanted to see it. Number 0
            is the reference CNN on the study's data, size and budget; the search counts from 1. A trial whose
            worker died is run again under its own number.
        role: ``reference`` or ``searched``.
        state: ``running`` (which includes interrupted), ``finished``, ``pruned`` (stopped at an epoch by the
            method), ``infeasible`` (over a limit, not trained) or ``failed``.
        hyperparameters: Dotted key to value, the searched ones only.
        objective: Its value on validation; None until finished or pruned.
        threshold: The decision threshold chosen on validation; None for more than two classes.
        epochs: Epochs trained.
        best_epoch: The epoch whose weights predicted, counted from 1.
        weights: Number of the model's weights.
        seconds: Wall-clock seconds by part; they add up to all that the trial took.
        environment: Versions, processor, threads, precision, backend.
        split: Hash of its split, the stem of a file in ``splits/``.
        reason: Why it failed.
        fault: The kind of that, of `mammobench.training.failures.Fault`; None in older records, and for one
            whose worker died.
        folder: ``trials/0007``, with config.json, history.csv, predictions.npz and log.txt.
        objectives: A value for each of the study's objectives; None until finished or pruned.
        curve: The objective after each epoch, from epoch 1.
        costs: Name to value, of `mammobench.core.metrics.COSTS`.
        constraints: Each limited cost less its limit.
        continues: The trial whose training it continues.
        memo: What its engine wants to be told again.
        attempts: How often it was started: once, and again after each death of its process or its worker.
        lost: Whether its worker died and it waits to be queued again; until then its state is ``failed``.
        worker: Machine and process that run it or have run it, in a study that many search.
        storage_id: Its latest attempt in the storage.
    """

    trial: Trial
    role: Role
    state: State
    hyperparameters: Mapping[str, Any]
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
    objectives: tuple[float, ...] | None = None
    curve: tuple[float, ...] = ()
    costs: Mapping[str, float] = field(default_factory=dict)
    constraints: tuple[float, ...] = ()
    continues: int | None = None
    memo: Mapping[str, Any] = field(default_factory=dict)
    attempts: int = 1
    lost: bool = False
    worker: str | None = None
    storage_id: int = -1
    fault: str | None = None

    @property
    def number(self) -> int:
        """Its place in the study."""
        return self.trial.number

    @property
    def config(self) -> TrialConfig:
        """Its configuration."""
        return self.trial.config

    @property
    def seed(self) -> int:
        """The seed of its weights, batches, dropout and augmentation."""
        return self.trial.seed

    @property
    def in_space(self) -> bool:
        """Whether an engine could propose it and so learns from it; the reference CNN may lie outside."""
        return self.role == "searched" or bool(self.hyperparameters)

    @property
    def whole(self) -> bool:
        """Whether it is to be trained for the whole budget."""
        return self.trial.last_epoch == self.config.training.max_epochs


def read_trial(
    trial: FrozenTrial,
    space: SearchSpace,
    *,
    study: Path,
    objectives: Sequence[str],
    number: int | None = None,
) -> TrialRecord:
    """Read a trial from the storage.

    Args:
        trial: As the storage has it.
        space: The study's space.
        study: The study's folder.
        objectives: Names of the study's.
        number: Its place in the study; None for what it says itself.

    Raises:
        StudyError: Where its record lacks something, or something there is not what it must be.
    """
    number = number_of(trial) if number is None else number
    try:
        return _read(trial, space, study=study, objectives=objectives, number=number)
    except (ValueError, ConfigError) as error:
        raise StudyError(
            f"damaged trial record ({error})",
            where=f"{study}, trial {number}",
            remedy="Restore the record from a copy; the other trials are untouched",
        ) from None


def _read(
    trial: FrozenTrial, space: SearchSpace, *, study: Path, objectives: Sequence[str], number: int
) -> TrialRecord:
    if isinstance(trial, DamagedTrial):
        raise ValueError(trial.damage)  # noqa: TRY004 - a fault of the record, told as the others
    for key in (ASKED, RESULT):
        if not isinstance(trial.user_attrs.get(key, {}), dict):
            raise ValueError(f"{key}: should be a mapping")  # noqa: TRY004 - a fault of the record, told as the others
    state = _STATES.get(trial.state, "running")
    attributes = attributes_of(trial)
    if attributes.get("objectives") is None and trial.state == TrialState.COMPLETE:
        attributes["objectives"] = trial.values
    trained = state == "finished" or (state == "pruned" and attributes.get("objectives") is not None)
    known = check_attributes(attributes, number=number, trained=trained)
    worker_died = state == "failed" and known.reason is None
    curve = [value for _, value in sorted(trial.intermediate_values.items())]
    _require_values(known.objectives, curve, trial.values, objectives, trained=trained)
    config = TrialConfig.from_values(known.config)
    if config.training.objective not in OBJECTIVES:
        raise ValueError(f"config.training.objective: should be one of {', '.join(OBJECTIVES)}")
    return TrialRecord(
        trial=Trial(number=number, config=config, seed=known.seed, until=known.until),
        role=known.role,
        state="infeasible" if state == "pruned" and not trained else state,
        hyperparameters=_hyperparameters(trial, space, config, known.role),
        objective=known.objectives[0] if known.objectives else None,
        threshold=known.threshold,
        epochs=len(curve) if known.epochs is None else known.epochs,
        best_epoch=known.best_epoch,
        weights=known.weights,
        seconds=known.seconds,
        environment=known.environment,
        split=known.split,
        reason=(known.reason or _death(trial)) if state == "failed" else None,
        folder=trial_folder(study, number),
        objectives=tuple(known.objectives) if known.objectives else None,
        curve=tuple(curve),
        costs=known.costs,
        constraints=tuple(known.constraints),
        continues=known.continues,
        memo=known.memo,
        attempts=known.attempts + len(known.deaths),
        lost=worker_died and may_run_again(one_more_death(trial)),
        worker=known.worker,
        storage_id=trial_id_of(trial),
        fault=known.fault if state == "failed" else None,
    )


def _require_values(
    said: Sequence[float] | None,
    curve: Sequence[float],
    stored: Sequence[float] | None,
    names: Sequence[str],
    *,
    trained: bool,
) -> None:
    """Refuse objectives that the study's metrics cannot have, and two records of them that differ."""
    if trained and (said is None or stored is None or list(said) != list(stored)):
        raise ValueError("objectives: should be the values that Optuna has of the trial")
    if said is not None and len(said) != len(names):
        raise ValueError(f"objectives: should be {len(names)}")
    for name, value in [*zip(names, said or (), strict=False), *((names[0], value) for value in curve)]:
        # of several classes the Brier score is a sum over them
        highest = 2 if name == "brier" else 1
        if name in OBJECTIVES and not -1 <= value <= highest:
            raise ValueError(f"objectives: {name} should lie between -1 and {highest}")


def _hyperparameters(
    trial: FrozenTrial, space: SearchSpace, config: TrialConfig, role: Role
) -> dict[str, Any]:
    """Return the searched values, which stand in the configuration and in Optuna's parameters."""
    values, items = config.values(), {item.key: item for item in space.hyperparameters}
    for key, value in trial.params.items():
        if key not in items or trial.distributions[key] != distribution_of(items[key]):
            raise ValueError(f"{key}: should be a hyperparameter of the study's space")
        if encode(values[key]) != value:
            raise ValueError(f"config.{key}: should be the value that Optuna has of the trial")
    found = {key: values[key] for key in items if key in trial.params}
    wanted: dict[str, Any] = {}
    for item in space.hyperparameters:
        if item.active(wanted):
            wanted[item.key] = values[item.key]
    # the reference CNN may lie outside the space
    if found.keys() != wanted.keys() and (found or role == "searched"):
        raise ValueError("config: should have the hyperparameters of the study's space, conditions obeyed")
    return found


def _death(trial: FrozenTrial) -> str:
    deaths = one_more_death(trial)
    if may_run_again(deaths):
        return f"its worker died {in_words(deaths)}; a search that goes on runs it again"
    return (
        f"its worker died {in_words(deaths)}, whoever took it up; if it is too large for its machine, use "
        "smaller training.batch_size, model.filters or data.image_size; where machines share no folder, "
        "--artifacts lets it go on from another machine's checkpoint"
    )
