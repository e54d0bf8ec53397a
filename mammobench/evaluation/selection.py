"""The trial that validation selected: the best finished one by the objective whose predictions can be used.

It is selected within one split, since what one split tests is what another validates on (`split_families`).

It is found from the study's record and the stored predictions alone, without scores or intervals. The
leaderboard marks the same trial, by the same functions.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

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


def split_families(trials: Iterable[tuple[str, bool]], splits: Mapping[str, Split]) -> list[frozenset[str]]:
    """Group the splits of trials by the images that validate and test.

    Args:
        trials: The hash of each trial's split, and whether validation may select the trial; study by study.
        splits: By hash.

    Returns:
        Hashes of splits; first those to select within: splits that do not leak before those that do, then
        the most trials to select from, then the first seen, which is that of the reference CNN.
    """
    families: dict[tuple[bool, str], set[str]] = {}
    eligible: dict[tuple[bool, str], int] = {}
    for key, selectable in trials:
        family = splits[key].leaks, splits[key].evaluated
        families.setdefault(family, set()).add(key)
        eligible[family] = eligible.get(family, 0) + selectable
    ordered = sorted(families, key=lambda family: (not eligible[family], family[0], -eligible[family]))
    return [frozenset(families[family]) for family in ordered]


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
    """Give the wanted ranked trials of one split whose predictions can be used, the best first."""
    ranked = ranked_trials(study)
    splits = {key: _load(study, key) for key in dict.fromkeys(trial.split for trial in ranked)}

    def order(trial: TrialRecord) -> tuple[bool, float, int]:
        split, objective = splits[trial.split], trial.objective or 0.0
        leaks = isinstance(split, Split) and split.leaks
        return validation_order(objective, trial.number, leaks=leaks, direction=study.spec.direction)

    candidates = ranked if len(splits) == 1 else _of_one_split(ranked, splits)
    found = False
    for trial in sorted(filter(wanted, candidates), key=order):
        if _problem(trial, splits[trial.split]) is None:
            found = True
            yield trial
    if not found:
        problems = [_problem(trial, splits[trial.split]) for trial in ranked]
        if problems[0] is not None and all(problems):
            raise unusable(study, problems[0])


def _of_one_split(trials: Sequence[TrialRecord], splits: Mapping[str, Split | str]) -> list[TrialRecord]:
    """Return the trials to select from: those that can be used of the first of `split_families`."""
    usable = [trial for trial in trials if _problem(trial, splits[trial.split]) is None]
    loaded = {key: split for key, split in splits.items() if isinstance(split, Split)}
    families = split_families(((trial.split, trial.in_space) for trial in usable), loaded)
    return [trial for trial in usable if trial.split in families[0]] if families else []


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
