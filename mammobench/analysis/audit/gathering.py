"""`Audit`: everything that the page and ``--json`` show."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd

from mammobench.analysis.audit.baseline import Baseline, baselines
from mammobench.analysis.audit.hygiene import Masks, find_tiles, share_by_class
from mammobench.analysis.audit.leaks import Leak, find_leaks, pairs_across
from mammobench.data.groups import Groups, groups_of
from mammobench.data.images.statistics import store_statistics
from mammobench.data.splits.tasks import TASKS
from mammobench.data.store.duplicates import table_of_identical
from mammobench.data.store.image_store import ImageStore
from mammobench.data.store.labels import Label
from mammobench.space.config import TrialConfig

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Audit:
    """The findings of an audit.

    Attributes:
        store: The store.
        groups: Its groups, recovered or known.
        counts: Images by class (rows) and the source's split (columns).
        leaks: The leakage of each split.
        identical: The pictures that stand several times, of `mammobench.data.store.duplicates`.
        pairs: The links of highest confidence; columns of `Groups.links`.
        tiles: A mask of the images of each kind of `hygiene.KINDS`.
        tile_shares: Share of each class that is of each kind.
        baselines: The shortcut baseline on each task.
        left_out: Tasks that the store cannot serve, and why.
    """

    store: ImageStore = field(repr=False)
    groups: Groups
    counts: pd.DataFrame
    leaks: list[Leak]
    identical: pd.DataFrame
    pairs: pd.DataFrame
    tiles: Masks
    tile_shares: pd.DataFrame
    baselines: list[Baseline]
    left_out: list[tuple[str, str]]


def audit_store(
    store: ImageStore,
    *,
    split: str = "official",
    tasks: tuple[str, ...] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Audit:
    """Look for leaks, shortcuts and tiles that show no breast.

    Args:
        store: The store; what takes long is kept in its folder for the next time.
        split: The split under which the shortcut baseline is trained and tested.
        tasks: Those of the baseline; None for all.
        seed: Of resamples and of gradient boosting.
        progress: Called with what is being done, how much of it is done, and the total.

    Raises:
        ConfigError: For a split that there is not.
        DataError: When recovered groups beside the store are of other images.
    """
    asked = TrialConfig.from_values({"data.split": split}).data
    tell = progress or (lambda *_: None)
    groups = groups_of(store)
    titles = pd.Series([Label(label).title for label in store.index["label"]], name="class")
    statistics = store_statistics(store, progress=lambda *done: tell("Describing images", *done))
    tiles = find_tiles(store, statistics, progress=lambda *done: tell("Looking at tiles", *done))
    names = tasks or tuple(TASKS)
    tell("Training the shortcut baseline", 0, 1)
    found, left_out = baselines(store, statistics, names, split=asked.split, seed=seed)
    tell("Training the shortcut baseline", 1, 1)
    order = [label.title for label in Label if (titles == label.title).any()]
    return Audit(
        store=store,
        groups=groups,
        counts=pd.crosstab(titles, store.index["split"].to_numpy()).loc[order].rename_axis(None, axis=1),
        leaks=find_leaks(store, groups, "abnormality" if (store.index["label"] == 0).any() else "malignancy"),
        identical=table_of_identical(store.index, store.identical),
        pairs=pairs_across(store, groups),
        tiles=tiles,
        tile_shares=share_by_class(tiles, titles).loc[order],
        baselines=found,
        left_out=left_out,
    )
