"""Which process runs a trial, so that its own machine can tell at once that it was killed.

A machine that is gone is told by its heartbeats alone. Of a process that was killed on a machine that lives
on, the next one there knows more: nothing that the trial did has ended the machine.
"""

import os
import socket
from pathlib import Path

_PROC = Path("/proc")


def name_of_process(place: Path) -> str | None:
    """Return a name that this process has and no other one, before it or after it, on any machine.

    Args:
        place: The folder that it works in; who works elsewhere on this machine counts as another machine.

    Returns:
        None where the system does not tell (it is Linux's /proc that does).
    """
    machine, started = _machine(), _start_of(os.getpid())
    return None if machine is None or started is None else f"{machine}|{place}|{os.getpid()}|{started}"


def was_killed(name: object, place: Path) -> bool:
    """Return whether a name is of a process of this machine and place that is gone now."""
    machine = _machine()
    if machine is None or not isinstance(name, str) or not name.startswith(f"{machine}|{place}|"):
        return False
    pid, _, started = name.removeprefix(f"{machine}|{place}|").partition("|")
    return pid.isdecimal() and started.isdecimal() and _start_of(int(pid)) != int(started)


def _machine() -> str | None:
    """Return the name of this boot of this machine, or of this start of this container."""
    first = _start_of(1)
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
        processes = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return None
    return None if first is None else f"{socket.gethostname()}|{boot}|{processes}|{first}"


def _start_of(pid: int) -> int | None:
    """Return when a process started, in ticks since the machine did; None where there is none to be seen."""
    try:
        # its name, in parentheses, may hold anything
        return int((_PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None
