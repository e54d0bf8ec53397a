"""`Sealed`: the test scores of a table, for statistics alone."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mammobench.core.objectives import Direction

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sealed:
    """What the trainings of a table came to on test.

    Attributes:
        metric: The objective's name, measured on test with the threshold that validation chose.
        direction: Of the metric.
        test: float64, shape (configurations, training seeds, epochs): the score of the weights that a
            training stopped after that epoch predicts with, which is those of its best epoch so far by
            validation, or of the last; NaN where there is none.
        searched: Configurations of the space; the reference CNN may lie outside.
    """

    metric: str
    direction: Direction
    test: Floats
    searched: npt.NDArray[np.int64]
