import numpy as np
import pandas as pd

from mammobench.analysis.audit.leaks import find_leaks, pairs_across
from mammobench.data.groups import Groups, Recovery, groups_of
from mammobench.data.groups.model import LINK_COLUMNS, no_links
from mammobench.data.store.image_store import ImageStore


def linked(store: ImageStore, pairs: list[tuple[int, int]]) -> Groups:
    links = pd.concat([no_links(), pd.DataFrame(pairs, columns=["first", "second"])])
    links = links.assign(
        kind="same lesion", inliers=range(7, 7 + len(pairs)), confidence=0.99, turn=0, mirrored=False,
        scale=1.0, offset_x=0.0, offset_y=0.0, correlation=1.0,
    ).astype(LINK_COLUMNS)  # fmt: skip
    return Groups.join(store.index, links, Recovery(candidates=9, chance=0, seed=0))


def test_a_clean_set_leaks_under_the_reference_split_alone(phantom: ImageStore) -> None:
    leaks = {leak.split: leak for leak in find_leaks(phantom, groups_of(phantom), "abnormality")}
    assert set(leaks) == {"the source's own", "reference", "official", "grouped"}
    assert {name for name, leak in leaks.items() if leak.groups} == {"reference"}
    assert leaks["reference"].test_images > 0.3 * leaks["reference"].test_size


def test_planted_duplicates_across_the_official_split_are_found(phantom: ImageStore) -> None:
    is_test = (phantom.index["split"] == "test").to_numpy()
    ours, theirs = np.flatnonzero(~is_test)[:2], np.flatnonzero(is_test)[[0, -1]]
    groups = linked(phantom, list(zip(ours.tolist(), theirs.tolist(), strict=True)))
    leaks = {leak.split: leak for leak in find_leaks(phantom, groups, "abnormality")}
    hit = np.isin(groups.codes[is_test], groups.codes[theirs]).sum()
    assert leaks["the source's own"].test_images == hit >= 2
    pairs = pairs_across(phantom, groups)
    assert pairs["across"].all()
    assert set(pairs["first"]) <= set(ours)
    assert pairs["inliers"].is_monotonic_decreasing


def test_without_links_there_is_nothing_to_look_at(phantom: ImageStore) -> None:
    assert pairs_across(phantom, groups_of(phantom)).empty
