"""The files of trials, held against the record: what is missing or damaged, and what is needed no more."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mammobench.analysis.doctor.cures import fetch, remove, save_split, write_config
from mammobench.analysis.doctor.findings import Finding
from mammobench.core.errors import DataError, StudyError
from mammobench.data.splits.split import Split, split_again
from mammobench.data.store.image_store import ImageStore
from mammobench.study.artifacts import pushed_files
from mammobench.study.filenames import TRIALS
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord
from mammobench.training.filenames import CHECKPOINT, CONFIG, HISTORY, PREDICTIONS

_RESTORE = "Restore it from a copy; rankings leave this trial out until then"


def look_at_splits(
    study: StudyRecord, trials: Sequence[TrialRecord], store: ImageStore | None
) -> tuple[dict[str, Split], list[Finding]]:
    """Return the splits that can be read, by hash, and what is wrong with the others.

    Args:
        study: The study.
        trials: Its trials.
        store: The images that it was made for; None where they are missing or others.
    """
    splits: dict[str, Split] = {}
    findings = []
    for key, trial in {trial.split: trial for trial in trials}.items():
        path = study.split_path(key)
        split = _load(path, key)
        if split is not None:
            splits[key] = split
        else:
            what = "a split is missing" if not path.exists() else "a split is damaged or was changed"
            made = None if store is None else split_again(store, trial.config.data, key)
            if made is None:
                remedy = "Restore it from a copy, or the image store from which it can be made again"
                findings.append(Finding(what, path, "damage", remedy))
            else:
                splits[key] = made
                remedy = "It can be made again from the image store, with the same rows"
                findings.append(Finding(what, path, "damage", remedy, cure=partial(save_split, made, path)))
    return splits, findings


def look_for_files(study: StudyRecord, trial: TrialRecord) -> Iterator[Finding]:
    """Yield the files of a trial that its machine has pushed and this one has not fetched yet."""
    try:
        pushed = sorted(pushed_files(study.storage, trial.storage_id))
    except StudyError as error:
        yield Finding(
            f"trial {trial.number}: {error.problem}", study.folder, "damage", "Restore the record from a copy"
        )
        return
    for name in pushed:
        if not (trial.folder / name).exists():
            yield Finding(
                f"{name} of trial {trial.number} is not on this machine", trial.folder / name, "note",
                f"It can be fetched from {study.spec.artifacts}", cure=partial(fetch, study, trial, name),
            )  # fmt: skip


def look_at_trial(trial: TrialRecord, spec_fingerprint: str, split: Split | None) -> Iterator[Finding]:
    """Yield what is wrong with the files of a trial that has a result.

    Args:
        trial: A finished or pruned trial.
        spec_fingerprint: Fingerprint of the study's data.
        split: Its split; None where that is lost, and then lengths are not checked.
    """
    path = trial.folder / PREDICTIONS
    problem = _problem_of_predictions(path, split)
    if problem:
        yield Finding(f"the predictions of trial {trial.number} are {problem}", path, "damage", _RESTORE)
    path = trial.folder / HISTORY
    if not path.is_file() or path.stat().st_size == 0:
        yield Finding(
            f"the history of trial {trial.number} is missing", path, "warning",
            "Restore it from a copy; reports lack the curves of this trial until then",
        )  # fmt: skip
    path = trial.folder / CONFIG
    document = {
        "config": trial.config.model_dump(mode="json"),
        "seed": trial.seed,
        "fingerprint": spec_fingerprint,
        "split": trial.split,
        "environment": dict(trial.environment),
    }
    problem = _problem_of_config(path, document)
    if problem:
        yield Finding(
            f"the configuration of trial {trial.number} {problem}", path, "warning",
            "It can be written again from the record", cure=partial(write_config, document, path),
        )  # fmt: skip


def look_at_checkpoint(trial: TrialRecord) -> Iterator[Finding]:
    """Yield the checkpoint of a trial that nothing will continue any more."""
    path = trial.folder / CHECKPOINT
    if path.is_file():
        size = path.stat().st_size
        yield Finding(
            f"the checkpoint of trial {trial.number} is needed no more", path, "note",
            f"Removing it frees {size / 1e6:.1f} MB", cure=partial(remove, path),
        )  # fmt: skip


def look_for_orphans(study: StudyRecord, trials: Sequence[TrialRecord]) -> Iterator[Finding]:
    """Yield folders of trials that the record does not know."""
    known = {trial.folder for trial in trials}
    for path in sorted((study.folder / TRIALS).glob("*")):
        if path not in known:
            yield Finding(
                "the record knows no such trial", path, "warning",
                "Look whether it holds results that the record has lost; if not, remove it by hand",
            )  # fmt: skip


def _problem_of_predictions(path: Path, split: Split | None) -> str | None:
    """Return what is wrong with stored predictions.

    Every array is checked by its shape alone and for being numbers, so that the seal of the test split holds.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = [np.asarray(stored[name], np.float64) for name in stored.files]
    except FileNotFoundError:
        return "missing"
    except Exception:  # noqa: BLE001 - a damaged zip raises what its bytes happen to look like
        return "damaged"
    if split is not None:
        classes = len(split.class_names)
        shape = () if classes == 2 else (classes,)  # noqa: PLR2004 - one output tells two classes apart
        expected = Counter((len(part), *shape) for part in (split.validation, split.test))
        found = Counter(array.shape for array in arrays)
        if found != expected:
            return f"of the wrong shape (expected {sorted(expected)}, found {sorted(found)})"
    return None if all(np.isfinite(array).all() for array in arrays) else "not all numbers (NaN)"


def _problem_of_config(path: Path, document: Mapping[str, Any]) -> str | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return "is missing"
    except ValueError:
        return "is damaged"
    # the environment may gain facts from one version to the next
    compared = [key for key in document if key != "environment"]
    if isinstance(found, dict) and all(found.get(key) == document[key] for key in compared):
        return None
    return "differs from the record"


def _load(path: Path, key: str) -> Split | None:
    try:
        split = Split.load(path)
    except DataError:
        return None
    return split if split.hash == key else None
