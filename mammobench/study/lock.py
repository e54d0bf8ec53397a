"""The lock of a study's folder, held by the one process that makes, searches or mends the study there."""

import errno
import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from mammobench.core.errors import StudyError
from mammobench.study.filenames import LOCK

_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which is made where there is none.

    It is free again when this process dies, however it dies. A folder that was made for it and holds nothing
    else when the block fails is removed again, with the folders above it that were made too.

    Raises:
        StudyError: When another process holds it, or the folder cannot be written to.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    with _acquired(folder):
        try:
            yield
        except BaseException:
            if made and {path.name for path in folder.iterdir()} == {LOCK}:
                # whoever opened the file meanwhile finds by its lock that it has no name any more
                (folder / LOCK).unlink()
                with suppress(OSError):
                    for path in made:
                        path.rmdir()
            raise


def is_locked(folder: Path) -> bool:
    """Return whether a process holds the lock of a folder, which may lie on read-only media."""
    path = folder / LOCK
    if not path.exists():
        return False
    try:
        with FileLock(path).acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError as error:
        if error.errno not in _READ_ONLY:
            raise
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _acquired(folder: Path) -> AbstractContextManager[object]:
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return FileLock(folder / LOCK).acquire(timeout=0)
        except FileNotFoundError:
            # a start that failed has removed the folder between the two lines
            continue
        except Timeout:
            raise StudyError(
                "another process is searching this study",
                where=folder,
                remedy="Wait for it, stop it with Ctrl-C, or choose another --study name",
            ) from None
        except OSError as error:
            if error.errno not in _READ_ONLY:
                raise
            raise StudyError(
                f"the study's folder cannot be written to ({error.strerror})",
                where=folder,
                remedy="Copy the study to where you may write, and work there",
            ) from None
