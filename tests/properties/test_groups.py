"""Groups are the smallest partition that cuts neither a known id nor a link."""

import hypothesis.strategies as st
import numpy as np
import pandas as pd
from hypothesis import given

from mammobench.data.groups.confidence import confidences
from mammobench.data.groups.model import Groups, Recovery

IDS = st.one_of(st.none(), st.sampled_from("abcdef"))
IMAGES = st.lists(st.tuples(IDS, IDS), min_size=1, max_size=30)
PAIRS = st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=25)


@given(images=IMAGES, pairs=PAIRS)
def test_groups_are_what_ids_and_links_hold_together_and_no_more(
    images: list[tuple[str | None, str | None]], pairs: list[tuple[int, int]]
) -> None:
    count = len(images)
    kept = sorted({(min(pair), max(pair)) for pair in pairs if max(pair) < count and pair[0] != pair[1]})
    index = pd.DataFrame(images, columns=["group", "patient"], dtype="string")
    links = pd.DataFrame(np.array(kept, dtype=np.int64).reshape(-1, 2), columns=["first", "second"])
    groups = Groups.join(index, links, Recovery(len(kept), 0, 0))

    reached = np.eye(count, dtype=bool)
    for one, other in kept:
        reached[one, other] = reached[other, one] = True
    for column in range(2):
        for one in range(count):
            for other in range(count):
                same = images[one][column] == images[other][column]
                reached[one, other] |= same and images[one][column] is not None
    for through in range(count):
        reached |= np.outer(reached[:, through], reached[through])
    assert np.array_equal(groups.codes[:, None] == groups.codes[None], reached)
    assert groups.codes.dtype == np.int64
    assert list(dict.fromkeys(groups.codes.tolist())) == list(range(len(set(groups.codes))))
    assert groups.known.tolist() == [any(ids) for ids in images]
    alone = Groups.join(index, links.iloc[:0])
    by_ids, by_all = (len(set(each.codes[each.known])) for each in (alone, groups))
    assert groups.joined == by_ids - by_all


@given(
    inliers=st.lists(st.integers(6, 128), max_size=60),
    decoys=st.lists(st.tuples(st.integers(6, 128), st.floats(1.5, 45)), max_size=30),
)
def test_more_points_are_never_less_sure_and_decoys_only_take_away(
    inliers: list[int], decoys: list[tuple[int, float]]
) -> None:
    counts, tilts = [count for count, _ in decoys], [tilt for _, tilt in decoys]
    sure = confidences(inliers, counts, tilts, most_tilt=1.5)
    assert sure.shape == (len(inliers),)
    assert ((sure >= 0) & (sure <= 1)).all()
    assert (np.diff(sure[np.argsort(inliers, kind="stable")]) >= 0).all()
    assert (sure <= confidences(inliers, [], [], most_tilt=1.5)).all()
