"""Which CSV file of a folder of images is its table, and what it calls the columns."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mammobench.core.errors import DataError
from mammobench.data.images.options import PrepareOptions
from mammobench.data.sources.archive import Archive
from mammobench.data.sources.tables import column_name, read_columns
from mammobench.space.config import nearest

COLUMNS = (
    "file", "label", "pathology", "lesion type", "patient", "group", "split", "laterality", "view", "density",
    "subtlety",
)  # fmt: skip
CLASS_COLUMNS = ("label", "pathology")
SEPARATORS = (",", ";", "\t", "|")
USUAL_NAMES = {"labels", "index"}
OPTION = "--columns"
_LIKE_A_PATIENT = re.compile(
    r"\b(patient|subject|case|participant|person|proband)s?\b|\b(patient|subject|case)(id|name|nr|no)\b"
)


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file that says which image shows what.

    Attributes:
        file: What the archive calls it.
        columns: Its columns, as `column_name` has them.
        names: Columns of the project, and the table's names for those that are there.
    """

    file: str
    columns: tuple[str, ...]
    names: Mapping[str, str]

    @property
    def like_a_patient(self) -> list[str]:
        """Columns that seem to tell the patient, where none is used for it."""
        if "patient" in self.names:
            return []
        used = set(self.names.values())
        return [name for name in self.columns if name not in used and _LIKE_A_PATIENT.search(name)]


@dataclass(frozen=True, slots=True)
class Search:
    """What came of looking for the table.

    Attributes:
        table: The table, None where there is none.
        unfit: CSV files that lie as high as any and lack a column or cannot be read, with what is wrong.
    """

    table: Table | None
    unfit: Mapping[str, DataError]

    @property
    def usual(self) -> list[str]:
        """Those of the unfit that are called as a table usually is."""
        return [file for file in self.unfit if PurePosixPath(file).stem.lower() in USUAL_NAMES]

    @property
    def meant(self) -> DataError | None:
        """What is wrong with the file that was most likely meant; None where none stands out."""
        likely = self.usual or list(self.unfit)
        return self.unfit[likely[0]] if len(likely) == 1 else None


def find_table(archive: Archive, options: PrepareOptions) -> Search:
    """Find the CSV file that has the columns of a table, and lies highest.

    Of several as high, one that is called ``labels`` or ``index`` is taken.

    Raises:
        DataError: When several could be meant, when one has the columns but is separated otherwise, or when
            options say what a table has and there is none.
    """
    wanted = _wanted(options)
    fit: dict[str, Table] = {}
    unfit: dict[str, DataError] = {}
    for file in filter(is_csv, archive.sizes):
        with archive.open(file) as path:
            try:
                found = read_columns(path, file, separator=options.separates)
                _require(found, wanted, file)
                fit[file] = Table(file, tuple(found), _names(found, wanted))
            except DataError as error:
                _refuse_other_separator(path, file, wanted, options)
                unfit[file] = error
    highest = _highest(fit)
    usual = [file for file in highest if PurePosixPath(file).stem.lower() in USUAL_NAMES]
    chosen = usual or highest
    if len(chosen) > 1:
        raise DataError(
            "several tables",
            where=archive.path,
            expected="one CSV file beside the images",
            found=", ".join(sorted(chosen)[:5]),
            remedy="Name the one that is meant labels.csv, or take the others away",
        )
    table = fit[chosen[0]] if chosen else None
    search = Search(table, {file: unfit[file] for file in _highest(unfit)})
    _require_asked(search, wanted, options, archive)
    return search


def is_csv(file: str) -> bool:
    """Whether a file is a CSV file that is not hidden."""
    hidden = any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(file).parts)
    return file.lower().endswith(".csv") and not hidden


def _wanted(options: PrepareOptions) -> dict[str, str]:
    """Return the columns of the project, and what the option says the table calls them."""
    asked = {column_name(name): column_name(own) for name, own in (options.columns or {}).items()}
    for name in asked:
        if name not in COLUMNS:
            raise DataError(
                "unknown column",
                where=OPTION,
                expected=f"one of {', '.join(map(_written, COLUMNS))}{nearest(name, list(COLUMNS))}",
                found=repr(_written(name)),
            )
    return {name: asked.get(name, name) for name in COLUMNS}


def _names(found: list[str], wanted: Mapping[str, str]) -> dict[str, str]:
    return {name: own for name, own in wanted.items() if own in found}


def _require(found: list[str], wanted: Mapping[str, str], file: str) -> None:
    names = _names(found, wanted)
    missing = [] if "file" in names else ["file"]
    missing += [] if any(name in names for name in CLASS_COLUMNS) else ["label"]
    if missing:
        told = [
            f"a column {_written(wanted[name])!r}{' or pathology' if name == 'label' else ''}"
            f"{nearest(wanted[name], found)}"
            for name in missing
        ]
        raise DataError(
            "a column is missing" if len(missing) == 1 else "columns are missing",
            where=file,
            expected=" and ".join(told),
            found=", ".join(found),
            remedy=f"Say what the table calls it: {OPTION} {','.join(f'{name}=NAME' for name in missing)}",
        )


def _refuse_other_separator(
    path: Path, file: str, wanted: Mapping[str, str], options: PrepareOptions
) -> None:
    for separator in SEPARATORS:
        if separator == options.separates:
            continue
        try:
            _require(read_columns(path, file, separator=separator), wanted, file)
        except DataError:
            continue
        shown = {"\t": r"\t"}.get(separator, separator)
        raise DataError(
            "the table has another separator",
            where=file,
            expected=f"columns separated by {options.separator or ','!r}",
            found=f"columns separated by '{shown}'",
            remedy=f"Add --separator '{shown}'",
        )


def _require_asked(
    search: Search, wanted: Mapping[str, str], options: PrepareOptions, archive: Archive
) -> None:
    """See that what the options say of a table is true of one."""
    asked = {name: wanted[name] for name in map(column_name, options.columns or ())}
    if search.table is None and (asked or options.separator is not None):
        option = OPTION if asked else "--separator"
        raise search.meant or DataError(
            "there is no table",
            where=archive.path,
            expected=f"a CSV file with the columns that {option} is about",
            found=", ".join(search.unfit) or "no CSV file",
            remedy=f"Leave {option} out, or give the folder that holds the table",
        )
    for name, own in asked.items():
        if search.table and own not in search.table.columns:
            columns = list(search.table.columns)
            raise DataError(
                "no such column",
                where=f"{OPTION}, {_written(name)}",
                expected=f"a column of {search.table.file}{nearest(own, columns)}",
                found=f"{own!r}, where the table has {', '.join(columns)}",
            )


def _highest(files: Mapping[str, object]) -> list[str]:
    depth = min((file.count("/") for file in files), default=0)
    return [file for file in files if file.count("/") == depth]


def _written(name: str) -> str:
    return name.replace(" ", "_")
