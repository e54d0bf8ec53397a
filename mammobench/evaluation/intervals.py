"""A cluster bootstrap: patients are resampled, not images, because errors cluster by patient.

A resample of groups is a vector of weights, and the counts behind F1, accuracy, recall and precision are
sums over groups; so the bootstrap of thousands of configurations is one matrix product of resample weights
(resamples, groups) and counts (groups, configurations), and resamples are shared by all configurations,
which makes their comparisons paired. Field and Welsh 2007, doi:10.1111/j.1467-9868.2007.00593.x.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mammobench.core.metrics import Ints, ZeroDivision, is_binary, ratio, scores_of_counts
from mammobench.core.seeds import generator

ROWS_AT_ONCE = 256
Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Interval:
    """A point with its uncertainty.

    Attributes:
        low: Lower end; NaN where not defined.
        point: The value on the data as they are.
        high: Upper end.
        level: Nominal coverage, such as 0.95.
        method: How the ends were found.
        unit: What was resampled: "image", or "patient or lesion group".
    """

    low: float
    point: float
    high: float
    level: float
    method: str
    unit: str

    def __str__(self) -> str:
        """Show three decimals: ``0.713 [0.630, 0.783]``."""
        return f"{self.point:.3f} [{self.low:.3f}, {self.high:.3f}]"


class Resamples:
    """Bootstrap resamples of one set of images, drawn by group.

    Args:
        groups: The unit of each image, int (n,); equal codes are drawn together.
        count: How many resamples.
        seed: Root seed; the same seed and groups give the same resamples.
    """

    def __init__(self, groups: npt.ArrayLike, *, count: int, seed: int) -> None:
        _, codes = np.unique(np.asarray(groups), return_inverse=True)
        self.codes: Ints = codes.astype(np.int64)
        self.size = int(codes.max()) + 1 if codes.size else 0
        self.count = count
        self._order = np.argsort(self.codes, kind="stable")
        self._starts = np.flatnonzero(np.diff(self.codes[self._order], prepend=-1))
        numbers = generator(seed, "bootstrap")
        draws = (numbers.integers(0, self.size, self.size) for _ in range(count if self.size else 0))
        # how often a group was drawn fits a byte: 256 times one of many groups does not happen
        rows = [np.bincount(draw, minlength=self.size).astype(np.uint8) for draw in draws]
        self.weights: npt.NDArray[np.uint8] = np.array(rows, np.uint8).reshape(count, self.size)

    @classmethod
    def once(cls, images: int) -> "Resamples":
        """Return the images as they are, for the points beside the intervals."""
        whole = cls(np.arange(images), count=0, seed=0)
        whole.count, whole.weights = 1, np.ones((1, images), np.uint8)
        return whole

    def of_part(self, mask: npt.NDArray[np.bool_]) -> "Resamples":
        """Return the same resamples, of some of the images alone, (n,)."""
        part = Resamples(self.codes[mask], count=0, seed=0)
        part.count, part.weights = self.count, self.weights[:, np.unique(self.codes[mask])]
        return part

    def totals(self, values: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Sum values over the images of each resample.

        Args:
            values: Bool or small whole numbers, (n, k).

        Returns:
            float32 (resamples, k), exact below 2**24.
        """
        columns = np.asarray(values, np.float32)
        by_group = np.add.reduceat(columns[self._order], self._starts, axis=0)
        result = np.empty((self.count, columns.shape[1]), np.float32)
        for start in range(0, self.count, ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            result[rows] = self.weights[rows].astype(np.float32) @ by_group
        return result


def resampled_scores(
    resamples: Resamples,
    targets: Ints,
    guesses: npt.NDArray[np.int8],
    classes: int,
    *,
    zero_division: ZeroDivision = "nan",
) -> dict[str, npt.NDArray[np.float32]]:
    """Compute the metrics that a confusion matrix decides, of many configurations on every resample.

    Args:
        resamples: Of the n images.
        targets: True classes, (n,).
        guesses: Predicted classes of k configurations, (n, k).
        classes: For two, F1, recall, precision and specificity are those of class 1; for more, macro
            averages over the classes that are defined in the resample.
        zero_division: The precision of a class that is never predicted.

    Returns:
        f1, recall, precision, specificity, macro_f1, accuracy, balanced_accuracy and those of
        `mammobench.core.counted` to float32 (resamples, k), as `mammobench.core.metrics.scores` has them; NaN
        where not defined.
    """
    binary = is_binary(classes)
    scored = [1] if binary else list(range(classes))
    truth = np.stack([targets == index for index in scored], axis=1)
    every = np.ones((len(targets), 1), bool)
    predicted = np.concatenate([guesses == index for index in scored], axis=1)
    hit = predicted & np.repeat(truth, guesses.shape[1], axis=1)
    totals = resamples.totals(np.concatenate([every, truth, predicted, hit], axis=1))
    widths = np.cumsum([1, len(scored), len(scored) * guesses.shape[1]])
    total, true, called, hits = np.split(totals, widths, axis=1)
    shape = (resamples.count, len(scored), guesses.shape[1])
    true = np.broadcast_to(true[:, :, None], shape)
    called, hits = called.reshape(shape), hits.reshape(shape)
    if binary:
        # the counts of class 0 follow from those of class 1
        total = total[:, :, None]
        rejected = total - true - called + hits
        true, called, hits = (
            np.concatenate(pair, axis=1)
            for pair in ((total - true, true), (total - called, called), (rejected, hits))
        )
    true, called, hits = (np.moveaxis(counts, 1, 0) for counts in (true, called, hits))
    return scores_of_counts(true, called, hits, zero_division=zero_division)


def resampled_recall(
    resamples: Resamples, positive: npt.NDArray[np.bool_], guesses: npt.NDArray[np.int8]
) -> npt.NDArray[np.float32]:
    """Compute the share of the `positive` images (n,) called class 1, (resamples, configurations)."""
    totals = resamples.totals(np.concatenate([positive[:, None], (guesses == 1) & positive[:, None]], axis=1))
    return ratio(totals[:, 1:], totals[:, :1])
