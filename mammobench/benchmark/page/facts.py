"""The tables of a comparison's page, in words and numbers."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from mammobench.benchmark.asked import ANSWERS_LIVE
from mammobench.benchmark.statistics.assessment import Assessment
from mammobench.benchmark.statistics.differences import LEVEL, MOST_SEEDS
from mammobench.benchmark.statistics.pairs import TOGETHER
from mammobench.report import text
from mammobench.report.facts import Table

MISSING = text.MISSING


def trained(asked: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether every search trained its own models."""
    return any(each.get("answers") == ANSWERS_LIVE for each in asked.values())


def ranking(found: Assessment, *, trained: bool = False) -> Table:
    """Rank the methods, each with what it is against the baseline.

    Args:
        found: What the comparison comes to.
        trained: Whether the searches trained their own models.
    """
    against = {row["method"]: row for row in _against(found).to_dict("records")}
    ranks = dict(zip(found.ranks["method"], found.ranks["rank"], strict=True))
    rows = []
    for row in found.overall.to_dict("records"):
        method = str(row["method"])
        base = method == found.baseline
        pair = None if base else against[method]
        rows.append(
            (
                method,
                _with(row["iqm"], row["low"], row["high"]),
                MISSING
                if pair is None
                else _with(pair["difference"], pair["low"], pair["high"], signed=True),
                "baseline" if pair is None else str(pair["verdict"]),
                MISSING if pair is None else text.p_value(pair["p"]),
                _with(row["speedup"], row["speedup_low"], row["speedup_high"], digits=2),
                f"{ranks[method]:.1f}",
            )
        )
    several = len(found.tables) > 1
    return Table(
        "Methods, best first",
        ("method", "regret over time", f"difference from {found.baseline}", "verdict", "p, corrected",
         "speed-up", "mean rank"),
        tuple(rows),
        (
            "Regret over time is the area under the regret curve over the logarithm of the "
            f"{found.axis}, from one whole training to the budget; "
            + ("its interquartile mean over all searches, with a stratified bootstrap. " if several else
               "its interquartile mean over searches. ")
            + f"Intervals are 95 %, over searches{'' if trained else ' on these recorded trainings'}. "
            "Equivalent: the interval of the difference lies within the spread between training seeds, "
            f"{found.tables['equivalence'].mean():.2f}{' in the mean over tables' if several else ''}; "
            "p says whether it differs from 0 nonetheless. "
            f"P-values are corrected by Holm's method for {len(rows) - 1} comparisons with {found.baseline}."
            + (" The speed-up and the ends of its interval are medians over tables." if several else ""),
        ),
    )  # fmt: skip


def targets(found: Assessment) -> Table:
    """Tell when each method reaches the target on each table, and how often it did not."""
    rows = []
    unit = {"seconds": "s", "epochs": "epochs", "trials": "trials"}[found.axis]
    scores = _scores(found)
    for method in found.methods:
        for table in found.tables["table"]:
            time, ratio = (scores[measure, method, table] for measure in ("target", "speedup"))
            censored, seeds = int(time["censored"]), int(time["seeds"])
            rows.append(
                (
                    method,
                    str(table),
                    _with(time["value"], time["low"], time["high"], digits=0)
                    if censored < seeds
                    else "never",
                    f"{seeds - censored} of {seeds}",
                    _with(ratio["value"], ratio["low"], ratio["high"], digits=2),
                )
            )
    return Table(
        "Time to the target",
        ("method", "table", f"expected time, {unit}", "searches that reached it", "speed-up"),
        tuple(rows),
        (
            (
                "The target is what 100 whole random trainings reach in the mean. Searches that did not "
                "reach "
                "it count "
                "with the time that they spent (expected running time)."
            ),
        ),
    )


def generalization(found: Assessment) -> Table:
    """Hold regret at the end on validation against that on test, and tell of overtuning."""
    rows = []
    scores = _scores(found)
    for method in found.methods:
        for table in found.tables["table"]:
            test, known, over, worse = (
                scores[measure, method, table]
                for measure in ("final", "validation", "overtuning", "worse_than_first")
            )
            rows.append(
                (
                    method,
                    str(table),
                    _with(test["value"], test["low"], test["high"]),
                    _with(known["value"], known["low"], known["high"]),
                    _with(over["value"], over["low"], over["high"]),
                    f"{100 * worse['value']:.0f} % [{100 * worse['low']:.0f}, {100 * worse['high']:.0f}]",
                )
            )
    return Table(
        "Regret at the end, and overtuning",
        ("method", "table", "on test", "on validation", "overtuning", "worse than the first"),
        tuple(rows),
        (
            (
                "Overtuning: how much less regret on test an earlier selection of the same search had. Worse "
                "than the "
                "first: searches whose last selection is worse on test than their first one (Wilson's "
                "interval)."
            ),
        ),
    )


def undecided(found: Assessment) -> Table:
    """Tell how many searches more would settle what is undecided against the baseline."""
    rows = []
    pairs = found.pairs[(found.pairs["other"] == found.baseline) & (found.pairs["verdict"] == "undecided")]
    for row in pairs.to_dict("records"):
        more = int(row["more_seeds"])
        rows.append(
            (
                str(row["method"]),
                "all tables" if row["table"] == TOGETHER else str(row["table"]),
                _with(row["difference"], row["low"], row["high"], signed=True),
                f"{more:,} more" if more < MOST_SEEDS else f"{MOST_SEEDS:,} or more",
            )
        )
    return Table(
        "What is undecided",
        ("method", "table", f"difference from {found.baseline}", "searches that would decide"),
        tuple(rows),
        (
            (
                "If the difference and its spread stay as they are: either the interval then leaves out 0, "
                "or "
                "it lies "
                "within the spread between training seeds."
            ),
        ),
    )


def null_check(found: Assessment) -> Table:
    """Hold the baseline against itself."""
    rows = tuple(
        (
            str(row["table"]),
            _with(row["difference"], row["low"], row["high"], signed=True),
            text.p_value(row["p"]),
            "different, by chance or by a fault" if row["p"] < 1 - LEVEL else "not different",
        )
        for row in found.null_check.to_dict("records")
    )
    return Table(
        f"{found.baseline} against itself",
        ("table", "difference in regret over time", "p", "verdict"),
        rows,
        (
            (
                "The same method under one half of the seeds and under the other: a check of the statistics, "
                "which should "
                "find a difference on one table in twenty."
            ),
        ),
    )


def tables_used(
    found: Assessment, asked: Mapping[str, Mapping[str, Any]], validity: Mapping[str, str]
) -> Table:
    """Tell what was compared on."""
    rows = []
    for row in found.tables.to_dict("records"):
        there = asked.get(str(row["table"]), {})
        source = str(there.get("source", MISSING)) + (" (synthetic)" if there.get("synthetic") else "")
        described = f" {there['description']}" if there.get("description") else ""
        rows.append(
            (
                str(row["table"]),
                str(row["task"]),
                f"{row['configurations']} x {row['training_seeds']}",
                str(row["epochs"]),
                str(row["failed"]),
                str(row["objective"]),
                f"{row['best_score']:.3f} / {row['median_score']:.3f}",
                f"{row['end']:,.0f} {found.axis}, {there.get('workers', 1)} worker(s)",
                f"{there.get('answers', 'live')}{validity.get(str(row['table']), '')}",
                source + described,
            )
        )
    return Table(
        "Trainings of all searches" if trained(asked) else "Tables of recorded trainings",
        ("table", "task", "configurations x training seeds", "epochs", "failed", "scored by",
         "best / median on test", "budget of a search", "answers", "images"),
        tuple(rows),
    )  # fmt: skip


def _against(found: Assessment) -> pd.DataFrame:
    table = TOGETHER if (found.pairs["table"] == TOGETHER).any() else found.tables["table"].iloc[0]
    rows: pd.DataFrame = found.pairs[
        (found.pairs["other"] == found.baseline) & (found.pairs["table"] == table)
    ]
    return rows


def _with(value: float, low: float, high: float, *, digits: int = 3, signed: bool = False) -> str:
    """Return a number with its interval; dashes for what is not defined."""
    if math.isnan(value):
        return MISSING
    sign = "+" if signed else ""
    written = "never" if math.isinf(value) else f"{value:{sign},.{digits}f}"
    if math.isnan(low) or math.isnan(high):
        return written
    return f"{written} [{low:{sign},.{digits}f}, {high:{sign},.{digits}f}]"


def _scores(found: Assessment) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return the scores by measure, method and table."""
    return {
        (row["measure"], row["method"], row["table"]): {str(key): value for key, value in row.items()}
        for row in found.scores.to_dict("records")
    }
