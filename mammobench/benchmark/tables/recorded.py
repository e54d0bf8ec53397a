"""`Recorded`: the contents of a table of recorded trainings, before they are files and after."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from mammobench.core.errors import DataError
from mammobench.space.search_space import Choice, FloatRange, Hyperparameter, SearchSpace, encode

Status = Literal["ok", "diverged", "out of memory", "timeout", "infeasible", "error"]
STATUSES: tuple[Status, ...] = get_args(Status)
"""How a training ended; all but the first and the one that was not trained are failures."""

ORIGINS = ("reference", "default", "sobol", "searched")
"""Where a configuration is from: reference CNN, each hyperparameter's default, Sobol' point, search."""

RUN_COLUMNS = {
    "config": "int32",
    "training_seed": "int32",
    "status": "str",
    "epochs": "int32",
    "seconds": "float64",
    "start_seconds": "float64",
    "end_seconds": "float64",
    "weights": "Int64",
    "flops": "float64",
    "peak_memory": "Int64",
    "reason": "str",
}
CURVE_COLUMNS = {
    "config": "int32",
    "training_seed": "int32",
    "epoch": "int32",
    "train_seconds": "float32",
    "validation_seconds": "float32",
}
"""Those besides the metrics, which are float32."""


@dataclass(frozen=True)
class Recorded:
    """Trainings of configurations with several training seeds each, every epoch kept.

    A training that failed has the epochs up to its failure, and no rows after them; nothing is imputed.

    Attributes:
        configs: One row a configuration: ``config`` int32, from 0; ``origin``, of `ORIGINS`; one column a
            hyperparameter, null where its condition is off or the reference CNN lies outside the space.
            Lists stand as their JSON text.
        curves: One row an epoch of a training: ``config``, ``training_seed``, ``epoch`` int32, from 1;
            ``validation_*`` and ``test_*`` float32, scores of the weights after that epoch at the threshold
            that maximises F1 on validation then; ``train_seconds``, ``validation_seconds`` float32. A metric
            is null where it was not kept.
        runs: One row a training: ``config``; ``training_seed`` int32, from 0; ``status``, of
            `STATUSES`; ``epochs`` int32; ``seconds``,
            ``start_seconds``, ``end_seconds`` float64, in all, before the first epoch, after the last;
            ``weights`` Int64; ``flops`` float64, of one image's forward pass; ``peak_memory`` Int64, bytes of
            the process; ``reason``, why it failed.
        space: What the configurations are of.
        metadata: What ``metadata.json`` says: see `mammobench.benchmark.recording.metadata_of`.
    """

    configs: pd.DataFrame
    curves: pd.DataFrame
    runs: pd.DataFrame
    space: SearchSpace
    metadata: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Bring the frames into one order and type, so that equal contents are equal bytes."""
        configs = self.configs.sort_values("config", ignore_index=True)
        keys = [item.key for item in self.space.hyperparameters]
        configs = configs[["config", "origin", *keys]].astype({"config": "int32", "origin": "str"})
        configs = configs.astype({item.key: column_type(item) for item in self.space.hyperparameters})
        metrics = sorted(
            (name for name in self.curves.columns if name.startswith(("validation_", "test_"))
             and name not in CURVE_COLUMNS),
            key=lambda name: name.startswith("test_"),
        )  # fmt: skip
        curves = self.curves.sort_values(["config", "training_seed", "epoch"], ignore_index=True)
        curves = curves[[*list(CURVE_COLUMNS)[:3], *metrics, *list(CURVE_COLUMNS)[3:]]]
        curves = curves.astype({**CURVE_COLUMNS, **dict.fromkeys(metrics, "float32")})
        runs = self.runs.sort_values(["config", "training_seed"], ignore_index=True)
        runs = runs[list(RUN_COLUMNS)].astype(RUN_COLUMNS)
        for name, frame in (("configs", configs), ("curves", curves), ("runs", runs)):
            object.__setattr__(self, name, frame)


def column_type(item: Hyperparameter) -> str:
    """Return the pandas type of a hyperparameter's column, one that has nulls."""
    if isinstance(item, FloatRange):
        return "float64"
    if not isinstance(item, Choice):
        return "Int64"
    kinds = {type(value) for value in item.grid()}
    if kinds == {bool}:
        return "boolean"
    if kinds == {int}:
        return "Int64"
    return "float64" if kinds <= {int, float} else "str"


def to_column(item: Hyperparameter, value: Any) -> Any:  # noqa: ANN401 - a field of any type
    """Return a hyperparameter's value as its column has it."""
    if column_type(item) != "str" or isinstance(value, str):
        return value
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def from_column(item: Hyperparameter, value: Any) -> Any:  # noqa: ANN401 - as above
    """Return the value that a column has of a hyperparameter, as the space has it.

    Raises:
        DataError: For a value that the space does not have.
    """
    if isinstance(item, Choice):
        for choice in item.grid():
            if to_column(item, choice) == value and (column_type(item) != "boolean" or value is not None):
                return choice
    else:
        value = float(value) if isinstance(item, FloatRange) else int(value)
        if item.contains(value):
            return value
    raise DataError(
        "a value that the space does not have",
        where=item.key,
        expected=item.describe(),
        found=repr(encode(value))[:60],
    )


def values_of(recorded: Recorded) -> tuple[dict[str, Any] | None, ...]:
    """Return each configuration's proposal; None for the reference CNN where it lies outside the space.

    Raises:
        DataError: For values that are no whole configuration of the space.
    """
    items = recorded.space.hyperparameters
    found: list[dict[str, Any] | None] = []
    for row in recorded.configs.to_dict("records"):
        values = {item.key: from_column(item, row[item.key]) for item in items if not _is_null(row[item.key])}
        if recorded.space.contains(values) and (values or not items):
            found.append(values)
        elif row["origin"] == "reference" and not values:
            found.append(None)
        else:
            raise DataError(
                "no whole configuration of the space",
                where=f"configuration {row['config']}",
                expected=f"the hyperparameters of {recorded.space.name}, conditions obeyed",
                found=", ".join(f"{key} {str(value)[:40]}" for key, value in values.items()) or "none",
            )
    return tuple(found)


def _is_null(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and bool(np.isnan(value)))
