"""Metrics of validation that a search may steer by.

Shapes as in `mammobench.core.metrics`.
"""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from mammobench.core.counted import COUNTED
from mammobench.core.errors import ConfigError
from mammobench.core.metrics import best_threshold, scores

Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class Objective:
    """A metric that a search may optimise on validation.

    Attributes:
        name: The key in `OBJECTIVES`.
        direction: Whether more or less of it is better.
        function: From targets, probabilities, and those under each of `conditions`, to the value; NaN where
            it is not defined. Metrics that need a threshold take the one that maximises F1 on the
            unchanged data.
        conditions: Names, of `mammobench.data.images.conditions.CONDITIONS`, under which the images are
            predicted besides as they are.
        meaning: One line for the reference.
    """

    name: str
    direction: Direction
    function: Callable[..., float]
    conditions: tuple[str, ...] = ()
    meaning: str = ""


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


OBJECTIVES: dict[str, Objective] = {
    name: Objective(
        name, "minimize" if name == "brier" else "maximize", _at_best_threshold(name), meaning=meaning
    )
    for name, meaning in (
        ("f1", "F1 of class 1; of more than two classes the mean of the classes' F1"),
        ("accuracy", "share of images predicted rightly"),
        ("balanced_accuracy", "mean of the classes' recall"),
        ("macro_f1", "mean of the classes' F1"),
        *((name, metric.meaning) for name, metric in COUNTED.items()),
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
"""The metrics that a search may optimise, by name.

To register another: one that the counts of a confusion matrix decide in `mammobench.core.counted`, any other
as an `Objective` above.
"""
