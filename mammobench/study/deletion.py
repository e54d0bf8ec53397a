"""Remove a study: its artifacts, its record in the folder or the database, and its folder.

What is removed last is what a repetition needs, so that one that was killed is simply called again: the
artifacts, which the record names, go before the record, and ``study.json`` is the last but for the lock.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from optuna.storages import BaseStorage

from mammobench.core.errors import MammobenchError, StudyError
from mammobench.study.artifact_place import open_place
from mammobench.study.artifacts import named_artifacts
from mammobench.study.filenames import JOURNAL, LOCK, SPEC, SPLITS, TRIALS
from mammobench.study.paths import REPORTS, any_folder, holds_remains, holds_study, new_folder
from mammobench.study.record import BEATS_MISSED
from mammobench.study.spec import StudySpec
from mammobench.study.storage.access import open_storage
from mammobench.study.storage.shared import SharedStorage
from mammobench.study.storage.url import redacted

_LAST = (JOURNAL, SPEC)
_DEFAULT_BEAT: int = StudySpec.model_fields["heartbeat"].default
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Deletion:
    """What goes when a study is deleted, and what cannot.

    Attributes:
        folder: The study's, which may be a symbolic link, or not be there.
        name: The study's.
        record: Where its record is: a file or a database; None where there is none.
        trials: How many entries that has; None where it cannot be read.
        files: In the folder; what a symbolic link leads to is not counted, and stays.
        size: Of those, bytes.
        artifacts: Id to bytes of what the record names in the place of artifacts.
        place: That place.
        left: What cannot be removed, and why.
        storage: The opened database; None for a journal.
        study_id: The study there; None where it is not there.
    """

    folder: Path
    name: str
    record: str | None
    trials: int | None
    files: int
    size: int
    artifacts: dict[str, int]
    place: str | None
    left: tuple[str, ...]
    storage: SharedStorage | None = field(default=None, repr=False)
    study_id: int | None = None

    def lines(self) -> list[str]:
        """Say what goes, a line for each kind of thing."""
        lines = [f"Study:      {self.name}"]
        if self.record is not None:
            lines.append(f"Record:     {self.record}, {_count(self.trials, 'entry', 'entries')} of trials")
        if self.artifacts:
            size = sum(self.artifacts.values())
            lines.append(
                f"Artifacts:  {_count(len(self.artifacts), 'file')}, {_megabytes(size)} in {self.place}"
            )
        if self.folder.is_dir():
            lines.append(f"Folder:     {self.folder}, {_count(self.files, 'file')}, {_megabytes(self.size)}")
        return [*lines, *(f"Stays:      {reason}" for reason in self.left)]

    def to_dict(self) -> dict[str, Any]:
        """Return the same as JSON has it."""
        return {
            "study": self.name,
            "folder": str(self.folder),
            "record": self.record,
            "trials": self.trials,
            "files": self.files,
            "bytes": self.size,
            "artifacts": len(self.artifacts),
            "artifact_bytes": sum(self.artifacts.values()),
            "place": self.place,
            "left": list(self.left),
        }


def plan_deletion(study: str | Path, *, url: str | None = None) -> Deletion:
    """Look at all that is a study's; nothing is removed.

    Args:
        study: A name under ``reports/``, or a path; the study may be damaged.
        url: Of the database with its record, where no folder here says that.

    Raises:
        StudyError: When there is no study, it is searched now, its folder holds more than it, or the database
            has another study of its name.
    """
    folder = _folder_of(study, url)
    with _locked(folder):
        pass
    spec, left = _read_spec(folder), list[str]()
    if spec is not None and spec.storage is None and url is not None:
        raise StudyError(
            "the record of this study is in its folder", where=folder, remedy="Leave --storage out"
        )
    url = url or (None if spec is None else spec.storage)
    name = folder.name if spec is None else spec.name
    where = str(folder / JOURNAL) if url is None else redacted(url)
    record = None
    if url is not None or (folder / JOURNAL).is_file():
        try:
            record = _read_record(folder, name, url, spec)
        except StudyError as error:
            if url is not None:
                left.append(f"the record in {where}, which cannot be read: {error}")
    if spec is not None and record is not None and record.spec is not None:
        _require_same(spec, record.spec, where)
    spec = spec or (None if record is None else record.spec)
    place = None if spec is None else spec.artifacts
    artifacts = {} if record is None else record.artifacts
    if reason := _why_they_stay(place, folder.name, record):
        left.append(reason)
        artifacts = {}
    shared = record.storage if record is not None and isinstance(record.storage, SharedStorage) else None
    study_id = None if record is None else record.study_id
    if shared is not None and study_id is not None and shared.being_run(study_id):
        raise _searched(folder)
    sizes = list(_sizes(folder))
    there = study_id is not None or (url is None and (folder / JOURNAL).is_file())
    return Deletion(
        folder=folder,
        name=name,
        record=where if there else None,
        trials=None if record is None else record.trials,
        files=len(sizes),
        size=sum(sizes),
        artifacts=artifacts,
        place=place,
        left=tuple(left),
        storage=shared,
        study_id=study_id,
    )


def delete(plan: Deletion, *, told: Callable[[int, int], None] = lambda *_: None) -> tuple[str, ...]:
    """Remove what a plan names, and return what could not be removed, with the reasons.

    Args:
        plan: From `plan_deletion`.
        told: Called with how many artifacts have been removed, and their total.

    Raises:
        StudyError: When the study is searched now; nothing has been removed then.
    """
    with _locked(plan.folder):
        if plan.storage is not None and plan.study_id is not None and plan.storage.being_run(plan.study_id):
            raise _searched(plan.folder)
        try:
            _remove_artifacts(plan, told)
            if plan.storage is not None and plan.study_id is not None:
                removed = plan.storage.delete_unless_run(plan.study_id)
                if not removed:
                    raise _searched(plan.folder)
            _remove_folder(plan.folder)
        except MammobenchError as error:
            return (*plan.left, f"{error} What is left can be removed by the same command later")
        except OSError as error:
            return (*plan.left, f"{error.filename}: {error.strerror}")
    return plan.left


def _folder_of(study: str | Path, url: str | None) -> Path:
    try:
        folder = any_folder(study)
    except StudyError:
        if url is None:
            raise
        return new_folder(study, where="STUDY")
    if not (holds_study(folder) or holds_remains(folder) or (folder / JOURNAL).is_file()):
        raise StudyError(
            "no study here",
            where=folder,
            expected=f"{SPEC}, {JOURNAL}, or what else commands write into a study's folder",
            remedy="Name a study under reports/, or give its path",
        )
    place, here = folder.resolve(), Path.cwd()
    others = [path for path in _walk(place) if path.name == SPEC and path.parent != place]
    if place in {here, *here.parents, Path.home(), REPORTS.resolve()} or others:
        raise StudyError(
            "the folder holds more than the study",
            where=folder,
            found=f"the study {others[0].parent}" if others else "a working directory, or all studies",
            remedy=f"Remove what is the study's by hand: {SPEC}, {JOURNAL}, {TRIALS}, {SPLITS} and pages",
        )
    return folder


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep searches of the folder away; the lock is that of `StudyRecord.lock`."""
    if not folder.is_dir():
        yield
        return
    try:
        with FileLock(folder / LOCK).acquire(timeout=0):
            yield
    except Timeout:
        raise _searched(folder) from None


def _searched(folder: Path) -> StudyError:
    return StudyError(
        "the study is being searched",
        where=folder,
        remedy="Stop the search with Ctrl-C, or wait for it; nothing has been removed",
    )


def _read_spec(folder: Path) -> StudySpec | None:
    try:
        return StudySpec.model_validate_json((folder / SPEC).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


@dataclass(frozen=True)
class _Record:
    """What a record tells; of a study that is not in it (any more) nothing."""

    storage: BaseStorage
    study_id: int | None = None
    trials: int = 0
    artifacts: dict[str, int] = field(default_factory=dict)
    spec: StudySpec | None = None


def _read_record(folder: Path, name: str, url: str | None, spec: StudySpec | None) -> _Record:
    """Open a study's record.

    Raises:
        StudyError: When it cannot be read.
    """

    def opened(beat: int) -> BaseStorage:
        grace = BEATS_MISSED * beat
        return open_storage(folder, url, heartbeat_interval=beat, grace_period=grace, tell=lambda _: None)

    try:
        storage = opened(_DEFAULT_BEAT if spec is None else spec.heartbeat)
        try:
            study_id = storage.get_study_id_from_name(name)
        except KeyError:
            return _Record(storage)
        attributes = storage.get_study_user_attrs(study_id)
        recorded = StudySpec.model_validate(attributes["spec"]) if "spec" in attributes else None
        if spec is None and recorded is not None:
            storage = opened(recorded.heartbeat)
        named = named_artifacts(storage, study_id)
        trials = len(storage.get_all_trials(study_id, deepcopy=False))
    except MammobenchError as error:
        raise StudyError(str(error).rstrip(".")) from None
    except Exception as error:  # noqa: BLE001 - what a damaged record makes Optuna raise is anything
        raise StudyError(f"it is damaged ({type(error).__name__})") from None
    # no other id leads to a file of the study's
    artifacts = {key: size for key, size in named.items() if _ID.fullmatch(key)}
    return _Record(storage, study_id, trials, artifacts, recorded)


def _require_same(spec: StudySpec, recorded: StudySpec, where: str) -> None:
    if spec.created != recorded.created:
        raise StudyError(
            f"the record has another study {spec.name!r}, made at another time",
            where=where,
            expected=spec.created,
            found=recorded.created,
            remedy="Remove the folder by hand, and the other study by the folder that describes it",
        )


def _why_they_stay(where: str | None, study: str, record: _Record | None) -> str | None:
    """Return why the artifacts of a study cannot be removed, if so."""
    if record is None:
        told = "the artifacts in {}, since only the record says which are the study's"
        return None if where is None else told.format(where)
    if not record.artifacts:
        return None
    if where is None:
        return f"{_count(len(record.artifacts), 'artifact')}, since only {SPEC} says where they lie"
    what = f"{_count(len(record.artifacts), 'file')} in {where}"
    if not _is_bucket(where) and not Path(where).expanduser().is_dir():
        return f"{what}, which is not there"
    try:
        open_place(where, study)
    except MammobenchError as error:
        return f"{what}: {error}"
    return None


def _is_bucket(where: str) -> bool:
    return ":/" in where


def _remove_artifacts(plan: Deletion, told: Callable[[int, int], None]) -> None:
    where = plan.place
    if where is None:
        return
    # a study whose folder was renamed has files under both names
    names = dict.fromkeys((plan.folder.name, plan.name))
    if not _is_bucket(where):
        names = {name: None for name in names if (Path(where).expanduser() / name).is_dir()}
    elif not plan.artifacts:
        return
    places = [open_place(where, name) for name in names]
    for done, artifact in enumerate(plan.artifacts, start=1):
        for place in places:
            place.remove(artifact)
        told(done, len(plan.artifacts))
    for place in places:
        place.remove_if_empty()


def _remove_folder(folder: Path) -> None:
    """Remove a folder, ``study.json`` at the end; symbolic links go, and what they lead to stays."""
    place = folder.resolve()
    if place.is_dir():
        entries = sorted(place.iterdir(), key=lambda path: (path.name == LOCK, _rank(path.name)))
        for entry in entries:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)
        place.rmdir()
    if folder.is_symlink():
        folder.unlink()


def _rank(name: str) -> int:
    return _LAST.index(name) if name in _LAST else -1


def _walk(folder: Path) -> Iterator[Path]:
    """Yield all files below a folder; symbolic links count as files and are not followed."""
    for place, folders, files in os.walk(folder):
        for name in files:
            yield Path(place, name)
        for name in folders:
            if Path(place, name).is_symlink():
                yield Path(place, name)


def _sizes(folder: Path) -> Iterator[int]:
    for path in _walk(folder.resolve()):
        if path.name != LOCK:
            yield path.lstat().st_size


def _count(number: int | None, one: str, many: str | None = None) -> str:
    many = many or f"{one}s"
    return f"unknown {many}" if number is None else f"{number:,} {one if number == 1 else many}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
