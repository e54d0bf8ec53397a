"""The ranking table as plain values: the rows that stand in the page, and all of them for its script."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mammobench.core.aliases import Json
from mammobench.evaluation.comparison import ALIKE, BETTER, WORSE
from mammobench.evaluation.leaderboard import BASELINES, Leaderboard
from mammobench.report import text
from mammobench.report.columns import Column, columns_of, differing, objective_column
from mammobench.study.paths import page_command
from mammobench.study.record import StudyRecord

BoardRow = Mapping[str, Any]
ROWS_WRITTEN = 100
"""Rows that stand in the page itself; its script shows the others when they are asked for."""

DIGITS = 6
_VERDICTS = {BETTER: "significantly better", WORSE: "significantly worse", ALIKE: "not significant"}
"""Smaller text below a difference."""

_BADGES: dict[str, tuple[str, ...]] = {
    "selected": ("selected by validation",),
    "reference": ("reference",),
    "constant": ("baseline",),
    "shortcut": ("baseline",),
}


@dataclass(frozen=True)
class Bar:
    """An interval drawn in its cell, in percent of the cell's width."""

    low: float
    point: float
    high: float


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: What it shows.
        detail: Smaller text below, such as an interval.
        bar: The interval as a picture.
    """

    text: str
    detail: str = ""
    bar: Bar | None = None


@dataclass(frozen=True)
class Row:
    """One configuration or baseline.

    Attributes:
        kind: ``selected``, ``searched``, ``reference``, ``constant`` or ``shortcut``.
        badges: Words beside the name, so that nothing is said by colour alone.
        settings: The hyperparameters in which rows differ, as name and value, the most important first.
        close: Whether it is not significantly different from the selected one.
        cells: One a column that is shown.
    """

    kind: str
    badges: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]
    close: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Ranking:
    """The table.

    Attributes:
        columns: Those shown at first.
        rows: The first `ROWS_WRITTEN`, the selected one, the reference CNN and the baselines.
        total: How many rows there are in all.
        data: Everything, for the page's script: ``columns`` with their values, ``rows``, ``settings`` (what
            every trial of a study shares), ``configs`` (what each has of its own), ``commands``,
            ``differing`` (key and name of the hyperparameters in which rows differ, by importance) and
            ``objective`` (its column); no NaN.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    total: int
    data: Mapping[str, Any]


def build_ranking(board: Leaderboard, studies: Sequence[StudyRecord], leading: Sequence[str] = ()) -> Ranking:
    """Lay out a leaderboard.

    Args:
        board: The leaderboard.
        studies: Those that it ranks.
        leading: Hyperparameters by importance.
    """
    objective = studies[0].spec.objective
    columns, rows, names = columns_of(board, objective), board.rows, differing(board, leading)
    named = dict(zip(board.studies, studies, strict=True))
    shown = tuple(column for column in columns if column.shown)
    written = tuple(
        Row(
            kind_of(row),
            badges_of(row),
            settings_of(row, names),
            _close(row),
            tuple(_cell(row, column) for column in shown),
        )
        for place, row in enumerate(rows)
        if place < ROWS_WRITTEN or row["selected"] or row["role"] != "searched"
    )
    data = {
        **_data(rows, columns, named),
        "differing": list(names.items()),
        "objective": objective_column(board.frame, objective).key,
    }
    return Ranking(shown, written, len(rows), data)


def kind_of(row: BoardRow) -> str:
    """Return ``selected``, ``searched``, ``reference``, ``constant`` or ``shortcut``."""
    return "selected" if row["selected"] else str(row["role"])


def badges_of(row: BoardRow) -> tuple[str, ...]:
    """Return the labels beside a row's name."""
    own = row.get("selected_in_split") and not row["selected"]
    return (
        *_BADGES.get(kind_of(row), ()),
        *(("selected by validation on its split",) if own else ()),
        *(("split leaks",) if row["leaks"] else ()),
    )


def settings_of(row: BoardRow, names: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the name and value of the hyperparameters that a row has."""
    known = ((name, text.value(row[key])) for key, name in names.items())
    return tuple((name, value) for name, value in known if value != text.MISSING)


def bar_of(row: BoardRow, column: str) -> Bar | None:
    """Return the interval of a column in percent, for scores between 0 and 1."""
    values = [row.get(f"{column}_low"), row[column], row.get(f"{column}_high")]
    if not all(text.is_number(value) for value in values):
        return None
    return Bar(*(round(100 * float(value), 2) for value in values if value is not None))


def study_of(row: BoardRow, names: Sequence[str]) -> str:
    """Return the name of the study that a row belongs to; the first one's for baselines."""
    name = row.get("study")
    return name if isinstance(name, str) else names[0]


def _cell(row: BoardRow, column: Column) -> Cell:
    value = _value(row, column)
    shown = _written(column.form)(value)
    bar = bar_of(row, column.key) if column.kind == "interval" and column.bar else None
    return Cell(shown, _detail(row, column), bar)


def _close(row: BoardRow) -> bool:
    return bool(row["verdict"] == ALIKE)


def _value(row: BoardRow, column: Column) -> Json:
    """Return a cell's value; the selected configuration has no difference to itself."""
    return None if column.key == "difference" and row["selected"] else row[column.key]


def _detail(row: BoardRow, column: Column) -> str:
    """Return the smaller text of a cell: its interval, or a remark."""
    if column.key == "difference":
        return "" if row["selected"] else _VERDICTS.get(row["verdict"], "")
    if column.key == "epochs" and text.is_number(row["best_epoch"]):
        return f"best {text.whole(row['best_epoch'])}"
    return text.ends(row, column.key) if column.kind == "interval" else ""


def _data(
    rows: Sequence[BoardRow], columns: Sequence[Column], studies: Mapping[str, StudyRecord]
) -> dict[str, Any]:
    configs = {
        name: {trial.number: trial.config.values() for trial in study.trials}
        for name, study in studies.items()
    }
    settings = {name: _shared(list(known.values())) for name, known in configs.items()}
    own: list[dict[str, Any] | None] = []
    for row in rows:
        name = study_of(row, list(studies))
        values = None if row["role"] in BASELINES else configs[name][row["trial"]]
        own.append(values and {key: value for key, value in values.items() if key not in settings[name]})
    return {
        "columns": [_column(rows, column) for column in columns],
        "rows": [
            {
                "kind": kind_of(row),
                "badges": badges_of(row),
                "close": _close(row),
                "study": study_of(row, list(studies)),
                "trial": _plain(row["trial"]),
            }
            for row in rows
        ],
        "settings": settings,
        "configs": own,
        "commands": {
            name: page_command("reproduce", study.folder, "--trial") + " " for name, study in studies.items()
        },
    }


def _column(rows: Sequence[BoardRow], column: Column) -> dict[str, Any]:
    described = {**asdict(column), "values": [_plain(_value(row, column), column.form) for row in rows]}
    for end in ("low", "high"):
        if f"{column.key}_{end}" in rows[0]:
            described[end] = [_plain(row[f"{column.key}_{end}"], column.form) for row in rows]
    if column.key in {"difference", "epochs"}:
        described["detail"] = [_detail(row, column) for row in rows]
    return described


def _shared(configs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the settings that all configurations have in common."""
    first = configs[0]
    return {key: value for key, value in first.items() if all(other[key] == value for other in configs)}


def _plain(value: Json, form: str = "word") -> Json:
    """Return a cell's value as JSON has it, with the digits that its form needs; None where there is none."""
    if isinstance(value, bool | str):
        return str(value)
    if not text.is_number(value):
        return None
    if isinstance(value, int):
        return value
    # rounding twice may end elsewhere than rounding once: 0.7004997 would show as 0.701
    short, write = float(f"{value:.{DIGITS}g}"), _written(form)
    return short if write(short) == write(value) else value


def _written(form: str) -> Callable[[Json], str]:
    written: Callable[[Json], str] = text.value if form == "word" else getattr(text, form)
    return written
