"""A study's description and the record of its trials, opened as far as their state allows."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from optuna.storages import JournalStorage

from mammobench.doctor.cures import drop_cut_writes
from mammobench.doctor.findings import Finding
from mammobench.doctor.journal import Journal
from mammobench.errors import MammobenchError, StudyError
from mammobench.study import StudyRecord
from mammobench.study_spec import StudySpec
from mammobench.study_spec import read_spec as read_description
from mammobench.trial_record import TrialRecord

_SPEC = "study.json"
_JOURNAL = "study.journal"
_NEWEST_FORMAT: int = StudySpec.model_fields["format"].default
_RESTORE = "Restore it from a copy; without it the study cannot be opened"


def read_spec(folder: Path) -> tuple[StudySpec | None, list[Finding]]:
    """Return a study's description, or what is wrong with it."""
    path = folder / _SPEC
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        version = document.get("format", 1)
        if not isinstance(version, int) or not 1 <= version <= _NEWEST_FORMAT:
            what = f"the description has the format {version!r}; this version reads up to {_NEWEST_FORMAT}"
            return None, [Finding(what, path, "damage", "Use the version of mammobench that wrote it")]
        return read_description(document, path), []
    except FileNotFoundError:
        return None, [Finding("the description of the study is missing", path, "damage", _RESTORE)]
    except StudyError as error:
        told = error.problem.removeprefix("damaged study description ")
        return None, [Finding(f"the description is not one of a study {told}", path, "damage", _RESTORE)]
    except AttributeError:
        return None, [Finding("the description is not one of a study", path, "damage", _RESTORE)]
    except (ValueError, RecursionError):
        return None, [Finding("the description is torn or no JSON", path, "damage", _RESTORE)]


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
            journal = Journal.read(folder / _JOURNAL)
            findings += _look_at_journal(journal, in_use=in_use)
            # a view that cannot be written to
            storage = JournalStorage(journal.backend())
            study = StudyRecord(folder, spec, storage, storage.get_study_id_from_name(spec.name))
        trials, faults = study.readable_trials()
        for fault in faults:
            where = folder / (_JOURNAL if spec.storage is None else _SPEC)
            remedy = "Restore the record from a copy; the other trials and the files in trials/ are sound"
            trial = str(fault.where).rsplit(", ", 1)[-1]
            findings.append(Finding(f"{trial}: {fault.problem}", where, "damage", remedy))
    except FileNotFoundError:
        what = "the record of the trials is missing"
        remedy = "Restore it from a copy; without it, what trials left in trials/ cannot be ranked"
        findings.append(Finding(what, folder / _JOURNAL, "damage", remedy))
    except KeyError:
        what, remedy = f"the record holds no study {spec.name!r}", f"Restore it or {_SPEC} from a copy"
        findings.append(Finding(what, folder / _JOURNAL, "damage", remedy))
    except MammobenchError as error:
        where = folder if error.where is None else Path(error.where)
        remedy = error.remedy or "Restore the record from a copy"
        findings.append(Finding(error.problem, where, "damage", remedy))
    else:
        return study, trials, findings
    return None, (), findings


def _look_at_journal(journal: Journal, *, in_use: bool) -> list[Finding]:
    if journal.unreadable is not None:
        trials = ", ".join(map(str, journal.trials_lost())) or "none"
        return [
            Finding(
                f"line {journal.unreadable} of {journal.lines} cannot be read, and so the record ends before "
                f"it: {len(journal.lost)} later entries are lost (they tell of trials {trials})",
                journal.path,
                "damage",
                "Restore the record from a copy; the files in trials/ are untouched",
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
