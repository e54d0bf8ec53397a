"""A study's name and its folder: the one place where either becomes the other.

A plain name is that of a folder under ``reports/``; whatever has a separator in it is a folder's path.
"""

import os
import re
from collections.abc import Collection
from pathlib import Path

from mammobench.core.errors import ConfigError, StudyError
from mammobench.core.invocation import command
from mammobench.core.names import LONGEST, RULE, is_plain
from mammobench.space.config import nearest
from mammobench.study.filenames import FOLDERS, JOURNAL, OPENINGS, PAGE, REPORT_FILES, SPEC

REPORTS = Path("reports")
# what an interrupted creation leaves: locks, files written aside, a journal
_LEFT_OVER = re.compile(rf"\.[\w.-]*lock|\.[\w.-]+-[a-z0-9_]{{8}}(\.\w+)?|{re.escape(JOURNAL)}[\w.-]*")
# what any command writes into a study's folder; a dot begins what is not finished
_OURS = re.compile(
    "|".join(
        [
            r"\.[\w.-]*",
            *(f"{re.escape(name)}.*" for name in (SPEC, JOURNAL)),
            *map(re.escape, (*FOLDERS, PAGE, OPENINGS)),
            *(rf"{re.escape(Path(name).stem)}\.\w+" for name in REPORT_FILES.values() if name != PAGE),
        ]
    )
)


def holds_study(folder: Path) -> bool:
    """Return whether a folder describes a study; not for a path that no file system takes."""
    try:
        return (folder / SPEC).is_file()
    except (OSError, ValueError):
        return False


def study_around(path: Path) -> Path | None:
    """Return the folder of the study that a file lies in; None where it lies in none."""
    return next((folder for folder in path.absolute().parents if holds_study(folder)), None)


def holds_remains(folder: Path) -> bool:
    """Return whether all that a folder holds is a study's, whole or not: its description may be gone."""
    names = _names_in(folder)
    return any(not name.startswith(".") or name == ".lock" for name in names) and all(
        _OURS.fullmatch(name) for name in names
    )


def folder_named(name: str, *, where: str, beside: Collection[str] = ()) -> Path:
    """Return the folder of a new or an existing study of a plain name; no name leads out of ``reports/``.

    Args:
        name: The name.
        where: Who gave it, for the error.
        beside: What else may be in the folder.

    Raises:
        ConfigError: For a name that breaks `RULE` or a folder that is somebody else's.
    """
    if not is_plain(name):
        raise _not_plain(name, where)
    folder = REPORTS / name
    if not holds_study(folder):
        _require_free(folder, where, beside)
    return folder


def new_folder(study: str | Path, *, where: str = "--study", beside: Collection[str] = ()) -> Path:
    """Return where a study of that name or path is or will be.

    Args:
        study: A plain name, of a folder under ``reports/``, or a path: text with a separator, or a `Path`.
        where: Who gave it, for the error.
        beside: What else may be in the folder.

    Raises:
        ConfigError: For a name that breaks `RULE`; and for a folder that is the working directory or above
            it, or ``reports/`` itself, or holds anything that is no study's.
    """
    if isinstance(study, str) and not _is_path(study):
        # a study in the working directory has long been found by its name
        here = Path(study)
        return here if study and holds_study(here) else folder_named(study, where=where, beside=beside)
    folder = _tidied(Path(study))
    if not holds_study(folder):
        if len(folder.name) <= LONGEST:
            _require_free(folder, where, beside)
        if not is_plain(folder.name):
            raise _not_plain(folder.name, where)
    return folder


def study_folder(name_or_path: str | Path) -> Path:
    """Return the folder of a study that exists, given its name under ``reports/`` or its path.

    Raises:
        StudyError: Where there is none, with the nearest name.
    """
    for folder in _candidates(name_or_path):
        if holds_study(folder):
            return folder
    known = [path.parent.name for path in sorted(REPORTS.glob(f"*/{SPEC}"))]
    shown = str(name_or_path)
    shown = shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}..."
    raise StudyError(
        f"no study {shown!r}{nearest(shown, known)}",
        expected=f"the name of a folder under {REPORTS}/ with a {SPEC}, or its path",
        found=f"studies {', '.join(known)}" if known else f"no studies under {REPORTS}/",
        remedy="`mammobench search --space quick` makes one",
    )


def any_folder(name_or_path: str | Path) -> Path:
    """Return a study's folder, which may be too damaged to be known by its study.json.

    Raises:
        StudyError: Where there is no folder of that name or path.
    """
    candidates = [folder for folder in _candidates(name_or_path) if _is_folder(folder)]
    for known in (holds_study, holds_remains):
        for folder in candidates:
            if known(folder):
                return folder
    return candidates[0] if candidates else study_folder(name_or_path)


def word_for(folder: Path) -> str:
    """Return the word by which commands in this working directory find a study's folder, not yet quoted."""
    if folder.parent.absolute() == REPORTS.absolute() and not holds_study(Path(folder.name)):
        return folder.name if is_plain(folder.name) else str(REPORTS / folder.name)
    text = str(folder)
    return text if _is_path(text) else f"{os.curdir}{os.sep}{text}"


def command_for(verb: str, folder: Path, *words: str) -> str:
    """Return ``mammobench VERB STUDY WORDS...`` as it runs in this working directory, quoted for a shell."""
    return command(verb, word_for(folder), *words)


def page_command(verb: str, folder: Path, *words: str) -> str:
    """Return the same for a page, which is read later, beside the ``reports/`` that the study lies in."""
    by_name = folder.parent.name == REPORTS.name and is_plain(folder.name)
    return command(verb, folder.name if by_name else str(folder), *words)


def _is_path(text: str) -> bool:
    return os.sep in text or text in {os.curdir, os.pardir}


def _tidied(path: Path) -> Path:
    """Return a path whose last part is the folder's name."""
    return path.resolve() if path.name in {"", os.pardir} else path


def _candidates(name_or_path: str | Path) -> list[Path]:
    path = Path(name_or_path)
    if not str(name_or_path):
        return []
    below = not path.is_absolute() and os.pardir not in path.parts and path.parts
    return [_tidied(path), *([REPORTS / path] if below else [])]


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _not_plain(name: str, where: str) -> ConfigError:
    return ConfigError(
        "not a study's name" if name else "a study needs a name",
        where=where,
        expected=RULE,
        found=repr(name) if len(name) <= LONGEST else f"{len(name)} characters, {name[:20]!r}...",
        remedy=f"Choose another name; a folder elsewhere is given as a path, .{os.sep}{REPORTS}{os.sep}NAME",
    )


def _require_free(folder: Path, where: str, beside: Collection[str]) -> None:
    """Refuse a place where a new study would mix with what is there already."""
    try:
        place, here = folder.resolve(), Path.cwd()
        standing = next(path for path in (place, *place.parents) if os.path.lexists(path))
        names = _names_in(place) if place.is_dir() else []
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"no folder can be made here ({str(error).rstrip('.')})",
            where=where,
            found=repr(folder.name[:LONGEST]),
            remedy="Choose another place",
        ) from None
    problem, found = "", str(folder)
    if place == here or place in here.parents:
        problem = "a study cannot fill the working directory or a folder above it"
    elif place == REPORTS.resolve():
        problem = f"{REPORTS}/ holds studies and is none"
    elif not standing.is_dir():
        problem, found = "a file stands where the study's folder would be", str(standing)
    elif JOURNAL in names:
        # a study that has lost its description: whoever is to create one here judges that
        return
    elif others := [name for name in names if not (_LEFT_OVER.fullmatch(name) or name in beside)]:
        problem, found = "the folder exists and holds no study", ", ".join(others[:5])
    if problem:
        raise ConfigError(
            problem,
            where=where,
            expected="a folder that is new or empty, or that of a study",
            found=found,
            remedy="Choose another name or path with --study",
        )
