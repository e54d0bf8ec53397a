"""What `search` and `report` say at their end: the words with which the page begins.

Imports the report, so commands import it where they use it.
"""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from mammobench.evaluation.leaderboard import Leaderboard
from mammobench.report.answer import build_answer
from mammobench.report.notices import notices_of
from mammobench.study.record import StudyRecord


def print_answer(studies: Iterable[StudyRecord], board: Leaderboard) -> None:
    """Print the page's first sentence and its warnings, lines broken between words."""
    console = Console(highlight=False)
    console.print(Text(build_answer(board).lead, style="bold"))
    for notice in notices_of(studies, board):
        console.print(Text(f"{notice.head}. {notice.body}"))
