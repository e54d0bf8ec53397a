"""Point metrics of predictions: F1, accuracy and others.

Every value equals scikit-learn's (with ``zero_division=nan``), and NaN stands for "not defined": no images,
one class only in the targets, no positive prediction to take a precision of, where `ZeroDivision` does not
give another value. All of them come from one
sort of the scores and one confusion matrix, so that an epoch's validation costs milliseconds.

Shapes: `targets` are int64 classes (n,); `probabilities` are floats, (n,) with the probability of class 1
for two classes, or (n, classes).
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast, get_args

import numpy as np
import numpy.typing as npt

from mammobench.core.counted import COUNTED
from mammobench.core.errors import ConfigError
from mammobench.core.registry import resolve

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
ZeroDivision = Literal["nan", "0", "1"]
"""The precision of a class that is never predicted, as scikit-learn's ``zero_division``.

``nan`` leaves it out of the mean over classes, and that of two classes undefined. Recall and F1 are undefined
where images of a class are missing, which is no fault of a model, and are always left out.
"""
BINARY = 2
"""Classes that one sigmoid output tells apart: the probability of class 1. More have one output each."""
Number = TypeVar("Number", np.float32, np.float64)


@dataclass(frozen=True)
class OperatingPoints:
    """What each distinct threshold does, from the strictest down; every array has one entry a threshold.

    Attributes:
        scores: The distinct scores, descending; a prediction is positive at ``probability >= score``.
        true_positives: Positives at or above the score, int64.
        false_positives: Negatives at or above the score, int64.
    """

    scores: Floats
    true_positives: Ints
    false_positives: Ints

    @property
    def auroc(self) -> float:
        """Area under the ROC curve; NaN unless both classes are there."""
        if not self.scores.size or not self.true_positives[-1] or not self.false_positives[-1]:
            return np.nan
        area = np.trapezoid(np.r_[0, self.true_positives], np.r_[0, self.false_positives])
        return float(area / (self.true_positives[-1] * self.false_positives[-1]))

    @property
    def auprc(self) -> float:
        """Average precision, the step-wise area under the precision-recall curve; NaN without positives."""
        if not self.scores.size or not self.true_positives[-1]:
            return np.nan
        gained = np.diff(self.true_positives, prepend=0)
        return float((gained * self.precision).sum() / self.true_positives[-1])

    @property
    def recall(self) -> Floats:
        """Share of the positives at or above each score, 0 to 1; there must be a positive."""
        share: Floats = self.true_positives / self.true_positives[-1]
        return share

    @property
    def false_positive_rate(self) -> Floats:
        """Share of the negatives at or above each score, 0 to 1; there must be a negative."""
        share: Floats = self.false_positives / self.false_positives[-1]
        return share

    @property
    def precision(self) -> Floats:
        """Share of positives among those at or above each score, 0 to 1."""
        share: Floats = self.true_positives / (self.true_positives + self.false_positives)
        return share

    @property
    def f1(self) -> Floats:
        """F1 of the positives at each score, 0 to 1; there must be a positive."""
        predicted = self.true_positives + self.false_positives
        score: Floats = 2 * self.true_positives / (self.true_positives[-1] + predicted)
        return score


def operating_points(positive: npt.ArrayLike, scores: npt.ArrayLike) -> OperatingPoints:
    """Sort the scores once and count what each threshold lets through.

    Args:
        positive: Whether each image is positive, bool or 0 and 1, (n,).
        scores: Its score, float, (n,); equal scores share a threshold.
    """
    flags, values = np.asarray(positive, bool), np.asarray(scores, np.float64)
    order = np.argsort(-values, kind="stable")
    flags, values = flags[order], values[order]
    last = np.flatnonzero(np.diff(values, append=-np.inf))
    true_positives = np.cumsum(flags, dtype=np.int64)[last]
    return OperatingPoints(values[last], true_positives, last + 1 - true_positives)


def best_threshold(targets: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """Return the threshold that maximises the F1 of class 1, to be chosen on validation.

    It lies halfway between two observed scores, so that a last-bit difference turns no prediction. Of
    thresholds with equal F1 the highest is taken: it has the best accuracy of them.

    Returns:
        The threshold; a prediction is positive at ``probability >= threshold``. NaN without positives.

    Raises:
        ValueError: For probabilities that are not finite, not of shape (n,), or not as many as the targets.
    """
    classes, values = _checked(targets, probabilities)
    if values.ndim != 1:
        raise ValueError(f"a threshold is for two classes, found probabilities of shape {values.shape}")
    points = operating_points(classes == 1, values)
    if not (classes == 1).any():
        return np.nan
    best = int(np.argmax(points.f1))
    score = points.scores[best]
    below = points.scores[min(best + 1, points.scores.size - 1)]
    middle = below + (score - below) / 2
    return float(middle if middle > below else score)


def predicted_classes(probabilities: npt.ArrayLike, threshold: float | None) -> Ints:
    """Return each image's predicted class, int64 (n,): by threshold for two classes, else the likeliest."""
    values = np.asarray(probabilities, np.float64)
    if values.ndim > 1:
        likeliest: Ints = np.argmax(values, axis=1)
        return likeliest
    if threshold is None:
        raise ValueError("two classes need a threshold, found None")
    return (values >= threshold).astype(np.int64)


def is_binary(classes: int) -> bool:
    """Return whether a task of so many classes has one output, the probability of class 1."""
    return classes == BINARY


def confusion_matrix(targets: npt.ArrayLike, predictions: npt.ArrayLike, classes: int) -> Ints:
    """Count images by true class (rows) and predicted class (columns), int64 (classes, classes)."""
    truth, guess = np.asarray(targets, np.int64), np.asarray(predictions, np.int64)
    return np.bincount(truth * classes + guess, minlength=classes**2).reshape(classes, classes)


def scores(
    targets: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    threshold: float | None,
    *,
    zero_division: ZeroDivision = "nan",
) -> dict[str, float]:
    """Compute every metric of one set of predictions.

    For two classes f1, precision, recall and specificity are those of class 1 at the threshold. For more
    they are macro averages of the likeliest class, and auroc and auprc average one class against the rest
    over the classes that occur.

    Args:
        targets: True classes, int (n,).
        probabilities: (n,) or (n, classes).
        threshold: For two classes, chosen elsewhere; NaN leaves all that needs it undefined. None for more.
        zero_division: The precision of a class that is never predicted.

    Returns:
        f1, precision, recall, specificity, accuracy, balanced_accuracy, macro_f1, those of `COUNTED`, auroc,
        auprc, brier.

    Raises:
        ValueError: For probabilities that are not finite or not as many as the targets, or two classes
            without a threshold.
    """
    classes, values = _checked(targets, probabilities)
    binary = values.ndim == 1
    count = 2 if binary else values.shape[1]
    ranked = [classes == 1] if binary else [classes == index for index in range(count)]
    columns = [values] if binary else list(values.T)
    points = [operating_points(flags, column) for flags, column in zip(ranked, columns, strict=True)]
    truth = ranked[0] if binary else np.stack(ranked, axis=1)
    squared = (values - truth) ** 2
    result = dict.fromkeys(
        ("f1", "precision", "recall", "specificity", "accuracy", "balanced_accuracy"), np.nan
    )
    result |= dict.fromkeys(("macro_f1", *COUNTED), np.nan)
    if threshold is None or not np.isnan(threshold):
        matrix = confusion_matrix(classes, predicted_classes(values, threshold), count)
        result |= {name: float(value) for name, value in scores_of_confusion(matrix, zero_division).items()}
    result["auroc"] = float(_mean(np.array([each.auroc for each in points])))
    result["auprc"] = float(_mean(np.array([each.auprc for each in points])))
    result["brier"] = float(squared.sum() / len(classes)) if len(classes) else np.nan
    return result


def scores_of_confusion(
    matrix: npt.NDArray[np.integer | np.floating], zero_division: ZeroDivision = "nan"
) -> dict[str, npt.NDArray[Any]]:
    """Compute the metrics that confusion matrices decide.

    Args:
        matrix: Counts by true class (rows) and predicted class (columns), (..., classes, classes).
        zero_division: The precision of a class that is never predicted.

    Returns:
        As `scores_of_counts`.
    """
    counts = np.asarray(matrix, np.float64)
    return scores_of_counts(
        np.moveaxis(counts.sum(axis=-1), -1, 0),
        np.moveaxis(counts.sum(axis=-2), -1, 0),
        np.moveaxis(np.diagonal(counts, axis1=-2, axis2=-1), -1, 0),
        zero_division=zero_division,
    )


def scores_of_counts(
    true: npt.NDArray[Number],
    predicted: npt.NDArray[Number],
    hits: npt.NDArray[Number],
    *,
    zero_division: ZeroDivision = "nan",
) -> dict[str, npt.NDArray[Number]]:
    """Compute the metrics that the counts of a confusion matrix decide, for as many matrices as there are.

    For two classes F1, recall, precision and specificity are those of class 1; for more, macro averages over
    the classes for which they are defined.

    Args:
        true: Images of each class, (classes, ...); float32 or float64, in which the ratios are computed.
        predicted: Images called each class, (classes, ...).
        hits: Images of each class that are called so, (classes, ...).
        zero_division: The precision of a class that is never predicted.

    Returns:
        f1, precision, recall, specificity, accuracy, balanced_accuracy, macro_f1 and those of `COUNTED`, each
        (...); NaN where not defined.
    """
    total = true.sum(axis=0)
    f1, precision = ratio(2 * hits, true + predicted), ratio(hits, predicted)
    recall = ratio(hits, true)
    specificity = ratio(total - true - predicted + hits, total - true)
    several = (true > 0).sum(axis=0) > 1
    binary = is_binary(len(true))
    # a class of which there is neither an image nor a prediction is in no mean
    never = (predicted == 0) & ((true > 0) | binary) & (total > 0)
    precision = np.where(never, true.dtype.type(zero_division), precision)

    def pick(values: npt.NDArray[Number]) -> npt.NDArray[Number]:
        return values[1] if binary else _mean(values)

    return {
        "f1": pick(f1),
        "precision": pick(precision),
        "recall": pick(recall),
        "specificity": pick(specificity),
        "accuracy": ratio(hits.sum(axis=0), total),
        "balanced_accuracy": _where(several, _mean(recall)),
        "macro_f1": _mean(f1),
        **{
            name: np.asarray(resolve(metric.where)(true, predicted, hits)).astype(true.dtype)
            for name, metric in COUNTED.items()
        },
    }


def ratio(part: npt.NDArray[Number], whole: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """Divide, elementwise; NaN where `whole` is 0."""
    shape = np.broadcast_shapes(part.shape, whole.shape)
    return np.divide(part, whole, out=np.full(shape, np.nan, part.dtype), where=whole > 0)


def zero_division_of(asked: str) -> ZeroDivision:
    """Return what was asked for as a `ZeroDivision`.

    Raises:
        ConfigError: For anything else.
    """
    for known in get_args(ZeroDivision):
        if asked == known:
            return cast("ZeroDivision", known)
    raise ConfigError(
        "unknown zero_division", where="--zero-division", expected="nan, 0 or 1", found=repr(asked)
    )


def _checked(targets: npt.ArrayLike, probabilities: npt.ArrayLike) -> tuple[Ints, Floats]:
    classes, values = np.asarray(targets, np.int64), np.asarray(probabilities, np.float64)
    if values.ndim not in {1, 2} or classes.shape != values.shape[:1]:
        raise ValueError(
            f"expected probabilities of shape (n,) or (n, classes) for n targets, found {values.shape} "
            f"for targets of shape {classes.shape}"
        )
    if not np.isfinite(values).all():
        raise ValueError(
            f"expected finite probabilities, found {int((~np.isfinite(values)).sum())} that are not"
        )
    return classes, values


def _mean(values: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """Average over classes (axis 0) what is defined."""
    defined = ~np.isnan(values)
    sums = np.where(defined, values, values.dtype.type(0)).sum(axis=0)
    return ratio(sums, defined.sum(axis=0).astype(values.dtype))


def _where(defined: npt.NDArray[np.bool_], values: npt.NDArray[Number]) -> npt.NDArray[Number]:
    return np.where(defined, values, values.dtype.type(np.nan))
