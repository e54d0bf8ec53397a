"""The table of a folder of images: which image shows what, of whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mammobench.config import nearest
from mammobench.data.archive import Archive
from mammobench.data.folder_labels import Named, named, of_pathology
from mammobench.data.records import Row, SplitName
from mammobench.data.tables import read_table
from mammobench.errors import DataError

SPLITS: dict[str, SplitName] = {"train": "train", "training": "train", "test": "test"}
LATERALITIES = {"left": "LEFT", "l": "LEFT", "right": "RIGHT", "r": "RIGHT"}
VIEWS = {"cc": "CC", "mlo": "MLO"}
SUBTLETIES = {str(value): value for value in range(1, 6)}


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of the table: the image's path in the archive, and what the table says of it."""

    file: str
    row: Row
    split: SplitName | None
    type_known: bool


def find_table(archive: Archive) -> str | None:
    """Return the CSV file that lies highest; of several there, the first that is ``labels`` or ``index``.

    Raises:
        DataError: When several could be meant.
    """
    tables = [
        file
        for file in archive.sizes
        if file.lower().endswith(".csv") and not PurePosixPath(file).name.startswith(".")
    ]
    depth = min((file.count("/") for file in tables), default=0)
    highest = [file for file in tables if file.count("/") == depth]
    usual = [file for file in highest if PurePosixPath(file).stem.lower() in {"labels", "index"}]
    chosen = usual or highest
    if len(chosen) > 1:
        raise DataError(
            "several tables",
            where=archive.path,
            expected="one CSV file beside the images",
            found=", ".join(sorted(chosen)[:5]),
            remedy="Name the one that is meant labels.csv",
        )
    return chosen[0] if chosen else None


def read_listing(path: Path, name: str, images: list[str]) -> list[Listed]:
    """Read the table.

    Args:
        path: Where it is.
        name: What the archive calls it; its files are relative to its folder.
        images: All images of the archive.

    Raises:
        DataError: When a column or file is missing, or a row says what is not understood; names the row.
    """
    rows = read_table(path, name, ("file",))
    columns = list(rows[0])
    if "label" not in columns and "pathology" not in columns:
        raise DataError(
            "a column is missing",
            where=name,
            expected=f"a column label or pathology{nearest('label', columns)}",
            found=", ".join(columns),
        )
    folder = PurePosixPath(name).parent
    there, listed, seen = set(images), [], dict[str, int]()
    for number, row in enumerate(rows, start=1):
        where = f"{name}, row {number}"
        file = (folder / row["file"].replace("\\", "/")).as_posix()
        if not row["file"] or file not in there:
            raise DataError(
                "no such image",
                where=where,
                expected="the path of a png, jpg, tif, pgm or bmp file, relative to the table",
                found=f"{row['file']!r}{nearest(file, images) if row['file'] else ''}",
            )
        if file in seen:
            raise DataError(
                "a file stands there twice",
                where=where,
                expected="one row an image",
                found=f"{row['file']} in row {seen[file]} too",
            )
        seen[file] = number
        listed.append(_listed(row, file, where))
    return listed


def _listed(row: dict[str, str], file: str, where: str) -> Listed:
    split = SPLITS[_word(row, "split", SPLITS, where)] if row.get("split") else None
    label = _label(row, where)
    laterality = (
        LATERALITIES[_word(row, "laterality", LATERALITIES, where)] if row.get("laterality") else None
    )
    view = VIEWS[_word(row, "view", VIEWS, where)] if row.get("view") else None
    subtlety = SUBTLETIES[_word(row, "subtlety", SUBTLETIES, where)] if row.get("subtlety") else None
    patient = row.get("patient") or None
    return Listed(
        file,
        Row(
            int(label.label),
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
        label.type_known,
    )


def _label(row: dict[str, str], where: str) -> Named:
    if row.get("label"):
        return named(row["label"], f"{where}, column label")
    return of_pathology(row.get("pathology", ""), row.get("lesion type", ""), where)


def _word(row: dict[str, str], column: str, known: Mapping[str, object], where: str) -> str:
    word = row[column].lower()
    if word not in known:
        raise DataError(
            f"unknown {column}",
            where=f"{where}, column {column}",
            expected=f"one of {', '.join(known)}{nearest(word, list(known))}",
            found=repr(row[column]),
        )
    return word
