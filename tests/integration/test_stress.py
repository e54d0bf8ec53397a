"""Leaders under stress: trained again to the same bits, interrupted, and gone on with."""

import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mammobench.data.images.conditions import CONDITIONS
from mammobench.data.images.phantom import make_phantom
from mammobench.data.store.image_store import ImageStore
from tests.integration.command_line import CommandLine, make_command_line
from tests.integration.test_interruption import wait_for

pytestmark = pytest.mark.slow
SPACE = """\
name: tiny
task: abnormality
image_size: 16
objective: f1_worst_case
base: {training.batch_size: 4, training.patience: 0}
search:
  data.intensity: {choice: [unit, histogram, clahe]}
  model.filters: {choice: [[4], [4, 8]]}
  optimizer.learning_rate: {float: [1.0e-3, 1.0e-2], log: true}
budget: {trials: 3, max_epochs: 30}
"""


@pytest.fixture(scope="module")
def worst_case(tmp_path_factory: pytest.TempPathFactory, phantom: ImageStore) -> CommandLine:
    """A search for the worst case on a task that has both sources, long enough to be interrupted."""
    command_line = make_command_line(tmp_path_factory.mktemp("worst"), phantom)
    (command_line.folder / "tiny.yaml").write_text(SPACE)
    command_line.run(*command_line.search_words)
    return command_line


def test_a_search_for_the_worst_case_is_reproduced_to_the_bit(worst_case: CommandLine) -> None:
    for trial in (1, 2):
        done = worst_case.run_json("reproduce", "tiny", "--trial", str(trial))
        assert done["largest_difference"] == 0
    table = pd.read_csv(worst_case.folder / "reports" / "tiny" / "leaderboard.csv")
    searched = table[table["role"] == "searched"]
    assert (searched["objective"] <= searched["validation_f1"] + 1e-9).all()


def test_an_interrupted_stress_goes_on_and_what_is_there_is_not_made_again(worst_case: CommandLine) -> None:
    study = worst_case.folder / "reports" / "tiny"
    table = pd.read_csv(study / "leaderboard.csv")
    selected = int(table.loc[table["selected"], "trial"].item())
    with worst_case.start("stress", "tiny", "--top", "1") as process:
        aside = study / f".stress-{selected:04d}"
        wait_for(aside / "checkpoint.npz", process)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "goes on with what is missing" in " ".join(err.split())
    assert not list(study.glob("trials/*/stress.npz"))
    assert (aside / "checkpoint.npz").exists()

    done = worst_case.run_json("stress", "tiny", "--top", "1")
    assert [trial["name"] for trial in done["trials"]].count("reference CNN") == 1
    assert len(done["trials"]) == 2
    assert not list(study.glob(".stress-*"))
    names = ["unchanged", *(condition.name for condition in CONDITIONS)]
    for trial in done["trials"]:
        folder = study / "trials" / f"{trial['trial']:04d}"
        with np.load(folder / "stress.npz") as stress, np.load(folder / "predictions.npz") as own:
            assert stress["conditions"].tolist() == names
            for part in ("validation_probability", "test_probability"):
                assert np.array_equal(stress[part][0], own[part])
        assert [row["condition"] for row in trial["conditions"]] == names
    made = {path: path.stat().st_mtime_ns for path in study.glob("trials/*/stress.npz")}
    assert worst_case.run_json("stress", "tiny", "--top", "1") == done
    assert {path: path.stat().st_mtime_ns for path in made} == made
    table = pd.read_csv(study / "leaderboard.csv")
    assert table["stress_f1_worst"].notna().sum() == 2
    assert "Test F1 under stress" in (study / "index.html").read_text("utf-8")


def test_other_images_are_refused(worst_case: CommandLine, tmp_path: Path) -> None:
    other = make_phantom(tmp_path / "other", images=48, seed=1).path
    folders = (worst_case.folder / "reports" / "tiny" / "trials").iterdir()
    missing = max(path.name for path in folders if not (path / "stress.npz").exists())
    _, err = worst_case.run("stress", "tiny", "--trial", str(int(missing)), "--data", str(other), status=2)
    assert "not the images that the study was made with" in " ".join(err.split())
