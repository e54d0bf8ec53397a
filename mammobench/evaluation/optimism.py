"""The selection bias of the best test score of many configurations (the winner's curse).

The best of 100 equally good configurations on 378 images is five points of F1 too high on average. In each
bootstrap resample of the patients the best configuration is selected again and scored on the patients that
the resample left out; the mean of these scores estimates the performance of the selected one. Bootstrap bias
corrected cross-validation: Tsamardinos, Greasidou and Borboudakis 2018, doi:10.1007/s10994-018-5714-4.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mammobench.core.metrics import Ints
from mammobench.evaluation.intervals import Interval, Resamples, Samples, percentile_ends, resampled_scores

AT_ONCE = 64


@dataclass(frozen=True)
class Optimism:
    """The selection bias of the best score.

    Attributes:
        tried: Searched configurations ranked on the selected one's test set.
        best_test: The highest test F1 of them.
        corrected: `best_test` corrected for selection bias.
        bias: `best_test` less `corrected`.
        interval: Around `corrected`: percentiles of the scores on left-out patients, who are a third of them,
            so that it is rather too wide.
        gap: The selected configuration's F1 on validation, which selected it, minus that on test.
    """

    tried: int
    best_test: float
    corrected: float
    bias: float
    interval: Interval
    gap: float


def corrected_best(
    resamples: Resamples,
    targets: Ints,
    guesses: npt.NDArray[np.int8],
    samples: Samples,
    *,
    classes: int,
    level: float,
    unit: str,
) -> Interval:
    """Correct the best F1 of k configurations for having been chosen among them.

    Args:
        resamples: Of the n images.
        targets: True classes, (n,).
        guesses: Predicted classes, (n, k).
        samples: F1 on the same resamples, (resamples, k).
        classes: Of the task.
        level: Nominal coverage.
        unit: What was resampled.

    Returns:
        Mean F1, on the images left out, of the winner of each resample, and percentiles of it. NaN where no
        resample has a winner.
    """
    drawn = np.flatnonzero(~np.isnan(samples).all(axis=1))
    winners = np.nanargmax(samples[drawn], axis=1)
    won, place = np.unique(winners, return_inverse=True)
    rest, scored = resamples.left_out(), np.full(len(drawn), np.nan, np.float32)
    for start in range(0, len(won), AT_ONCE):
        some = won[start : start + AT_ONCE]
        outside = resampled_scores(rest, targets, guesses[:, some], classes)["f1"]
        mine = np.flatnonzero((place >= start) & (place < start + len(some)))
        scored[mine] = outside[drawn[mine], place[mine] - start]
    low, high = percentile_ends(scored[:, None], level)
    defined = scored[~np.isnan(scored)].astype(np.float64)
    point = float(defined.mean()) if defined.size else np.nan
    method = f"bootstrap bias correction, {len(drawn)} resamples"
    return Interval(float(low[0]), point, float(high[0]), level, method, unit)
