"""Point metrics of predictions: F1 and accuracy, and the others that a search may steer by.

Every value equals scikit-learn's (with ``zero_division=nan``), and NaN stands for "not defined": no images,
one class only in the targets, no positive prediction to take a precision of. All of them come from one
sort of the scores and one confusion matrix, so that an epoch's validation costs milliseconds.

Shapes: `targets` are int64 classes (n,); `probabilities` are floats, (n,) with the probability of class 1
for two classes, or (n, classes).
"""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from mammobench.errors import ConfigError

Direction = Literal["maximize", "minimize"]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Objective:
    """A metric that a search may optimise on validation.

    Attributes:
        name: The key in `OBJECTIVES`.
        direction: Whether more or less of it is better.
        function: From targets, probabilities, and those under each of `conditions`, to the value; NaN where
            it is not defined. Metrics that need a threshold take the one that maximises F1 on the
            unchanged data.
        conditions: Names, of `mammobench.data.conditions.CONDITIONS`, under which the images are predicted
            besides as they are.
        meaning: One line for the reference.
    """

    name: str
    direction: Direction
    function: Callable[..., float]
    conditions: tuple[str, ...] = ()
    meaning: str = ""


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
        precision = self.true_positives / (self.true_positives + self.false_positives)
        gained = np.diff(self.true_positives, prepend=0)
        return float((gained * precision).sum() / self.true_positives[-1])


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
    positives = int((classes == 1).sum())
    if not positives:
        return np.nan
    predicted = points.true_positives + points.false_positives
    best = int(np.argmax(2 * points.true_positives / (positives + predicted)))
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


def confusion_matrix(targets: npt.ArrayLike, predictions: npt.ArrayLike, classes: int) -> Ints:
    """Count images by true class (rows) and predicted class (columns), int64 (classes, classes)."""
    truth, guess = np.asarray(targets, np.int64), np.asarray(predictions, np.int64)
    return np.bincount(truth * classes + guess, minlength=classes**2).reshape(classes, classes)


def scores(targets: npt.ArrayLike, probabilities: npt.ArrayLike, threshold: float | None) -> dict[str, float]:
    """Compute every metric of one set of predictions.

    For two classes f1, precision, recall and specificity are those of class 1 at the threshold. For more
    they are macro averages of the likeliest class, and auroc and auprc average one class against the rest
    over the classes that occur.

    Args:
        targets: True classes, int (n,).
        probabilities: (n,) or (n, classes).
        threshold: For two classes, chosen elsewhere; NaN leaves all that needs it undefined. None for more.

    Returns:
        f1, precision, recall, specificity, accuracy, balanced_accuracy, macro_f1, mcc, auroc, auprc, brier.

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
    result |= dict.fromkeys(("macro_f1", "mcc"), np.nan)
    if threshold is None or not np.isnan(threshold):
        matrix = confusion_matrix(classes, predicted_classes(values, threshold), count)
        result |= scores_of_confusion(matrix)
    result["auroc"] = _mean([each.auroc for each in points])
    result["auprc"] = _mean([each.auprc for each in points])
    result["brier"] = float(squared.sum() / len(classes)) if len(classes) else np.nan
    return result


def scores_of_confusion(matrix: Ints) -> dict[str, float]:
    """Compute the metrics that a confusion matrix (classes, classes; true classes in rows) decides."""
    counts = matrix.astype(np.float64)
    total, hits = counts.sum(), np.diag(counts)
    true, predicted = counts.sum(axis=1), counts.sum(axis=0)
    rejected = total - true - predicted + hits
    f1, precision = _ratio(2 * hits, true + predicted), _ratio(hits, predicted)
    recall, specificity = _ratio(hits, true), _ratio(rejected, total - true)
    both = np.count_nonzero(true) > 1
    pick: Callable[[Floats], float] = (lambda values: float(values[1])) if len(counts) == 2 else _mean  # noqa: PLR2004 - two classes
    return {
        "f1": pick(f1),
        "precision": pick(precision),
        "recall": pick(recall),
        "specificity": pick(specificity),
        "accuracy": float(hits.sum() / total) if total else np.nan,
        "balanced_accuracy": _mean(recall) if both else np.nan,
        "macro_f1": _mean(f1),
        "mcc": _mcc(total, hits.sum(), true, predicted) if both else np.nan,
    }


def objective_value(
    name: str, targets: npt.ArrayLike, probabilities: npt.ArrayLike, changed: Sequence[npt.ArrayLike] = ()
) -> float:
    """Return the objective `name` of the predictions; NaN where it is not defined.

    Args:
        name: A key of `OBJECTIVES`.
        targets: True classes.
        probabilities: Of the images as they are.
        changed: Under each of the objective's conditions, in their order.

    Raises:
        ConfigError: For a name that is not in `OBJECTIVES`.
        ValueError: As in `scores`, and for predictions under more or fewer conditions than it has.
    """
    if name not in OBJECTIVES:
        close = difflib.get_close_matches(name, OBJECTIVES, n=1, cutoff=0.5)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise ConfigError(
            "unknown objective", expected=f"one of {', '.join(OBJECTIVES)}{hint}", found=repr(name)
        )
    objective = OBJECTIVES[name]
    if len(changed) != len(objective.conditions):
        raise ValueError(
            f"{name}: expected predictions under {len(objective.conditions)} conditions, found {len(changed)}"
        )
    return objective.function(targets, probabilities, *changed)


def f1_worst_case(targets: npt.ArrayLike, probabilities: npt.ArrayLike, *changed: npt.ArrayLike) -> float:
    """Return the lowest F1, unchanged or changed, at the threshold chosen on the unchanged images."""
    binary = np.ndim(probabilities) == 1
    threshold = best_threshold(targets, probabilities) if binary else None
    return float(np.min([scores(targets, values, threshold)["f1"] for values in (probabilities, *changed)]))


def _at_best_threshold(metric: str) -> Callable[[npt.ArrayLike, npt.ArrayLike], float]:
    def value(targets: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
        binary = np.ndim(probabilities) == 1
        threshold = best_threshold(targets, probabilities) if binary else None
        return scores(targets, probabilities, threshold)[metric]

    return value


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


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole > 0)


def _mean(values: Floats | list[float]) -> float:
    """Average what is defined."""
    defined = [value for value in values if not np.isnan(value)]
    return float(np.mean(defined)) if defined else np.nan


def _mcc(total: float, hits: float, true: Floats, predicted: Floats) -> float:
    """Matthews correlation (for several classes, Gorodkin 2004); by convention 0 for one predicted class."""
    spread = (total**2 - predicted @ predicted) * (total**2 - true @ true)
    return float((hits * total - true @ predicted) / np.sqrt(spread)) if spread > 0 else 0.0


OBJECTIVES: dict[str, Objective] = {
    name: Objective(
        name, "minimize" if name == "brier" else "maximize", _at_best_threshold(name), meaning=meaning
    )
    for name, meaning in (
        ("f1", "F1 of class 1; of more than two classes the mean of the classes' F1"),
        ("accuracy", "share of images predicted rightly"),
        ("balanced_accuracy", "mean of the classes' recall"),
        ("macro_f1", "mean of the classes' F1"),
        ("mcc", "Matthews correlation coefficient"),
        ("auroc", "area under the ROC curve; of more than two classes, the mean of one against the rest"),
        ("auprc", "average precision; of more than two classes, the mean of one against the rest"),
        ("brier", "mean squared error of the probabilities"),
    )
}
OBJECTIVES["f1_worst_case"] = Objective(
    "f1_worst_case",
    "maximize",
    f1_worst_case,
    ("contrast x 0.5", "contrast x 2", "gamma 0.5", "gamma 2", "noise of 25 levels"),
    "lowest F1 over the unchanged images and five harsh conditions",
)
"""The metrics that a search may optimise, by name: the one place to register another."""
