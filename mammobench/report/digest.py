"""A report of a page or two as plain values, for Markdown and LaTeX."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mammobench.evaluation.leaderboard import Leaderboard
from mammobench.report import facts, text
from mammobench.report.answer import build_answer
from mammobench.report.checklists import checklist_tables
from mammobench.report.columns import title_of
from mammobench.report.folds import fold_tables
from mammobench.report.notices import Notice, notices_of
from mammobench.report.other_splits import other_split_tables, split_note
from mammobench.study.filenames import LEADERBOARD
from mammobench.study.record import StudyRecord

ROWS = 20
_INTERVALS = ("f1", "accuracy", "recall", "precision", "auroc")


@dataclass(frozen=True)
class Digest:
    """What a short report shows.

    Attributes:
        title: Names of the studies.
        subtitle: Task and data.
        notices: Warnings.
        lead: The main result.
        support: Comparisons with the others, one sentence each.
        ranking: The first `ROWS` configurations, the selected one, the reference CNN and the baselines.
        others: Tables of trials that are not compared with those of the ranking.
        shown: How many configurations and baselines the ranking shows of how many.
        notes: The statistical methods and their limits.
        checklists: CLAIM 2024 and TRIPOD+AI, as far as the run can fill them.
        commands: What each does, and the command.
        citations: What work on these images must cite.
    """

    title: str
    subtitle: str
    notices: tuple[Notice, ...]
    lead: str
    support: tuple[str, ...]
    ranking: facts.Table
    others: tuple[facts.Table, ...]
    shown: str
    notes: tuple[str, ...]
    checklists: tuple[facts.Table, ...]
    commands: tuple[tuple[str, str], ...]
    citations: tuple[str, ...]


def build_digest(studies: Sequence[StudyRecord], board: Leaderboard) -> Digest:
    """Gather what a short report of one study, or of several ranked together, shows.

    Args:
        studies: Of the same images and task.
        board: Their leaderboard.
    """
    stores = [study.spec.store for study in studies]
    tried = int((board.frame["role"] == "searched").sum())
    tasks = " and ".join(dict.fromkeys(split.task for split in board.splits.values()))
    sources = " and ".join(dict.fromkeys(str(store.get("source", "unknown source")) for store in stores))
    answer, table = build_answer(board), _ranking(board)
    named = dict(zip(board.studies, studies, strict=True))
    return Digest(
        title=", ".join(board.studies),
        subtitle=f"{tasks} · {sources}",
        notices=notices_of(studies, board),
        lead=answer.lead,
        support=answer.support,
        ranking=table,
        others=(
            *other_split_tables(board),
            *fold_tables(board, named),
        ),
        shown=f"{len(table.rows)} of {len(board.frame)} rows; {LEADERBOARD} has them all."
        if len(table.rows) < len(board.frame)
        else "Every configuration and baseline.",
        notes=(*split_note(board), facts.seal_note(studies), *facts.method_notes(board, tried=tried)),
        checklists=checklist_tables(studies, board),
        commands=tuple(dict.fromkeys(item for study in studies for item in facts.commands(study))),
        citations=tuple(dict.fromkeys(str(item) for store in stores for item in store.get("citations", ()))),
    )


def _ranking(board: Leaderboard) -> facts.Table:
    rows = [
        row
        for place, row in enumerate(board.rows)
        if place < ROWS or row["selected"] or row["role"] != "searched"
    ]
    scores = (f"Test {title_of(metric)}" for metric in _INTERVALS)
    several = len(board.splits) > 1
    heads = (
        "Rank", "Configuration", *(["Split"] if several else []), *scores,
        "Difference to selected", "Validation F1",
    )  # fmt: skip
    cells = tuple(
        (
            str(row["rank"]),
            f"{row['name']} (selected)" if row["selected"] else str(row["name"]),
            *([f"{row['split']}, leaks" if row["leaks"] else str(row["split"])] if several else []),
            *(text.with_interval(row, f"test_{metric}") for metric in _INTERVALS),
            _difference(row),
            text.score(row["validation_f1"]),
        )
        for row in rows
    )
    note = "95 % intervals in brackets. Difference to selected: paired difference in test F1."
    return facts.Table("Ranking by test F1", heads, cells, (note,))


def _difference(row: Mapping[str, Any]) -> str:
    if row["selected"] or not text.is_number(row["difference"]):
        return text.MISSING
    ends = (text.signed(row["difference_low"]), text.signed(row["difference_high"]))
    return f"{text.signed(row['difference'])} [{ends[0]}, {ends[1]}]"
