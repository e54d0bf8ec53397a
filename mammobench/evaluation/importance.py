"""Which hyperparameters mattered for the validation objective: conditional PED-ANOVA, through Optuna."""

from collections.abc import Mapping
from dataclasses import dataclass

import optuna
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import TrialState, create_trial

from mammobench.study import StudyRecord
from mammobench.trial_record import attributes_of

ENOUGH_TRIALS = 10
BEST_TRIALS = 5


@dataclass(frozen=True)
class Importances:
    """How much each hyperparameter decides whether a trial is among the best.

    Attributes:
        shares: Dotted key to share, largest first, summing to 1; empty where there is nothing to say.
        reason: Why `shares` is empty; None where it is not.
        trials: How many finished searched trials they rest on.
    """

    shares: Mapping[str, float]
    reason: str | None
    trials: int


def hyperparameter_importances(study: StudyRecord) -> Importances:
    """Compute importances over the finished searched trials of a study.

    Conditional hyperparameters are judged where they exist. Watanabe et al. 2023 (arXiv:2304.10255) and its
    conditional form (arXiv:2601.20800); the evaluator wants at least five trials among the best, so that the
    share called "best" is a tenth of the trials or five of them, whichever is more.
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
    memory = optuna.create_study(direction=study.spec.direction, sampler=optuna.samplers.RandomSampler())
    memory.add_trials(searched)
    evaluator = PedAnovaImportanceEvaluator(target_quantile=max(0.1, BEST_TRIALS / count))
    raw = evaluator.evaluate(memory)
    total = sum(raw.values())
    if not total > 0:
        return Importances({}, "the best trials have the same hyperparameters as the others", count)
    return Importances(
        {key: value / total for key, value in sorted(raw.items(), key=lambda item: -item[1])}, None, count
    )
