"""The finished trials of one study, or of several that are ranked together."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mammobench.core.errors import MammobenchError, StudyError
from mammobench.core.metrics import ZeroDivision
from mammobench.data.splits.split import Split
from mammobench.evaluation.entries import Entry, trial_entry
from mammobench.evaluation.selection import ranked_trials, unusable
from mammobench.evaluation.shortcut import Shortcut, load_shortcuts
from mammobench.study.filenames import shortcut_path
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord


@dataclass(frozen=True, eq=False)
class Gathered:
    """Opened trials.

    Attributes:
        entries: One a trial whose predictions could be used.
        eligible: (study, trial) of those that validation may select.
        splits: By hash.
        shortcuts: The shortcut baseline by hash of its split; none where it was not made.
        left_out: Name and reason of the trials that could not be used.
        zero_division: The precision of a class that is never predicted.
    """

    entries: list[Entry] = field(default_factory=list)
    eligible: set[tuple[str, int]] = field(default_factory=set)
    splits: dict[str, Split] = field(default_factory=dict)
    shortcuts: dict[str, list[Shortcut]] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    zero_division: ZeroDivision = "nan"


def gather(
    studies: Sequence[StudyRecord], *, also: int | None = None, zero_division: ZeroDivision = "nan"
) -> Gathered:
    """Open the predictions of every finished trial; what cannot be used is named, not ranked.

    Args:
        studies: One or several, of one task, one objective and the same images.
        also: A trial of the first study to take in although it was pruned or another continues it.
        zero_division: The precision of a class that is never predicted.

    Raises:
        StudyError: If the studies cannot stand in one table, none of their trials has finished, or none has
            predictions that can be used.
        TrialError: If none has finished because they failed.
    """
    require_comparable(studies)
    names, unfinished = study_names(studies), list[MammobenchError]()
    gathered = Gathered(zero_division=zero_division)
    for place, (study, name) in enumerate(zip(studies, names, strict=True)):
        try:
            ranked = ranked_trials(study)
        except MammobenchError as error:
            unfinished.append(error)
            continue
        numbers = {trial.number for trial in ranked} | ({also} if place == 0 else set())
        shown = [trial for trial in study.trials if trial.number in numbers]
        gathered.eligible.update((name, trial.number) for trial in ranked if trial.in_space)
        _open_trials(study, name, shown, gathered, several=len(studies) > 1)
    if len(unfinished) == len(studies):
        raise unfinished[0]
    if not gathered.entries:
        raise unusable(studies[0], gathered.left_out[0][1])
    for key in gathered.splits:
        paths = (shortcut_path(study.folder, key) for study in studies)
        gathered.shortcuts[key] = next((load_shortcuts(path) for path in paths if path.exists()), [])
    return gathered


def study_names(studies: Sequence[StudyRecord]) -> list[str]:
    """Return what a table calls each study: its name, or its folder where two have one name."""
    names = [study.spec.name for study in studies]
    return names if len(set(names)) == len(names) else [str(study.folder) for study in studies]


def require_comparable(studies: Sequence[StudyRecord]) -> None:
    """Check that studies can stand in one table.

    Raises:
        StudyError: If there is none, one is there twice, or they differ in images, task or objective.
    """
    if not studies:
        raise StudyError("there is no study to rank", expected="one study or several")
    first, seen = studies[0], {studies[0].folder.resolve()}
    for study in studies[1:]:
        if study.folder.resolve() in seen:
            raise StudyError("the study is named twice", where=study.folder)
        seen.add(study.folder.resolve())
        for what, wanted, found in (
            ("images", first.spec.fingerprint[:12], study.spec.fingerprint[:12]),
            ("task", first.space.task, study.space.task),
            ("objective", first.spec.objective, study.spec.objective),
        ):
            if wanted != found:
                raise StudyError(
                    f"{study.spec.name} and {first.spec.name} cannot be ranked together: their {what} differ"
                    + ("" if what == "images" else "s"),
                    where=study.folder,
                    expected=f"{'fingerprint ' if what == 'images' else ''}{wanted}",
                    found=found,
                    remedy="Write a report of each",
                )


def _open_trials(
    study: StudyRecord, name: str, shown: Sequence[TrialRecord], gathered: Gathered, *, several: bool
) -> None:
    searched = [set(trial.hyperparameters) for trial in shown if trial.role == "searched"]
    # the reference CNN shows its own values of what every searched trial has
    shared = set.intersection(*searched) if searched else set()
    for trial in shown:
        try:
            split = gathered.splits.get(trial.split) or Split.load(study.split_path(trial.split))
            values = trial.config.values()
            own = {key: values[key] for key in values if key in shared or key in trial.hyperparameters}
            entry = trial_entry(trial, split, own, zero_division=gathered.zero_division)
        except MammobenchError as error:
            of = f" of {name}" if several else ""
            gathered.left_out.append((f"trial {trial.number}{of}", str(error)))
            continue
        entry.row["study"] = name
        if several:
            entry.row["name"] += f" of {name}"
        gathered.entries.append(entry)
        gathered.splits[trial.split] = split
