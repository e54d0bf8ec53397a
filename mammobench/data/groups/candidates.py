"""Pairs of images that may show the same tissue, from nearest neighbours of all their points.

All points are sorted into cells by k-means, and each looks for its nearest neighbours in its cell: an
inverted file, so that images are never compared two by two. Neighbours vote for a pair of images, a mirror
image or not, and a turn in steps of 30 degrees; points that match by chance spread their votes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mammobench.core.seeds import derive_seed, generator
from mammobench.data.groups.features import Features, one_thread_each

Codes = npt.NDArray[np.int64]

POINTS_PER_CELL = 2000
MOST_CELLS = 4096
TRAINING_POINTS = 100
NEIGHBOURS = 5
QUERIES_AT_ONCE = 256
CELLS_AT_ONCE = 32
TURNS = 12
MOST_OCTAVES = 0.35
FEWEST_VOTES = 3
CANDIDATES_PER_IMAGE = 10


@dataclass(frozen=True, eq=False)
class Candidates:
    """Pairs to check, most votes first; all arrays have one length.

    Attributes:
        first: int64; row of the image with the lower row.
        second: int64; the other's.
        mirrored: bool; whether the first image must be mirrored.
        votes: int64; points that voted for it, twice if each is the other's neighbour.
    """

    first: Codes
    second: Codes
    mirrored: npt.NDArray[np.bool_]
    votes: Codes

    def __len__(self) -> int:
        return len(self.first)


def find_candidates(
    features: Features, *, seed: int, progress: Callable[[int, int], None] | None = None
) -> Candidates:
    """Propose pairs of images, at most `CANDIDATES_PER_IMAGE` times as many as there are images.

    Args:
        features: Of all images.
        seed: Of the cells.
        progress: Told of cells done and in all.
    """
    owners = np.repeat(np.arange(len(features), dtype=np.int64), features.counts)
    if not len(owners):
        return _strongest(np.zeros(0, np.int64), np.zeros(0, np.int64), len(features))
    cells_of_plain, cells_of_mirrored, cells = _cells(features, seed)
    plain, mirrored = _Members(cells_of_plain, cells), _Members(cells_of_mirrored, cells)

    def vote(cell: int) -> Codes:
        base = plain.of(cell)
        return np.concatenate(
            [
                _votes(
                    features, owners, *_neighbours(features, queries, base, mirrored=turned), mirrored=turned
                )
                for queries, turned in ((base, False), (mirrored.of(cell), True))
            ]
        )

    keys: list[Codes] = []
    with one_thread_each() as pool:
        for start in range(0, cells, CELLS_AT_ONCE):
            keys.extend(pool.map(vote, range(start, min(cells, start + CELLS_AT_ONCE))))
            if progress:
                progress(len(keys), cells)
    ballot = np.concatenate(keys)
    keys.clear()
    ballot.sort()
    edges = np.flatnonzero(np.concatenate([[True], ballot[1:] != ballot[:-1]])) if len(ballot) else ballot
    votes = np.diff(np.append(edges, len(ballot)))
    enough = votes >= FEWEST_VOTES
    return _strongest(ballot[edges[enough]], votes[enough], len(features))


class _Members:
    """The points of each cell."""

    def __init__(self, cell_of_point: npt.NDArray[np.int32], cells: int) -> None:
        self._order = np.argsort(cell_of_point, kind="stable").astype(np.int32)
        self._starts = np.concatenate([[0], np.cumsum(np.bincount(cell_of_point, minlength=cells))])

    def of(self, cell: int) -> npt.NDArray[np.int32]:
        return self._order[self._starts[cell] : self._starts[cell + 1]]


def _cells(features: Features, seed: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], int]:
    # imported here: it costs every command a second or more, and few recover groups
    from sklearn.cluster import MiniBatchKMeans

    points = len(features.plain)
    cells = int(np.clip(points // POINTS_PER_CELL, 1, MOST_CELLS))
    chosen = generator(seed, "cells").integers(0, points, min(points, cells * TRAINING_POINTS))
    kmeans = MiniBatchKMeans(
        cells, batch_size=4096, n_init=1, max_iter=5, init="random",
        random_state=derive_seed(seed, "k-means"),
    ).fit(features.plain[chosen].astype(np.float32))  # fmt: skip
    return _predict(kmeans, features.plain), _predict(kmeans, features.mirrored), cells


def _predict(kmeans: object, descriptors: npt.NDArray[np.int8]) -> npt.NDArray[np.int32]:
    from sklearn.metrics import pairwise_distances_argmin

    centres = np.ascontiguousarray(kmeans.cluster_centers_, dtype=np.float32)  # type: ignore[attr-defined]
    parts = [
        pairwise_distances_argmin(descriptors[start : start + 100_000].astype(np.float32), centres)
        for start in range(0, len(descriptors), 100_000)
    ]
    return np.concatenate(parts).astype(np.int32)


def _neighbours(
    features: Features, queries: npt.NDArray[np.int32], base: npt.NDArray[np.int32], *, mirrored: bool
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return pairs of points, each query with its nearest ones among the base.

    A few sweeps of `argmin` over one matrix product: four times as fast as scikit-learn's brute force here.
    """
    wanted = min(len(base), NEIGHBOURS + (not mirrored))  # the nearest of a point is itself
    if not wanted or not len(queries):
        empty = np.zeros(0, np.int32)
        return empty, empty
    descriptors = features.mirrored if mirrored else features.plain
    among = features.plain[base].astype(np.float32)
    found = []
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        some = descriptors[queries[start : start + QUERIES_AT_ONCE]].astype(np.float32)
        distances = (-2 * some) @ among.T
        distances += np.einsum("ij,ij->i", among, among)
        rows = np.arange(len(some))
        nearest = np.empty((len(some), wanted), dtype=np.int64)
        for rank in range(wanted):
            distances.argmin(axis=1, out=nearest[:, rank])
            distances[rows, nearest[:, rank]] = np.inf
        found.append(nearest.ravel())
    return np.repeat(queries, wanted), base[np.concatenate(found)]


def _votes(
    features: Features,
    owners: Codes,
    query: npt.NDArray[np.int32],
    base: npt.NDArray[np.int32],
    *,
    mirrored: bool,
) -> Codes:
    """Return the key of (first image, second image, mirrored, turn) that each pair of points votes for."""
    octaves = np.abs(np.log2(features.sizes[base] / features.sizes[query]))
    kept = (owners[query] != owners[base]) & (octaves < MOST_OCTAVES)
    query, base = query[kept], base[kept]
    if mirrored:  # the mirror image of a mirrored image turned by t is turned by t again
        turn = features.turns[base] + features.turns[query] - 180
    else:
        turn = features.turns[base] - features.turns[query]
        turn = np.where(owners[query] > owners[base], -turn, turn)
    step = np.rint(turn * (TURNS / 360)).astype(np.int64) % TURNS
    first, second = np.minimum(owners[query], owners[base]), np.maximum(owners[query], owners[base])
    return np.asarray(((first * len(features) + second) * 2 + mirrored) * TURNS + step)


def _strongest(keys: Codes, votes: Codes, images: int) -> Candidates:
    """Keep the pairs with most votes of each image; a pair is proposed once, with its best turn."""
    pair, mirrored = keys // (2 * TURNS), (keys // TURNS % 2).astype(bool)
    order = np.lexsort((keys, -votes))
    _, best = np.unique(pair[order], return_index=True)
    order = order[np.sort(best)]
    pair, mirrored, votes = pair[order], mirrored[order], votes[order]
    first, second = pair // max(1, images), pair % max(1, images)
    kept = np.zeros(len(pair), dtype=bool)
    ends, numbers = np.concatenate([first, second]), np.tile(np.arange(len(pair)), 2)
    by_end = np.lexsort((numbers, ends))
    ends, numbers = ends[by_end], numbers[by_end]
    rank = np.arange(len(ends)) - np.searchsorted(ends, ends)
    kept[numbers[rank < CANDIDATES_PER_IMAGE]] = True
    return Candidates(first[kept], second[kept], mirrored[kept], votes[kept])
