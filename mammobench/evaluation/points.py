"""Point metrics that no search steers by: sensitivity at a specificity, calibration, F1 at 0.5.

Shapes and NaN as in `mammobench.core.metrics`.
"""

import numpy as np
import numpy.typing as npt

from mammobench.core.counted import COUNTED
from mammobench.core.metrics import (
    OperatingPoints,
    ZeroDivision,
    confusion_matrix,
    operating_points,
    predicted_classes,
    scores,
    scores_of_confusion,
)
from mammobench.evaluation.calibration import METRICS as CALIBRATION
from mammobench.evaluation.calibration import calibration_points

SPECIFICITIES = (90, 95)
"""In percent."""

METRICS = (
    "f1", "recall", "precision", "specificity", "macro_f1", "accuracy", "balanced_accuracy", *COUNTED,
    "auroc", "auprc", *(f"sensitivity_at_{percent}" for percent in SPECIFICITIES), "brier",
    *CALIBRATION,
)  # fmt: skip
"""What a leaderboard shows of every configuration, on test and validation, each with an interval."""


def point_scores(
    targets: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    threshold: float | None,
    *,
    zero_division: ZeroDivision = "nan",
) -> dict[str, float]:
    """Compute every one of `METRICS`.

    Args:
        targets: True classes, int (n,).
        probabilities: (n,) or (n, classes).
        threshold: For two classes, chosen elsewhere; None for more.
        zero_division: The precision of a class that is never predicted.

    Returns:
        Those of `mammobench.core.metrics.scores`, sensitivity_at_90, sensitivity_at_95,
        calibration_intercept and calibration_slope; NaN where not defined, which for more than two classes
        the last four are.

    Raises:
        ValueError: As `mammobench.core.metrics.scores`.
    """
    result = scores(targets, probabilities, threshold, zero_division=zero_division)
    result |= {name: np.nan for name in METRICS if name not in result}
    if np.ndim(probabilities) == 1:
        positive = np.asarray(targets) == 1
        points = operating_points(positive, probabilities)
        for percent in SPECIFICITIES:
            result[f"sensitivity_at_{percent}"] = _sensitivity(points, percent)
        result |= calibration_points(positive, probabilities)
    return result


def sensitivity_at_specificity(positive: npt.ArrayLike, probabilities: npt.ArrayLike, percent: int) -> float:
    """Return the highest sensitivity of the thresholds whose specificity is at least `percent` of 100.

    The threshold is read off the ROC curve of these very images: a summary of the curve, no promise for a
    threshold chosen elsewhere.

    Args:
        positive: Bool or 0 and 1, (n,).
        probabilities: (n,); equal ones lie on one side of any threshold.
        percent: 0 to 100, a whole number, so that 9 of 10 is exactly 90.

    Returns:
        0 to 1; 0 where only the threshold above all scores is specific enough. NaN unless both classes are
        there.
    """
    return _sensitivity(operating_points(positive, probabilities), percent)


def _sensitivity(points: OperatingPoints, percent: int) -> float:
    if not points.scores.size or not points.true_positives[-1] or not points.false_positives[-1]:
        return np.nan
    allowed = int(points.false_positives[-1]) * (100 - percent) // 100
    inside = points.true_positives[points.false_positives <= allowed]
    return float(inside[-1] / points.true_positives[-1]) if inside.size else 0.0


def f1_at_half(targets: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """Return the F1 at a threshold of 0.5, beside the one chosen on validation; NaN for more classes."""
    if np.ndim(probabilities) != 1:
        return np.nan
    matrix = confusion_matrix(targets, predicted_classes(probabilities, 0.5), 2)
    return float(scores_of_confusion(matrix)["f1"])
