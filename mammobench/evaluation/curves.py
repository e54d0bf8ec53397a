"""Metrics of the probabilities themselves on every resample, for many configurations at a time.

AUROC, average precision, sensitivity at a specificity and Brier score need every score of a resample, not
four counts. Here a configuration's scores are sorted into bins once; what a resample holds in
each bin is then one product of a sparse matrix (bins, groups) and the resample's weights, and all
metrics come out of one pass over the bins.

With more than `MERGED` distinct scores, runs of negative images without a positive one between them share a
bin; that leaves the first three exact. Where this still gives more than `BINS`, `CUTS` bins are cut at even
ranks of all images and of the positive ones, which moves the ends of intervals by less than 0.002
(tests/unit/evaluation/test_curves.py).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from threadpoolctl import threadpool_limits

from mammobench.core.metrics import ratio
from mammobench.evaluation.intervals import Resamples, Samples
from mammobench.evaluation.points import SPECIFICITIES

MERGED = 128
BINS = 512
CUTS = 320
AT_ONCE = 64
CELLS_AT_ONCE = 8192
METRICS = ("auroc", "auprc", *(f"sensitivity_at_{percent}" for percent in SPECIFICITIES), "brier")


@dataclass(frozen=True, eq=False)
class _Binned:
    """The scores of one configuration.

    Attributes:
        codes: Bin of each image, ascending with its score, (n,).
        count: Of bins.
        exact: Whether no positive image shares a bin with another score.
        errors: What one image of each class adds to the squared error, (2 * bins,).
    """

    codes: npt.NDArray[np.int16]
    count: int
    exact: bool
    errors: Samples


def resampled_curves(
    resamples: Resamples,
    positive: npt.NDArray[np.bool_],
    probabilities: Sequence[npt.NDArray[np.floating]],
) -> dict[str, Samples]:
    """Compute `METRICS` of many configurations on every resample, for two classes.

    Args:
        resamples: Of the n images.
        positive: (n,).
        probabilities: Of the positive class, (n,), by each of k configurations.

    Returns:
        Metric to float32 (resamples, k); NaN where it is not defined.
    """
    shape = (resamples.count, len(probabilities))
    result = {metric: np.full(shape, np.nan, np.float32) for metric in METRICS}
    if not len(positive) or not resamples.count or not probabilities:
        return result
    totals = resamples.totals(np.stack([positive, ~positive], axis=1))
    # the product waits for memory: half as wide counts, where they fit, are three times as fast
    narrow = totals.sum(axis=1).max() < np.iinfo(np.int16).max
    counts: type[np.int16 | np.float32] = np.int16 if narrow else np.float32
    size = CELLS_AT_ONCE // min(AT_ONCE, len(probabilities))
    blocks = [
        (rows, np.ascontiguousarray(resamples.weights[rows].T, counts))
        for rows in _slices(resamples.count, size)
    ]
    binned = [_binned(positive, scores) for scores in probabilities]
    # the products are small, and threads would wait for each other longer than they compute
    with threadpool_limits(1, user_api="blas"):
        for some, columns in _alike(binned):
            bins = max(each.count for each in some)
            groups = _images_by_bin(some, positive, resamples, bins).astype(counts)
            errors = np.stack([_padded(each.errors, bins) for each in some])
            for rows, weights in blocks:
                held = (groups @ weights).astype(np.float32).reshape(2 * bins, len(some), -1)
                for metric, values in _metrics(held, totals[rows], errors, exact=some[0].exact).items():
                    result[metric][rows, columns] = values.T
    return result


def _alike(binned: list[_Binned]) -> Iterator[tuple[list[_Binned], list[int]]]:
    """Go through configurations some at a time, exact and inexact ones apart."""
    for exact in (True, False):
        columns = [column for column, each in enumerate(binned) if each.exact == exact]
        for chosen in (columns[rows] for rows in _slices(len(columns), AT_ONCE)):
            yield [binned[column] for column in chosen], chosen


def _binned(positive: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating]) -> _Binned:
    distinct, codes = np.unique(scores, return_inverse=True)
    if len(distinct) > MERGED:
        merged = _merged(np.bincount(codes, positive) > 0)
        codes = merged[codes]
    exact = int(codes.max()) < BINS
    if not exact:
        codes = np.searchsorted(_cuts(positive, scores), scores)
    count = int(codes.max()) + 1
    place = 2 * codes + ~positive
    images = np.maximum(np.bincount(place, minlength=2 * count), 1)
    error = np.where(positive, 1 - scores, -scores)
    errors = (np.bincount(place, error**2, 2 * count) / images).astype(np.float32)
    return _Binned(codes.astype(np.int16), count, exact, errors)


def _merged(found: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Give each run of distinct scores without a positive image one number."""
    starts = found[1:] | found[:-1]
    return np.concatenate([[0], np.cumsum(starts)])


def _cuts(positive: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Return the upper edges of bins at even ranks, the highest score last."""
    parts = [np.sort(scores), np.sort(scores[positive])]
    count = CUTS // 2
    even = [part[np.linspace(0, len(part) - 1, count).astype(np.int64)] for part in parts if part.size]
    return np.unique(np.concatenate(even))


def _images_by_bin(
    some: list[_Binned], positive: npt.NDArray[np.bool_], resamples: Resamples, bins: int
) -> sparse.csr_array:
    """Count images, (bins * classes * configurations, groups), the bins outermost."""
    rows = [
        (2 * each.codes.astype(np.int32) + ~positive) * len(some) + place for place, each in enumerate(some)
    ]
    entries = np.concatenate(rows)
    groups = np.tile(resamples.codes.astype(np.int32), len(some))
    shape = (2 * bins * len(some), resamples.size)
    return sparse.csr_array((np.ones(len(entries), np.float32), (entries, groups)), shape=shape)


def _metrics(held: Samples, totals: Samples, errors: Samples, *, exact: bool) -> dict[str, Samples]:
    """Go through the bins from the highest score down.

    Args:
        held: Images by bin and class (positive first), (2 * bins, configurations, resamples).
        totals: Positive and negative images, (resamples, 2).
        errors: As in `_Binned`, (configurations, 2 * bins).
        exact: As in `_Binned`, of all configurations.
    """
    positives, negatives = totals[:, 0], totals[:, 1]
    shape = held.shape[1:]
    found, wrong, area, precision = (np.zeros(shape, np.float32) for _ in range(4))
    sensitive = np.zeros((len(SPECIFICITIES), *shape), np.float32)
    # as whole numbers, so that 9 of 10 is a specificity of 0.9
    allowed = [np.floor(negatives * (100 - percent) / 100) for percent in SPECIFICITIES]
    left = np.broadcast_to(np.stack(allowed)[:, None] + 0.5, sensitive.shape).copy()
    # of the images of a bin that count as tied, each positive one sees all; of others, half on average
    seen = np.float32(1.0 if exact else 0.5)
    one, other, share = np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty_like(sensitive)
    specific = True
    # in place, since this loop is where the time goes
    for step, (hits, errs) in enumerate(zip(held[-2::-2], held[::-2], strict=True)):
        if specific:
            # how much of a bin lies below the allowed errors: its ROC curve is a straight line, or one step
            np.divide(left, np.add(errs, 0.5, out=one), out=share)
            if exact:
                np.floor(share, out=share)
            np.maximum(np.minimum(share, 1, out=share), 0, out=share)
            sensitive += np.multiply(share, hits, out=share)
            left -= errs
            specific = step % 8 > 0 or bool(left.max() > 0)
        np.add(np.multiply(hits, 0.5, out=one), found, out=one)
        area += np.multiply(one, errs, out=one)
        np.add(np.multiply(hits, seen, out=one), found, out=one)
        one += 1 - seen
        np.add(np.multiply(errs, seen, out=other), wrong, out=other)
        other += one
        np.divide(np.multiply(one, hits, out=one), np.maximum(other, 1, out=other), out=one)
        precision += one
        found += hits
        wrong += errs
    squared = (errors[:, None] @ held.transpose(1, 0, 2))[:, 0]
    images = positives + negatives
    return {
        "auroc": ratio(area, positives * negatives),
        "auprc": ratio(precision, positives),
        **{
            f"sensitivity_at_{percent}": np.where(negatives > 0, ratio(values, positives), np.nan)
            for percent, values in zip(SPECIFICITIES, sensitive, strict=True)
        },
        "brier": ratio(squared, images),
    }


def _padded(errors: Samples, bins: int) -> Samples:
    return np.pad(errors, (0, 2 * bins - len(errors)))


def _slices(count: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, count)) for start in range(0, count, size))
