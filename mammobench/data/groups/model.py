"""`Groups`: one code a group, joined from the ids of the source, identical pictures and links."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

KINDS = ("identical", "near duplicate", "same lesion")
LINK_COLUMNS = {
    "first": "int64",
    "second": "int64",
    "kind": "string",
    "inliers": "int64",
    "confidence": "float64",
    "turn": "int64",
    "mirrored": "bool",
    "scale": "float64",
    "offset_x": "float64",
    "offset_y": "float64",
    "correlation": "float64",
}


def no_links() -> pd.DataFrame:
    """Return a table of links without a row."""
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in LINK_COLUMNS.items()})


@dataclass(frozen=True)
class Recovery:
    """What was looked at to find the links.

    Attributes:
        candidates: Pairs that the index proposed and geometry checked; those that could join nothing new were
            not looked at.
        chance: Agreeing pairs among them whose turn or scale no related pair can have: what chance does.
        seed: Root seed of the run.
    """

    candidates: int
    chance: int
    seed: int


@dataclass(frozen=True, eq=False)
class Groups:
    """The group of every image of a store.

    Attributes:
        codes: int64 (n,); one code a group, from 0 in the order of the rows. An image without any known,
            identical or recovered companion has a code of its own.
        known: bool (n,); True where the source names a patient or lesion.
        recovered: Whether links between images were looked for.
        links: One row a link, `LINK_COLUMNS`; not every pair, where images have many companions.
            ``first`` and ``second`` are rows of the store; ``kind`` is
            ``identical``, ``near duplicate`` or ``same lesion``; ``inliers`` counts the matched points that
            agree; ``confidence`` is 1 less the share of chance links expected among all links with as many
            agreeing points or more. A point p of the first image, in pixels from its centre, lies in the
            second at ``scale * R(turn) * M(p) + (offset_x, offset_y)``, where M negates x if ``mirrored`` and
            R turns by ``turn`` degrees, x to y. ``correlation`` is that of the overlapping pixels.
        joined: How many known patients (or lesions) were put together with another one by a link or an
            identical picture.
        recovery: How the links were found; None where `recovered` is False.
    """

    codes: Codes
    known: Mask
    recovered: bool
    links: pd.DataFrame = field(repr=False)
    joined: int = 0
    recovery: Recovery | None = None

    @classmethod
    def join(
        cls,
        index: pd.DataFrame,
        links: pd.DataFrame,
        recovery: Recovery | None = None,
        *,
        identical: Codes | None = None,
    ) -> Self:
        """Put together what shares a known id or its pixels, or is linked, directly or through others.

        Args:
            index: Columns ``group`` and ``patient``, where missing means unknown.
            links: Columns ``first`` and ``second`` at least, positions in `index`.
            recovery: How the links were found; None when none were looked for.
            identical: Of `ImageStore.identical`, int64 (n,); None for pixels that are not to be looked at.
        """
        images = len(index)
        first, second, nodes = _edges_of_ids(index)
        by_id = _components(nodes, first, second)
        if identical is not None:
            twins = np.flatnonzero(identical >= 0)
            first, second = np.concatenate([first, twins]), np.concatenate([second, nodes + identical[twins]])
            nodes += int(identical.max(initial=-1)) + 1
        codes = _components(
            nodes,
            np.concatenate([first, links["first"].to_numpy(np.int64)]),
            np.concatenate([second, links["second"].to_numpy(np.int64)]),
        )
        known = (index["group"].notna() | index["patient"].notna()).to_numpy(dtype=bool)
        joined = len(np.unique(by_id[:images][known])) - len(np.unique(codes[:images][known]))
        return cls(
            codes=pd.factorize(codes[:images])[0].astype(np.int64),
            known=known,
            recovered=recovery is not None,
            links=links,
            joined=joined,
            recovery=recovery,
        )

    def summary(self) -> dict[str, Any]:
        """Count images, groups and links, as JSON holds them."""
        sizes = np.bincount(self.codes)
        return {
            "images": len(self.codes),
            "groups": len(sizes),
            "groups_of_several": int((sizes > 1).sum()),
            "largest_group": int(sizes.max(initial=0)),
            "known": int(self.known.sum()),
            "recovered": self.recovered,
            "links": {kind: int((self.links["kind"] == kind).sum()) for kind in KINDS},
            "least_confidence": round(float(self.links["confidence"].min()), 4) if len(self.links) else None,
            "joined": self.joined,
        }


def _edges_of_ids(index: pd.DataFrame) -> tuple[Codes, Codes, int]:
    """Return edges from images to ids, and how many nodes there are: images first, then ids."""
    first, second, nodes = [], [], len(index)
    for name in ("group", "patient"):
        codes, names = pd.factorize(index[name])
        rows = np.flatnonzero(codes >= 0)
        first.append(rows)
        second.append(nodes + codes[rows])
        nodes += len(names)
    return np.concatenate(first).astype(np.int64), np.concatenate(second).astype(np.int64), nodes


def _components(nodes: int, first: Codes, second: Codes) -> Codes:
    graph = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(nodes, nodes))
    _, labels = connected_components(graph, directed=False)
    return np.asarray(labels, dtype=np.int64)
