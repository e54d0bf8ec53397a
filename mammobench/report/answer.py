"""The study's answer in a few sentences with numbers, and the rows that it rests on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mammobench.evaluation.leaderboard import BASELINES, Leaderboard
from mammobench.report import text
from mammobench.report.ranking import Bar, bar_of, kind_of


@dataclass(frozen=True)
class Line:
    """A row of the small picture below the answer."""

    name: str
    kind: str
    f1: str
    f1_interval: str
    accuracy: str
    accuracy_interval: str
    bar: Bar | None


@dataclass(frozen=True)
class Answer:
    """What a reader should take away in ten seconds.

    Attributes:
        lead: The answer.
        support: How it stands against the others, one sentence each.
        lines: The selected configuration, the reference CNN and the baselines.
    """

    lead: str
    support: tuple[str, ...]
    lines: tuple[Line, ...]


def build_answer(board: Leaderboard) -> Answer:
    """Say what validation selected, and what it is worth."""
    frame, selected = board.frame, board.selected
    rows = board.rows
    reference = next((row for row in rows if row["role"] == "reference"), None)
    baselines = [row for row in rows if row["role"] in BASELINES]
    if selected is None:
        lead = "No searched configuration has finished yet."
        others = []
        if reference:
            others.append(f"The reference CNN reaches test F1 {text.with_interval(reference, 'test_f1')}.")
        lines = tuple(_line(row) for row in [reference, *baselines] if row)
        return Answer(lead, (*others, *_constants(baselines)), lines)
    chosen = next(row for row in rows if row["selected"])
    baselines = [row for row in baselines if row["split_hash"] == chosen["split_hash"]]
    lead = (
        f"Validation selected {chosen['name']}: test F1 {text.with_interval(chosen, 'test_f1')}, "
        f"accuracy {text.with_interval(chosen, 'test_accuracy')}."
    )
    support = [_rivals(frame, chosen)]
    if reference and reference["trial"] == chosen["trial"]:
        reference = None
    if reference:
        support.append(_against_reference(reference))
    support += _shortcut(baselines)
    support += _constants(baselines)
    top = next(row for row in rows if row["role"] not in BASELINES)
    if top["trial"] != chosen["trial"]:
        support.append(
            f"The best test F1 is that of {top['name']}, {text.score(top['test_f1'])}; chosen on the test "
            "set itself, as the best of several, it is optimistic and not the answer."
        )
    lines = tuple(_line(row) for row in [chosen, *([reference] if reference else []), *baselines])
    return Answer(lead, tuple(support), lines)


def _rivals(frame: pd.DataFrame, chosen: Mapping[str, Any]) -> str:
    same_test = frame["split_hash"] == chosen["split_hash"]
    rivals = frame[(frame["role"] == "searched") & ~frame["selected"] & same_test]
    if rivals.empty:
        return "No other searched configuration has finished on the same test set."
    close = int(rivals["indistinguishable"].eq(other=True).sum())
    if not close:
        return f"Each of the {len(rivals)} other configurations can be told from it on this test set."
    return f"{close} of the {len(rivals)} other configurations cannot be told from it on this test set."


def _against_reference(reference: Mapping[str, Any]) -> str:
    score = f"The reference CNN reaches F1 {text.with_interval(reference, 'test_f1')}"
    if not text.is_number(reference["difference"]):
        return f"{score}."
    gain = {
        "gain": -reference["difference"],
        "gain_low": -reference["difference_high"],
        "gain_high": -reference["difference_low"],
    }
    size = f"{text.signed(gain['gain'])} [{text.signed(gain['gain_low'])}, {text.signed(gain['gain_high'])}]"
    if reference["indistinguishable"]:
        return f"{score}, which cannot be told from the selected one (difference {size})."
    return f"{score}; the selected configuration differs from it by {size}."


def _shortcut(baselines: list[dict[str, Any]]) -> list[str]:
    """Compare with the better of the classifiers that know an image's statistics alone."""
    rows = [row for row in baselines if row["role"] == "shortcut"]
    if not rows:
        return []
    best = max(rows, key=lambda row: row["test_f1"] if text.is_number(row["test_f1"]) else -1.0)
    told = f"The shortcut baseline, which sees no lesion, reaches F1 {text.with_interval(best, 'test_f1')}"
    if not text.is_number(best["difference_high"]):
        return [f"{told}."]
    if best["difference_high"] < 0:
        return [f"{told}; the selected configuration beats it."]
    verdict = "so that nothing shows that it has learnt anything of the lesion"
    return [f"{told}; the selected configuration does not beat it beyond chance, {verdict}."]


def _constants(baselines: list[dict[str, Any]]) -> list[str]:
    constants = [row for row in baselines if row["role"] == "constant"]
    rows = sorted(constants, key=lambda row: -row["test_accuracy"])
    parts = [
        f"{row['name'].removeprefix('always ')} scores F1 {text.score(row['test_f1'])} at accuracy "
        f"{text.score(row['test_accuracy'])}"
        for row in rows
    ]
    return [f"Always answering {', always answering '.join(parts)}."] if parts else []


def _line(row: Mapping[str, Any]) -> Line:
    return Line(
        str(row["name"]),
        kind_of(row),
        text.score(row["test_f1"]),
        text.ends(row, "test_f1"),
        text.score(row["test_accuracy"]),
        text.ends(row, "test_accuracy"),
        bar_of(row, "test_f1"),
    )
