"""The columns of the ranking table: which there are, what each is called, and which are shown at first."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from mammobench.core.counted import COUNTED
from mammobench.evaluation.calibration import METRICS as CALIBRATION
from mammobench.evaluation.leaderboard import Leaderboard
from mammobench.space.config import KEYS

METRICS = (
    "f1", "accuracy", "recall", "precision", "auroc", "auprc", "specificity", "sensitivity_at_90",
    "sensitivity_at_95", "balanced_accuracy", "macro_f1", *COUNTED, "brier", *CALIBRATION,
)  # fmt: skip
LOWER_IS_BETTER = frozenset({"brier"})
_NO_SHARE = frozenset({*CALIBRATION, *(name for name, metric in COUNTED.items() if metric.lowest < 0)})
"""What may lie outside 0 to 1, so that no bar is drawn of it."""

SHOWN_TEST = ("f1", "accuracy", "recall", "precision", "auroc")
_STRESS_HINT = (
    "Lowest test F1 under contrast, gamma, brightness, blur, noise, JPEG or another source's intensities."
)
_HINTS = {
    "test_f1": "F1 at the threshold chosen on validation.",
    "test_accuracy": "Accuracy at the same threshold.",
    "test_calibration_intercept": "0 is best; above it, probabilities are too low on average.",
    "test_calibration_slope": "1 is best; below it, probabilities are too extreme.",
    "test_brier": "Mean squared error of the probabilities; 0 is best.",
    "test_sensitivity_at_90": "Recall at the threshold with a specificity of 90 % on test.",
    "test_sensitivity_at_95": "Recall at the threshold with a specificity of 95 % on test.",
    **{f"test_{name}": metric.hint for name, metric in COUNTED.items()},
}
_OVER_SEEDS = {
    "mean": "mean over seeds",
    "sd": "standard deviation over seeds",
    "lowest": "lowest of the seeds",
    "highest": "highest of the seeds",
}
_HIDDEN = frozenset({
    "rank", "trial", "name", "study", "role", "selected", "difference", "objective",
    "threshold", "weights", "epochs", "best_epoch", "seconds", "split", "split_hash", "leaks",
    "stress_f1_worst", "stress_f1_drop", "stress_f1_worst_condition", "replicates",
    "difference_p", "difference_p_adjusted", "mcnemar_p", "mcnemar_p_adjusted", "verdict", "family",
    "test_f1_at_half",
})  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Attributes:
        key: The leaderboard's column.
        title: What its head says.
        kind: ``name``, ``interval``, ``number``, ``difference`` or ``value``: how a cell is laid out.
        form: How its numbers are written: ``score``, ``signed``, ``whole``, ``number``, ``duration`` or
            ``word``, each a function of `mammobench.report.text` or the text itself.
        group: Under which it stands in the list of columns.
        shown: Whether the table shows it before the reader chooses.
        section: Smaller text above the title.
        first: ``descending`` or ``ascending``, the order that the first click gives.
        hint: One sentence, shown when the pointer rests on the head.
        bar: Whether the interval is drawn between 0 and 1.
    """

    key: str
    title: str
    kind: str
    form: str = "score"
    group: str = "Test"
    shown: bool = False
    section: str = ""
    first: str = "descending"
    hint: str = ""
    bar: bool = True


def columns_of(board: Leaderboard, objective: str) -> tuple[Column, ...]:
    """Choose the columns of a leaderboard: all it has, about ten of them shown at first.

    Args:
        board: The leaderboard.
        objective: The validation metric that the search optimised.
    """
    frame = board.frame
    candidates = (
        Column("rank", "Rank", "number", "whole", "Ranking", shown=True, first="ascending",
               hint="By test F1, then accuracy."),
        Column("name", "Configuration", "name", "word", "Ranking", shown=True, first="ascending"),
        Column("study", "Study", "value", "word", "Ranking", first="ascending"),
        Column("role", "Role", "value", "word", "Ranking", first="ascending"),
        Column("verdict", "Against selected", "value", "word", "Ranking", first="ascending",
               hint="Test F1 significantly better or worse than the selected model's; corrected p < 0.05."),
        Column("split", "Split", "value", "word", "Ranking", shown=len(board.splits) > 1, first="ascending"),
        _metric("test", "f1", shown=True),
        Column("difference", "Difference to selected", "difference", "signed", shown=True,
               hint="Test F1 minus that of the selected configuration, paired."),
        *(_metric("test", name, shown=name in SHOWN_TEST) for name in METRICS[1:]),
        Column("test_f1_at_half", "Test F1 at 0.5", "number", hint="F1 at a threshold of 0.5."),
        Column("difference_p", "p of difference", "number", "number", first="ascending",
               hint="Paired t-test of equal test F1 with the selected model, two-sided, by bootstrap."),
        Column("difference_p_adjusted", "p of difference, corrected", "number", "number", first="ascending",
               hint="For how many comparisons its family makes; below 0.05: significantly different."),
        Column("family", "Family of comparisons", "value", "word", first="ascending",
               hint="Planned: reference CNN and baselines (Holm). Exploratory: all searched models (minP)."),
        Column("mcnemar_p", "McNemar p", "number", "number", first="ascending",
               hint="McNemar's test of equal accuracy with the selected configuration."),
        Column("mcnemar_p_adjusted", "McNemar p (Holm)", "number", "number", first="ascending"),
        Column("stress_f1_worst", "Worst under stress", "interval", shown=bool(board.stress),
               hint=_STRESS_HINT),
        Column("stress_f1_drop", "Drop under stress", "difference", "signed"),
        *_others(frame),
        Column("replicates", "Seeds", "number", "whole", "Seeds",
               hint="How often it was retrained with another seed."),
        *(
            Column(f"replicate_{metric}_{what}", f"{title_of(metric)}, {words}", "number", group="Seeds")
            for metric in ("f1", "accuracy")
            for what, words in _OVER_SEEDS.items()
        ),
        objective_column(frame, objective),
        *(_metric("validation", name) for name in METRICS if name != objective),
        Column("threshold", "Threshold", "number", group="Validation", hint="Chosen on validation."),
        Column("weights", "Weights", "number", "whole", "Cost", first="ascending"),
        Column("epochs", "Epochs", "number", "whole", "Cost", first="ascending",
               hint="Epochs trained, and the one whose weights were kept."),
        Column("seconds", "Time", "number", "duration", "Cost", shown=True, first="ascending",
               hint="Wall clock of the whole trial."),
        *map(_hyperparameter, board.hyperparameters),
    )  # fmt: skip
    return tuple(
        column
        for column in candidates
        if column.key in frame and frame[column.key].notna().any() and _varies(frame, column)
    )


def objective_column(frame: pd.DataFrame, objective: str) -> Column:
    """Return the column of what the search optimised, with its interval where there is one."""
    key = f"validation_{objective}"
    hint = "The search's objective."
    if key in frame:
        return replace(_metric("validation", objective, shown=True), hint=hint)
    return Column("objective", f"Validation {title_of(objective)}", "number", group="Validation", shown=True,
                  hint=hint)  # fmt: skip


def title_of(metric: str) -> str:
    """Return a metric's name as text writes it."""
    names = {
        "f1": "F1",
        "f1_worst_case": "worst-case F1",
        "macro_f1": "macro F1",
        "auroc": "AUROC",
        "auprc": "AUPRC",
        "brier": "Brier score",
        "sensitivity_at_90": "sensitivity at 90 % specificity",
        "sensitivity_at_95": "sensitivity at 95 % specificity",
        **{name: counted.title for name, counted in COUNTED.items()},
    }
    return names.get(metric, metric.replace("_", " "))


def _varies(frame: pd.DataFrame, column: Column) -> bool:
    """Whether a column says anything: not one split or one study for all."""
    return column.key not in {"split", "study"} or len(frame[column.key].dropna().unique()) > 1


def _metric(part: str, name: str, *, shown: bool = False) -> Column:
    key = f"{part}_{name}"
    first = "ascending" if name in LOWER_IS_BETTER else "descending"
    title = f"{part.capitalize()} {title_of(name)}"
    return Column(key, title, "interval", group=part.capitalize(), shown=shown, first=first,
                  hint=_HINTS.get(key, ""), bar=name not in _NO_SHARE)  # fmt: skip


def _hyperparameter(key: str) -> Column:
    section, title = key.split(".", 1)
    return Column(key, title.replace("_", " "), "value", "word", "Hyperparameters",
                  section=section, first="ascending", hint=key)  # fmt: skip


def differing(board: Leaderboard, leading: Sequence[str] = ()) -> dict[str, str]:
    """Return the hyperparameters in which rows differ, by importance, each with a name of its own.

    Args:
        board: The leaderboard.
        leading: Hyperparameters by importance.

    Returns:
        Dotted key to name: ``dropout`` for ``model.dropout``, ``loss.name`` where another section has a name.
    """
    fields = Counter(key.split(".", 1)[1] for key in KEYS)
    keys = [key for key in dict.fromkeys((*leading, *board.hyperparameters)) if key in board.frame]
    return {
        key: field if fields[field := key.split(".", 1)[1]] == 1 else key
        for key in keys
        if len(set(board.frame[key].dropna())) > 1
    }


def _others(frame: pd.DataFrame) -> list[Column]:
    """Return whatever else a leaderboard says of the test split, such as recall by lesion type."""
    known = _HIDDEN | {f"{part}_{name}" for part in ("test", "validation") for name in METRICS}
    return [
        Column(key, key.replace("_", " ").capitalize(), "interval")
        for key in map(str, frame.columns)
        if "." not in key and key not in known
        and not key.startswith("replicate_") and not key.endswith(("_low", "_high"))
        and pd.api.types.is_float_dtype(frame[key])
    ]  # fmt: skip
