"""The report's main result: a sentence with numbers, the evidence for it, and the rows that it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mammobench.evaluation.comparison import ALIKE, BETTER, WORSE, Verdict
from mammobench.evaluation.leaderboard import BASELINES, Leaderboard
from mammobench.report import text
from mammobench.report.claims import configurations_compared, groups_in_words
from mammobench.report.ranking import Bar, bar_of, kind_of

RIVALS_SHOWN = 4
Row = Mapping[str, Any]
_STAYS = "A better test score does not change the selection: that of a model chosen on test is biased upward."


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
    parts = [_significance(rivals, better), *_shortcut_in_short(baselines)]
    lead = (
        f"The {_model(chosen)}, selected on validation, reaches test F1 "
        f"{text.with_interval(chosen, 'test_f1')}{_auroc(chosen)}; {'; '.join(parts)}."
        f"{_others_in_short(references, baselines)}"
    )
    accuracy = text.with_interval(chosen, "test_accuracy")
    support = [f"The selected model's accuracy is {accuracy}{_precision(chosen)}."]
    support += [_STAYS] if better else []
    support += [_against_reference(row, chosen) for row in references]
    support += _shortcut(baselines)
    support += _constants(baselines)
    support += configurations_compared(board, chosen)
    searched = (row for row in rows if row is chosen or row in rivals)
    support += _selection_bias(board, next(searched), chosen)
    support += groups_in_words(board.splits[chosen["split_hash"]])
    nearest = [row for row in rivals if row["verdict"] == ALIKE]
    shown = [chosen, *better[:RIVALS_SHOWN], *nearest[: max(0, RIVALS_SHOWN - len(better))]]
    lines = tuple(_line(row) for row in [*shown, *references, *baselines])
    return Answer(lead, tuple(support), lines)


def _model(row: Row) -> str:
    return f"model of {row['name']}" if row["role"] == "searched" else str(row["name"])


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


def _significance(rivals: Sequence[Row], better: Sequence[Row]) -> str:
    """Say of the other searched models how many are significantly better, worse, or neither."""
    if not rivals:
        return "no other searched model has finished on the same test set"
    if len(rivals) == 1:
        size = "" if rivals[0]["verdict"] in {ALIKE, None} else f" ({_size(rivals[0])})"
        return f"the other model is {_in_words(rivals[0]['verdict'])}{size}"
    if all(row["verdict"] == ALIKE for row in rivals):
        return f"none of the {len(rivals)} other models is significantly better or worse"
    parts = []
    for verdict in (BETTER, WORSE, ALIKE, None):
        count = sum(row["verdict"] == verdict for row in rivals)
        if count:
            parts.append(f"{count} {'is' if count == 1 else 'are'} {_in_words(verdict)}")
    if better:
        best = max(better, key=lambda row: row["difference"])
        parts[0] += f" ({'' if len(better) == 1 else 'the best of them, '}{best['name']}: {_size(best)})"
    if len(parts) == 1:
        return f"all {parts[0].replace(' are', ' other models are', 1)}"
    return f"of the {len(rivals)} other models, {', '.join(parts[:-1])} and {parts[-1]}"


def _in_words(verdict: Verdict | None) -> str:
    if verdict is None:
        return "not comparable, since F1 is not defined"
    return f"{ALIKE} from it" if verdict == ALIKE else f"significantly {verdict}"


def _size(row: Row) -> str:
    """Return a difference to the selected model with its interval and its corrected p-value."""
    low, high = row["difference_low"], row["difference_high"]
    size = f"difference {text.signed(row['difference'])} [{text.signed(low)}, {text.signed(high)}]"
    # the two disagree where the correction decides
    apart = row["verdict"] == ALIKE and not low <= 0 <= high
    remark = "; the interval is not corrected for the number of comparisons" if apart else ""
    return f"{size}, corrected {text.p_value(row['difference_p_adjusted'])}{remark}"


def _others_in_short(references: Sequence[Row], baselines: Sequence[Row]) -> str:
    """Return a sentence, ``F1 for comparison: reference CNN 0.460, always benign 0.000.``, or nothing."""
    known = [(row["name"], row) for row in references[:1]]
    shortcut = _hardest_shortcut(baselines)
    known += [("shortcut baseline", shortcut)] if shortcut else []
    known += [(row["name"], row) for row in baselines if row["role"] == "constant"]
    parts = ", ".join(f"{name} {text.score(row['test_f1'])}" for name, row in known)
    return f" F1 for comparison: {parts}." if parts else ""


def _shortcut_in_short(baselines: Sequence[Row]) -> list[str]:
    """Say whether the selected model beats the shortcut baseline."""
    shortcut = _hardest_shortcut(baselines)
    words = {
        WORSE: "the selected model is significantly better than the shortcut baseline",
        BETTER: "the shortcut baseline is significantly better than the selected model",
        ALIKE: "the selected model is not significantly better than the shortcut baseline",
    }
    return [words[shortcut["verdict"]]] if shortcut and shortcut["verdict"] else []


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
        "difference": 0.0 - row["difference"],
        "difference_low": 0.0 - row["difference_high"],
        "difference_high": 0.0 - row["difference_low"],
        "difference_p_adjusted": row["difference_p_adjusted"],
        "verdict": row["verdict"],
    }
    return f"; {words[row['verdict']]} ({_size(turned)})"


def _selection_bias(board: Leaderboard, top: Row, chosen: Row) -> list[str]:
    """Describe the selection bias of the best test score, and the optimism of validation."""
    found = board.optimism
    if found is None:
        return []
    sentences = []
    if found.tried > 1 and text.is_number(found.corrected):
        ends = f"[{text.score(found.interval.low)}, {text.score(found.interval.high)}]"
        corrected = f"corrected for selection bias it is an estimated {text.score(found.corrected)} {ends}."
        best = (
            f"It is also the best test F1 of all {found.tried:,} searched models; read as that, it tends to "
            f"be too high: {corrected}"
            if top is chosen
            else f"The best test F1 of all {found.tried:,} searched models, {text.score(found.best_test)} of "
            f"{top['name']}, tends to be too high, as the best of many scores does: {corrected}"
        )
        sentences.append(
            "The selected model's test F1 needs no correction for selection, since validation selected it. "
            f"{best}"
        )
    if text.is_number(found.gap):
        sentences.append(
            f"Optimism gap: validation F1 minus test F1 of the selected model is {text.signed(found.gap)}."
        )
    return sentences


def _hardest_shortcut(baselines: Sequence[Row]) -> Row | None:
    """Return the best classifier of image statistics alone that is not beaten, else the best."""
    rows = [row for row in baselines if row["role"] == "shortcut"]
    return max(rows, key=lambda row: (row["verdict"] != WORSE, np.nan_to_num(row["test_f1"])), default=None)


def _shortcut(baselines: Sequence[Row]) -> list[str]:
    hardest = _hardest_shortcut(baselines)
    if hardest is None:
        return []
    sentence = (
        f"The shortcut baseline ({hardest['name'].removeprefix('shortcut: ')}), trained on image statistics "
        f"alone, reaches F1 {text.with_interval(hardest, 'test_f1')}{_selected_against(hardest)}"
    )
    unproven = hardest["verdict"] in {ALIKE, BETTER}
    evidence = ", so there is no evidence that the selected model uses the lesion" if unproven else ""
    return [f"{sentence}{evidence}."]


def _constants(baselines: Sequence[Row]) -> list[str]:
    constants = [row for row in baselines if row["role"] == "constant"]
    return [
        f"Always predicting {row['name'].removeprefix('always ')} scores F1 {text.score(row['test_f1'])} at "
        f"accuracy {text.score(row['test_accuracy'])}{_selected_against(row) if row['test_f1'] else ''}."
        for row in sorted(constants, key=lambda row: -row["test_f1"])
    ]


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
