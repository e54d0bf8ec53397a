"""Who is on an image, where the name of its file says so."""

import re
from pathlib import PurePosixPath

from mammobench.core.errors import DataError

FILES_SHOWN = 5
OPTION = "--patient-pattern"


def patients_of(files: list[str], pattern: str) -> list[str]:
    """Find the patient in the name of each file.

    Args:
        files: Paths of the images.
        pattern: A regular expression with a group ``patient``, or else the first group counts. It is looked
            for in the file's name, or in the whole path if it has a ``/``.

    Raises:
        DataError: When a name does not match, or matches with nothing in the group.
    """
    compiled = re.compile(pattern)
    group: str | int = "patient" if "patient" in compiled.groupindex else 1
    found = [compiled.search(file if "/" in pattern else PurePosixPath(file).name) for file in files]
    patients = [(match.group(group) or "").strip() if match else "" for match in found]
    without = [file for file, patient in zip(files, patients, strict=True) if not patient]
    if without:
        more = f" and {len(without) - FILES_SHOWN:,} more" if len(without) > FILES_SHOWN else ""
        raise DataError(
            f"{len(without):,} of {len(files):,} files do not match",
            where=OPTION,
            expected=f"{pattern!r} in every name",
            found=", ".join(without[:FILES_SHOWN]) + more,
            remedy=r"Widen the pattern; \d+ stands for digits, [^_]+ for all up to the next _",
        )
    return patients
