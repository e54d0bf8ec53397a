"""`examine`: look at everything in a study's folder and change nothing."""

import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from mammobench.analysis.doctor.cures import remove
from mammobench.analysis.doctor.findings import SEVERITIES, Examination, Finding, Holding
from mammobench.analysis.doctor.record import read_spec, read_trials
from mammobench.analysis.doctor.trials import (
    look_at_checkpoint,
    look_at_splits,
    look_at_trial,
    look_for_files,
    look_for_orphans,
)
from mammobench.core.errors import DataError, StudyError
from mammobench.data.store.image_store import ImageStore
from mammobench.study.filenames import JOURNAL, PAGE, TRIALS
from mammobench.study.lock import is_locked
from mammobench.study.paths import command_for
from mammobench.study.record import StudyRecord
from mammobench.study.spec import StudySpec
from mammobench.study.trial_record import TrialRecord
from mammobench.training.filenames import PREDICTIONS

ROOM = 2**30
"""Bytes free on the disk below which it counts as nearly full."""

# `mammobench.core.files.written_aside` writes to .<stem>-<8 random characters><suffix>
_LEFT_OVER = re.compile(r"\.[\w.-]+-[a-z0-9_]{8}(\.[\w-]+)?")
_ENDED_WELL = {"finished", "pruned"}


def examine(folder: Path, *, room: int = ROOM) -> Examination:
    """Look at a study's folder: its description, record, results, splits, data, left-overs and disk.

    Nothing is written. What a running search may be writing at this moment is not held against it.

    Args:
        folder: The folder; it need not hold a whole study.
        room: Bytes free on the disk below which it counts as nearly full.

    Raises:
        StudyError: When there is no such folder.
    """
    if not folder.is_dir():
        raise StudyError(
            "no such folder", where=folder, remedy="Name a study under reports/, or give its path"
        )
    return look(folder, room=room, in_use=is_locked(folder))


def look(folder: Path, *, room: int, in_use: bool) -> Examination:
    """Examine a folder, told whether another process searches it now."""
    spec, findings = read_spec(folder)
    trials: Sequence[TrialRecord] = ()
    if spec is not None:
        study, trials, found = read_trials(folder, spec, in_use=in_use)
        store, of_store = _look_at_store(spec)
        findings += [*found, *of_store]
        if study is not None:
            findings += _look_at_trials(study, trials, store, in_use=in_use)
    running = any(trial.state == "running" for trial in trials)
    # workers on other machines hold no lock here, but their trials run
    if not in_use and not (running and spec is not None and spec.storage is not None):
        findings += _left_over(folder)
    free = shutil.disk_usage(folder).free
    if free < room:
        what = f"only {free / 1e6:.0f} MB are free on the disk"
        remedy = "Make room before the search goes on: a trial that cannot write fails"
        findings.append(Finding(what, folder, "warning", remedy))
    return Examination(
        folder=folder,
        spec=spec,
        trials=dict(sorted(Counter(trial.state for trial in trials).items())),
        holdings=_holdings(folder),
        free=free,
        in_use=in_use,
        findings=tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))),
    )


def _look_at_store(spec: StudySpec) -> tuple[ImageStore | None, list[Finding]]:
    """Return the images that the study was made for, if they are there and the same."""
    path = Path(spec.data)
    remedy = "The study can be reported without them, but neither continued nor reproduced"
    try:
        store = ImageStore.open(path)
    except DataError as error:
        return None, [
            Finding(f"the study's images cannot be used ({error.problem})", path, "warning", remedy)
        ]
    if store.fingerprint != spec.fingerprint:
        what = "the image store is another than the study was made for"
        return None, [Finding(what, path, "warning", remedy)]
    return store, []


def _look_at_trials(
    study: StudyRecord, trials: Sequence[TrialRecord], store: ImageStore | None, *, in_use: bool
) -> list[Finding]:
    splits, findings = look_at_splits(study, trials, store)
    continued = {trial.continues for trial in trials if trial.state in _ENDED_WELL}
    for trial in trials:
        elsewhere = list(look_for_files(study, trial)) if study.spec.artifacts else []
        findings += elsewhere
        if trial.state in _ENDED_WELL and not elsewhere:
            findings += look_at_trial(trial, study.spec.fingerprint, splits.get(trial.split))
        # a trial that was stopped or saw part of its budget may still be continued
        if trial.state == "finished" and (trial.whole or trial.number in continued):
            findings += look_at_checkpoint(trial)
    running = [trial.number for trial in trials if trial.state == "running"]
    if running and not in_use and study.spec.storage is None:
        what = f"the search was interrupted in trial {', '.join(map(str, running))}"
        remedy = f"It goes on from the last checkpoint with: {study.spec.command}"
        findings.append(Finding(what, study.folder, "note", remedy))
    findings += look_for_orphans(study, trials)
    findings += _look_at_report(study.folder, trials)
    return findings


def _look_at_report(folder: Path, trials: Sequence[TrialRecord]) -> Iterator[Finding]:
    results = [trial.folder / PREDICTIONS for trial in trials if trial.state == "finished"]
    newest = max((path.stat().st_mtime for path in results if path.exists()), default=0.0)
    report = folder / PAGE
    if report.exists() and report.stat().st_mtime < newest:
        yield Finding(
            "the report is older than the newest result", report, "note",
            f"Write it again with: {command_for('report', folder)}",
        )  # fmt: skip


def _left_over(folder: Path) -> Iterator[Finding]:
    """Yield the temporary files of interrupted writes and the locks of Optuna's journal."""
    for path in sorted(folder.rglob(".*")):
        if _LEFT_OVER.fullmatch(path.name) and path.is_file():
            yield Finding(
                "an interrupted write left a temporary file", path, "note",
                f"Removing it frees {path.stat().st_size / 1e6:.1f} MB", cure=partial(remove, path),
            )  # fmt: skip
    # a symbolic link while it is held, renamed for an instant when it is given back
    for path in sorted(folder.glob(f"{JOURNAL}.lock*")):
        yield Finding(
            "a killed process left the lock of the record", path, "note",
            "Optuna gives it up by itself after half a minute; removing it saves the wait",
            cure=partial(remove, path),
        )  # fmt: skip


def _holdings(folder: Path) -> dict[str, Holding]:
    """Count files and bytes by kind; one kind for each name in trial folders and for each other folder."""
    sizes: defaultdict[str, list[int]] = defaultdict(list)
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            place = path.relative_to(folder)
            inside = f"{place.parts[0]}/*"
            kind = str(place) if len(place.parts) == 1 else inside
            sizes[f"{inside}/{place.name}" if place.parts[0] == TRIALS else kind].append(path.stat().st_size)
    largest_first = sorted(sizes.items(), key=lambda item: -sum(item[1]))
    return {kind: Holding(len(found), sum(found)) for kind, found in largest_first}
