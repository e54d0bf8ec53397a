"""The study's answer in a sentence with numbers, what supports it, and the rows that it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mammobench.evaluation.leaderboard import BASELINES, Leaderboard
from mammobench.report import text
from mammobench.report.ranking import Bar, bar_of, kind_of

RIVALS_SHOWN = 4
Row = Mapping[str, Any]


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
        lines: The selected configuration, its nearest rivals, the reference CNN and the baselines.
    """

    lead: str
    support: tuple[str, ...]
    lines: tuple[Line, ...]


def build_answer(board: Leaderboard) -> Answer:
    """Say what validation selected, and what it is worth."""
    rows = board.rows
    references = [row for row in rows if row["role"] == "reference"]
    baselines = [row for row in rows if row["role"] in BASELINES]
    chosen = next((row for row in rows if row["selected"]), None)
    if chosen is None:
        lead = "No searched configuration has finished yet."
        others = [
            f"The reference CNN reaches test F1 {text.with_interval(row, 'test_f1')}." for row in references
        ]
        lines = tuple(_line(row) for row in [*references, *baselines])
        return Answer(lead, (*others, *_constants(baselines)), lines)
    baselines = [row for row in baselines if row["split_hash"] == chosen["split_hash"]]
    references = [row for row in references if row is not chosen]
    rivals = _rivals(rows, chosen)
    close = [row for row in rivals if row["band"] == 1]
    parts = [_told_apart(rivals, close), *_others_in_short(references, baselines)]
    lead = (
        f"{_named(chosen)}, which validation selected, reaches test F1 "
        f"{text.with_interval(chosen, 'test_f1')}; {'; '.join(parts)}."
    )
    support = [f"Its accuracy is {text.with_interval(chosen, 'test_accuracy')}."]
    support += [_against_reference(row, chosen) for row in references]
    support += _shortcut(baselines)
    support += _constants(baselines)
    alike = (row for row in rows if row["split_hash"] == chosen["split_hash"])
    support += _luck(board, next(row for row in alike if row["role"] not in BASELINES))
    nearest = [row for row in rivals if row in close][:RIVALS_SHOWN]
    lines = tuple(_line(row) for row in [chosen, *nearest, *references, *baselines])
    return Answer(lead, tuple(support), lines)


def _named(row: Row) -> str:
    name = str(row["name"])
    return f"{name[0].upper()}{name[1:]}"


def _rivals(rows: Sequence[Row], chosen: Row) -> list[Row]:
    return [
        row
        for row in rows
        if row["role"] == "searched" and row is not chosen and row["split_hash"] == chosen["split_hash"]
    ]


def _told_apart(rivals: Sequence[Row], close: Sequence[Row]) -> str:
    if not rivals:
        return "no other searched configuration has finished on the same test set"
    if not close:
        return f"each of the {len(rivals)} others can be told from it"
    return f"{len(close)} of the {len(rivals)} others cannot be told from it"


def _others_in_short(references: Sequence[Row], baselines: Sequence[Row]) -> list[str]:
    """Return ``reference CNN 0.460``, ``always benign 0.000`` and ``shortcut baseline 0.390``."""
    parts = [f"{row['name']} {text.score(row['test_f1'])}" for row in references[:1]]
    constants = [row for row in baselines if row["role"] == "constant"]
    parts += [f"{row['name']} {text.score(row['test_f1'])}" for row in constants]
    shortcut = _best_shortcut(baselines)
    return parts + ([f"shortcut baseline {text.score(shortcut['test_f1'])}"] if shortcut else [])


def _against_reference(reference: Row, chosen: Row) -> str:
    score = f"The {reference['name']} reaches F1 {text.with_interval(reference, 'test_f1')}"
    if reference["split_hash"] != chosen["split_hash"]:
        leak = ", which leaks" if reference["leaks"] else ""
        return (
            f"{score} on the {reference['split']} split{leak}: other images, so that nothing compares them."
        )
    if not text.is_number(reference["difference"]):
        return f"{score}."
    gain = {
        "gain": -reference["difference"],
        "gain_low": -reference["difference_high"],
        "gain_high": -reference["difference_low"],
    }
    size = f"{text.signed(gain['gain'])} [{text.signed(gain['gain_low'])}, {text.signed(gain['gain_high'])}]"
    if reference["band"] == 1:
        # the interval is of this one comparison, the band of all that are made
        if gain["gain_low"] > 0 or gain["gain_high"] < 0:
            size += f"; of all comparisons, p = {text.score(reference['difference_p_holm'])} by Holm"
        return f"{score}, which cannot be told from the selected one (difference {size})."
    return f"{score}; the selected configuration differs from it by {size}."


def _luck(board: Leaderboard, top: Row) -> list[str]:
    """Say how much of the best test score is luck, and what validation promised too much."""
    found = board.optimism
    if found is None:
        return []
    sentences = []
    if found.tried > 1 and text.is_number(found.corrected):
        best = f"that of {top['name']}" if top["role"] == "searched" else "of the searched ones"
        sentences.append(
            f"{found.tried:,} configurations were tried. The best test F1 among them, {best}, reads "
            f"{text.score(found.best_test)}; corrected for having been chosen as the best of them it is "
            f"{text.score(found.corrected)} [{text.score(found.interval.low)}, "
            f"{text.score(found.interval.high)}], so that {text.score(found.bias)} of it is luck."
        )
    if text.is_number(found.gap):
        sentences.append(
            f"Optimism gap: on validation, which chose it, the F1 of the selected configuration is "
            f"{text.signed(found.gap)} against test."
        )
    return sentences


def _best_shortcut(baselines: Sequence[Row]) -> Row | None:
    """Return the better of the classifiers that know an image's statistics alone."""
    rows = [row for row in baselines if row["role"] == "shortcut"]
    return max(rows, key=lambda row: row["test_f1"] if text.is_number(row["test_f1"]) else -1.0, default=None)


def _shortcut(baselines: Sequence[Row]) -> list[str]:
    best = _best_shortcut(baselines)
    if best is None:
        return []
    told = f"The shortcut baseline, which sees no lesion, reaches F1 {text.with_interval(best, 'test_f1')}"
    if not text.is_number(best["difference_high"]):
        return [f"{told}."]
    if best["difference_high"] < 0:
        return [f"{told}; the selected configuration beats it."]
    verdict = "so that nothing shows that it has learnt anything of the lesion"
    return [f"{told}; the selected configuration does not beat it beyond chance, {verdict}."]


def _constants(baselines: Sequence[Row]) -> list[str]:
    constants = [row for row in baselines if row["role"] == "constant"]
    rows = sorted(constants, key=lambda row: -row["test_accuracy"])
    parts = [
        f"{row['name'].removeprefix('always ')} scores F1 {text.score(row['test_f1'])} at accuracy "
        f"{text.score(row['test_accuracy'])}"
        for row in rows
    ]
    return [f"Always answering {', always answering '.join(parts)}."] if parts else []


def _line(row: Row) -> Line:
    return Line(
        str(row["name"]),
        kind_of(row),
        text.score(row["test_f1"]),
        text.ends(row, "test_f1"),
        text.score(row["test_accuracy"]),
        text.ends(row, "test_accuracy"),
        bar_of(row, "test_f1"),
    )
