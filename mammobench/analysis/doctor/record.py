"""A study's description and the record of its trials, opened as far as their state allows."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from optuna.storages import JournalStorage
from optuna.trial import FrozenTrial

from mammobench.analysis.doctor.cures import drop_cut_writes, write_description, write_record
from mammobench.analysis.doctor.findings import Finding
from mammobench.analysis.doctor.journal import Journal
from mammobench.analysis.doctor.strays import Strays, recovered
from mammobench.core.errors import MammobenchError, StudyError
from mammobench.study.filenames import JOURNAL, SPEC, TRIALS
from mammobench.study.record import StudyRecord
from mammobench.study.spec import StudySpec
from mammobench.study.spec import read_spec as read_description
from mammobench.study.storage.shared import DESCRIPTION
from mammobench.study.trial_record import TrialRecord

_NEWEST_FORMAT: int = StudySpec.model_fields["format"].default


def read_spec(folder: Path) -> tuple[StudySpec | None, list[Finding]]:
    """Return a study's description, or what is wrong with it."""
    path = folder / SPEC
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        version = document.get("format", 1)
        if not isinstance(version, int) or not 1 <= version <= _NEWEST_FORMAT:
            what = f"the description has the format {version!r}; this version reads up to {_NEWEST_FORMAT}"
            return None, [Finding(what, path, "damage", "Use the version of mammobench that wrote it")]
        return read_description(document, path), []
    except FileNotFoundError:
        what = "the description of the study is missing"
    except StudyError as error:
        fault = error.problem.removeprefix("damaged study description ")
        what = f"the description is not one of a study {fault}"
    except AttributeError:
        what = "the description is not one of a study"
    except (ValueError, RecursionError):
        what = "the description is torn or no JSON"
    return None, [_without_description(what, path)]


def _without_description(what: str, path: Path) -> Finding:
    try:
        recorded = _recorded_spec(Journal.read(path.with_name(JOURNAL)))
    except FileNotFoundError:
        remedy = (
            "Restore it from a copy; where the record is in a database, `mammobench worker NAME --storage "
            "URL` in another folder writes it again"
        )
        return Finding(what, path, "damage", remedy)
    if recorded is None:
        remedy = (
            "Restore it from a copy: the record does not hold it, as versions up to 0.2 wrote it; no other "
            "file of the study says all that was asked, so that nothing else can stand for it"
        )
        return Finding(what, path, "damage", remedy)
    cure = partial(write_description, recorded, path)
    return Finding(what, path, "damage", "It can be written again from the record", cure=cure)


def _recorded_spec(journal: Journal) -> StudySpec | None:
    """Return the description that a journal holds."""
    try:
        studies = JournalStorage(journal.backend()).get_all_studies()
        (described,) = (study.user_attrs for study in studies if DESCRIPTION in study.user_attrs)
        return read_description(described[DESCRIPTION], journal.path)
    except (KeyError, TypeError, ValueError, StudyError):
        return None


def read_trials(
    folder: Path, spec: StudySpec, *, in_use: bool
) -> tuple[StudyRecord | None, Sequence[TrialRecord], list[Finding]]:
    """Return the record and its trials, as far as they can be read, and what is wrong with the record.

    Args:
        folder: The study's folder.
        spec: Its description.
        in_use: Whether a process may be writing the record now, so that its last line may be unfinished.
    """
    findings: list[Finding] = []
    try:
        if spec.storage is not None:
            study = StudyRecord.open(folder)
        else:
            journal = Journal.read(folder / JOURNAL)
            findings += _look_at_journal(journal, in_use=in_use)
            # a view that cannot be written to
            storage = JournalStorage(journal.backend())
            strays = Strays.among(journal.events)
            findings += _look_at_description(journal, spec)
            if strays.lines and journal.unreadable is None:
                return None, (), [*findings, _look_at_strays(journal, strays, spec)]
            study = StudyRecord(folder, spec, storage, storage.get_study_id_from_name(spec.name))
        trials, faults = study.readable_trials()
        for fault in faults:
            where = folder / (JOURNAL if spec.storage is None else SPEC)
            remedy = f"Restore the record from a copy; the other trials and the files in {TRIALS}/ are sound"
            trial = str(fault.where).rsplit(", ", 1)[-1]
            findings.append(Finding(f"{trial}: {fault.problem}", where, "damage", remedy))
        if not any(finding.severity == "damage" for finding in findings):
            findings += _look_for_gaps(study, trials)
    except FileNotFoundError:
        what = "the record of the trials is missing"
        remedy = f"Restore it from a copy; without it, what trials left in {TRIALS}/ cannot be ranked"
        findings.append(Finding(what, folder / JOURNAL, "damage", remedy))
    except KeyError:
        what, remedy = f"the record holds no study {spec.name!r}", f"Restore it or {SPEC} from a copy"
        if not any(finding.cure for finding in findings):
            findings.append(Finding(what, folder / JOURNAL, "damage", remedy))
    except MammobenchError as error:
        where = folder if error.where is None else Path(error.where)
        remedy = error.remedy or "Restore the record from a copy"
        findings.append(Finding(error.problem, where, "damage", remedy))
    else:
        return study, trials, findings
    return None, (), findings


def _look_at_description(journal: Journal, spec: StudySpec) -> Iterator[Finding]:
    """Yield in what the description and the record disagree."""
    recorded = _recorded_spec(journal)
    if recorded is None:
        return
    differences = sorted(recorded.differences(spec))
    if recorded.name != spec.name:
        differences.insert(0, "name")
    if differences:
        path = journal.path.with_name(SPEC)
        yield Finding(
            f"the description and the record disagree in {', '.join(differences)}", path, "damage",
            "The trials are those of the record; mending writes the description again from it",
            cure=partial(write_description, recorded, path),
        )  # fmt: skip


def _look_at_strays(journal: Journal, strays: Strays, spec: StudySpec) -> Finding:
    what = (
        f"{len(strays.lines)} of {len(journal.events)} entries tell of trials or studies that the record "
        "does not hold, as two starts of one new study at once left them, so that no search can go on"
    )
    believed = JournalStorage(journal.backend(strays.believed(journal.events)))
    try:
        study_id = believed.get_study_id_from_name(spec.name)
    except KeyError:
        entered: Sequence[FrozenTrial] = ()
    else:
        entered = believed.get_all_trials(study_id)
    trials = recovered(entered, strays, spec, journal.path.parent)
    ended = sum(trial.state.is_finished() for trial in trials)
    remedy = (
        f"It can be written anew with {len(trials)} trials, {ended} of them ended; what else was trained is "
        "trained again when the search goes on, to the same bits"
    )
    cure = partial(write_record, journal.path, spec, trials)
    return Finding(what, journal.path, "damage", remedy, cure=cure)


def _look_for_gaps(study: StudyRecord, trials: Sequence[TrialRecord]) -> Iterator[Finding]:
    """Yield the numbers that are missing among the trials: behind them no search goes on."""
    numbers = {trial.number for trial in trials}
    missing = [number for number in range(max(numbers, default=-1)) if number not in numbers]
    if not missing:
        return
    what = f"the record lacks trial {', '.join(map(str, missing))}, so that no search can go on"
    where = study.folder if study.spec.storage is not None else study.folder / JOURNAL
    remedy, cure = "Restore the record from a copy; the study can be reported", None
    if study.spec.storage is None:
        entered = study.storage.get_all_trials(study.study_id)
        kept = recovered(entered, Strays(), study.spec, study.folder)
        if len(kept) > max(numbers):
            remedy = "It can be entered again from its files, and is trained when the search goes on"
            cure = partial(write_record, study.folder / JOURNAL, study.spec, kept)
    yield Finding(what, where, "damage", remedy, cure=cure)


def _look_at_journal(journal: Journal, *, in_use: bool) -> list[Finding]:
    if journal.unreadable is not None:
        trials = ", ".join(map(str, journal.trials_lost())) or "none"
        return [
            Finding(
                f"line {journal.unreadable} of {journal.lines} cannot be read, and so the record ends before "
                f"it: {len(journal.lost)} later entries are lost (they tell of trials {trials})",
                journal.path,
                "damage",
                f"Restore the record from a copy; the files in {TRIALS}/ are untouched",
            )
        ]
    cure = partial(drop_cut_writes, journal.path)
    if journal.cut:
        lines = ", ".join(map(str, journal.cut))
        return [
            Finding(
                f"line {lines} begins with a write that was cut, so that the record cannot be opened",
                journal.path,
                "damage",
                "Dropping the part that was cut loses nothing: no process has seen it",
                cure=cure,
            )
        ]
    if journal.tail and not in_use:
        return [
            Finding(
                f"the last write was cut ({journal.tail} bytes of it are there)",
                journal.path,
                "warning",
                "Dropping it loses nothing: no process has seen it, and its trial goes on from a checkpoint",
                cure=cure,
            )
        ]
    return []
