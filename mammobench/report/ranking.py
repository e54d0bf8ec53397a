"""The ranking table as plain values: columns, and cells with the text to show and the key to sort by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mammobench.evaluation.leaderboard import Leaderboard
from mammobench.report import text

Facts = Mapping[str, Any]
_STRESS_HINT = "Lowest test F1 under contrast, gamma, brightness, blur, noise, JPEG or another source's look."


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Attributes:
        title: What its head says.
        kind: ``name``, ``interval``, ``number`` or ``value``: how a cell is laid out.
        section: For a hyperparameter, the part of its key before the dot.
        first: ``descending`` or ``ascending``, the order that the first click gives.
        hint: One sentence, shown when the pointer rests on the head.
    """

    title: str
    kind: str
    section: str = ""
    first: str = "descending"
    hint: str = ""


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
        key: What it sorts by: a number, a word, or nothing for a missing value, which comes last.
        detail: Smaller text below, such as an interval.
        bar: The interval as a picture.
    """

    text: str
    key: str
    detail: str = ""
    bar: Bar | None = None


@dataclass(frozen=True)
class Row:
    """One configuration or baseline.

    Attributes:
        kind: ``selected``, ``searched``, ``reference``, ``constant`` or ``shortcut``.
        badges: Words beside the name, so that nothing is said by colour alone.
        cells: One a column.
    """

    kind: str
    badges: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Ranking:
    """The table."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def build_ranking(board: Leaderboard, objective: str) -> Ranking:
    """Lay out a leaderboard.

    Args:
        board: The leaderboard.
        objective: The validation metric that the search optimised.
    """
    several = len(board.splits) > 1
    stress = bool(board.stress)
    keys = [key for key in board.hyperparameters if board.frame[key].notna().any()]
    columns = (
        Column("Rank", "number", first="ascending", hint="By test F1, then accuracy."),
        Column("Configuration", "name", first="ascending"),
        *([Column("Split", "value", first="ascending")] if several else []),
        Column("Test F1", "interval", hint="F1 at the threshold that was chosen on validation."),
        Column(
            "Against selected", "difference", hint="Test F1 minus that of the selected configuration, paired."
        ),
        Column("Test accuracy", "interval", hint="Accuracy at the same threshold."),
        Column("Test recall", "interval"),
        Column("Test precision", "interval"),
        Column("Test AUROC", "interval", hint="With an interval for the leaders."),
        *([Column("Worst under stress", "interval", hint=_STRESS_HINT)] if stress else []),
        Column(f"Validation {title_of(objective)}", "number", hint="What the search optimised."),
        Column("Threshold", "number", hint="Chosen on validation."),
        Column("Weights", "number", first="ascending"),
        Column(
            "Epochs", "number", first="ascending", hint="Epochs trained, and the one whose weights were kept."
        ),
        Column("Time", "number", first="ascending", hint="Wall clock of the whole trial."),
        *(_hyperparameter_column(key) for key in keys),
    )
    rows = tuple(_row(facts, keys, several=several, stress=stress) for facts in board.rows)
    return Ranking(columns, rows)


def title_of(metric: str) -> str:
    """Return a metric's name as text writes it."""
    names = {
        "f1": "F1",
        "f1_worst_case": "worst-case F1",
        "macro_f1": "macro F1",
        "mcc": "MCC",
        "auroc": "AUROC",
        "auprc": "AUPRC",
        "brier": "Brier score",
    }
    return names.get(metric, metric.replace("_", " "))


def kind_of(facts: Facts) -> str:
    """Return ``selected``, ``searched``, ``reference``, ``constant`` or ``shortcut``."""
    return "selected" if facts["selected"] else str(facts["role"])


def bar_of(facts: Facts, column: str) -> Bar | None:
    """Return the interval of a column in percent, for scores between 0 and 1."""
    values = [facts.get(f"{column}_low"), facts[column], facts.get(f"{column}_high")]
    if not all(text.is_number(value) for value in values):
        return None
    return Bar(*(round(100 * float(value), 2) for value in values if value is not None))


def _hyperparameter_column(key: str) -> Column:
    section, title = key.split(".")
    return Column(title.replace("_", " "), "value", section, first="ascending", hint=key)


def _row(facts: Facts, keys: list[str], *, several: bool, stress: bool) -> Row:
    kind = kind_of(facts)
    badges = {
        "selected": ("selected by validation",),
        "reference": ("reference",),
        "constant": ("baseline",),
        "shortcut": ("baseline",),
    }
    leaks = ("split leaks",) if facts["leaks"] else ()
    epochs = text.whole(facts["epochs"])
    kept = f"best {text.whole(facts['best_epoch'])}" if text.is_number(facts["best_epoch"]) else ""
    cells = (
        Cell(str(facts["rank"]), str(facts["rank"])),
        Cell(str(facts["name"]), _name_key(facts)),
        *([Cell(str(facts["split"]), str(facts["split"]))] if several else []),
        _interval(facts, "test_f1"),
        _difference(facts, kind),
        *(_interval(facts, f"test_{metric}") for metric in ("accuracy", "recall", "precision", "auroc")),
        *([_interval(facts, "stress_f1_worst")] if stress else []),
        _number(facts["objective"], text.score(facts["objective"])),
        _number(facts["threshold"], text.score(facts["threshold"])),
        _number(facts["weights"], text.whole(facts["weights"])),
        Cell(epochs, _key(facts["epochs"]), kept),
        _number(facts["seconds"], text.duration(facts["seconds"])),
        *(Cell(text.value(facts[key]), _key(facts[key])) for key in keys),
    )
    return Row(kind, badges.get(kind, ()) + leaks, cells)


def _name_key(facts: Facts) -> str:
    """Sort baselines last, after trials by number."""
    return str(facts["trial"]) if text.is_number(facts["trial"]) else "1e9"


def _interval(facts: Facts, column: str) -> Cell:
    return Cell(
        text.score(facts[column]), _key(facts[column]), text.ends(facts, column), bar_of(facts, column)
    )


def _difference(facts: Facts, kind: str) -> Cell:
    if kind == "selected" or not text.is_number(facts["difference"]):
        return Cell(text.MISSING, "0" if kind == "selected" else "")
    told = "" if not facts["indistinguishable"] else "not told apart"
    return Cell(text.signed(facts["difference"]), _key(facts["difference"]), told)


def _number(value: Any, shown: str) -> Cell:  # noqa: ANN401 - a cell holds anything
    return Cell(shown, _key(value))


def _key(value: Any) -> str:  # noqa: ANN401 - a cell holds anything
    if text.is_number(value):
        return repr(float(value))
    return "" if text.value(value) == text.MISSING or not isinstance(value, str | bool) else str(value)
