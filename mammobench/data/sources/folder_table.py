"""The table of a folder of images: which image shows what, of whom."""

import posixpath
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mammobench.core.errors import DataError
from mammobench.data.sources.archive import Archive
from mammobench.data.sources.folder_columns import Table
from mammobench.data.sources.folder_labels import ClassNames, Named, contradicted, typed
from mammobench.data.sources.folder_layout import SPLITS
from mammobench.data.sources.tables import read_table
from mammobench.data.store.records import Row, SplitName
from mammobench.space.config import nearest

LATERALITIES = {"left": "LEFT", "l": "LEFT", "right": "RIGHT", "r": "RIGHT"}
VIEWS = {"cc": "CC", "mlo": "MLO"}
SUBTLETIES = {str(value): value for value in range(1, 6)}
MISSING = {"", "nan", "none", "na", "n/a", "null", "<na>", "nil", "-", "?"}
FILES_SHOWN = 5
Cells = dict[str, str]


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of the table: the image's path in the archive, and what the table says of it."""

    file: str
    row: Row
    split: SplitName | None
    type_known: bool


def read_listing(
    path: Path, table: Table, archive: Archive, images: list[str], classes: ClassNames, separator: str
) -> list[Listed]:
    """Read the table.

    Args:
        path: Where it is.
        table: Its name, to whose folder its files are relative, and its columns.
        archive: Where the images are.
        images: All images of the archive.
        classes: What names of classes mean.
        separator: What stands between its columns.

    Raises:
        DataError: When a file is missing or a row says what is not understood; names the row.
    """
    rows = [
        {name: _present(row[own]) for name, own in table.names.items()}
        for row in read_table(path, table.file, separator=separator)
    ]
    files = _files(rows, table.file, archive, images)
    _require_labels(rows, table.file, classes)
    return [
        _listed(row, file, f"{table.file}, row {number}", classes)
        for number, (row, file) in enumerate(zip(rows, files, strict=True), start=1)
    ]


def _present(value: str) -> str:
    """Return what a table says, and nothing for the words that stand for nothing."""
    return "" if value.lower() in MISSING else value


def _files(rows: list[Cells], name: str, archive: Archive, images: list[str]) -> list[str]:
    folder, there = PurePosixPath(name).parent, set(images)
    files, seen = [], dict[str, int]()
    missing: dict[int, str] = {}
    for number, row in enumerate(rows, start=1):
        asked = posixpath.normpath(folder / row["file"].replace("\\", "/"))
        file = archive.aliases.get(asked, asked)
        if not row["file"] or file not in there:
            missing[number] = row["file"]
        elif file in seen:
            raise DataError(
                "a file stands there twice",
                where=f"{name}, row {number}",
                expected="one row an image",
                found=f"{row['file']} in row {seen[file]} too",
            )
        seen[file] = number
        files.append(file)
    if missing:
        raise _no_such_images(missing, len(rows), name, archive, images)
    return files


def _no_such_images(
    missing: dict[int, str], rows: int, name: str, archive: Archive, images: list[str]
) -> DataError:
    first, asked = next(iter(missing.items()))
    shown = ", ".join(f"{file!r} (row {row})" for row, file in list(missing.items())[:FILES_SHOWN])
    more = f" and {len(missing) - FILES_SHOWN:,} more" if len(missing) > FILES_SHOWN else ""
    several = len(missing) > 1
    return DataError(
        f"{len(missing):,} of {rows:,} images are not there" if several else "no such image",
        where=name if several else f"{name}, row {first}",
        expected="paths of png, jpg, tif, pgm or bmp files, relative to the table",
        found=shown + more,
        remedy=_hint(asked, name, archive, images) if asked else "Give every row its file",
    )


def _hint(asked: str, name: str, archive: Archive, images: list[str]) -> str:
    """Say what is there instead of the first file that is not."""
    path = PurePosixPath(asked.replace("\\", "/"))
    folder = PurePosixPath(name).parent
    below = {PurePosixPath(file): file for file in archive.sizes}
    if folder / path in below:
        return f"{asked} is there, but is no image of a kind that is read: convert it"
    paths = [PurePosixPath(file) for file in images]
    likely: tuple[tuple[str, list[PurePosixPath]], ...] = (
        ("the path to it from the table is", [file for file in paths if file.name == path.name]),
        ("with its folder and its ending it is", [file for file in paths if file.stem == path.name]),
        ("it has another ending", [file for file in paths if file.stem == path.stem]),
        ("in letters of another case", [file for file in paths if file.stem.lower() == path.stem.lower()]),
        ("its name goes on", [file for file in paths if file.stem.startswith(f"{path.stem}_")]),
    )
    for words, found in likely:
        if len(found) == 1:
            try:
                shown = found[0].relative_to(folder)
            except ValueError:
                shown = found[0]
            return f"{path.name} is there, but {words}: {shown}. Write it so in the table"
        if found:
            return (
                f"{len(found):,} files are called so, such as {found[0]}: write the whole path in the table"
            )
    return "No file has such a name: download or unpack the images again, or take the rows out"


def _require_labels(rows: list[Cells], name: str, classes: ClassNames) -> None:
    words: Counter[str] = Counter()
    first: dict[str, str] = {}
    without: list[int] = []
    for number, row in enumerate(rows, start=1):
        column = "label" if row.get("label") else "pathology"
        word = row.get(column, "")
        words[word] += 1
        first.setdefault(word, f"{name}, row {number}, column {column}")
        if not word:
            without.append(number)
    if without:
        raise DataError(
            f"{len(without):,} of {len(rows):,} rows have no label",
            where=f"{name}, row {without[0]}",
            expected="a label or a pathology in every row",
            found="nothing",
            remedy="Fill it in, or take the rows out",
        )
    unknown = next((word for word in words if not classes.find(word)), None)
    where = first[unknown] if unknown else name
    classes.require(words, where, where.rpartition(" ")[2] if unknown else "label")


def _listed(row: Cells, file: str, where: str, classes: ClassNames) -> Listed:
    split = SPLITS[_word(row, "split", SPLITS, where)] if row.get("split") else None
    named = _label(row, where, classes)
    laterality = (
        LATERALITIES[_word(row, "laterality", LATERALITIES, where)] if row.get("laterality") else None
    )
    view = VIEWS[_word(row, "view", VIEWS, where)] if row.get("view") else None
    subtlety = SUBTLETIES[_word(row, "subtlety", SUBTLETIES, where)] if row.get("subtlety") else None
    patient = row.get("patient") or None
    return Listed(
        file,
        Row(
            int(named.label),
            file,
            source_row=0,
            split=split or "train",
            patient=patient,
            group=row.get("group") or patient,
            laterality=laterality,
            view=view,
            density=row.get("density") or None,
            subtlety=subtlety,
        ),
        split,
        named.type_known,
    )


def _label(row: Cells, where: str, classes: ClassNames) -> Named:
    label, pathology = classes.find(row.get("label", "")), classes.find(row.get("pathology", ""))
    if label is None:
        label, pathology = pathology, None
    assert label is not None  # noqa: S101 - `_require_labels` has seen to it
    if pathology and pathology.label.pathology != label.label.pathology:
        raise contradicted(where, "pathology", label, row["pathology"])
    return typed(label, row.get("lesion type", ""), where)


def _word(row: Cells, column: str, known: Mapping[str, object], where: str) -> str:
    word = row[column].lower()
    if word not in known:
        raise DataError(
            f"unknown {column}",
            where=f"{where}, column {column}",
            expected=f"one of {', '.join(known)}{nearest(word, list(known))}",
            found=repr(row[column]),
        )
    return word
