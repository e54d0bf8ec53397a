"""`mammobench record` and `compare` from the command line: kills, growth, export, bad input."""

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mammobench.benchmark import filenames
from mammobench.benchmark.replay.trace_file import digest_of, load_trace
from mammobench.benchmark.tables.table import Table
from mammobench.study.filenames import TRIALS
from tests.integration.command_line import CommandLine
from tests.integration.watching import family, require_gone
from tests.recorded_tables import write_made_table

TIMES = ["train_seconds", "validation_seconds"]
SIZE = ["--configurations", "3", "--seeds", "2"]


def words(command_line: CommandLine, out: str, *more: str) -> list[str]:
    return ["record", "--space", "tiny.yaml", "--data", str(command_line.store), "--out", out, *more]


def require_same(found: Table, expected: Table) -> None:
    """Refuse tables that differ in more than the time that they took."""
    pd.testing.assert_frame_equal(found.configs, expected.configs)
    pd.testing.assert_frame_equal(found.curves.drop(columns=TIMES), expected.curves.drop(columns=TIMES))
    kept = ["config", "training_seed", "status", "epochs", "weights", "flops"]
    pd.testing.assert_frame_equal(found.runs[kept], expected.runs[kept])


@pytest.fixture(scope="module")
def recorded(module_command_line: CommandLine) -> Table:
    module_command_line.run(*words(module_command_line, "whole", *SIZE))
    return Table.open(module_command_line.folder / "whole")


def test_a_table_has_every_epoch_of_every_training(recorded: Table) -> None:
    facts = recorded.facts()
    assert (facts["configurations"], facts["training_seeds"], facts["trainings"]) == (4, 2, 8)
    assert facts["synthetic"]
    assert recorded.configs["origin"].tolist() == ["reference", "default", "sobol", "sobol"]
    assert len(recorded.curves) == 8 * 3
    assert recorded.curves["test_f1"].between(0, 1).all()
    runs = recorded.runs
    epochs = recorded.curves.groupby(["config", "training_seed"])[TIMES].sum().sum(axis=1).to_numpy()
    np.testing.assert_allclose(
        runs["seconds"], runs["start_seconds"] + epochs + runs["end_seconds"], rtol=1e-5
    )
    assert (runs["peak_memory"] > 2**20).all()
    # training seeds of one configuration differ, and so do their curves
    first, second = (recorded.curves[recorded.curves["training_seed"] == seed] for seed in (0, 1))
    assert not np.array_equal(first["validation_f1"], second["validation_f1"])


@pytest.mark.timeout(600)
def test_kills_lose_and_double_nothing(module_command_line: CommandLine, recorded: Table) -> None:
    """Killed with the whole family when the second and the last training have begun."""
    line = module_command_line
    for begun in (2, 8):
        trials = line.folder / "killed" / filenames.STUDY / "killed" / TRIALS
        with line.start(*words(line, "killed", *SIZE)) as process:
            deadline = time.monotonic() + 240
            while len(list(trials.glob("*"))) < begun and process.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            members = family(process)
            process.kill()
            process.communicate()
        require_gone(members)
    line.run(*words(line, "killed", *SIZE))
    require_same(Table.open(line.folder / "killed"), recorded)


@pytest.mark.slow  # four recordings
@pytest.mark.timeout(600)
def test_a_table_grows_with_or_without_the_study_that_recorded_it(
    module_command_line: CommandLine, recorded: Table
) -> None:
    line = module_command_line
    line.run(*words(line, "grown", "--configurations", "2", "--seeds", "1"))
    line.run(*words(line, "grown", "--configurations", "3", "--seeds", "1"))
    shutil.rmtree(line.folder / "grown" / filenames.STUDY)
    line.run(*words(line, "grown", *SIZE))
    require_same(Table.open(line.folder / "grown"), recorded)
    _, err = line.run(*words(line, "grown", "--configurations", "2", "--seeds", "2"), status=2)
    assert "nothing is taken away" in err


def test_a_search_is_exported_as_a_table(searched: CommandLine, tmp_path: Path) -> None:
    found = searched.run_json("record", "--study", "tiny", "--out", str(tmp_path / "exported"))
    table = Table.open(tmp_path / "exported")
    assert found["trainings"] == len(table.runs) == 5
    assert table.configs["origin"].tolist() == ["reference"] + ["searched"] * 4
    # test scores are known of the epoch that predicted, and of no other
    assert table.curves.groupby("config")["test_f1"].count().tolist() == [1] * 5


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--out", "no/good name?"], "name that a table can have"),
        (["--space", "tinny"], "unknown search space"),
        (["--data", "nowhere"], "no image store"),
    ],
)
def test_a_recording_that_cannot_be_leaves_nothing(
    command_line: CommandLine, more: list[str], said: str
) -> None:
    _, err = command_line.run(*words(command_line, "t"), *more, status=2)
    assert said in " ".join(err.split())
    assert not (command_line.folder / "t").exists()
    assert not (command_line.folder / "no").exists()


def test_a_table_of_another_task_is_not_recorded_into(
    module_command_line: CommandLine, recorded: Table
) -> None:
    line = module_command_line
    text = (line.folder / "tiny.yaml").read_text().replace("malignancy", "abnormality")
    (line.folder / "other.yaml").write_text(text)
    shutil.copytree(recorded.folder, line.folder / "copied")
    before = Table.open(line.folder / "copied").digest
    shutil.rmtree(line.folder / "copied" / filenames.STUDY)
    asked = words(line, "copied", *SIZE)
    asked[asked.index("tiny.yaml")] = "other.yaml"
    _, err = line.run(*asked, status=2)
    assert "another task" in err
    assert Table.open(line.folder / "copied").digest == before


@pytest.mark.timeout(600)
def test_a_killed_comparison_goes_on(command_line: CommandLine) -> None:
    write_made_table(command_line.folder / "made")
    asked = [
        "compare",
        "made",
        "--methods",
        "random,asha",
        "--seeds",
        "12",
        "--jobs",
        "2",
        "--out",
    ]
    whole = command_line.run_json(*asked, "whole")
    traces = command_line.folder / "killed" / filenames.TRACES
    for kept in (3, 14):
        with command_line.start(*asked, "killed") as process:
            while len(list(traces.rglob("*.npz"))) < kept and process.poll() is None:
                time.sleep(0.01)
            members = family(process)
            process.kill()
            process.communicate()
        require_gone(members)
    found = command_line.run_json(*asked, "killed")
    assert found["pairs"] == whole["pairs"]
    assert found["lead"] == whole["lead"]
    digests = [
        {path.relative_to(command_line.folder / out): digest_of(trace)
         for path in sorted((command_line.folder / out).rglob("*.npz")) if (trace := load_trace(path))}
        for out in ("whole", "killed")
    ]  # fmt: skip
    assert digests[0] == digests[1]
    assert len(digests[0]) == 24


def test_a_comparison_says_who_wins_and_where_the_page_is(command_line: CommandLine) -> None:
    write_made_table(command_line.folder / "made")
    out, err = command_line.run("compare", "made", "--methods", "random,asha", "--seeds", "4", "--out", "c")
    assert "regret" in out
    assert "c/index.html" in out
    assert "Searching: done" in err
    page = (command_line.folder / "c" / "index.html").read_text()
    assert "random against itself" in page


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--methods", "tpee"], "did you mean 'tpe'"),
        (["--methods", "gp"], "gp"),
        (["--budget-seconds", "1"], "pays for no whole training"),
        (["--answers", "best"], "exact, nearest, surrogate"),
        (["nowhere"], "no table of recorded trainings"),
    ],
)
def test_a_comparison_that_cannot_be_leaves_nothing(
    command_line: CommandLine, more: list[str], said: str
) -> None:
    write_made_table(command_line.folder / "made")
    _, err = command_line.run("compare", "made", "--out", "c", *more, status=2)
    assert said in " ".join(err.split())
    assert not (command_line.folder / "c").exists()


def test_a_table_says_what_it_holds(command_line: CommandLine) -> None:
    write_made_table(command_line.folder / "made", failing=0.2)
    found = command_line.run_json("table", "made")
    assert found["configurations"] == 48
    assert json.dumps(found)
    out, _ = command_line.run("table", "made")
    assert "training seeds" in out
