"""The order in which images reach the model, in batches of one size so that nothing is traced twice."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from mammobench.core.seeds import generator

Indices = npt.NDArray[np.int64]


def training_batches(count: int, batch_size: int, seed: int, epoch: int) -> Iterator[Indices]:
    """Yield shuffled batches of one epoch, each of exactly `batch_size` indices.

    The remainder is dropped: over the epochs every image is left out equally often. Fewer images than a batch
    holds are repeated to fill one.

    Args:
        count: Number of images, 1 or more.
        batch_size: Indices a batch.
        seed: The trial's; the order depends on (seed, epoch) alone.
        epoch: From 1.

    Yields:
        Indices below `count`, shape (batch_size,).
    """
    order = generator(seed, "shuffle", epoch).permutation(count)
    if count < batch_size:
        order = np.resize(order, batch_size)
    for start in range(0, len(order) - batch_size + 1, batch_size):
        yield order[start : start + batch_size]


def evaluation_batches(count: int, batch_size: int) -> Iterator[tuple[Indices, int]]:
    """Yield all indices in order, each batch of exactly `batch_size`, the last filled up by repetition.

    Args:
        count: Number of images; 0 yields nothing.
        batch_size: Indices a batch.

    Yields:
        Indices of shape (batch_size,), and how many of them, from the front, are real rows.
    """
    for start in range(0, count, batch_size):
        real = min(batch_size, count - start)
        yield np.resize(np.arange(start, start + real, dtype=np.int64), batch_size), real
