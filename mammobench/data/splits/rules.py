"""What each split does with the images of a task: which are test and validation, and what is left out.

Each function returns rows of the store and what a reader of results on them must know.
"""

import numpy as np
import numpy.typing as npt

from mammobench.data.groups import Groups
from mammobench.data.splits.drawing import Codes, draw_folds, draw_share
from mammobench.data.splits.shares import share_warning
from mammobench.data.store.image_store import ImageStore
from mammobench.space.config import DataConfig

OWN_VALIDATION = "Validation is the source's own part"
"""Begins the warning of a split that draws no validation."""
REFERENCE_SEED = 2021
REFERENCE_TEST_SHARE = 0.2


def far_from(groups: Groups, part: str, asked: float, chosen: Codes, others: Codes) -> list[str]:
    """Warn where a part is far from the share that was asked for."""
    warning = share_warning(part, asked, groups.codes[chosen], groups.codes[others])
    return [warning] if warning else []


def drawn_test(
    rows: Codes, labels: Codes, groups: Groups, data: DataConfig
) -> tuple[Codes, Codes, list[str]]:
    """Draw test from all rows in whole groups; the source's own split does not count."""
    seed = (data.split_seed, "test")
    if data.folds:
        chosen = draw_folds(labels[rows], groups.codes[rows], data.folds, seed) == data.fold
    else:
        chosen = draw_share(labels[rows], groups.codes[rows], data.test_fraction, seed, leave=1)
    return rows[~chosen], rows[chosen], []


def without_shared(
    train: Codes, test: Codes, groups: Groups, data: DataConfig, identical: Codes
) -> tuple[Codes, Codes, list[str]]:
    """Leave groups that stand in training and test out of the part that `data.shared_groups` names."""
    shared = np.intersect1d(groups.codes[train], groups.codes[test])
    if not len(shared):
        return train, test, []
    parts = {"train": train, "test": test}
    rows = parts[data.shared_groups]
    stays = ~np.isin(groups.codes[rows], shared)
    parts[data.shared_groups] = rows[stays]
    name, other = ("training", "test") if data.shared_groups == "train" else ("test", "training")
    left_out = (
        f"{(~stays).sum()} {name} images of {len(shared)} patients or lesions that are also in the {other} "
        "set were left out."
    )
    across = np.intersect1d(identical[train], identical[test])
    twins = int(np.isin(identical[rows[~stays]], across[across >= 0]).sum())
    if twins:
        left_out += f" Of them, {twins} {'is' if twins == 1 else 'are'} pixel by pixel an image of that set."
    return parts["train"], parts["test"], [left_out]


def own_validation(train: Codes, store: ImageStore) -> npt.NDArray[np.bool_] | None:
    """Say which rows are the source's own validation part; None where it has none."""
    own = (store.index["split"].iloc[train] == "validation").to_numpy(dtype=bool)
    return own if own.any() else None


def without_validated(train: Codes, validation: Codes, groups: Groups) -> tuple[Codes, list[str]]:
    """Leave the groups of the source's own validation part out of training."""
    shared = np.intersect1d(groups.codes[train], groups.codes[validation])
    stays = ~np.isin(groups.codes[train], shared)
    own = f"{OWN_VALIDATION} of {len(validation)} images"
    told = [f"{own}: data.validation_fraction counts for nothing."]
    if len(shared):
        told.append(
            f"{(~stays).sum()} training images of {len(shared)} patients or lesions that are also in the "
            "validation set were left out."
        )
    return train[stays], told


def unknown_groups(groups: Groups, rows: dict[str, Codes]) -> list[str]:
    """Say how many images have no known patient or lesion, and what follows."""
    consequences = {
        "training": "crops of one lesion may stand in training and validation, so validation may flatter",
        "test": "test patients may be among the training images, and intervals take images as independent",
    }
    unknown = {part: int((~groups.known[rows[part]]).sum()) for part in rows}
    if groups.recovered:
        count, images = sum(unknown.values()), sum(map(len, rows.values()))
        told = (
            f"{count} of {images} images have no known patient: crops of one lesion and overlapping tiles "
            "were found by their pixels, other films of the same patient were not."
        )
        return [told] if count else []
    return [
        f"{unknown[part]} of {len(rows[part])} {part} images have no known patient or lesion: {consequence}. "
        f"`mammobench data groups` finds the crops of one lesion."
        for part, consequence in consequences.items()
        if unknown[part]
    ]


def reference(train: Codes, targets: Codes, data: DataConfig) -> tuple[dict[str, Codes], list[str]]:
    """Cut the training records as the reference notebook did, its leak included; each class twice or more."""
    # imported here: it costs every command a second or more, and only this split needs it
    from sklearn.model_selection import train_test_split  # noqa: PLC0415

    rest, test = train_test_split(
        train, test_size=REFERENCE_TEST_SHARE, random_state=REFERENCE_SEED, stratify=targets
    )
    # Keras' validation_split takes the last rows, unshuffled
    cut = int(len(rest) * (1 - data.validation_fraction))
    warning = (
        "The reference split LEAKS: it cuts the training records at random, so that crops of one lesion "
        "stand in training, validation and test alike. Its scores are too high, and comparable with "
        "the reference notebook's alone."
    )
    return {"train": rest[:cut], "validation": rest[cut:], "test": test}, [warning]
