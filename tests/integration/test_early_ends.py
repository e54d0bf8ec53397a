"""Searches that end before their budget, and trials that their search stops."""

from pathlib import Path

import pytest

from mammobench import api
from mammobench.core.errors import TrialError
from mammobench.data.store.image_store import ImageStore
from mammobench.space.yaml_file import parse_space
from mammobench.study.record import StudyRecord
from mammobench.tuning.early_failures import FAILURES_THAT_STOP
from tests.integration.command_line import CommandLine

pytestmark = [pytest.mark.xdist_group("trials"), pytest.mark.timeout(900)]

TWO_CONFIGURATIONS = """\
name: two
task: malignancy
image_size: 16
base: {training.batch_size: 16, training.patience: 0}
search:
  model.filters: {choice: [[4], [4, 8]]}
budget: {trials: 10, max_epochs: 1}
"""
DIVERGES = """\
name: diverges
task: malignancy
image_size: 16
base:
  {training.batch_size: 4, training.patience: 0, data.intensity: none, model.activation: linear,
   model.filters: [4], model.l2: 1.0, optimizer.name: sgd, optimizer.learning_rate: 10.0}
search:
  model.dropout: {float: [0.0, 0.1]}
budget: {trials: 20, max_epochs: 30}
"""
PRUNES = """\
name: prunes
task: malignancy
image_size: 16
base: {training.batch_size: 16, training.patience: 0}
search:
  model.filters: {choice: [[4], [4, 8]]}
  model.dropout: {float: [0.0, 0.9], step: 0.1}
  optimizer.learning_rate: {float: [1.0e-6, 1.0e-2], log: true}
budget: {trials: 14, max_epochs: 6}
"""


@pytest.mark.slow  # the contract suite shows it for each sampler
def test_a_space_used_up_ends_the_search_with_a_word(phantom: ImageStore, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    study = api.search(
        parse_space(TWO_CONFIGURATIONS, "two"), data=phantom.path, sampler="random", study=tmp_path / "two",
        progress=lambda *what: told.append(what),
    )  # fmt: skip
    assert [trial.state for trial in study.trials] == ["finished"] * 3
    remark = (
        "The search ends before its budget of trials: the method has nothing more to propose of this space"
    )
    assert (remark, 0, 0) in told
    assert (study.folder / "index.html").exists()


def test_a_search_whose_first_trials_all_fail_for_one_reason_stops(
    phantom: ImageStore, tmp_path: Path
) -> None:
    with pytest.raises(TrialError) as caught:
        api.search(parse_space(DIVERGES, "diverges"), data=phantom.path, study=tmp_path / "diverges")
    assert f"the first {FAILURES_THAT_STOP} trials all failed for one reason" in str(caught.value)
    assert "the training loss is not a finite number" in str(caught.value)
    # the reference CNN is not at fault, and its success does not keep the search going
    states = [trial.state for trial in StudyRecord.open(tmp_path / "diverges").trials]
    assert states == ["finished"] + ["failed"] * FAILURES_THAT_STOP


@pytest.mark.slow
def test_pruned_trials_are_recorded_reported_and_reproduced(command_line: CommandLine) -> None:
    (command_line.folder / "prunes.yaml").write_text(PRUNES)
    words = ["search", "--space", "prunes.yaml", "--data", str(command_line.store)]
    told = command_line.run_json(*words, "--pruner", "median", "--seed", "1")
    trials = StudyRecord.open(command_line.folder / "reports" / "prunes").trials
    pruned = [trial for trial in trials if trial.state == "pruned"]
    assert told["pruned"] == len(pruned) > 0
    assert all(trial.epochs < 6 and len(trial.curve) == trial.epochs for trial in pruned)
    report = (command_line.folder / "reports" / "prunes" / "index.html").read_text()
    assert f"pruned after epoch {pruned[0].epochs}" in report
    done = command_line.run_json("reproduce", "prunes", "--trial", str(pruned[0].number))
    assert done["identical"]
    card = Path(command_line.folder, done["card"]).read_text()
    assert f"stopped its training after epoch {pruned[0].epochs} of at most 6" in card
