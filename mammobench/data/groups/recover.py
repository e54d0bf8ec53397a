"""Find crops of one lesion and overlapping tiles again, and make groups of them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.cluster.hierarchy import DisjointSet

from mammobench.data.groups.candidates import Candidates, find_candidates
from mammobench.data.groups.confidence import confidences
from mammobench.data.groups.features import Features, extract_features, one_thread_each
from mammobench.data.groups.model import LINK_COLUMNS, Groups, Recovery
from mammobench.data.groups.saved import groups_of, save_groups
from mammobench.data.groups.verify import FEWEST_INLIERS, MOST_TILT, Match, Pixels, match, overlap_of
from mammobench.data.store.filenames import images_name
from mammobench.data.store.image_store import ImageStore

Progress = Callable[[str, int, int], None]

LEAST_CORRELATION = 0.6
LEAST_OVERLAP = 0.1
WHOLE = 0.95
PAIRS_AT_ONCE = 512
LINKS_ENOUGH = 3


class _Seen(NamedTuple):
    """A pair that geometry and pixels agree on, apart from its turn."""

    first: int
    second: int
    match: Match
    correlation: float
    overlap: float


def recover_groups(store: ImageStore, *, progress: Progress | None = None, seed: int = 0) -> Groups:
    """Look for links between all images of a store, make groups of them, and keep both beside the images.

    Lesion crops and negative tiles go the same way. Tiles are neither flipped nor turned in the sets known so
    far, yet to look for it costs little and misses nothing where they are.

    Args:
        store: The image store; ``groups.parquet`` and ``links.parquet`` are written into its folder.
        progress: Told what is being done, how much of it is done, and how much there is.
        seed: Of the samples that the index is built from.

    Raises:
        DataError: When the store's folder cannot be written to.
    """
    tell = progress or (lambda _what, _done, _total: None)
    path = store.path / images_name(store.manifest.image_size)
    features = extract_features(
        path, seed=seed, progress=lambda done, total: tell("Describing images", done, total)
    )
    candidates = find_candidates(
        features, seed=seed, progress=lambda done, total: tell("Looking for neighbours", done, total)
    )
    with Pixels(path) as pixels:
        seen, checked = _verified(features, candidates, pixels, tell)
    links = [pair for pair in seen if pair.match.upright]
    decoys = [pair.match for pair in seen if not pair.match.upright]
    table = _with_identical(_table(links, decoys, store.index), store.index, features)
    save_groups(store, Groups.join(store.index, table, Recovery(checked, len(decoys), seed)))
    return groups_of(store)


class _Known:
    """The links so far. Tiles that overlap with hundreds of others are of one group after a few of them."""

    def __init__(self, images: int) -> None:
        self._groups = DisjointSet(range(images))
        self._links = np.zeros(images, dtype=np.int64)

    def add(self, pair: _Seen) -> None:
        self._groups.merge(pair.first, pair.second)
        self._links[[pair.first, pair.second]] += 1

    def settles(self, first: int, second: int) -> bool:
        """Whether two images are in one group, and each has links enough for the eye."""
        few = min(self._links[first], self._links[second]) < LINKS_ENOUGH
        return not few and bool(self._groups.connected(first, second))


def _verified(
    features: Features, candidates: Candidates, pixels: Pixels, tell: Progress
) -> tuple[list[_Seen], int]:
    """Return the pairs that hold, and how many were looked at: best first, those that matter."""

    def check(number: int) -> _Seen | None:
        first, second = int(candidates.first[number]), int(candidates.second[number])
        mirrored = bool(candidates.mirrored[number])
        found = match(features, first, second, mirrored=mirrored, native=pixels.native)
        if found is None:
            return None
        correlation, overlap = overlap_of(pixels[first], pixels[second], found)
        good = correlation >= LEAST_CORRELATION and overlap >= LEAST_OVERLAP
        return _Seen(first, second, found, correlation, overlap) if good else None

    found: list[_Seen] = []
    known, checked = _Known(len(features)), 0
    with one_thread_each() as pool:
        for start in range(0, len(candidates), PAIRS_AT_ONCE):
            end = min(len(candidates), start + PAIRS_AT_ONCE)
            # what is skipped follows from earlier batches alone, so that threads change nothing
            numbers = [
                number
                for number in range(start, end)
                if not known.settles(int(candidates.first[number]), int(candidates.second[number]))
            ]
            for seen in filter(None, pool.map(check, numbers)):
                found.append(seen)
                if seen.match.upright:
                    known.add(seen)
            checked += len(numbers)
            tell("Checking pairs", end, len(candidates))
    return found, checked


def _table(links: list[_Seen], decoys: list[Match], index: pd.DataFrame) -> pd.DataFrame:
    sure = confidences(
        np.array([pair.match.inliers for pair in links], dtype=np.int64),
        np.array([decoy.inliers for decoy in decoys], dtype=np.int64),
        np.array([decoy.tilt for decoy in decoys]),
        most_tilt=MOST_TILT,
    )
    lesions = (index["label"] > 0).to_numpy(dtype=bool)
    rows = [
        (
            pair.first, pair.second, _kind(pair, lesions), pair.match.inliers, confidence,
            pair.match.quarter_turn, pair.match.mirrored, pair.match.scale, *pair.match.offset,
            pair.correlation,
        )
        for pair, confidence in zip(links, sure, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(LINK_COLUMNS)).astype(LINK_COLUMNS)


def _kind(pair: _Seen, lesions: npt.NDArray[np.bool_]) -> str:
    both = lesions[pair.first] and lesions[pair.second]
    return "same lesion" if both and pair.overlap < WHOLE else "near duplicate"


def _with_identical(links: pd.DataFrame, index: pd.DataFrame, features: Features) -> pd.DataFrame:
    """Name identical images, each linked to the first of its kind.

    Images without anything to hold on to, such as black tiles, are alike without being of one film.
    """
    hashes = index["pixel_hash"].to_numpy()
    first = pd.Series(np.arange(len(index))).groupby(hashes).transform("min").to_numpy()
    again = np.flatnonzero((first != np.arange(len(index))) & (features.counts >= FEWEST_INLIERS))
    rows = [
        (int(first[row]), int(row), "identical", int(features.counts[row]), 1.0, 0, False, 1.0, 0.0, 0.0, 1.0)
        for row in again
    ]
    exact = pd.DataFrame(rows, columns=list(LINK_COLUMNS)).astype(LINK_COLUMNS)
    alike = hashes[links["first"].to_numpy()] == hashes[links["second"].to_numpy()]
    both: pd.DataFrame = pd.concat(
        [exact, links[~alike.astype(bool)]] if len(exact) else [links], ignore_index=True
    )
    ordered: pd.DataFrame = both.sort_values(["first", "second"], ignore_index=True).astype(LINK_COLUMNS)
    return ordered
