"""Which names a study may have: those of one folder on any file system."""

import os
import re
from pathlib import Path

LONGEST = 100
RULE = (
    f"1 to {LONGEST} letters, digits, spaces and any of - _ . +, beginning with a letter, a digit or _ and "
    "ending with neither a dot nor a space"
)
_PLAIN = re.compile(r"\w(?:[\w .+-]*[\w+-])?")
_LONGEST_FILE_NAME = 255  # bytes, of all usual file systems


def is_plain(name: str) -> bool:
    """Return whether a name follows `RULE`, and so is that of one folder on any file system."""
    fits = len(name) <= LONGEST and _PLAIN.fullmatch(name) is not None
    return fits and len(name.encode()) <= _LONGEST_FILE_NAME


def require_one_folder(name: str) -> str:
    """Return a name that a record has, which may be older than `RULE`, if it leads into no other folder.

    Raises:
        ValueError: For one that does.
    """
    if name in {"", os.curdir, os.pardir} or Path(name).name != name or not name.isprintable():
        raise ValueError(f"expected the name of one folder, found {name[:LONGEST]!r}")
    return name
