"""The groups that stand on both sides of a split, and example pairs of images."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import ValidationError

from mammobench.core.errors import DataError
from mammobench.data.groups import Groups
from mammobench.data.splits.split import PARTS, make_split
from mammobench.data.store.image_store import ImageStore
from mammobench.space.config import DataConfig

PAIRS_SHOWN = 6


@dataclass(frozen=True)
class Leak:
    """The leakage of a split.

    Attributes:
        split: ``the source's own``, or the name of a split.
        groups: Groups that stand in test and elsewhere.
        test_images: Test images whose group has images outside test.
        test_size: Test images in all.
    """

    split: str
    groups: int
    test_images: int
    test_size: int


def find_leaks(store: ImageStore, groups: Groups, task: str) -> list[Leak]:
    """Count what each way of splitting would cut, for one task.

    ``the source's own`` is the source's train and test as they are; the project's own splits follow, of which
    only ``reference`` may leak.
    """
    is_test = (store.index["split"] == "test").to_numpy(dtype=bool)
    leaks = [_leak("the source's own", groups, ~is_test, is_test)] if is_test.any() else []
    for name in ("reference", "official", "grouped"):
        try:
            split = make_split(store, DataConfig.model_validate({"task": task, "split": name}))
        except (DataError, ValidationError):
            # too few images for this one
            continue
        rows = {part: np.isin(np.arange(len(store)), getattr(split, part).rows) for part in PARTS}
        leaks.append(_leak(name, groups, rows["train"] | rows["validation"], rows["test"]))
    return leaks


def pairs_across(store: ImageStore, groups: Groups, *, count: int = PAIRS_SHOWN) -> pd.DataFrame:
    """Return example links between the source's train and test: of each group the one of highest confidence.

    Where there is none, links within training stand for them: a random split would separate them.
    """
    if groups.links.empty:
        return groups.links
    is_test = (store.index["split"] == "test").to_numpy(dtype=bool)
    links = groups.links.assign(
        across=is_test[groups.links["first"]] != is_test[groups.links["second"]],
        group=groups.codes[groups.links["first"]],
    )
    surest = links.sort_values(["across", "confidence", "inliers"], ascending=False, kind="stable")
    return surest.drop_duplicates("group").head(count)


def _leak(name: str, groups: Groups, others: npt.NDArray[np.bool_], test: npt.NDArray[np.bool_]) -> Leak:
    shared = np.intersect1d(groups.codes[others], groups.codes[test])
    hit = np.isin(groups.codes[test], shared)
    return Leak(name, len(shared), int(hit.sum()), int(test.sum()))
