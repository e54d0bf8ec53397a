"""A trial's files on their way between machines.

On one machine, or on a file system that all share, a trial's folder is where its files belong and nothing
moves. Otherwise they go to an artifact place, and the record names them, in Optuna's own form, so that
`optuna.artifacts` and optuna-dashboard find them too.

`optuna.artifacts.upload_artifact` of Optuna 5.0 names a file in the record before it uploads it. Here the
order is the other one: a file is uploaded whole and then named, so that no reader ever meets a part of one;
what was uploaded by a worker that died in between is never named. Size and SHA-256 are stored with the name
and checked after a download.

A checkpoint is replaced after every epoch, and Optuna's records cannot be taken back, so it has one entry
of its own that is written over.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedRandom, BufferedReader
from pathlib import Path
from typing import Annotated, Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mammobench.core.errors import ConfigError, StudyError
from mammobench.core.files import written_aside
from mammobench.core.validation import first_fault
from mammobench.study.artifact_place import Place, open_place

_NAMED, _CHECKPOINT = "artifacts:", "mammobench:checkpoint"
_MIME_TYPE = "application/octet-stream"


class _Entry(BaseModel):
    """What the record says of a file; the fields are Optuna's, and three of ours."""

    model_config = ConfigDict(strict=True, frozen=True)

    artifact_id: Annotated[str, Field(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    filename: Annotated[str, Field(pattern="^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")]
    mimetype: str
    encoding: str | None
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    version: Annotated[int, Field(ge=0)] = 0


class Artifacts:
    """The files of trials that share a file system: they are where they belong already."""

    def push(self, trial_id: int, folder: Path, names: Iterable[str]) -> bool:
        """Upload files of a running trial's folder, those of `names` that exist.

        Args:
            trial_id: The trial in the storage.
            folder: Its folder on this machine.
            names: File names in it. A file pushed again replaces the earlier one for all who pull it.

        Returns:
            Whether the trial was still this worker's; see `mammobench.study.storage.access.still_ours`.

        Raises:
            StudyError: When the place cannot be written to, although it was tried for two minutes.
        """
        del trial_id, folder, names
        return True

    def push_checkpoint(self, trial_id: int, path: Path) -> bool:
        """Upload a running trial's checkpoint, name it in the record, and remove the one before.

        Returns:
            Whether the trial was still this worker's.

        Raises:
            StudyError: As `push`.
        """
        del trial_id, path
        return True

    def pull(self, trial_id: int, folder: Path, names: Iterable[str]) -> frozenset[str]:
        """Fetch files of a trial unless this machine has them as they were pushed, each whole or not at all.

        What an interrupted attempt left here is replaced by what the trial came to elsewhere.

        Returns:
            Those of `names` that are in `folder` now.

        Raises:
            StudyError: When the place cannot be read, or holds something else than was pushed.
        """
        del trial_id
        return frozenset(name for name in names if (folder / name).exists())

    def pull_checkpoint(self, trial_id: int, path: Path) -> bool:
        """Fetch a trial's checkpoint unless `path` exists, and return whether it does now.

        Raises:
            StudyError: As `pull`.
        """
        del trial_id
        return path.exists()

    def remove_checkpoint(self, trial_id: int) -> None:
        """Remove a trial's checkpoint from the place; it may have ended, and may have none.

        Raises:
            StudyError: When the place cannot be written to.
        """


@dataclass(frozen=True)
class _Placed(Artifacts):
    """Files of trials whose machines share an artifact place only."""

    place: Place
    storage: BaseStorage

    def push(self, trial_id: int, folder: Path, names: Iterable[str]) -> bool:
        pushed = self._pushed(trial_id)
        for name in names:
            if not (folder / name).exists():
                continue
            entry = self._upload(folder / name)
            entry["version"] = pushed.get(name, {}).get("version", 0) + 1
            # Optuna reads its entries as JSON in a string
            if not self._name(trial_id, _NAMED + entry["artifact_id"], json.dumps(entry), entry):
                return False
        return True

    def push_checkpoint(self, trial_id: int, path: Path) -> bool:
        before = self._checkpoint(trial_id)
        entry = self._upload(path)
        if not self._name(trial_id, _CHECKPOINT, entry, entry):
            return False
        if before is not None:
            self.place.remove(before["artifact_id"])
        return True

    def pull(self, trial_id: int, folder: Path, names: Iterable[str]) -> frozenset[str]:
        wanted = frozenset(names)
        for name, entry in self._pushed(trial_id).items():
            if name not in wanted or _is_there(folder / name, entry):
                continue
            if not self._download(entry, folder / name):
                raise StudyError(
                    "a file that the record names is gone from the artifacts",
                    where=self.place.where,
                    expected=f"{name} of trial {trial_id}, stored as {entry['artifact_id']}",
                    remedy="Restore it from a copy",
                )
        return super().pull(trial_id, folder, wanted)

    def pull_checkpoint(self, trial_id: int, path: Path) -> bool:
        while not path.exists():
            entry = self._checkpoint(trial_id)
            if entry is None:
                return False
            if self._download(entry, path):
                return True
            # replaced or removed while it was to be fetched
            if self._checkpoint(trial_id) == entry:
                return False
        return True

    def remove_checkpoint(self, trial_id: int) -> None:
        entry = self._checkpoint(trial_id)
        if entry is not None:
            self.place.remove(entry["artifact_id"])

    def _upload(self, path: Path) -> dict[str, Any]:
        # one open file: a checkpoint may be renamed over the path meanwhile
        with path.open("rb") as file:
            entry = {
                "artifact_id": str(uuid.uuid4()),
                "filename": path.name,
                "mimetype": _MIME_TYPE,
                "encoding": None,
                **_fingerprint(file),
            }
            file.seek(0)
            self.place.write(str(entry["artifact_id"]), file)
        return entry

    def _name(self, trial_id: int, key: str, value: object, entry: Mapping[str, Any]) -> bool:
        try:
            self.storage.set_trial_system_attr(trial_id, key, value)  # type: ignore[arg-type]
        except UpdateFinishedTrialError:
            self.place.remove(entry["artifact_id"])
            return False
        return True

    def _pushed(self, trial_id: int) -> dict[str, dict[str, Any]]:
        return pushed_files(self.storage, trial_id)

    def _checkpoint(self, trial_id: int) -> dict[str, Any] | None:
        found = self.storage.get_trial(trial_id).system_attrs.get(_CHECKPOINT)
        return None if found is None else _checked(found, trial_id)

    def _download(self, entry: Mapping[str, Any], path: Path) -> bool:
        """Fetch a file, written aside and checked; return False where there is none."""
        with suppress(_GoneError), written_aside(path) as aside:
            with aside.open("w+b") as sink:
                if not self.place.read(entry["artifact_id"], sink):
                    raise _GoneError
                sink.seek(0)
                found = _fingerprint(sink)
            expected = {key: entry[key] for key in found}
            if found != expected:
                raise StudyError(
                    "damaged among the artifacts",
                    where=f"{self.place.where}, {entry['artifact_id']} ({entry['filename']})",
                    expected=f"{expected['size']} bytes, SHA-256 {expected['sha256'][:12]}",
                    found=f"{found['size']} bytes, SHA-256 {found['sha256'][:12]}",
                    remedy="Restore it from a copy",
                )
            return True
        return False


class _GoneError(Exception):
    """Nothing is stored under an id."""


def open_artifacts(where: str | None, folder: Path, storage: BaseStorage, *, make: bool = True) -> Artifacts:
    """Return where the files of a study's trials go.

    Args:
        where: None when all machines share `folder` or there is one; else a folder that they share, or
            ``s3://BUCKET/PREFIX``, in which the study gets a folder of its own name.
        folder: The study's folder on this machine.
        storage: The record that names the files.
        make: Whether to make a folder that is not there; not where a record alone says so.

    Raises:
        ConfigError: For another scheme, or S3 without boto3.
        StudyError: When the place cannot be used.
    """
    if where is None:
        return Artifacts()
    return _Placed(open_place(where, folder.name, make=make), storage)


def pushed_files(storage: BaseStorage, trial_id: int) -> dict[str, dict[str, Any]]:
    """Return what the record says of each file of a trial that was pushed last, by file name.

    Raises:
        StudyError: Where that is damaged.
    """
    attributes = storage.get_trial(trial_id).system_attrs
    entries = [_checked(value, trial_id) for key, value in attributes.items() if key.startswith(_NAMED)]
    return {entry["filename"]: entry for entry in sorted(entries, key=lambda entry: entry["version"])}


def _checked(found: object, trial_id: int) -> dict[str, Any]:
    """Return an entry that is one: what it names is fetched, written over and removed."""
    try:
        if isinstance(found, str):
            return _Entry.model_validate_json(found).model_dump()
        return _Entry.model_validate(found).model_dump()
    except ValidationError as error:
        raise StudyError(
            f"damaged trial record (artifact: {first_fault(error)})",
            where=f"trial {trial_id}",
            remedy="Restore the record from a copy",
        ) from None


def named_artifacts(storage: BaseStorage, study_id: int) -> dict[str, int]:
    """Return all that a study's record names in its place of artifacts, replaced files too: id to bytes."""
    found: dict[str, int] = {}
    for trial in storage.get_all_trials(study_id, deepcopy=False):
        attributes = trial.system_attrs
        entries = [json.loads(value) for key, value in attributes.items() if key.startswith(_NAMED)]
        entries += [attributes[_CHECKPOINT]] if _CHECKPOINT in attributes else []
        found |= {str(entry["artifact_id"]): int(entry["size"]) for entry in entries}
    return found


def whole_place(where: str) -> str:
    """Return a place as a record names it: a folder by its whole path, S3 without a slash at the end."""
    scheme, separator, rest = where.partition(":/")
    if separator or not where:
        return f"{scheme}{separator}{rest.rstrip('/') or rest}"
    return str(Path(where).expanduser().absolute())


def require_place(where: str, folder: Path) -> None:
    """Write a file to the place of a new study's artifacts, read it, and remove it.

    Args:
        where: As for `open_artifacts`.
        folder: The study's folder.

    Raises:
        ConfigError: For another scheme, S3 without boto3, or a place in the study's own folder.
        StudyError: When the place cannot be used.
    """
    if ":/" not in where and (Path(where) / folder.name).resolve().is_relative_to(folder.resolve()):
        raise ConfigError(
            "the artifacts would lie in the study's own folder, where its files are anyway",
            where="--artifacts",
            found=where,
            remedy="Leave --artifacts out where all machines share the study's folder",
        )
    open_place(where, folder.name).require_usable()


def _is_there(path: Path, entry: Mapping[str, Any]) -> bool:
    with suppress(FileNotFoundError), path.open("rb") as file:
        return _fingerprint(file).items() <= entry.items()
    return False


def _fingerprint(file: BufferedReader | BufferedRandom) -> dict[str, Any]:
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"size": file.tell(), "sha256": digest}
