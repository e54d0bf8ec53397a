"""What mends a finding. Each cure may be repeated, keeps a copy of what it changes, and says what it did."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from mammobench.analysis.doctor.journal import Journal
from mammobench.core.files import write_json, written_aside
from mammobench.data.splits.split import Split
from mammobench.study.artifacts import open_artifacts
from mammobench.study.record import StudyRecord
from mammobench.study.spec import StudySpec
from mammobench.study.storage.access import create_study
from mammobench.study.trial_record import TrialRecord


def drop_cut_writes(path: Path) -> str:
    """Write a journal without the writes that were cut."""
    journal = Journal.read(path)
    kept = _keep_a_copy(path)
    with written_aside(path) as aside:
        aside.write_bytes(b"".join(journal.records))
    return f"{path}: dropped what was cut, {len(journal.records)} records stand{kept}"


def write_description(spec: StudySpec, path: Path) -> str:
    """Write a study's description as its record has it."""
    kept = _keep_a_copy(path)
    write_json(path, spec.model_dump(mode="json"))
    return f"{path}: written from the record{kept}"


def write_record(path: Path, spec: StudySpec, trials: Sequence[FrozenTrial]) -> str:
    """Write a journal anew that holds a study and these trials."""
    kept = _keep_a_copy(path)
    with written_aside(path) as aside:
        storage = JournalStorage(JournalFileBackend(str(aside)))
        directions = [StudyDirection[name.upper()] for name in spec.directions]
        study_id = create_study(storage, spec.name, directions, spec.model_dump(mode="json"))
        for trial in trials:
            storage.create_new_trial(study_id, trial)
    return f"{path}: written anew with {len(trials)} trials{kept}"


def save_split(split: Split, path: Path) -> str:
    """Save a split that was made again."""
    kept = _keep_a_copy(path)
    split.save(path)
    return f"{path}: made again{kept}"


def write_config(document: Mapping[str, Any], path: Path) -> str:
    """Write a trial's configuration as the record has it."""
    kept = _keep_a_copy(path)
    write_json(path, document)
    return f"{path}: written from the record{kept}"


def fetch(study: StudyRecord, trial: TrialRecord, name: str) -> str:
    """Fetch a file of a trial from where the study's machines share them."""
    artifacts = open_artifacts(study.spec.artifacts, study.folder, study.storage, make=False)
    artifacts.pull(trial.storage_id, trial.folder, [name])
    return f"{trial.folder / name}: fetched from {study.spec.artifacts}"


def remove(path: Path) -> str:
    """Remove a file that holds no result."""
    path.unlink(missing_ok=True)
    return f"{path}: removed"


def _keep_a_copy(path: Path) -> str:
    """Copy a file that is there to the next free name beside it; return a clause that names the copy."""
    if not path.exists():
        return ""
    number = 1
    while (copy := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    with written_aside(copy) as aside:
        shutil.copyfile(path, aside)
    return f"; the old file is {copy.name}"
