"""`TrialRecord`: one trial as Optuna's storage has it, and how it is read from there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from mammobench.config import TrialConfig
from mammobench.deaths import FAILURE_REASON, deaths_of, in_words, may_run_again, one_more_death
from mammobench.errors import ConfigError, StudyError
from mammobench.space import Choice, FloatRange, Hyperparameter, IntRange, SearchSpace, encode

Role = Literal["reference", "searched"]
State = Literal["finished", "pruned", "infeasible", "failed", "running"]
STATES: tuple[State, ...] = get_args(State)

_STATES: dict[TrialState, State] = {
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
RESULT = "result"
"""The attribute that holds what came of a trial."""

_ASKED = "asked"


@dataclass(frozen=True)
class TrialRecord:
    """One trial.

    Attributes:
        number: Its place in the study: 0 is the reference CNN on the study's data, size and budget; the
            search counts from 1. A trial whose worker died is run again under its own number.
        role: ``reference`` or ``searched``.
        state: ``running`` (which includes interrupted), ``finished``, ``pruned`` (stopped at an epoch by the
            method), ``infeasible`` (over a limit, not trained) or ``failed``.
        config: Its configuration.
        hyperparameters: Dotted key to value, the searched ones only.
        seed: The seed of its weights, batches, dropout and augmentation.
        objective: Its value on validation; None until finished or pruned.
        threshold: The decision threshold chosen on validation; None for more than two classes.
        epochs: Epochs trained.
        best_epoch: The epoch whose weights predicted, counted from 1.
        weights: Number of the model's weights.
        seconds: Wall-clock seconds by part; they add up to all that the trial took.
        environment: Versions, processor, threads, precision, backend.
        split: Hash of its split, the stem of a file in ``splits/``.
        reason: Why it failed.
        folder: ``trials/0007``, with config.json, history.csv, predictions.npz and log.txt.
        objectives: A value for each of the study's objectives; None until finished or pruned.
        curve: The objective after each epoch, from epoch 1.
        costs: Name to value, of `mammobench.metrics.COSTS`.
        constraints: Each limited cost less its limit.
        until: The epoch after which its method wanted to see it; None for the whole budget.
        continues: The trial whose training it continues.
        memo: What its engine wants to be told again.
        attempts: How often it was started: once, and again after each death of its process or its worker.
        lost: Whether its worker died and it waits to be queued again; until then its state is ``failed``.
        worker: Machine and process that run it or have run it, in a study that many search.
        storage_id: Its latest attempt in the storage.
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
    objectives: tuple[float, ...] | None = None
    curve: tuple[float, ...] = ()
    costs: Mapping[str, float] = field(default_factory=dict)
    constraints: tuple[float, ...] = ()
    until: int | None = None
    continues: int | None = None
    memo: Mapping[str, Any] = field(default_factory=dict)
    attempts: int = 1
    lost: bool = False
    worker: str | None = None
    storage_id: int = -1

    @property
    def in_space(self) -> bool:
        """Whether an engine could propose it and so learns from it; the reference CNN may lie outside."""
        return self.role == "searched" or bool(self.hyperparameters)

    @property
    def whole(self) -> bool:
        """Whether it is to be trained for the whole budget."""
        return self.until is None or self.until >= self.config.training.max_epochs


def new_trial(
    space: SearchSpace,
    values: Mapping[str, Any],
    config: TrialConfig,
    *,
    number: int,
    role: Role,
    seed: int,
    split: str,
    ask: float,
    until: int | None = None,
    continues: int | None = None,
    memo: Mapping[str, Any] | None = None,
) -> FrozenTrial:
    """Return a running trial for the storage, with all that is needed to run it again.

    Args:
        space: The study's space.
        values: Searched hyperparameters, conditions obeyed; empty for the reference CNN.
        config: The whole configuration.
        number: Its place in the study.
        role: Who asked for it.
        seed: Its seed.
        split: Hash of its split.
        ask: Seconds that the engine took to propose it.
        until: The epoch after which its engine wants to see it.
        continues: The trial that it continues.
        memo: What its engine wants to be told again.
    """
    return create_trial(
        state=TrialState.RUNNING,
        params={key: encode(value) for key, value in values.items()},
        distributions={item.key: _distribution(item) for item in space.hyperparameters if item.key in values},
        # one attribute: a database takes a write for each
        user_attrs={
            _ASKED: {
                "number": number,
                "role": role,
                "seed": seed,
                "split": split,
                "config": config.values(),
                "seconds": {"ask": ask},
                "until": until,
                "continues": continues,
                "memo": dict(memo or {}),
            }
        },
    )


def number_of(trial: FrozenTrial) -> int:
    """Return the place in the study of a trial in the storage, which may be one of its attempts."""
    number: int = attributes_of(trial).get("number", trial.number)
    return number


def attributes_of(trial: FrozenTrial) -> dict[str, Any]:
    """Return what the project keeps with a trial: what was asked of it, and what came of it.

    In format 1 each was an attribute of its own.
    """
    attributes = trial.user_attrs
    return {**attributes, **attributes.get(_ASKED, {}), **attributes.get(RESULT, {})}


def read_trial(trial: FrozenTrial, space: SearchSpace, *, study: Path) -> TrialRecord:
    """Read a trial from the storage.

    Raises:
        StudyError: Where its record lacks something.
    """
    attributes, number = attributes_of(trial), number_of(trial)
    state = _STATES.get(trial.state, "running")
    worker_died = state == "failed" and FAILURE_REASON not in attributes
    try:
        objectives = attributes.get("objectives")
        if objectives is None and trial.state == TrialState.COMPLETE:
            objectives = trial.values
        return TrialRecord(
            number=number,
            role=attributes["role"],
            state="infeasible" if state == "pruned" and objectives is None else state,
            config=TrialConfig.from_values(attributes["config"]),
            hyperparameters={
                item.key: attributes["config"][item.key]
                for item in space.hyperparameters
                if item.key in trial.params
            },
            seed=attributes["seed"],
            objective=objectives[0] if objectives else None,
            threshold=attributes.get("threshold"),
            epochs=attributes.get("epochs", len(trial.intermediate_values)),
            best_epoch=attributes.get("best_epoch", 0),
            weights=attributes.get("weights", 0),
            seconds=attributes["seconds"],
            environment=attributes.get("environment", {}),
            split=attributes["split"],
            reason=_reason(trial, attributes) if state == "failed" else None,
            folder=study / "trials" / f"{number:04d}",
            objectives=tuple(objectives) if objectives else None,
            curve=tuple(value for _, value in sorted(trial.intermediate_values.items())),
            costs=attributes.get("costs", {}),
            constraints=tuple(attributes.get("constraints", ())),
            until=attributes.get("until"),
            continues=attributes.get("continues"),
            memo=attributes.get("memo", {}),
            attempts=attributes.get("attempts", 1) + len(deaths_of(attributes)),
            lost=worker_died and may_run_again(one_more_death(trial)),
            worker=attributes.get("worker"),
            storage_id=trial._trial_id,  # noqa: SLF001 - what every storage call asks for
        )
    except (KeyError, ConfigError) as error:
        raise StudyError(f"damaged trial record ({error!r})", where=f"{study}, trial {number}") from None


def _reason(trial: FrozenTrial, attributes: Mapping[str, Any]) -> str:
    if FAILURE_REASON in attributes:
        return str(attributes[FAILURE_REASON])
    deaths = one_more_death(trial)
    if may_run_again(deaths):
        return f"its worker died {in_words(deaths)}; a search that goes on runs it again"
    return (
        f"its worker died {in_words(deaths)}, whoever took it up; if it is too large for its machine, use "
        "smaller training.batch_size, model.filters or data.image_size; where machines share no folder, "
        "--artifacts lets it go on from another machine's checkpoint"
    )


def _distribution(item: Hyperparameter) -> BaseDistribution:
    if isinstance(item, Choice):
        return CategoricalDistribution([encode(value) for value in item.values])
    if isinstance(item, FloatRange):
        return FloatDistribution(item.low, item.high, log=item.log, step=item.step)
    if not isinstance(item, IntRange):
        raise TypeError(f"no distribution for {type(item).__name__}")
    return IntDistribution(item.low, item.high, log=item.log, step=item.step)
