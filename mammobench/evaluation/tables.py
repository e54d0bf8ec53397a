"""The tables of a leaderboard: the main one, on one split, and those of trials on other splits."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mammobench.evaluation.entries import Entry
from mammobench.evaluation.gathering import study_names
from mammobench.evaluation.points import METRICS
from mammobench.space.one_split import compares_splits
from mammobench.study.record import StudyRecord

WHOLE = ("trial", "weights", "epochs", "best_epoch")
WORDS = ("family", "verdict")
KINDS = ("recall_calcification", "recall_mass")


def _with_ends(*columns: str) -> tuple[str, ...]:
    return tuple(f"{column}{end}" for column in columns for end in ("", "_low", "_high"))


COLUMNS = (
    "rank", "study", "trial", "name", "role", "selected",
    *_with_ends(*(f"test_{metric}" for metric in (*METRICS, *KINDS))), "test_f1_at_half",
    *_with_ends("difference"), "difference_p", "difference_p_adjusted", "family", "verdict",
    "mcnemar_p", "mcnemar_p_adjusted", "objective", "threshold",
    *_with_ends(*(f"validation_{metric}" for metric in METRICS)),
    "weights", "epochs", "best_epoch", "seconds", "split", "split_hash", "leaks",
    *_with_ends("stress_f1_worst"), "stress_f1_worst_condition", *_with_ends("stress_f1_drop"),
    "replicates", "replicate_f1_mean", "replicate_f1_sd", "replicate_f1_lowest", "replicate_f1_highest",
    "replicate_accuracy_mean", "replicate_accuracy_sd", "replicate_accuracy_lowest",
    "replicate_accuracy_highest",
)  # fmt: skip


def shown_together(
    studies: Sequence[StudyRecord], entries: Sequence[Entry], families: Sequence[frozenset[str]]
) -> frozenset[str]:
    """Return the splits of the main table: those selected within, and any that a study compares with them."""
    together = families[0]
    for study, name in zip(studies, study_names(studies), strict=True):
        own = {entry.row["split_hash"] for entry in entries if entry.row.get("study") == name}
        if compares_splits(study.space) and own & families[0]:
            together = together.union(*(family for family in families if own & family))
    return together


def main_and_other_tables(
    rows: Sequence[dict[str, Any]],
    families: Sequence[frozenset[str]],
    together: frozenset[str],
    *,
    several: bool,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lay out the rows of the main table, and those on other splits, ranked within each."""
    columns = [*COLUMNS, *dict.fromkeys(key for row in rows for key in row if key not in COLUMNS)]
    tables = [together, *(family for family in families if not family & together)]
    frames = []
    for hashes in tables:
        ranked = sorted((row for row in rows if row["split_hash"] in hashes), key=_best_first)
        frame = pd.DataFrame(ranked, columns=columns).astype(dict.fromkeys(WHOLE, "Int64"))
        frame["rank"] = np.arange(1, len(frame) + 1)
        for mark in ("selected", "selected_in_split"):
            if mark in frame:
                frame[mark] = frame[mark].eq(other=True)
        for words in WORDS:
            # pandas writes NaN for None where no row has a word
            frame[words] = frame[words].astype(object).where(frame[words].notna(), None)
        left_out = [*([] if several else ["study"]), *([] if len(families) > 1 else ["selected_in_split"])]
        # in one piece: a caller that adds a column is warned of a fragmented one
        frames.append(frame.drop(columns=left_out, errors="ignore").copy())
    return frames[0], pd.concat(frames[1:], ignore_index=True) if len(frames) > 1 else frames[0].iloc[:0]


def _best_first(row: Mapping[str, Any]) -> tuple[float, float, float]:
    """Order by test F1, then accuracy, then trial number; what is not defined comes last."""
    f1, accuracy = row["test_f1"], row["test_accuracy"]
    return (-f1 if f1 == f1 else math.inf, -accuracy, row.get("trial", math.inf))  # noqa: PLR0124 - NaN
