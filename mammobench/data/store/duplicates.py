"""Identical pictures: images of a store that are the same, pixel for pixel.

Flips, turns and crops of one picture are the business of `mammobench.data.groups`.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from mammobench.data.store.labels import Label
from mammobench.data.store.records import Images

CONSTANT_GREYS = 3
GREYS = 256


def is_constant(image: Images) -> bool:
    """Whether an image has at most `CONSTANT_GREYS` grey values.

    Such images, black tiles above all, are alike without being of one patient: they show nothing of anyone.

    Args:
        image: uint8 of any shape.
    """
    return bool(np.count_nonzero(np.bincount(image.ravel(), minlength=GREYS)) <= CONSTANT_GREYS)


def identical_pictures(hashes: pd.Series, image: Callable[[int], Images]) -> npt.NDArray[np.int64]:
    """Number the pictures that stand several times.

    Args:
        hashes: Of the pixels of n images of one size.
        image: Reads an image by its place, uint8 of shape (size, size); asked once for each repeated hash.

    Returns:
        int64 (n,): one number a picture, from 0 in the order of the images; -1 for an image that stands once,
        or is constant.
    """
    codes, _ = pd.factorize(hashes)
    of_picture = pd.Series(np.arange(len(codes))).groupby(codes)
    first, count = of_picture.transform("min").to_numpy(), of_picture.transform("size").to_numpy()
    found = np.full(len(codes), -1, dtype=np.int64)
    pictures = [row for row in np.unique(first[count > 1]).tolist() if not is_constant(image(row))]
    for number, row in enumerate(pictures):
        found[first == row] = number
    return found


def table_of_identical(index: pd.DataFrame, identical: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Say of each picture that stands several times what its images are.

    Args:
        index: Of the store; columns id, label, patient and split.
        identical: Of `identical_pictures`, (n,).

    Returns:
        One row a picture, in the order of their numbers: ``ids``, ``labels`` (in plain words), ``patients``
        and ``splits`` are lists, of which only ``ids`` may hold a value twice; unknown patients are left out.
        ``images`` counts the ids.
    """
    known = index[identical >= 0].assign(number=identical[identical >= 0])
    rows = [
        {
            "images": len(some),
            "ids": some["id"].tolist(),
            "labels": [Label(label).title for label in sorted(set(some["label"].tolist()))],
            "patients": sorted(some["patient"].dropna().astype(str).unique().tolist()),
            "splits": sorted(some["split"].unique().tolist(), reverse=True),
        }
        for _, some in known.groupby("number")
    ]
    return pd.DataFrame(rows, columns=["images", "ids", "labels", "patients", "splits"])


def told_of_identical(table: pd.DataFrame) -> str:
    """Count in a sentence what `table_of_identical` found; empty for nothing."""
    if table.empty:
        return ""
    counts = {
        "of several patients": int((table["patients"].str.len() > 1).sum()),
        "in training and test alike": int((table["splits"].str.len() > 1).sum()),
        "with labels that contradict each other": int((table["labels"].str.len() > 1).sum()),
    }
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count)
    pictures = f"{len(table):,} picture{'s' * (len(table) > 1)}"
    return (
        f"{int(table['images'].sum()):,} images are {pictures}, pixel by pixel"
        f"{f' ({kinds})' if kinds else ''}; the official and the grouped split keep them together."
    )
