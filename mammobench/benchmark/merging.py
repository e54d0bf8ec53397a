"""Two parts of one table: what it has, and more configurations or training seeds."""

import pandas as pd

from mammobench.benchmark.tables.recorded import Recorded
from mammobench.core.errors import DataError

_SAME = ("task", "objective", "direction", "weights", "seed", "splits", "training_share", "precision")
_KEYS = ["config", "training_seed"]


def merged(there: Recorded, more: Recorded) -> Recorded | None:
    """Return a table with what was recorded besides; None where it would not be whole.

    What both have is taken from the table that was there.

    Args:
        there: The table.
        more: Other trainings of the same design.

    Raises:
        DataError: Where the two are not of one design and one set of images.
    """
    faults = [key for key in _SAME if there.metadata.get(key) != more.metadata.get(key)]
    if there.metadata["data"]["fingerprint"] != more.metadata["data"]["fingerprint"]:
        faults.append("data")
    if faults:
        raise DataError(
            f"the trainings are of another {', '.join(faults)}",
            expected="those of the table",
            remedy="Record into another folder with --out",
        )
    runs = _together(there.runs, more.runs, _KEYS)
    seeds = int(runs["training_seed"].max()) + 1
    whole = runs.groupby("config")["training_seed"].count() == seeds
    configs = _together(there.configs, more.configs, ["config"])
    # the first ones that have every seed
    kept = int(whole.to_numpy().cumprod().sum())
    if kept < len(there.configs):
        return None
    metadata = dict(there.metadata)
    for key in ("processor", "threads", "gpu"):
        if metadata.get(key) != more.metadata.get(key):
            metadata[key] = f"{metadata.get(key)}; later {more.metadata.get(key)}"
    metadata["versions"] = dict(there.metadata["versions"])
    metadata["later_versions"] = dict(more.metadata["versions"])
    metadata["description"] = more.metadata["description"] or there.metadata["description"]
    return Recorded(
        configs=configs[configs["config"] < kept],
        curves=_of(_together(there.curves, more.curves, [*_KEYS, "epoch"]), kept),
        runs=_of(runs, kept),
        space=there.space,
        metadata=metadata,
    )


def _together(there: pd.DataFrame, more: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    return pd.concat([there, more], ignore_index=True).drop_duplicates(keys, keep="first")


def _of(frame: pd.DataFrame, configs: int) -> pd.DataFrame:
    return frame[frame["config"] < configs]
