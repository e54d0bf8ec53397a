"""A table's files: what is written is read, and what is damaged is refused with a word on what and where."""

import json
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mammobench.benchmark import filenames
from mammobench.benchmark.merging import merged
from mammobench.benchmark.tables import writing
from mammobench.benchmark.tables.observed import read_observed
from mammobench.benchmark.tables.recorded import Recorded
from mammobench.benchmark.tables.sealed import read_sealed
from mammobench.benchmark.tables.table import Table
from mammobench.benchmark.tables.writing import sha256_of, write_table
from mammobench.core.errors import DataError
from tests.recorded_tables import made_table, write_made_table


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables") / "made"
    write_made_table(folder, failing=0.2, finite=False)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    copied = tmp_path / "made"
    shutil.copytree(whole, copied)
    return copied


def rewritten(folder: Path, name: str, change: object) -> None:
    """Change a frame of a table, its sums kept true."""
    frame = pd.read_parquet(folder / name)
    frame = change(frame) if callable(change) else frame
    frame.to_parquet(folder / name, index=False)
    renew_sum(folder, name)


def renew_sum(folder: Path, name: str) -> None:
    lines = (folder / filenames.SUMS).read_text().splitlines()
    others = [line for line in lines if not line.endswith(f"  {name}")]
    (folder / filenames.SUMS).write_text("\n".join([*others, f"{sha256_of(folder / name)}  {name}", ""]))


@pytest.mark.parametrize("finite", [True, False])
def test_what_a_search_may_know_and_the_test_scores_survive_the_files(
    tmp_path: Path, *, finite: bool
) -> None:
    observed, sealed = made_table(failing=0.2, finite=finite)
    table = write_made_table(tmp_path / "t", failing=0.2, finite=finite)
    read, scores = read_observed(table), read_sealed(table)
    assert read.proposals == observed.proposals
    assert read.space.to_dict() == observed.space.to_dict()
    np.testing.assert_allclose(read.objective, observed.objective, rtol=1e-6)
    np.testing.assert_allclose(read.epoch_seconds, observed.epoch_seconds, rtol=1e-6)
    np.testing.assert_array_equal(read.status, observed.status)
    np.testing.assert_array_equal(read.epochs, observed.epochs)
    np.testing.assert_allclose(scores.test, sealed.test, rtol=1e-6)


def test_pandas_and_sha256sum_read_a_table_without_us(whole: Path) -> None:
    runs, curves = (pd.read_parquet(whole / name) for name in (filenames.RUNS, filenames.CURVES))
    assert curves.groupby(["config", "training_seed"]).size().sum() == runs["epochs"].sum()
    for line in (whole / filenames.SUMS).read_text().splitlines():
        digest, name = line.split("  ")
        assert sha256_of(whole / name) == digest


def test_the_same_contents_are_the_same_bytes(tmp_path: Path) -> None:
    first, second = (write_made_table(tmp_path / place / "t", failing=0.1) for place in "ab")
    assert first.digest == second.digest


@pytest.mark.parametrize("name", [filenames.CONFIGS, filenames.CURVES, filenames.RUNS, filenames.SPACE,
                                  filenames.METADATA, filenames.CARD, filenames.LICENSE])  # fmt: skip
def test_a_changed_file_is_named_with_both_sums(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-3] + b"xyz")
    with pytest.raises(DataError, match="has changed") as raised:
        Table.open(folder)
    assert name in str(raised.value)
    assert "SHA-256" in str(raised.value)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / filenames.RUNS).unlink()
    with pytest.raises(DataError, match="missing"):
        Table.open(folder)


def test_a_folder_without_a_table_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="mammobench record"):
        Table.open(tmp_path)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (filenames.CURVES, lambda frame: frame.drop(index=4), "epoch 5 is missing"),
        (filenames.CURVES, lambda frame: pd.concat([frame, frame.iloc[:1]]), "stands twice"),
        (filenames.RUNS, lambda frame: frame.drop(index=1), "no training with seed 1"),
        (filenames.RUNS, lambda frame: frame.assign(status="well"), "unknown status 'well'"),
        (filenames.RUNS, lambda frame: frame.assign(config=frame["config"] + 9), "is not among"),
        (filenames.RUNS, lambda frame: frame.drop(columns="seconds"), "no column seconds"),
        (filenames.RUNS, lambda frame: frame.assign(seconds=-1.0), "seconds below 0"),
        (filenames.CONFIGS, lambda frame: frame.drop(index=3), "not numbered from 0"),
        (filenames.CONFIGS, lambda frame: frame.assign(origin="sobol"), "one reference"),
        (
            filenames.CONFIGS,
            lambda frame: frame.assign(**{"model.activation": "tanh"}),
            "a value that the space does not have",
        ),
        (filenames.CURVES, lambda frame: frame.assign(validation_f1=np.nan), "not a number"),
    ],
)  # fmt: skip
def test_rows_that_do_not_fit_are_told(folder: Path, name: str, change: object, said: str) -> None:
    rewritten(folder, name, change)
    with pytest.raises(DataError, match=said):
        Table.open(folder)


def test_a_newer_format_is_refused(folder: Path) -> None:
    path = folder / filenames.METADATA
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2}))
    renew_sum(folder, path.name)
    with pytest.raises(DataError, match="format 1"):
        Table.open(folder)


@pytest.mark.parametrize("renames", range(10))
def test_a_kill_between_two_files_leaves_the_old_table_or_the_new(
    folder: Path, renames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each rename in turn, also those of the files that are written aside."""
    old = Table.open(folder)
    real, done = Path.replace, 0

    def replace(self: Path, target: Path) -> Path:
        nonlocal done
        if self.parent.name == filenames.ASIDE and not self.name.startswith("."):
            if done == renames:
                raise KeyboardInterrupt
            done += 1
        return real(self, target)

    new = Recorded(
        old.configs, old.curves, old.runs, old.recorded.space, {**old.metadata, "description": "another"}
    )
    monkeypatch.setattr(Path, "replace", replace)
    with suppress(KeyboardInterrupt):
        write_table(folder, new)
    monkeypatch.undo()
    assert Table.open(folder).metadata["description"] == "another"


def test_a_kill_before_the_new_table_is_whole_leaves_the_old_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Table.open(folder)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "dataset_card", fail)
    with pytest.raises(KeyboardInterrupt):
        write_table(folder, old.recorded)
    monkeypatch.undo()
    assert Table.open(folder).digest == old.digest


def test_more_seeds_and_configurations_are_merged(whole: Path) -> None:
    recorded = Table.open(whole).recorded
    part = _of(recorded, configs=20, seeds=3)
    more = _rest(recorded, part)
    together = merged(part, more)
    assert together is not None
    pd.testing.assert_frame_equal(together.curves, recorded.curves)
    pd.testing.assert_frame_equal(together.runs, recorded.runs)


def test_trainings_of_other_images_are_not_merged(whole: Path) -> None:
    recorded = Table.open(whole).recorded
    other = Recorded(
        recorded.configs, recorded.curves, recorded.runs, recorded.space,
        {**recorded.metadata, "data": {**recorded.metadata["data"], "fingerprint": "1" * 64}},
    )  # fmt: skip
    with pytest.raises(DataError, match="another data"):
        merged(recorded, other)


def _of(recorded: Recorded, *, configs: int, seeds: int) -> Recorded:
    def kept(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[(frame["config"] < configs) & (frame["training_seed"] < seeds)]

    known = recorded.configs[recorded.configs["config"] < configs]
    return Recorded(known, kept(recorded.curves), kept(recorded.runs), recorded.space, recorded.metadata)


def _rest(recorded: Recorded, part: Recorded) -> Recorded:
    keys = set(zip(part.runs["config"], part.runs["training_seed"], strict=True))

    def others(frame: pd.DataFrame) -> pd.DataFrame:
        mine = [key not in keys for key in zip(frame["config"], frame["training_seed"], strict=True)]
        return frame[mine]

    return Recorded(
        recorded.configs, others(recorded.curves), others(recorded.runs), recorded.space, recorded.metadata
    )
