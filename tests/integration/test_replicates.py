"""Finalists with other seeds: trained at the end of a search, interrupted, and gone on with."""

import json
import os
import re
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mammobench.data.store.image_store import ImageStore
from tests.integration.command_line import CommandLine, make_command_line
from tests.integration.test_interruption import wait_for

SPACE = """\
name: tiny
task: malignancy
image_size: 16
base: {training.batch_size: 4, training.patience: 0, model.filters: [4]}
search:
  optimizer.learning_rate: {float: [1.0e-3, 1.0e-2], log: true}
budget: {trials: 2, max_epochs: 20}
"""


# one worker makes the searched study once
@pytest.mark.xdist_group("searched")
def test_each_stage_is_told_once(searched: CommandLine, tmp_path: Path) -> None:
    shutil.copytree(searched.folder / "reports", tmp_path / "reports")
    _, err = replace(searched, folder=tmp_path).run("replicate", "tiny", "--top", "1", "--replicates", "2")
    told = re.findall(r"^(.*): done in \d+ s$", err, re.MULTILINE)
    trained = [stage for stage in told if stage.startswith("Training trial ")]
    assert len(trained) == 4
    assert len({*told}) == len(told)
    assert told[-2:] == ["Replicates", "Writing the report"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_search_ends_with_its_finalists_over_several_seeds(tmp_path: Path, phantom: ImageStore) -> None:
    command_line = make_command_line(tmp_path, phantom)
    (tmp_path / "tiny.yaml").write_text(SPACE)
    words = [*command_line.search_words, "--replicates", "2", "--finalists", "1"]
    study = tmp_path / "reports" / "tiny"
    with command_line.start(*words) as process:
        wait_for(study / ".replicate-0000-1" / "checkpoint.npz", process)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    before = {path: path.stat().st_mtime_ns for path in study.glob("trials/*/replicates/*/predictions.npz")}
    assert len(before) == 2

    command_line.run(*words)
    assert not list(study.glob(".replicate-*"))
    kept = sorted(study.glob("trials/*/replicates/*/predictions.npz"))
    assert len(kept) == 4
    assert {path: path.stat().st_mtime_ns for path in before} == before
    seeds = {json.loads((path.parent / "replicate.json").read_text())["seed"] for path in kept}
    assert len(seeds) == 4
    for path in kept:
        with np.load(path) as replicate, np.load(path.parents[2] / "predictions.npz") as own:
            assert replicate["test_probability"].shape == own["test_probability"].shape
            assert not np.array_equal(replicate["test_probability"], own["test_probability"])
    done = command_line.run_json("replicate", "tiny", "--top", "1", "--replicates", "2")
    assert [trial["replicates"] for trial in done["trials"]] == [2, 2]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    table = pd.read_csv(study / "leaderboard.csv")
    assert table["replicate_f1_mean"].notna().sum() == 2

    damaged, whole = kept[0], kept[0].read_bytes()
    damaged.write_bytes(whole[:100])
    command_line.run("replicate", "tiny", "--top", "1", "--replicates", "2")
    again = sorted(study.glob("trials/*/replicates/*/predictions.npz"))
    assert again == kept
    assert damaged.read_bytes() == whole
