"""Trials on another split than the ranking's: a table for each split, compared with no row of another one."""

from mammobench.evaluation.leaderboard import Leaderboard
from mammobench.report import text
from mammobench.report.columns import title_of
from mammobench.report.facts import Table
from mammobench.report.material import Material
from mammobench.report.section import Section
from mammobench.study.filenames import LEADERBOARD

ROWS = 20
_METRICS = ("f1", "accuracy", "recall", "precision", "auroc")
_WHY = (
    "These trials were validated and tested on other images than those of the ranking, and what one split "
    "tests, another validates on. So validation selects within each split, and nothing here is compared with "
    "a row of the ranking or of another table."
)


def other_splits(material: Material) -> Section:
    """Show the trials on other splits."""
    return Section("other-splits", "Other splits", tables=other_split_tables(material.board))


def other_split_tables(board: Leaderboard) -> tuple[Table, ...]:
    """Lay out the trials on each other split, best test F1 first; empty without any."""
    if board.elsewhere.empty:
        return ()
    heads = ("rank", "configuration", *(f"test {title_of(name)}" for name in _METRICS), "validation F1")
    tables = []
    for number, (key, frame) in enumerate(board.elsewhere.groupby("split_hash", sort=False)):
        split = board.splits[str(key)]
        rows = [
            (
                str(row["rank"]),
                f"{row['name']} (selected within this split)"
                if row["selected_in_split"]
                else str(row["name"]),
                *(text.with_interval(row, f"test_{name}") for name in _METRICS),
                text.score(row["validation_f1"]),
            )
            for row in ({str(key): value for key, value in row.items()} for row in frame.to_dict("records"))
            if row["rank"] <= ROWS or row["selected_in_split"] or row["role"] != "searched"
        ]
        notes = [_WHY] if not number else []
        if len(rows) < len(frame):
            notes.append(f"{len(rows)} of {len(frame)} rows; {LEADERBOARD} has them all.")
        leaks = ", which leaks" if split.leaks else ""
        title = f"On another {split.name} split{leaks}: {split.hash[:8]}, {len(split.test):,} test images"
        tables.append(Table(title, heads, tuple(rows), tuple(notes)))
    return tuple(tables)


def split_note(board: Leaderboard) -> tuple[str, ...]:
    """Say which split the ranking is of, and how it was chosen; nothing where there is one."""
    if board.elsewhere.empty:
        return ()
    split = next(iter(board.splits.values()))
    others = board.elsewhere["split_hash"].nunique()
    trials = int(board.elsewhere["trial"].notna().sum())
    sentence = (
        f"The ranking, the selection and all comparisons are within one split ({split.name}, "
        f"{split.hash[:8]}): the one with the most trials to select from; of several such, the first "
        "study's, and one that leaks only where there is no other. "
        f"{trials:,} {'trial' if trials == 1 else 'trials'} on {others} other "
        f"{'split stand in a table' if others == 1 else 'splits stand in tables'} of their own."
    )
    return (sentence,)
