"""Tables of a source: CSV files read as text, every row of which can be named."""

import warnings
from pathlib import Path

import pandas as pd

from mammobench.core.errors import DataError
from mammobench.space.config import nearest


def column_name(text: str) -> str:
    """Return a column's name without case, and with spaces where words are joined by ``_``."""
    return " ".join(text.replace("_", " ").lower().split())


def read_columns(path: Path, name: str, *, separator: str = ",") -> list[str]:
    """Return the names of the columns of a CSV file, as `column_name` has them.

    Raises:
        DataError: When it is no CSV file.
    """
    return list(map(column_name, _read(path, name, separator, rows=0).columns))


def read_table(
    path: Path, name: str, required: tuple[str, ...] = (), *, separator: str = ","
) -> list[dict[str, str]]:
    """Read a CSV file; names of columns become what `column_name` makes of them.

    Args:
        path: The file.
        name: What to call it in an error.
        required: Columns that must be there, in that form.
        separator: What stands between the columns.

    Returns:
        One dictionary a row, with values stripped of white space and line ends; nothing there is ``""``.

    Raises:
        DataError: When it is no CSV file, is empty, or lacks a column.
    """
    table = _read(path, name, separator)
    columns = list(map(column_name, table.columns))
    missing = [column for column in required if column not in columns]
    if missing:
        raise DataError(
            "a column is missing",
            where=name,
            expected=f"the column {missing[0]!r}{nearest(missing[0], columns)}",
            found=", ".join(columns),
        )
    if len(set(columns)) < len(columns):
        twice = next(column for column in columns if columns.count(column) > 1)
        raise DataError(
            "a column stands there twice", where=name, expected="one column of a name", found=twice
        )
    if table.empty:
        raise DataError(
            "the table is empty", where=name, expected="a row an image", found="column names alone"
        )
    values = [[str(value).strip() for value in row] for row in table.itertuples(index=False, name=None)]
    return [dict(zip(columns, row, strict=True)) for row in values]


def _read(path: Path, name: str, separator: str, rows: int | None = None) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            # of a row with more cells than there are columns, the last of which would be lost
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False,
                nrows=rows,
            )  # fmt: skip
    except (ValueError, OSError, pd.errors.ParserWarning) as error:  # pandas' own errors are ValueErrors
        raise DataError(
            "the table cannot be read",
            where=name,
            expected="a CSV file in UTF-8 with a line of column names",
            found=(str(error).strip() or type(error).__name__).splitlines()[0].rstrip("."),
            remedy="Download or write it again",
        ) from error
