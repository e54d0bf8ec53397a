"""Scores by slice: lesion type and pathology, and density and subtlety where the source gives them."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from mammobench.core.metrics import Ints
from mammobench.evaluation.intervals import Resamples, percentile_ends, resampled_scores

SLICES = ("lesion_type", "pathology", "density", "subtlety")
METRICS = ("f1", "recall", "precision", "accuracy")


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
) -> pd.DataFrame:
    """Score one configuration on all images and on each slice of them.

    Args:
        index: Columns of `SLICES`, as far as the source has them, one row an image.
        targets: True classes, (n,).
        guesses: Predicted classes, (n,).
        groups: The unit that is resampled, (n,).
        classes: Of the task.
        level: Nominal coverage of the intervals.
        resamples: Bootstrap resamples, drawn within each slice.
        seed: Root seed of the resamples.

    Returns:
        One row a slice, first ``all``: slice, value, images, groups, positives, and each of `METRICS` with
        its ends. NaN where a score is not defined, such as recall where there is no positive image.
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
    for name, value, mask in masks:
        once = resampled_scores(
            Resamples.once(int(mask.sum())), targets[mask], guesses[mask][:, None], classes
        )
        drawn = Resamples(groups[mask], count=resamples, seed=seed)
        samples = resampled_scores(drawn, targets[mask], guesses[mask][:, None], classes)
        row: dict[str, object] = {
            "slice": name, "value": value, "images": int(mask.sum()), "groups": drawn.size,
            "positives": int((targets[mask] > 0).sum()),
        }  # fmt: skip
        for metric in METRICS:
            low, high = percentile_ends(samples[metric], level)
            point = float(once[metric][0, 0])
            row |= {metric: point, f"{metric}_low": float(low[0]), f"{metric}_high": float(high[0])}
        rows.append(row)
    return pd.DataFrame(rows)
