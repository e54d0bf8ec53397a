"""The report's main result: a sentence with numbers, the evidence for it, and the rows that it rests on."""

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
    """The main result.

    Attributes:
        lead: The result in a sentence.
        support: Comparisons with the others, one sentence each.
        lines: The selected configuration, its nearest rivals, the reference CNN and the baselines.
    """

    lead: str
    support: tuple[str, ...]
    lines: tuple[Line, ...]


def build_answer(board: Leaderboard) -> Answer:
    """Describe the configuration that validation selected, its test scores and its comparisons."""
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
    parts = [_significance(rivals, close), *_others_in_short(references, baselines)]
    lead = (
        f"{_named(chosen)}, which validation selected, reaches test F1 "
        f"{text.with_interval(chosen, 'test_f1')}; {'; '.join(parts)}."
    )
    support = [f"Its accuracy is {text.with_interval(chosen, 'test_accuracy')}."]
    support += [_against_reference(row, chosen) for row in references]
    support += _shortcut(baselines)
    support += _constants(baselines)
    alike = (row for row in rows if row["split_hash"] == chosen["split_hash"])
    support += _selection_bias(board, next(row for row in alike if row["role"] not in BASELINES))
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


def _significance(rivals: Sequence[Row], close: Sequence[Row]) -> str:
    if not rivals:
        return "no other searched configuration has finished on the same test set"
    if not close:
        who = "the other one" if len(rivals) == 1 else f"each of the {len(rivals)} others"
        return f"{who} is significantly different from it"
    if len(rivals) == 1:
        return "the other one is not significantly different from it"
    verb = "is" if len(close) == 1 else "are"
    return f"{len(close)} of the {len(rivals)} others {verb} not significantly different from it"


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
        where = f"on the {reference['split']} split{leak}"
        return f"{score} {where}; its test images are others, so the two cannot be compared."
    if not text.is_number(reference["difference"]):
        return f"{score}."
    gain = {
        "gain": -reference["difference"],
        "gain_low": -reference["difference_high"],
        "gain_high": -reference["difference_low"],
    }
    size = f"{text.signed(gain['gain'])} [{text.signed(gain['gain_low'])}, {text.signed(gain['gain_high'])}]"
    if reference["band"] == 1:
        # the interval is of this one comparison, the corrected p-value of all that are made
        if gain["gain_low"] > 0 or gain["gain_high"] < 0:
            size += f"; Holm-corrected p = {text.score(reference['difference_p_holm'])}"
        return f"{score}, not significantly different from the selected configuration (difference {size})."
    return f"{score}; the selected configuration is significantly different from it (difference {size})."


def _selection_bias(board: Leaderboard, top: Row) -> list[str]:
    """Describe the selection bias of the best test score, and the optimism of validation."""
    found = board.optimism
    if found is None:
        return []
    sentences = []
    if found.tried > 1 and text.is_number(found.corrected):
        best = f"that of {top['name']}" if top["role"] == "searched" else "of the searched ones"
        sentences.append(
            f"{found.tried:,} configurations were tried. The best test F1 among them, {best}, is "
            f"{text.score(found.best_test)}; corrected for selection bias it is "
            f"{text.score(found.corrected)} [{text.score(found.interval.low)}, "
            f"{text.score(found.interval.high)}] (estimated selection bias {text.score(found.bias)})."
        )
    if text.is_number(found.gap):
        sentences.append(
            f"Optimism gap: validation F1 minus test F1 of the selected configuration is "
            f"{text.signed(found.gap)}."
        )
    return sentences


def _best_shortcut(baselines: Sequence[Row]) -> Row | None:
    """Return the better of the classifiers of image statistics alone."""
    rows = [row for row in baselines if row["role"] == "shortcut"]
    return max(rows, key=lambda row: row["test_f1"] if text.is_number(row["test_f1"]) else -1.0, default=None)


def _shortcut(baselines: Sequence[Row]) -> list[str]:
    best = _best_shortcut(baselines)
    if best is None:
        return []
    score = text.with_interval(best, "test_f1")
    sentence = f"The shortcut baseline, trained on image statistics alone, reaches F1 {score}"
    if not text.is_number(best["difference_high"]):
        return [f"{sentence}."]
    if best["difference_high"] < 0:
        return [f"{sentence}; the selected configuration is significantly better."]
    verdict = "so there is no evidence that it uses the lesion"
    return [f"{sentence}; the selected configuration is not significantly better, {verdict}."]


def _constants(baselines: Sequence[Row]) -> list[str]:
    constants = [row for row in baselines if row["role"] == "constant"]
    rows = sorted(constants, key=lambda row: -row["test_accuracy"])
    parts = [
        f"{row['name'].removeprefix('always ')} scores F1 {text.score(row['test_f1'])} at accuracy "
        f"{text.score(row['test_accuracy'])}"
        for row in rows
    ]
    return [f"Always predicting {', always predicting '.join(parts)}."] if parts else []


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
