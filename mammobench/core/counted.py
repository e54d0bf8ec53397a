"""Metrics that the counts of a confusion matrix decide: the one place to register another.

A new one is a function in a file of its own, and one entry here. From it follow its value in
`mammobench.core.metrics.scores`, the objective of its name, its column of the leaderboard with an interval,
its place in the report, in model cards and in `search_spaces/README.md`, and the contract tests. F1, recall,
precision, specificity and accuracy share their counts and stand in `mammobench.core.metrics`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mammobench.core.registry import Entry, register

Counts = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Counted(Entry):
    """A metric of which more is better, 1 at most.

    Attributes:
        where: A function from ``true``, ``predicted`` and ``hits`` (how many images are of each class, are
            called so, and are called so rightly, each (classes, ...) of float32 or float64) to the values
            (...); NaN where it is not defined.
        title: As text writes it.
        lowest: That it can be, 0 or less.
        hint: One sentence for the column of the report.
        hub: What Hugging Face's hub calls it.
    """

    title: str
    lowest: float = 0.0
    hint: str = ""
    hub: str


COUNTED: dict[str, Counted] = {}

register(
    COUNTED,
    Counted(
        name="mcc",
        meaning="Matthews correlation coefficient",
        where="mammobench.core.counted:matthews_correlation",
        title="MCC",
        lowest=-1.0,
        hint="Matthews correlation coefficient, from −1 to 1.",  # noqa: RUF001 - a minus sign
        hub="matthews_correlation",
    ),
)


def matthews_correlation(true: Counts, predicted: Counts, hits: Counts) -> Counts:
    """Return the Matthews correlation (for several classes, Gorodkin 2004).

    By convention it is 0 for one predicted class; it is not defined for one true class.
    """
    # differences of products of counts need more digits than a float32 has
    t, c = true.astype(np.float64), predicted.astype(np.float64)
    n = t.sum(axis=0)
    spread = (n**2 - (c**2).sum(axis=0)) * (n**2 - (t**2).sum(axis=0))
    covariance = hits.sum(axis=0) * n - (t * c).sum(axis=0)
    result = np.divide(covariance, np.sqrt(spread), out=np.zeros_like(spread), where=spread > 0)
    return np.where((true > 0).sum(axis=0) > 1, result, np.nan)
