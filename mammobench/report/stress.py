"""The report's tables of the stress tests."""

from collections.abc import Callable

from mammobench.evaluation.intervals import Interval
from mammobench.evaluation.leaderboard import Leaderboard
from mammobench.evaluation.stress import METRICS, UnderCondition
from mammobench.report import text
from mammobench.report.columns import title_of
from mammobench.report.facts import Table

_NOTE = (
    "Test images changed before they reach the model; the threshold is the one chosen on unchanged "
    "validation. In brackets the change against the unchanged images with its paired 95 % interval, not "
    "corrected for the number of conditions."
)
_ERASED = (
    "The last two remove the lesion. A model that keeps its score without the centre, or with the border "
    "alone, does not use the lesion."
)


def stress_tables(board: Leaderboard) -> tuple[Table, ...]:
    """Lay out each metric under each condition, one column a stressed trial; empty without any."""
    shown = [trial for trial in board.stress if board.frame["name"].eq(trial.name).any()]
    if not shown:
        return ()
    heads = ("condition", *(trial.name for trial in shown))
    conditions = dict.fromkeys(result.condition for trial in shown for result in trial.results)
    by_trial = [{result.condition: result for result in trial.results} for trial in shown]
    tables = []
    for metric in METRICS:
        rows = tuple(
            (condition, *(_cell(results.get(condition), metric) for results in by_trial))
            for condition in conditions
        )
        title = f"Test {title_of(metric)} under stress"
        tables.append(Table(title, heads, rows, () if metric != METRICS[-1] else (_NOTE, _ERASED)))
    return tuple(tables)


def _cell(result: UnderCondition | None, metric: str) -> str:
    if result is None:
        return text.MISSING
    score, change = result.scores[metric], result.changes[metric]
    if result.condition == "unchanged":
        return f"{text.score(score.point)} {_ends(score, text.score)}"
    return f"{text.score(score.point)} ({text.signed(change.point)} {_ends(change, text.signed)})"


def _ends(interval: Interval, write: Callable[[float], str]) -> str:
    return f"[{write(interval.low)}, {write(interval.high)}]"
