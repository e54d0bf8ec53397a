"""Which configurations cannot be told from the selected one: paired differences over shared resamples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mammobench.evaluation.intervals import Interval, bootstrap_intervals
from mammobench.metrics import Floats


@dataclass(frozen=True)
class Difference:
    """A configuration's score minus the selected one's, on the same images.

    Attributes:
        interval: The paired difference; its level is not corrected for how many are compared.
    """

    interval: Interval

    @property
    def indistinguishable(self) -> bool:
        """Whether the interval includes no difference at all; an undefined interval tells nothing apart."""
        return not (self.interval.low > 0 or self.interval.high < 0)


def paired_differences(
    points: Sequence[float] | Floats,
    samples: npt.NDArray[np.float32],
    selected_point: float,
    selected_samples: npt.NDArray[np.float32],
    *,
    level: float,
    unit: str,
) -> list[Difference]:
    """Compare configurations with the selected one over the same bootstrap resamples.

    Args:
        points: Scores of k configurations on the data as they are.
        samples: Their scores on every resample, (resamples, k).
        selected_point: The selected configuration's score.
        selected_samples: Its scores on the same resamples, (resamples,).
        level: Nominal coverage.
        unit: What was resampled.
    """
    differences = bootstrap_intervals(
        np.asarray(points) - selected_point, samples - selected_samples[:, None], level=level, unit=unit
    )
    return [Difference(interval) for interval in differences]
