"""A trial as an entry in Optuna's storage: how it is made, numbered, and what the project keeps with it."""

from collections.abc import Iterable, Mapping
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from mammobench.space.search_space import Choice, FloatRange, Hyperparameter, IntRange, SearchSpace, encode
from mammobench.study.trial_attributes import Role
from mammobench.training.task import Trial

ASKED, RESULT = "asked", "result"
"""The attributes that hold what was asked of a trial, and what came of it."""


def new_trial(
    space: SearchSpace,
    values: Mapping[str, Any],
    trial: Trial,
    *,
    role: Role,
    split: str,
    ask: float,
    continues: int | None = None,
    memo: Mapping[str, Any] | None = None,
) -> FrozenTrial:
    """Return a running trial for the storage, with all that is needed to run it again.

    Args:
        space: The study's space.
        values: Searched hyperparameters, conditions obeyed; empty for the reference CNN.
        trial: What is to be trained.
        role: Who asked for it.
        split: Hash of its split.
        ask: Seconds that the engine took to propose it.
        continues: The trial that it continues.
        memo: What its engine wants to be told again.
    """
    return create_trial(
        state=TrialState.RUNNING,
        params={key: encode(value) for key, value in values.items()},
        distributions={
            item.key: distribution_of(item) for item in space.hyperparameters if item.key in values
        },
        # one attribute: a database takes a write for each
        user_attrs={
            ASKED: {
                "number": trial.number,
                "role": role,
                "seed": trial.seed,
                "split": split,
                "config": trial.config.values(),
                "seconds": {"ask": ask},
                "until": trial.until,
                "continues": continues,
                "memo": dict(memo or {}),
            }
        },
    )


def number_of(trial: FrozenTrial) -> int:
    """Return the place in the study of a trial in the storage, which may be one of its attempts.

    What the record says is taken where it can be true: attempts have numbers of their own in the storage.
    """
    said = attributes_of(trial).get("number")
    return said if type(said) is int and 0 <= said <= trial.number else trial.number


def latest_attempts(trials: Iterable[FrozenTrial]) -> dict[int, FrozenTrial]:
    """Return the latest attempt of each trial of a storage, by the trial's place in the study.

    What is new takes the next place, whatever a damaged record says, and an attempt has that of the trial
    that it repeats.

    Args:
        trials: In the order in which they were entered.
    """
    latest: dict[int, FrozenTrial] = {}
    places: dict[int, int] = {}
    for trial in trials:
        again = trial.system_attrs.get("failed_trial")
        place = places.get(again, len(latest)) if type(again) is int else len(latest)
        latest[place] = trial
        places[trial.number] = place
    return latest


def attributes_of(trial: FrozenTrial) -> dict[str, Any]:
    """Return what the project keeps with a trial: what was asked of it, and what came of it.

    In format 1 each was an attribute of its own.
    """
    merged = dict(trial.user_attrs)
    for key in (ASKED, RESULT):
        part = trial.user_attrs.get(key, {})
        merged |= part if isinstance(part, dict) else {}
    return merged


def distribution_of(item: Hyperparameter) -> BaseDistribution:
    """Return how Optuna has a hyperparameter of a space."""
    if isinstance(item, Choice):
        return CategoricalDistribution([encode(value) for value in item.values])
    if isinstance(item, FloatRange):
        return FloatDistribution(item.low, item.high, log=item.log, step=item.step)
    if not isinstance(item, IntRange):
        raise TypeError(f"no distribution for {type(item).__name__}")
    return IntDistribution(item.low, item.high, log=item.log, step=item.step)
