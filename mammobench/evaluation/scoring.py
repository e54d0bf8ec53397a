"""The intervals of a leaderboard's rows: every metric of every configuration over shared resamples."""

from collections.abc import Sequence

import numpy as np

from mammobench.data.splits.split import Part, Split
from mammobench.evaluation.curves import resampled_curves
from mammobench.evaluation.entries import Entry, positives_by_lesion_type
from mammobench.evaluation.intervals import (
    Resamples,
    Samples,
    percentile_ends,
    pivotal_ends,
    resampled_recall,
    resampled_scores,
)

ROWS_AT_ONCE = 64


def add_intervals(
    entries: Sequence[Entry], split: Split, *, seed: int, count: int, level: float
) -> tuple[Resamples, Samples]:
    """Add the ends of the interval of every metric to the rows of one split.

    Percentiles of a bootstrap over groups; for the calibration error, pivotal ones. BCa ends of the metrics
    that a confusion matrix decides were within a point of coverage of them (tests/properties/test_coverage.py
    has the simulation), and need every score once more for each group left out.

    Args:
        entries: Rows on this split.
        split: The split.
        seed: Root seed of the resamples; validation and test are resampled apart.
        count: How many to draw of each.
        level: Nominal coverage.

    Returns:
        The resamples of test, and F1 on each, (resamples, rows).
    """
    drawn = Resamples(split.validation.groups, count=count, seed=seed)
    _add_part(entries, "validation", split.validation, split, drawn, level)
    drawn = Resamples(split.test.groups, count=count, seed=seed)
    return drawn, _add_part(entries, "test", split.test, split, drawn, level)


def _add_part(
    entries: Sequence[Entry], name: str, part: Part, split: Split, drawn: Resamples, level: float
) -> Samples:
    classes, f1 = len(split.class_names), []
    kinds = positives_by_lesion_type(part, split) if name == "test" else {}
    # some rows at a time, so that memory stays small
    for start in range(0, len(entries), ROWS_AT_ONCE):
        some = entries[start : start + ROWS_AT_ONCE]
        guesses = np.stack([entry.answers[name].guesses for entry in some], axis=1)
        samples = resampled_scores(drawn, part.targets, guesses, classes)
        f1.append(samples["f1"])
        for kind, positive in kinds.items():
            samples[f"recall_{kind}"] = resampled_recall(drawn, positive, guesses)
        _add_ends(some, name, samples, level)
    known = [(entry, entry.answers[name].probabilities) for entry in entries]
    scored = [(entry, values) for entry, values in known if values is not None]
    samples = resampled_curves(drawn, part.targets == 1, [values for _, values in scored])
    _add_ends([entry for entry, _ in scored], name, samples, level)
    return np.concatenate(f1, axis=1)


def _add_ends(entries: Sequence[Entry], part: str, samples: dict[str, Samples], level: float) -> None:
    for metric, values in samples.items():
        column = f"{part}_{metric}"
        if metric == "calibration_error":
            ends = pivotal_ends([entry.row[column] for entry in entries], values, level)
        else:
            ends = percentile_ends(values, level)
        for entry, low, high in zip(entries, *ends, strict=True):
            entry.row.update({f"{column}_low": float(low), f"{column}_high": float(high)})
