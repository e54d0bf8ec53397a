"""Whether the parts of a split hold the shares of the images that were asked for."""

import numpy as np

from mammobench.data.splits.drawing import Codes

FAR = 1 / 2
"""Of the share that was asked for, or of the rest where that is smaller: a part is no farther from it."""

_ASKED = "were asked for"


def share_warning(part: str, asked: float, chosen: Codes, others: Codes) -> str | None:
    """Say where a part ended up far from what was asked, as few or large groups make it; else None.

    Args:
        part: What it is called.
        asked: Share of the images, between 0 and 1.
        chosen: Group of each image of the part.
        others: Group of each of the images that it was drawn from and that are not in it.
    """
    images = len(chosen) + len(others)
    if not images or abs(len(chosen) / images - asked) <= FAR * min(asked, 1 - asked):
        return None
    sizes = np.unique(np.concatenate([chosen, others]), return_counts=True)[1]
    return (
        f"{100 * len(chosen) / images:.0f} % of {images:,} images are in the {part} part, where "
        f"{100 * asked:.0f} % {_ASKED}: groups are never cut, each label has one in every part, and there "
        f"are {len(sizes):,} groups, the largest of {sizes.max():,} images "
        f"({100 * sizes.max() / images:.0f} %). Another data.split_seed draws others."
    )


def is_share_warning(warning: str) -> bool:
    """Return whether a split's warning is one of `share_warning`."""
    return _ASKED in warning
