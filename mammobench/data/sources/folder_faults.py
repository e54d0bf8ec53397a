"""Faults of a folder of images: told together, and the likelier of two."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from mammobench.core.errors import DataError
from mammobench.data.sources.archive import Archive
from mammobench.data.sources.folder_columns import Search
from mammobench.data.sources.folder_labels import ClassNames
from mammobench.data.sources.folder_layout import SPLITS

SHOWN = 5


def together(faults: Sequence[DataError], total: int, where: Path) -> DataError:
    """Return one error for the faults of several files, or the fault itself where there is one.

    Args:
        faults: One a file.
        total: How many files there are.
        where: What the files lie in.
    """
    if len(faults) == 1:
        return faults[0]
    told = [f"{fault.where}: {fault.problem} ({fault.found})" for fault in faults[:SHOWN]]
    more = f"; and {len(faults) - SHOWN:,} more" if len(faults) > SHOWN else ""
    alike = all(fault.remedy == faults[0].remedy for fault in faults)
    return DataError(
        f"{len(faults):,} of {total:,} images cannot be used",
        where=where,
        expected="whole images, each in a file of its own",
        found="; ".join(told) + more,
        remedy=faults[0].remedy if alike else "Replace or remove these files",
    )


def require_files(archive: Archive, images: Sequence[str], broken: Sequence[str]) -> None:
    """Refuse what could not be stored: names that are not UTF-8, and links that lead nowhere.

    Args:
        archive: Where they are.
        images: Files of images and tables.
        broken: Links that should lead to some.

    Raises:
        DataError: For all of them together.
    """
    faults = []
    for file in images:
        shown = os.fsencode(file).decode(errors="backslashreplace")
        if shown != file:
            faults.append(
                DataError(
                    "the file's name is not UTF-8",
                    where=shown,
                    expected="a path in UTF-8",
                    found="other bytes",
                    remedy="Rename it, or the folder; `convmv -r -f latin1 -t utf8 --notest` does so for all",
                )
            )
    faults += [
        DataError(
            "the link leads nowhere",
            where=file,
            expected="an image",
            found="no file",
            remedy="Fetch the file that it leads to, or remove the link",
        )
        for file in broken
    ]
    if faults:
        raise together(faults, len(images) + len(broken), archive.path)


def likelier(fault: DataError, search: Search, images: Sequence[str], classes: ClassNames) -> DataError:
    """Return the fault of the folders, or that of the table where it is the table that must say the classes.

    Args:
        fault: What is wrong with the folders.
        search: What is wrong with the tables.
        images: All images.
        classes: What folders may be called.
    """
    table = search.meant
    above = [PurePosixPath(file).parts[:-1] for file in images]
    if not search.unfit or any(classes.find(name) for names in above for name in names):
        return fault
    inner = {names[-1] for names in above if names and names[-1].lower() not in SPLITS}
    if table and (search.usual or len(inner) <= 1):
        return table
    files = " or ".join(list(search.unfit)[:SHOWN])
    return DataError(
        fault.problem,
        where=fault.where,
        expected=fault.expected,
        found=fault.found,
        remedy=f"{fault.remedy}. Or say what {files} calls its columns, with --columns file=NAME,label=NAME",
    )
