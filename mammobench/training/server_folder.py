"""The folder of the socket on which the server of trial processes listens, which outlives no two searches.

multiprocessing makes such a folder, ``pymp-...``, in the temporary folder and removes it when Python ends; a
killed process leaves it there for ever. Ours is locked as long as its process lives, however that ends, and
each process that makes one removes those that nobody holds any more.

A socket without a file, in Linux's abstract namespace, would leave nothing behind, but every user of the
machine could reach it and have it run code (CVE-2022-42919).
"""

import atexit
import fcntl
import multiprocessing
import os
import stat
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

# as short as multiprocessing's own: the path of a socket may have 107 characters
_PREFIX = "mammo-"
_SOCKET = "listener-*"


def provide_server_folder() -> Path:
    """Have multiprocessing use a folder of this process for its sockets, and remove those of dead ones.

    Returns:
        The folder. It is removed when the process ends by itself.
    """
    folder = _own_folder(os.getpid())
    # read by `multiprocessing.util.get_temp_dir`, which has no other way to be told
    multiprocessing.current_process()._config.setdefault("tempdir", str(folder))  # type: ignore[attr-defined] # noqa: SLF001
    return folder


@cache
def _own_folder(pid: int) -> Path:
    remove_abandoned(Path(tempfile.gettempdir()))
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        # another process may find it, and remove it, in the moment before it is locked
        with suppress(FileNotFoundError):
            if _lock_of(folder) is not None and folder.exists():
                atexit.register(_remove_own, folder, pid)
                return folder


def remove_abandoned(place: Path) -> None:
    """Remove the folders of processes that are gone; others' and those that hold anything else stay."""
    for folder in place.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                continue
            handle = _lock_of(folder)
            if handle is not None:
                try:
                    _remove(folder)
                finally:
                    os.close(handle)


def _lock_of(folder: Path) -> int | None:
    """Lock a folder and return the open handle that holds it, which no child inherits; None if it is held."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _remove_own(folder: Path, pid: int) -> None:
    # a forked child runs the exit handlers of its parent too
    if os.getpid() == pid:
        with suppress(OSError):
            _remove(folder)


def _remove(folder: Path) -> None:
    for path in folder.glob(_SOCKET):
        if path.is_socket():
            path.unlink(missing_ok=True)
    folder.rmdir()
