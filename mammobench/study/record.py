"""A study's folder: what was asked, the record of its trials, and the artifacts that the record names.

Optuna's storage is the record, whichever engine proposes: a trial's hyperparameters are its params, its
validation objectives its values, and the rest of a `TrialRecord` its user attributes. Nothing is kept twice.
A trial whose worker died has several entries there, one an attempt; the last one counts.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import optuna
from optuna.exceptions import DuplicatedStudyError
from optuna.storages import BaseStorage

from mammobench.core.errors import StudyError
from mammobench.core.files import write_json
from mammobench.study.design import Design
from mammobench.study.filenames import JOURNAL, SPEC, SPEC_UNDER_WAY
from mammobench.study.lock import locked
from mammobench.study.paths import command_for
from mammobench.study.spec import StudySpec, read_spec, read_spec_file
from mammobench.study.storage.access import create_study, open_storage
from mammobench.study.storage.journal import remove_unused_journal
from mammobench.study.storage.shared import DESCRIPTION
from mammobench.study.storage.url import redacted
from mammobench.study.trials import RecordedTrials

_HEARTBEAT = 10
BEATS_MISSED = 6
# the live table and the log tell of trials, in the project's words
optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True)
class StudyRecord(RecordedTrials):
    """An opened study folder; see `RecordedTrials` for what is in it."""

    @classmethod
    def create(cls, folder: Path, spec: StudySpec, *, url: str | None = None) -> Self:
        """Start a study in a folder that holds none yet.

        Args:
            folder: Where; its lock is held by the caller where others may start a study there.
            spec: What is asked.
            url: Of the database that is to hold the record; None for the folder itself.

        Raises:
            StudyError: When the database holds a study of that name or cannot be reached, or the folder has
                a record of trials.
        """
        if url is None:
            folder.mkdir(parents=True, exist_ok=True)
            remove_unused_journal(folder)
        storage = _open_storage(folder, url, spec.heartbeat)
        directions = [optuna.study.StudyDirection[name.upper()] for name in spec.directions]
        description = spec.model_dump(mode="json")
        if url is not None:
            write_json(folder / SPEC_UNDER_WAY, description)
        try:
            study_id = create_study(storage, spec.name, directions, description)
        except DuplicatedStudyError:
            (folder / SPEC_UNDER_WAY).unlink()
            with suppress(OSError):
                folder.rmdir()
            raise StudyError(
                f"the database has a study {spec.name!r} already",
                where=redacted(url or ""),
                remedy=f"`{command_for('worker', folder)} --storage ...` joins it; --study names another",
            ) from None
        # the spec is written last: a folder with study.json is a whole study
        if url is None:
            write_json(folder / SPEC, description)
        else:
            (folder / SPEC_UNDER_WAY).replace(folder / SPEC)
        return cls(folder, spec, storage, study_id)

    @staticmethod
    def finish_creation(folder: Path, url: str) -> None:
        """Finish what a killed process began: a study that the database has, and the folder not yet.

        What another machine made under the name in between stays another's.
        """
        begun = folder / SPEC_UNDER_WAY
        if (folder / SPEC).is_file() or not begun.is_file():
            return
        spec = read_spec_file(begun)
        storage = _open_storage(folder, url, _HEARTBEAT)
        with suppress(KeyError):
            study_id = storage.get_study_id_from_name(spec.name)
            if storage.get_study_user_attrs(study_id)[DESCRIPTION] == spec.model_dump(mode="json"):
                begun.replace(folder / SPEC)

    @classmethod
    def join(cls, folder: Path, name: str, *, url: str) -> Self:
        """Open a study that the database at `url` knows, and describe it in `folder` on this machine.

        Raises:
            StudyError: When the database knows no such study, or `folder` holds another.
        """
        storage = _open_storage(folder, url, _HEARTBEAT)
        try:
            study_id = storage.get_study_id_from_name(name)
            document = storage.get_study_user_attrs(study_id)[DESCRIPTION]
        except KeyError:
            known = [study.study_name for study in storage.get_all_studies()]
            raise StudyError(
                f"no study {name!r} in the database",
                where=redacted(url),
                found=f"studies {', '.join(known)}" if known else "no studies",
                remedy="`mammobench search --storage` starts one",
            ) from None
        spec = read_spec(document, f"{redacted(url)}, study {name!r}")
        if cls.exists(folder):
            there = read_spec_file(folder / SPEC)
            if differences := spec.differences(there):
                raise StudyError(
                    "the folder holds another study of that name",
                    where=folder,
                    found=f"another {', '.join(differences)}",
                    remedy="Work in another folder",
                )
        else:
            write_json(folder / SPEC, spec.model_dump(mode="json"))
        if spec.heartbeat != _HEARTBEAT:
            storage = _open_storage(folder, url, spec.heartbeat)
        return cls(folder, spec, storage, study_id)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a study that exists.

        Raises:
            StudyError: Where there is none, or its study.json or journal cannot be read.
        """
        path = folder / SPEC
        if not path.is_file():
            raise StudyError(
                "no study here",
                where=folder,
                expected=f"a folder with {SPEC}",
                found="a folder without it" if folder.is_dir() else "no such folder",
                remedy="Name a study under reports/ or give its path; `mammobench search` starts one",
            )
        spec = read_spec_file(path)
        if spec.storage is not None:
            return cls.join(folder, spec.name, url=spec.storage)
        try:
            storage = _open_storage(folder, None, spec.heartbeat)
            study_id = storage.get_study_id_from_name(spec.name)
        except KeyError:
            raise StudyError(
                f"damaged trial record (it has no study {spec.name!r})",
                where=folder / JOURNAL,
                remedy="`mammobench doctor` says what can be mended",
            ) from None
        return cls(folder, spec, storage, study_id)

    @staticmethod
    def exists(folder: Path) -> bool:
        """Return whether `folder` holds a study."""
        return (folder / SPEC).is_file()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the lock of the one process that searches a study on a journal.

        It is free again when that process dies, however it dies. A study in a database takes any number.

        Raises:
            StudyError: When another process searches this study now.
        """
        with nullcontext() if self.spec.storage is not None else locked(self.folder):
            yield

    def redesign(self, design: Design) -> "StudyRecord":
        """Return the study with another plan of its table, written to its description."""
        spec = self.spec.model_copy(update={"design": design})
        description = spec.model_dump(mode="json")
        self.storage.set_study_user_attr(self.study_id, DESCRIPTION, description)
        write_json(self.folder / SPEC, description)
        return StudyRecord(self.folder, spec, self.storage, self.study_id)

    def keep_description(self) -> None:
        """Write the description into a record that does not hold it: versions up to 0.2 wrote none there."""
        if DESCRIPTION not in self.storage.get_study_user_attrs(self.study_id):
            description = self.spec.model_dump(mode="json")
            self.storage.set_study_user_attr(self.study_id, DESCRIPTION, description)


def utc_now() -> str:
    """Return the time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _open_storage(folder: Path, url: str | None, heartbeat: int) -> BaseStorage:
    def tell(line: str) -> None:
        # standard output is the command's answer
        sys.stderr.write(f"{line}\n")

    return open_storage(
        folder, url, heartbeat_interval=heartbeat, grace_period=BEATS_MISSED * heartbeat, tell=tell
    )
