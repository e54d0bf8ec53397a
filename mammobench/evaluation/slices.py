"""Scores by slice: lesion type and pathology, and density and subtlety where the source gives them."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from mammobench.core.metrics import Ints, ZeroDivision, confusion_matrix, scores_of_confusion
from mammobench.evaluation.ends import deciding_groups, metric_ends
from mammobench.evaluation.intervals import Resamples, resampled_scores

SLICES = ("lesion_type", "pathology", "density", "subtlety")
METRICS = ("f1", "recall", "precision", "accuracy")
_OF_ONE_CLASS = frozenset({"recall", "accuracy"})
"""The others are 0 or 1 by definition where a slice holds one class."""


def sliced_scores(
    index: pd.DataFrame,
    targets: Ints,
    guesses: npt.NDArray[np.int8],
    groups: Ints,
    *,
    classes: int,
    level: float,
    resamples: int = 2000,
    seed: int = 0,
    zero_division: ZeroDivision = "nan",
) -> pd.DataFrame:
    """Score one configuration on all images and on each slice of them.

    Args:
        index: Columns of `SLICES`, as far as the source has them, one row an image.
        targets: True classes, (n,).
        guesses: Predicted classes, (n,).
        groups: The unit that is resampled, (n,).
        classes: Of the task.
        level: Nominal coverage of the intervals.
        resamples: Bootstrap resamples of all images, the same for every slice.
        seed: Root seed of the resamples.
        zero_division: The precision of a class that is never predicted.

    Returns:
        One row a slice, first ``all``: slice, value, images, groups, positives, and each of `METRICS` with
        its ends. NaN where a score is not defined, such as recall where there is no positive image, or
        decided by the slice alone, such as F1 where all images are of one class.
    """
    everything = np.ones(len(targets), dtype=bool)
    masks: list[tuple[str, str, npt.NDArray[np.bool_]]] = [("all", "", everything)]
    for name in SLICES:
        if name in index:
            values = index[name].astype("string")
            masks += [
                (name, str(value), (values == value).fillna(value=False).to_numpy(dtype=bool))
                for value in sorted(values.dropna().unique())
            ]
    rows = []
    whole = Resamples(groups, count=resamples, seed=seed)
    for name, value, mask in masks:
        truth, answers = targets[mask], guesses[mask][:, None]
        # in float64, as the leaderboard has it: the digits shown are then the same
        once = scores_of_confusion(confusion_matrix(truth, guesses[mask], classes), zero_division)
        samples = resampled_scores(whole.of_part(mask), truth, answers, classes, zero_division=zero_division)
        row: dict[str, object] = {
            "slice": name, "value": value, "images": int(mask.sum()),
            "groups": len(np.unique(groups[mask])), "positives": int((truth > 0).sum()),
        }  # fmt: skip
        several = len(np.unique(truth)) > 1
        for metric in METRICS:
            point = float(once[metric]) if several or metric in _OF_ONE_CLASS else np.nan
            units = deciding_groups(metric, truth, groups[mask], classes=classes)
            low, high = metric_ends(metric, [point], samples[metric], groups=units, level=level)
            row |= {metric: point, f"{metric}_low": float(low[0]), f"{metric}_high": float(high[0])}
        rows.append(row)
    return pd.DataFrame(rows)
