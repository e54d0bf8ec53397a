"""Hyperparameter importances for the validation objective: conditional PED-ANOVA, through Optuna."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from mammobench.core.metrics import Direction
from mammobench.core.seeds import generator
from mammobench.study.record import StudyRecord
from mammobench.study.trial_entry import attributes_of

ENOUGH_TRIALS = 10
BEST_TRIALS = 5
RESAMPLES = 20
LEVEL = 0.9


@dataclass(frozen=True)
class Importances:
    """How much each hyperparameter decides whether a trial is among the best.

    Attributes:
        shares: Dotted key to share, largest first, summing to 1; empty where there is nothing to say.
        reason: Why `shares` is empty; None where it is not.
        trials: How many finished searched trials they rest on.
        spread: Dotted key to the 5 and 95 percentiles of its share over bootstrap resamples of the
            trials, in the order of `shares`: how far another search of as many trials may put it.
    """

    shares: Mapping[str, float]
    reason: str | None
    trials: int
    spread: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def hyperparameter_importances(
    study: StudyRecord, *, resamples: int = RESAMPLES, seed: int = 0
) -> Importances:
    """Compute importances over the finished searched trials of a study.

    Conditional hyperparameters are judged where they exist. Watanabe et al. 2023 (arXiv:2304.10255) and its
    conditional form (arXiv:2601.20800); the evaluator wants at least five trials among the best, so that the
    share called "best" is a tenth of the trials or five of them, whichever is more.

    Args:
        study: The study.
        resamples: Of the trials, for the spread.
        seed: Of the resamples.
    """
    # with several objectives, the first is what hyperparameters are judged by
    searched = [
        create_trial(params=trial.params, distributions=trial.distributions, value=trial.values[0])
        for trial in study.storage.get_all_trials(study.study_id, deepcopy=False)
        if trial.state == TrialState.COMPLETE and attributes_of(trial)["role"] == "searched"
    ]
    count = len(searched)
    if count < ENOUGH_TRIALS:
        reason = f"importances need {ENOUGH_TRIALS} finished searched trials, and there are {count}"
        return Importances({}, reason, count)
    if len({trial.value for trial in searched}) == 1:
        return Importances({}, "every trial has the same validation objective", count)
    found = _shares(searched, study.spec.direction)
    if not found:
        return Importances({}, "the best trials have the same hyperparameters as the others", count)
    shares = dict(sorted(found.items(), key=lambda item: -item[1]))
    return Importances(shares, None, count, _spread(searched, list(shares), study, resamples, seed))


def _shares(trials: Sequence[FrozenTrial], direction: Direction) -> dict[str, float]:
    """Return shares that sum to 1; none where all are 0."""
    # loads scikit-learn, seconds before a command that writes no report could answer
    from optuna.importance import PedAnovaImportanceEvaluator  # noqa: PLC0415

    memory = optuna.create_study(direction=direction, sampler=optuna.samplers.RandomSampler())
    memory.add_trials(trials)
    evaluator = PedAnovaImportanceEvaluator(target_quantile=max(0.1, BEST_TRIALS / len(trials)))
    with warnings.catch_warnings():
        # a resample may leave one trial to a branch of a conditional space; that is part of the spread
        warnings.filterwarnings("ignore", "Some regimes for parameter", UserWarning)
        raw = evaluator.evaluate(memory)
    total = sum(raw.values())
    return {key: value / total for key, value in raw.items()} if total > 0 else {}


def _spread(
    searched: Sequence[FrozenTrial], keys: Sequence[str], study: StudyRecord, resamples: int, seed: int
) -> dict[str, tuple[float, float]]:
    numbers = generator(seed, "importances")
    drawn = []
    for _ in range(resamples):
        chosen = [searched[place] for place in numbers.integers(0, len(searched), len(searched))]
        # a resample of equal objectives has no importances
        found = _shares(chosen, study.spec.direction) if len({trial.value for trial in chosen}) > 1 else {}
        if found:
            drawn.append([found.get(key, 0.0) for key in keys])
    if not drawn:
        return {}
    low, high = np.quantile(np.array(drawn), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return {key: (float(low[place]), float(high[place])) for place, key in enumerate(keys)}
