"""Stock KerasTuner and Optuna over the project's space and family, by the README's own lines."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mammobench.data.store.image_store import ImageStore
from tests.conftest import REPOSITORY

BLOCKS = {path.stem: path.read_text("utf-8") for path in (Path(__file__).parent / "stock").glob("*.py")}


def run(block: str, folder: Path, store: ImageStore) -> str:
    """Run a block in a fresh folder where ``stores/ddsm`` is the tiny phantom set."""
    (folder / "stores").mkdir()
    (folder / "stores" / "ddsm").symlink_to(store.path)
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readme_shows_these_lines() -> None:
    page = (REPOSITORY / "mammobench" / "models" / "README.md").read_text("utf-8")
    assert all(f"```python\n{block}```" in page for block in BLOCKS.values())


@pytest.mark.parametrize("name", sorted(BLOCKS))
def test_they_are_ten(name: str) -> None:
    assert len([line for line in BLOCKS[name].splitlines() if line]) <= 10


def test_a_stock_keras_tuner_random_search(tmp_path: Path, phantom: ImageStore) -> None:
    out = run(BLOCKS["keras_tuner_search"], tmp_path, phantom)
    assert "loss.name" in out.splitlines()[-1]
    trials = [json.loads(path.read_text()) for path in tmp_path.glob("tuner/*/trial_*/trial.json")]
    assert [trial["status"] for trial in trials] == ["COMPLETED"] * 2


def test_a_stock_optuna_study(tmp_path: Path, phantom: ImageStore) -> None:
    block = BLOCKS["optuna_search"] + "print([(trial.state.name, trial.value) for trial in study.trials])\n"
    out = run(block, tmp_path, phantom)
    assert out.splitlines()[-1].count("COMPLETE") == 2


@pytest.mark.slow
def test_a_stock_keras_tuner_hyperband_continues_what_it_promotes(
    tmp_path: Path, phantom: ImageStore
) -> None:
    block = BLOCKS["keras_tuner_search"].replace("RandomSearch(", "Hyperband(")
    run(block.replace("max_trials=2", "max_epochs=3"), tmp_path, phantom)
    trials = [json.loads(path.read_text()) for path in tmp_path.glob("tuner/*/trial_*/trial.json")]
    assert all(trial["status"] == "COMPLETED" for trial in trials)
    values = [trial["hyperparameters"]["values"] for trial in trials]
    assert sorted(value["tuner/epochs"] for value in values) == [1, 1, 1, 3, 3, 3]
    assert sum("tuner/trial_id" in value for value in values) == 1
