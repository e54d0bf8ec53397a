"""The trial that validation selected: the best finished one by the objective whose predictions can be used.

It is found from the study's record and the stored predictions alone, without scores or intervals. The
leaderboard marks the same trial, by the same functions.
"""

from collections.abc import Callable, Iterator, Sequence

from mammobench.core.errors import MammobenchError, StudyError, TrialError
from mammobench.data.splits.split import Split
from mammobench.evaluation.predictions import open_predictions
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord


def select_trial(study: StudyRecord) -> TrialRecord | None:
    """Return the trial that validation selected; None where only a reference CNN outside the space finished.

    Raises:
        StudyError: If no trial has finished, or none has predictions that can be used.
        TrialError: If none has finished because they failed.
    """
    return next(_by_validation(study, lambda trial: trial.in_space), None)


def validation_leaders(study: StudyRecord, *, top: int) -> list[TrialRecord]:
    """Return the `top` best searched trials by validation, then the reference CNN.

    Raises:
        StudyError: If no trial has finished, or none has predictions that can be used.
        TrialError: If none has finished because they failed.
    """
    searched = _by_validation(study, lambda trial: trial.role == "searched")
    best = [trial for _, trial in zip(range(top), searched, strict=False)]
    return [*best, *_by_validation(study, lambda trial: trial.role == "reference")]


def ranked_trials(study: StudyRecord) -> list[TrialRecord]:
    """Return the trials that a leaderboard ranks: finished, and not continued by another that finished.

    Raises:
        StudyError: If there is none.
        TrialError: If there is none because they failed.
    """
    trials = study.trials
    finished = [trial for trial in trials if trial.state == "finished"]
    continued = {trial.continues for trial in finished}
    ranked = [trial for trial in finished if trial.number not in continued]
    if not ranked:
        raise _nothing_finished(study, trials)
    return ranked


def validation_order(
    objective: float, number: int, *, leaks: bool, direction: str
) -> tuple[bool, float, int]:
    """Return a key that sorts trials by validation: clean splits first, then the objective, then the number.

    Args:
        objective: The trial's value on validation.
        number: The trial's number.
        leaks: Whether its split leaks.
        direction: ``maximize`` or ``minimize``.
    """
    return leaks, ascending(objective, direction), number


def ascending(objective: float, direction: str) -> float:
    """Return the objective, negated where more of it is better, so that the smallest is the best."""
    return -objective if direction == "maximize" else objective


def unusable(study: StudyRecord, reason: str) -> StudyError:
    """Return the error of a study none of whose finished trials has predictions that can be used."""
    return StudyError(f"no finished trial can be ranked; the first: {reason}", where=study.folder)


def _by_validation(study: StudyRecord, wanted: Callable[[TrialRecord], bool]) -> Iterator[TrialRecord]:
    """Give the wanted ranked trials whose predictions can be used, the best by validation first."""
    ranked = ranked_trials(study)
    splits = {trial.split: _load(study, trial.split) for trial in ranked}

    def order(trial: TrialRecord) -> tuple[bool, float, int]:
        split, objective = splits[trial.split], trial.objective or 0.0
        leaks = isinstance(split, Split) and split.leaks
        return validation_order(objective, trial.number, leaks=leaks, direction=study.spec.direction)

    found = False
    for trial in sorted(filter(wanted, ranked), key=order):
        if _problem(trial, splits[trial.split]) is None:
            found = True
            yield trial
    if not found:
        problems = [_problem(trial, splits[trial.split]) for trial in ranked]
        if problems[0] is not None and all(problems):
            raise unusable(study, problems[0])


def _load(study: StudyRecord, split_hash: str) -> Split | str:
    """Return a split, or why it cannot be used."""
    try:
        return Split.load(study.split_path(split_hash))
    except MammobenchError as error:
        return str(error)


def _problem(trial: TrialRecord, split: Split | str) -> str | None:
    """Return why a trial's predictions cannot be used; None where they can."""
    if isinstance(split, str):
        return split
    try:
        open_predictions(trial.folder, split)
    except MammobenchError as error:
        return str(error)
    return None


def _nothing_finished(study: StudyRecord, trials: Sequence[TrialRecord]) -> MammobenchError:
    failed = [trial for trial in trials if trial.state == "failed"]
    if failed:
        return TrialError(
            "every trial failed, so that there is nothing to rank; "
            f"trial {failed[0].number}: {failed[0].reason}",
            where=study.folder,
        )
    return StudyError(
        "no trial has finished, so that there is nothing to rank",
        where=study.folder,
        remedy=f"Continue it: {study.spec.command}",
    )
