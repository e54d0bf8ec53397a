"""Simulated test sets: classes, groups, and the probabilities of equally good models, with a known truth."""

import numpy as np
import numpy.typing as npt
from scipy import special

from mammobench.core.seeds import generator

CROPS, THRESHOLD, PREVALENCE = 3, 0.4, 0.1
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def simulate(
    images: int, icc: float, prevalence: float, draw: int, *, models: int = 2, correlation: float = 0.7
) -> tuple[Ints, Ints, Floats]:
    """Return targets, groups, and the probabilities of equally good models, (images, models)."""
    numbers = generator(draw, "coverage", images, models)
    groups = np.arange(images) // CROPS
    count = int(groups[-1]) + 1
    of_group = numbers.random(images) < np.sqrt(icc)
    own, shared = numbers.random(images) < prevalence, (numbers.random(count) < prevalence)[groups]
    targets = np.where(of_group, shared, own).astype(np.int64)

    def noise(size: int) -> Floats:
        common, apart = numbers.normal(size=(size, 1)), numbers.normal(size=(size, models))
        together: Floats = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * apart
        return together

    score = np.sqrt(icc) * noise(count)[groups] + np.sqrt(1 - icc) * noise(images)
    return targets, groups, special.expit(1.5 * (1.5 * targets[:, None] + score) - 2.2)
