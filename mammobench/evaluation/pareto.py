"""The Pareto front of a study with several objectives: its non-dominated trials."""

import optuna

from mammobench.core.errors import StudyError
from mammobench.evaluation.selection import ascending
from mammobench.study.record import StudyRecord
from mammobench.study.trial_entry import number_of
from mammobench.study.trial_record import TrialRecord


def pareto_front(study: StudyRecord) -> tuple[TrialRecord, ...]:
    """Return the finished trials that no other dominates, best first objective first.

    Trials over a limit are not among them. Empty for a study of one objective.

    Raises:
        StudyError: When the record has other objectives than the study.
    """
    spec = study.spec
    if len(spec.objectives) == 1:
        return ()
    stored = study.storage.get_study_directions(study.study_id)
    if [direction.name.lower() for direction in stored] != list(spec.directions):
        raise StudyError(
            "damaged trial record (its objectives are not the study's)",
            where=study.folder,
            expected=", ".join(spec.directions),
            found=", ".join(direction.name.lower() for direction in stored),
            remedy="Restore the record from a copy",
        )
    best = optuna.load_study(study_name=spec.name, storage=study.storage).best_trials
    numbers = {number_of(trial) for trial in best}
    front = [trial for trial in study.trials if trial.number in numbers and trial.objectives]
    return tuple(sorted(front, key=lambda trial: ascending(trial.objective or 0.0, spec.direction)))
