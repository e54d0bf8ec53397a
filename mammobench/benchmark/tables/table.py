"""`Table`: a table of recorded trainings on disk, opened and checked."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mammobench.benchmark import filenames
from mammobench.benchmark.tables.recorded import CURVE_COLUMNS, RUN_COLUMNS, STATUSES, Recorded, values_of
from mammobench.benchmark.tables.writing import FORMAT, finish_writing, sha256_of
from mammobench.core.errors import DataError, MammobenchError
from mammobench.core.names import is_plain
from mammobench.space.yaml_file import read_space

_FILES = (
    filenames.CONFIGS, filenames.CURVES, filenames.RUNS, filenames.SPACE, filenames.METADATA, filenames.CARD,
    filenames.CROISSANT, filenames.LICENSE,
)  # fmt: skip
_AGAIN = "Restore the table from a copy, or record it again"
_SUM = re.compile(r"([0-9a-f]{64})  (\S+)")


@dataclass(frozen=True, repr=False, eq=False)
class Table:
    """A table of recorded trainings.

    Attributes:
        folder: Where it lies.
        recorded: What it holds.
        digest: SHA-256 over its files' sums: two tables of one digest are the same.
    """

    folder: Path
    recorded: Recorded
    digest: str

    @classmethod
    def open(cls, folder: str | Path) -> "Table":
        """Open a table, every file and every row checked.

        Raises:
            DataError: Where there is none, a file is missing or has changed, or its contents are not whole.
        """
        folder = Path(folder)
        if (folder / filenames.ASIDE / filenames.SUMS).is_file():
            finish_writing(folder)
        digest = _check_sums(folder)
        metadata = _read_metadata(folder / filenames.METADATA)
        try:
            space = read_space(folder / filenames.SPACE)
        except MammobenchError as error:
            raise DataError(f"damaged table ({error})", where=folder, remedy=_AGAIN) from None
        frames = {}
        for name in (filenames.CONFIGS, filenames.CURVES, filenames.RUNS):
            try:
                frames[name] = pd.read_parquet(folder / name)
            except (OSError, ValueError) as error:
                raise _damaged(folder / name, str(error).splitlines()[0]) from None
        required: dict[str, Any] = {
            filenames.CONFIGS: ["config", "origin", *(item.key for item in space.hyperparameters)],
            filenames.CURVES: CURVE_COLUMNS,
            filenames.RUNS: RUN_COLUMNS,
        }
        for name, columns in required.items():
            missing = [column for column in columns if column not in frames[name].columns]
            if missing:
                raise _damaged(folder / name, f"no column {missing[0]}")
        try:
            recorded = Recorded(
                frames[filenames.CONFIGS], frames[filenames.CURVES], frames[filenames.RUNS], space, metadata
            )
        except (TypeError, ValueError) as error:
            raise _damaged(folder, str(error).splitlines()[0]) from None
        table = cls(folder, recorded, digest)
        table._check()
        return table

    @property
    def name(self) -> str:
        """The table's name."""
        return str(self.recorded.metadata["name"])

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What ``metadata.json`` says."""
        return self.recorded.metadata

    @property
    def configs(self) -> pd.DataFrame:
        """One row a configuration; see `Recorded`."""
        return self.recorded.configs

    @property
    def curves(self) -> pd.DataFrame:
        """One row an epoch of a training; see `Recorded`."""
        return self.recorded.curves

    @property
    def runs(self) -> pd.DataFrame:
        """One row a training; see `Recorded`."""
        return self.recorded.runs

    def facts(self) -> dict[str, Any]:
        """Return what a table comes to, in a few numbers; JSON-compatible."""
        runs = self.runs
        return {
            "name": self.name,
            "task": self.metadata["task"],
            "objective": self.metadata["objective"],
            "data": self.metadata["data"]["source"],
            "synthetic": bool(self.metadata["data"]["synthetic"]),
            "configurations": len(self.configs),
            "training_seeds": int(runs["training_seed"].max()) + 1,
            "epochs": int(self.recorded.space.budget.max_epochs),
            "trainings": len(runs),
            "failed": int((runs["status"] != "ok").sum()),
            "hours": float(runs["seconds"].sum() / 3600),
        }

    def __repr__(self) -> str:
        """Return the facts in a line."""
        facts = self.facts()
        synthetic = ", synthetic data" if facts["synthetic"] else ""
        return (
            f"Table {facts['name']}: {facts['configurations']} configurations, {facts['training_seeds']} "
            f"training seeds, {facts['epochs']} epochs, {facts['task']} by {facts['objective']}{synthetic}"
        )

    def _repr_html_(self) -> str:
        # shown in a notebook
        shown: str = pd.DataFrame([self.facts()]).T.to_html(header=False)
        return shown

    def _check(self) -> None:
        """Hold the rows of the three frames against each other and against the space."""
        recorded, where = self.recorded, self.folder
        configs = recorded.configs["config"].to_numpy()
        if configs.tolist() != list(range(len(configs))):
            raise _damaged(where / filenames.CONFIGS, "configurations are not numbered from 0, each once")
        try:
            values_of(recorded)
        except DataError as error:
            raise _damaged(where / filenames.CONFIGS, str(error).rstrip(".")) from None
        if (recorded.configs["origin"] == "reference").sum() != 1:
            raise _damaged(where / filenames.CONFIGS, "not exactly one reference CNN")
        for fault in _faults(recorded):
            raise _damaged(where, fault)


def _faults(recorded: Recorded) -> Iterator[str]:
    runs, curves, known = recorded.runs, recorded.curves, len(recorded.configs)
    keys = ["config", "training_seed"]
    for name, frame, columns in (("runs", runs, keys), ("curves", curves, [*keys, "epoch"])):
        if frame.duplicated(columns).any():
            row = frame[frame.duplicated(columns)].iloc[0]
            yield f"{name}: {', '.join(f'{key} {row[key]}' for key in columns)} stands twice"
        strange = frame[(frame["config"] < 0) | (frame["config"] >= known)]
        if len(strange):
            yield f"{name}: configuration {strange['config'].iloc[0]} is not among the {known}"
    unknown = set(runs["status"]) - set(STATUSES)
    if unknown:
        yield f"runs: unknown status {min(unknown)!r}, expected one of {', '.join(STATUSES)}"
    yield from _missing_seeds(recorded)
    yield from _missing_epochs(recorded)
    if (len(curves) and (curves[["train_seconds", "validation_seconds"]] < 0).any().any()) or (
        runs[["seconds", "start_seconds", "end_seconds"]] < 0
    ).any().any():
        yield "seconds below 0"
    objective = f"validation_{recorded.metadata['objective']}"
    if objective not in curves.columns or not np.isfinite(curves[objective].to_numpy()).all():
        yield f"curves: {objective} is not a number everywhere"


def _missing_seeds(recorded: Recorded) -> Iterator[str]:
    runs = recorded.runs
    seeds = int(runs["training_seed"].max()) + 1 if len(runs) else 0
    for config in range(len(recorded.configs)):
        found = runs.loc[runs["config"] == config, "training_seed"].tolist()
        if found != list(range(seeds)):
            missing = next(iter(set(range(seeds)) - set(found)), 0)
            yield f"runs: configuration {config} has no training with seed {missing}"


def _missing_epochs(recorded: Recorded) -> Iterator[str]:
    runs, curves, keys = recorded.runs, recorded.curves, ["config", "training_seed"]
    most = recorded.space.budget.max_epochs
    there = curves.groupby(keys)["epoch"].agg(list).to_dict()
    ended = (runs[name].tolist() for name in (*keys, "status", "epochs"))
    for config, seed, status, epochs in zip(*ended, strict=True):
        found, whole = there.get((config, seed), []), status == "ok"
        if not 0 <= epochs <= most or (whole and epochs != most):
            expected = f"all {most} epochs" if whole else f"0 to {most} epochs"
            yield (
                f"runs: configuration {config}, seed {seed} ({status}) has {epochs} epochs, "
                f"expected {expected}"
            )
        wanted = list(range(1, epochs + 1))
        if found != wanted:
            lost = next((epoch for epoch in wanted if epoch not in found), None)
            what = f"epoch {lost} is missing" if lost else f"epoch {found[-1]} is more than runs has"
            yield f"curves: configuration {config}, seed {seed}: {what}"


def _check_sums(folder: Path) -> str:
    """Return the digest of a table's files after each has been held against its sum."""
    path = folder / filenames.SUMS
    if not path.is_file():
        study = " with a recording that is not finished" if (folder / filenames.STUDY).is_dir() else ""
        raise DataError(
            "no table of recorded trainings",
            where=folder,
            expected=f"a folder with {filenames.SUMS}, {filenames.RUNS} and others",
            found=(f"a folder without{study}" if folder.is_dir() else "no such folder"),
            remedy="`mammobench record` makes one",
        )
    text = path.read_text(encoding="utf-8", errors="replace")
    sums: dict[str, str] = {}
    for line in text.splitlines():
        match = _SUM.fullmatch(line)
        # a name that leads elsewhere is no file of the table
        if match is None or not is_plain(match[2]):
            raise _damaged(path, "expected a SHA-256, two spaces and a file's name in each line")
        sums[match[2]] = match[1]
    for name in sorted({*_FILES} | {*sums}):
        file = folder / name
        if name not in sums:
            raise _damaged(path, f"no line for {name}")
        if not file.is_file():
            raise DataError("a file of the table is missing", where=file, remedy=_AGAIN)
        found = sha256_of(file)
        if found != sums[name]:
            raise DataError(
                "a file of the table has changed",
                where=file,
                expected=f"SHA-256 {sums[name][:16]}...",
                found=f"{found[:16]}...",
                remedy=_AGAIN,
            )
    return sha256_of(path)


def _read_metadata(path: Path) -> dict[str, Any]:
    try:
        metadata = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _damaged(path, str(error)) from None
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        found = metadata.get("format") if isinstance(metadata, dict) else "no mapping"
        raise DataError(
            "a table that this version does not read",
            where=path,
            expected=f"format {FORMAT}",
            found=found,
            remedy="Use a newer mammobench",
        )
    metadata.pop("format")
    for key, kind in REQUIRED.items():
        if not isinstance(metadata.get(key), kind):
            raise _damaged(path, f"{key} is missing, or not a {kind.__name__}")
    return metadata


REQUIRED: dict[str, type] = {
    "name": str, "task": str, "objective": str, "direction": str, "weights": str, "data": dict,
    "splits": list, "versions": dict,
}  # fmt: skip
"""Entries of ``metadata.json`` that readers count on, and their types."""


def _damaged(where: Path, fault: str) -> DataError:
    return DataError(f"damaged table ({fault})", where=where, remedy=_AGAIN)
