"""Drawing whole groups at random: a share of the images for one part, or a fold for each image.

scikit-learn's StratifiedGroupKFold offers fractions of 1/k alone, refuses small classes, and is slow for tens
of thousands of groups of one image.
"""

from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pandas as pd

from mammobench.core.seeds import generator

Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def draw_share(labels: Codes, groups: Codes, share: float, seed: tuple[int, str], *, leave: int) -> Mask:
    """Choose about a share of the images, in whole groups, one group of each label at least.

    Args:
        labels: The five-class label of each image, which tells malignancy and lesion type, (n,).
        groups: Code of the unit that must not be split, (n,).
        share: Of the images of each label, between 0 and 1. What a smaller share chooses, a larger one does.
        seed: Names the draw.
        leave: Groups of each label that are not chosen at the least.

    Returns:
        Bool (n,).
    """
    fraction, chosen = Fraction(str(share)), []
    for members, filled in _shuffled(labels, groups, seed):
        wanted = float(fraction * int(filled[-1]))
        take = int(np.argmin(np.abs(np.concatenate([[0], filled]) - wanted)))
        chosen.append(members[: min(max(take, 1), len(members) - leave)])
    return np.isin(groups, np.concatenate(chosen) if chosen else [])


def draw_folds(labels: Codes, groups: Codes, folds: int, seed: tuple[int, str]) -> Codes:
    """Give each image a fold, the same to a whole group; folds have about equally many of each label.

    Args:
        labels: As for `draw_share`.
        groups: As for `draw_share`.
        folds: How many.
        seed: Names the draw.

    Returns:
        Folds from 0, int64 (n,).
    """
    of_group: dict[int, int] = {}
    images = np.zeros(folds, dtype=np.int64)
    for members, filled in _shuffled(labels, groups, seed):
        sizes = np.diff(filled, prepend=0)
        here = np.zeros(folds, dtype=np.int64)
        for member, size in zip(members.tolist(), sizes.tolist(), strict=True):
            # the fold with fewest of this label, then with fewest images
            fold = min(range(folds), key=lambda each: (here[each], images[each]))
            of_group[member] = fold
            here[fold] += size
            images[fold] += size
    return np.array([of_group[group] for group in groups.tolist()], dtype=np.int64)


def _shuffled(labels: Codes, groups: Codes, seed: tuple[int, str]) -> list[tuple[Codes, Codes]]:
    """Return for each label its groups in random order and their running count of images."""
    images = pd.crosstab(groups, labels)
    # a group with several labels counts for its rarest one, which is the hardest to share out
    rarest_first = images.sum().sort_values(kind="stable").index
    stratum = (images[rarest_first] > 0).idxmax(axis=1)
    shuffled = []
    for label, sizes in images.sum(axis=1).groupby(stratum):
        order = generator(*seed, int(str(label))).permutation(len(sizes))
        shuffled.append((sizes.index.to_numpy()[order], np.cumsum(sizes.to_numpy()[order])))
    return shuffled
