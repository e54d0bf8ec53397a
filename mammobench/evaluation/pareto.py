"""The Pareto front of a study with several objectives: its non-dominated trials."""

import optuna

from mammobench.evaluation.selection import ascending
from mammobench.study import StudyRecord
from mammobench.trial_record import TrialRecord, number_of


def pareto_front(study: StudyRecord) -> tuple[TrialRecord, ...]:
    """Return the finished trials that no other dominates, best first objective first.

    Trials over a limit are not among them. Empty for a study of one objective.
    """
    spec = study.spec
    if len(spec.objectives) == 1:
        return ()
    best = optuna.load_study(study_name=spec.name, storage=study.storage).best_trials
    numbers = {number_of(trial) for trial in best}
    front = [trial for trial in study.trials if trial.number in numbers and trial.objectives]
    return tuple(sorted(front, key=lambda trial: ascending(trial.objective or 0.0, spec.direction)))
