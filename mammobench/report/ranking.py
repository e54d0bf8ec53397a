"""The ranking table as plain values: the rows that stand in the page, and all of them for its script."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mammobench.evaluation.leaderboard import BASELINES, Leaderboard
from mammobench.report import text
from mammobench.report.columns import Column, columns_of, objective_column
from mammobench.study import StudyRecord
from mammobench.study_name import page_command

Facts = Mapping[str, Any]
ROWS_WRITTEN = 100
"""Rows that stand in the page itself; its script shows the others when they are asked for."""

DIGITS = 6
_BADGES = {
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
        close: Whether it cannot be told from the selected one.
        cells: One a column that is shown.
    """

    kind: str
    badges: tuple[str, ...]
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
            ``leading`` (hyperparameters by importance) and ``objective`` (its column); no NaN.
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
    columns, rows = columns_of(board, objective, leading), board.rows
    named = dict(zip(board.studies, studies, strict=True))
    shown = tuple(column for column in columns if column.shown)
    written = tuple(
        Row(kind_of(facts), badges_of(facts), _close(facts), tuple(_cell(facts, column) for column in shown))
        for place, facts in enumerate(rows)
        if place < ROWS_WRITTEN or facts["selected"] or facts["role"] != "searched"
    )
    data = {
        **_data(rows, columns, named),
        "leading": leading,
        "objective": objective_column(board.frame, objective).key,
    }
    return Ranking(shown, written, len(rows), data)


def kind_of(facts: Facts) -> str:
    """Return ``selected``, ``searched``, ``reference``, ``constant`` or ``shortcut``."""
    return "selected" if facts["selected"] else str(facts["role"])


def badges_of(facts: Facts) -> tuple[str, ...]:
    """Return the words that stand beside a row's name."""
    return _BADGES.get(kind_of(facts), ()) + (("split leaks",) if facts["leaks"] else ())


def bar_of(facts: Facts, column: str) -> Bar | None:
    """Return the interval of a column in percent, for scores between 0 and 1."""
    values = [facts.get(f"{column}_low"), facts[column], facts.get(f"{column}_high")]
    if not all(text.is_number(value) for value in values):
        return None
    return Bar(*(round(100 * float(value), 2) for value in values if value is not None))


def study_of(facts: Facts, names: Sequence[str]) -> str:
    """Return the name of the study that a row belongs to; the first one's for baselines."""
    name = facts.get("study")
    return name if isinstance(name, str) else names[0]


def _cell(facts: Facts, column: Column) -> Cell:
    value = _value(facts, column)
    shown = getattr(text, column.form)(value) if column.form != "word" else text.value(value)
    bar = bar_of(facts, column.key) if column.kind == "interval" and column.bar else None
    return Cell(shown, _detail(facts, column), bar)


def _close(facts: Facts) -> bool:
    return text.is_number(facts["band"]) and facts["band"] == 1


def _value(facts: Facts, column: Column) -> Any:  # noqa: ANN401 - a cell holds anything
    """Return a cell's value; the selected configuration has no difference to itself."""
    return None if column.key == "difference" and facts["selected"] else facts[column.key]


def _detail(facts: Facts, column: Column) -> str:
    """Return the smaller text of a cell: its interval, or a remark."""
    if column.key == "difference":
        return "not told apart" if _close(facts) and not facts["selected"] else ""
    if column.key == "epochs" and text.is_number(facts["best_epoch"]):
        return f"best {text.whole(facts['best_epoch'])}"
    return text.ends(facts, column.key) if column.kind == "interval" else ""


def _data(
    rows: Sequence[Facts], columns: Sequence[Column], studies: Mapping[str, StudyRecord]
) -> dict[str, Any]:
    configs = {
        name: {trial.number: trial.config.values() for trial in study.trials}
        for name, study in studies.items()
    }
    settings = {name: _shared(list(known.values())) for name, known in configs.items()}
    own: list[dict[str, Any] | None] = []
    for facts in rows:
        name = study_of(facts, list(studies))
        values = None if facts["role"] in BASELINES else configs[name][facts["trial"]]
        own.append(values and {key: value for key, value in values.items() if key not in settings[name]})
    return {
        "columns": [_column(rows, column) for column in columns],
        "rows": [
            {
                "kind": kind_of(facts),
                "badges": badges_of(facts),
                "close": _close(facts),
                "study": study_of(facts, list(studies)),
                "trial": _plain(facts["trial"]),
            }
            for facts in rows
        ],
        "settings": settings,
        "configs": own,
        "commands": {
            name: page_command("reproduce", study.folder, "--trial") + " " for name, study in studies.items()
        },
    }


def _column(rows: Sequence[Facts], column: Column) -> dict[str, Any]:
    described = {**asdict(column), "values": [_plain(_value(facts, column)) for facts in rows]}
    for end in ("low", "high"):
        if f"{column.key}_{end}" in rows[0]:
            described[end] = [_plain(facts[f"{column.key}_{end}"]) for facts in rows]
    if column.key in {"difference", "epochs"}:
        described["detail"] = [_detail(facts, column) for facts in rows]
    return described


def _shared(configs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the settings that all configurations have in common."""
    first = configs[0]
    return {key: value for key, value in first.items() if all(other[key] == value for other in configs)}


def _plain(value: Any) -> Any:  # noqa: ANN401 - a cell holds anything
    """Return a cell's value as JSON has it; None where there is none."""
    if isinstance(value, bool | str):
        return str(value)
    if not text.is_number(value):
        return None
    return value if isinstance(value, int) else float(f"{value:.{DIGITS}g}")
