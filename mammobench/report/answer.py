"""The report's main result: a sentence with numbers, the evidence for it, and the rows that it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mammobench.evaluation.comparison import ALIKE, BETTER, WORSE
from mammobench.evaluation.leaderboard import BASELINES, Leaderboard
from mammobench.report import text
from mammobench.report.claims import configurations_compared, groups_in_words
from mammobench.report.ranking import Bar, bar_of, kind_of

RIVALS_SHOWN = 4
SMALLEST_P = 0.001
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
    """Describe the trained model that validation selected, its test scores and its comparisons."""
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
    better = [row for row in rivals if row["verdict"] == BETTER]
    parts = [*_significance(rivals, better), *_others_in_short(references, baselines)]
    lead = (
        f"{_named(chosen)}, selected on validation, reaches test F1 "
        f"{text.with_interval(chosen, 'test_f1')}{_auroc(chosen)}; {'; '.join(parts)}."
    )
    support = [f"Its accuracy is {text.with_interval(chosen, 'test_accuracy')}{_precision(chosen)}."]
    support += [_against_reference(row, chosen) for row in references]
    support += _shortcut(baselines)
    support += _constants(baselines)
    support += configurations_compared(board, chosen)
    alike = (row for row in rows if row["split_hash"] == chosen["split_hash"])
    support += _selection_bias(board, next(row for row in alike if row["role"] not in BASELINES))
    support += groups_in_words(board.splits[chosen["split_hash"]])
    nearest = [row for row in rivals if row["verdict"] == ALIKE and row not in better]
    shown = [chosen, *better[:RIVALS_SHOWN], *nearest[: max(0, RIVALS_SHOWN - len(better))]]
    lines = tuple(_line(row) for row in [*shown, *references, *baselines])
    return Answer(lead, tuple(support), lines)


def _named(row: Row) -> str:
    name = str(row["name"])
    return f"{name[0].upper()}{name[1:]}"


def _auroc(row: Row) -> str:
    """Return the metric that needs no threshold, for the sentence that gives F1."""
    return f" and AUROC {text.with_interval(row, 'test_auroc')}" if text.is_number(row["test_auroc"]) else ""


def _precision(row: Row) -> str:
    if not text.is_number(row["test_auprc"]):
        return ""
    return f", its average precision {text.with_interval(row, 'test_auprc')}"


def _rivals(rows: Sequence[Row], chosen: Row) -> list[Row]:
    return [
        row
        for row in rows
        if row["role"] == "searched" and row is not chosen and row["split_hash"] == chosen["split_hash"]
    ]


def _significance(rivals: Sequence[Row], better: Sequence[Row]) -> list[str]:
    """Say of the other searched models how many are significantly better, worse, or neither."""
    if not rivals:
        return ["no other searched configuration has finished on the same test set"]
    if len(rivals) == 1 and rivals[0]["verdict"] is not None:
        verdict = rivals[0]["verdict"]
        size = "" if verdict == ALIKE else f" ({_size(rivals[0])})"
        return [f"the other model is {_in_words(verdict)}{size}{'' if verdict != ALIKE else ' from it'}"]
    parts = []
    if better:
        best = max(better, key=lambda row: row["difference"])
        which = best["name"] if len(better) == 1 else f"the best is {best['name']}"
        parts.append(f"{_of(len(better), rivals)} significantly better ({which}, {_size(best)})")
    for verdict in (WORSE, ALIKE):
        count = sum(row["verdict"] == verdict for row in rivals)
        if count:
            parts.append(f"{_of(count, rivals)} {_in_words(verdict)}{' from it' if verdict == ALIKE else ''}")
    unknown = sum(row["verdict"] is None for row in rivals)
    if unknown:
        parts.append(f"{_of(unknown, rivals)} not comparable, since their F1 is not defined")
    return parts


def _of(count: int, rivals: Sequence[Row]) -> str:
    verb = "is" if count == 1 else "are"
    if count == len(rivals):
        return f"all {count} other models {verb}"
    return f"{count} of the {len(rivals)} other models {verb}"


def _in_words(verdict: str) -> str:
    return ALIKE if verdict == ALIKE else f"significantly {verdict}"


def _size(row: Row) -> str:
    """Return a difference to the selected model with its interval and its corrected p-value."""
    ends = f"[{text.signed(row['difference_low'])}, {text.signed(row['difference_high'])}]"
    return f"difference {text.signed(row['difference'])} {ends}, corrected {_p(row['difference_p_adjusted'])}"


def _p(value: float) -> str:
    return "p < 0.001" if value < SMALLEST_P else f"p = {text.score(value)}"


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
    return f"{score}{_selected_against(reference)}."


def _selected_against(row: Row) -> str:
    """Continue a sentence on a reference or a baseline with how the selected model compares to it."""
    if row["verdict"] is None:
        return ""
    words = {
        WORSE: "the selected model is significantly better",
        BETTER: "the selected model is significantly worse",
        ALIKE: "the selected model is not significantly different from it",
    }
    turned = {
        "difference": -row["difference"],
        "difference_low": -row["difference_high"],
        "difference_high": -row["difference_low"],
        "difference_p_adjusted": row["difference_p_adjusted"],
    }
    return f"; {words[row['verdict']]} ({_size(turned)})"


def _selection_bias(board: Leaderboard, top: Row) -> list[str]:
    """Describe the selection bias of the best test score, and the optimism of validation."""
    found = board.optimism
    if found is None:
        return []
    sentences = []
    if found.tried > 1 and text.is_number(found.corrected):
        best = f"that of {top['name']}" if top["role"] == "searched" else "of the searched ones"
        sentences.append(
            "Its test score needs no correction, since validation selected it. The best test F1 of all "
            f"{found.tried:,} searched models, {best}, is {text.score(found.best_test)}, too high if it were "
            f"chosen for that: corrected for selection bias it is an estimated {text.score(found.corrected)} "
            f"[{text.score(found.interval.low)}, "
            f"{text.score(found.interval.high)}]."
        )
    if text.is_number(found.gap):
        sentences.append(
            f"Optimism gap: validation F1 minus test F1 of the selected model is {text.signed(found.gap)}."
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
    sentence = (
        "The shortcut baseline, trained on image statistics alone, reaches F1 "
        f"{text.with_interval(best, 'test_f1')}{_selected_against(best)}"
    )
    unproven = best["verdict"] in {ALIKE, BETTER}
    return [f"{sentence}{', so there is no evidence that it uses the lesion' if unproven else ''}."]


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
