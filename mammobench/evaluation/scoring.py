"""The intervals of a leaderboard's rows: every metric of every configuration over shared resamples."""

from collections.abc import Sequence

import numpy as np

from mammobench.core.metrics import Floats, ZeroDivision
from mammobench.data.splits.split import Part, Split
from mammobench.evaluation.calibration import calibration
from mammobench.evaluation.curves import resampled_curves
from mammobench.evaluation.ends import deciding_groups, metric_ends
from mammobench.evaluation.entries import Entry, positives_by_lesion_type
from mammobench.evaluation.intervals import (
    Resamples,
    Samples,
    resampled_recall,
    resampled_scores,
)

ROWS_AT_ONCE = 64


def add_intervals(
    entries: Sequence[Entry],
    split: Split,
    *,
    seed: int,
    count: int,
    level: float,
    zero_division: ZeroDivision = "nan",
) -> tuple[Resamples, Samples]:
    """Add the ends of the interval of every metric to the rows of one split.

    Args:
        entries: Rows on this split.
        split: The split.
        seed: Root seed of the resamples; validation and test are resampled apart.
        count: How many to draw of each.
        level: Nominal coverage.
        zero_division: The precision of a class that is never predicted.

    Returns:
        The resamples of test, and F1 on each, (resamples, rows).
    """
    drawn = Resamples(split.validation.groups, count=count, seed=seed)
    _add_part(entries, "validation", split, drawn, level, zero_division)
    drawn = Resamples(split.test.groups, count=count, seed=seed)
    return drawn, _add_part(entries, "test", split, drawn, level, zero_division)


def _add_part(
    entries: Sequence[Entry],
    name: str,
    split: Split,
    drawn: Resamples,
    level: float,
    zero_division: ZeroDivision,
) -> Samples:
    part: Part = getattr(split, name)
    classes, f1 = len(split.class_names), []
    kinds = positives_by_lesion_type(part, split) if name == "test" else {}

    def groups(metric: str) -> int:
        return deciding_groups(metric, part.targets, part.groups, classes=classes)

    # some rows at a time, so that memory stays small
    for start in range(0, len(entries), ROWS_AT_ONCE):
        some = entries[start : start + ROWS_AT_ONCE]
        guesses = np.stack([entry.answers[name].guesses for entry in some], axis=1)
        samples = resampled_scores(drawn, part.targets, guesses, classes, zero_division=zero_division)
        f1.append(samples["f1"])
        for metric, values in samples.items():
            _add_ends(some, f"{name}_{metric}", values, metric, groups(metric), level)
        for kind, positive in kinds.items():
            of_kind = len(np.unique(part.groups[positive]))
            values = resampled_recall(drawn, positive, guesses)
            _add_ends(some, f"{name}_recall_{kind}", values, "recall", of_kind, level)
    known = [(entry, entry.answers[name].probabilities) for entry in entries]
    scored = [entry for entry, values in known if values is not None]
    probabilities = [values for _, values in known if values is not None]
    for metric, values in resampled_curves(drawn, part.targets == 1, probabilities).items():
        _add_ends(scored, f"{name}_{metric}", values, metric, groups(metric), level)
    if scored:
        columns = np.stack(probabilities, axis=1)
        found = calibration(part.targets == 1, columns, part.groups, level=level)
        for metric, (_, low, high) in found.items():
            _write(scored, f"{name}_{metric}", low, high)
    return np.concatenate(f1, axis=1)


def _add_ends(
    entries: Sequence[Entry], column: str, samples: Samples, metric: str, groups: int, level: float
) -> None:
    points = np.array([entry.row[column] for entry in entries])
    low, high = metric_ends(metric, points, samples, groups=groups, level=level)
    # what always gives one answer is right about all of a class or about none, whoever the patients are
    certain = np.array([entry.row["role"] == "constant" for entry in entries], bool) & np.isin(points, (0, 1))
    _write(entries, column, np.where(certain, points, low), np.where(certain, points, high))


def _write(entries: Sequence[Entry], column: str, low: Floats, high: Floats) -> None:
    for entry, bottom, top in zip(entries, low, high, strict=True):
        entry.row.update({f"{column}_low": float(bottom), f"{column}_high": float(top)})
