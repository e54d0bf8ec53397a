"""A search whose processes are killed ends as one that nobody touched."""

from pathlib import Path

import pytest

from mammobench.study.record import StudyRecord
from tests.integration.command_line import CommandLine
from tests.integration.watching import (
    epochs_trained,
    family,
    require_gone,
    require_same_trials,
    trial_processes,
    wait_for_first_epoch,
)

# so few that KerasTuner's Gaussian process proposes from trial 7 on and TPE from trial 11 on;
# Hyperband trains trials 1 to 5 for two epochs, 6 and 7 go on with the best of them, and 8 trains all four
SPACE = """\
name: kills
task: malignancy
image_size: 16
base: {training.batch_size: 1, training.patience: 0, model.filters: [4], optimizer.schedule: cosine}
search:
  model.dropout: {float: [0.0, 0.5], step: 0.1}
  optimizer.learning_rate: {float: [1.0e-3, 1.0e-2], log: true}
budget: {trials: 12, max_epochs: 4}
"""


@pytest.mark.slow  # trains a search again; test_interruption kills by default
@pytest.mark.xdist_group("searched")
def test_a_killed_trial_goes_on_in_the_same_search(searched: CommandLine, command_line: CommandLine) -> None:
    study = command_line.folder / "reports" / "tiny"
    with command_line.start(*command_line.search_words) as process:
        wait_for_first_epoch(study, 2, process)
        (trial,) = trial_processes(process)
        trial.kill()
        _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    require_same_trials(study, searched.folder / "reports" / "tiny")
    assert [trial.attempts for trial in StudyRecord.open(study).trials] == [1, 1, 2, 1, 1]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("engine", "sampler", "killed"),
    [("optuna", "tpe", [8]), ("keras-tuner", "bayesian", [8]), ("keras-tuner", "hyperband", [7, 8])],
)
def test_killed_searches_end_as_an_undisturbed_one(
    engine: str, sampler: str, killed: list[int], command_line: CommandLine
) -> None:
    (command_line.folder / "kills.yaml").write_text(SPACE)
    words = ["search", "--space", "kills.yaml", "--data", str(command_line.store), "--engine", engine]
    words += ["--sampler", sampler, "--tensorboard", "--study"]
    expected, found = (command_line.folder / "reports" / name for name in ("expected", "found"))
    command_line.run(*words, "expected")

    with command_line.start(*words, "found") as process:
        wait_for_first_epoch(found, 4, process)
        orphans = family(process)
        process.kill()
        process.communicate(timeout=60)
    require_gone(orphans)
    assert states(found) == ["finished"] * 4 + ["running"]

    with command_line.start(*words, "found") as process:
        for number in killed:
            wait_for_first_epoch(found, number, process)
            (trial,) = trial_processes(process)
            trial.kill()
        orphans = family(process)
        _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    require_gone(orphans)

    require_same_trials(found, expected)
    assert states(found) == ["finished"] * 13
    trials = StudyRecord.open(found).trials
    # the trial that lost its search went on with it; the one that was killed was started again
    assert [trial.number for trial in trials if trial.attempts == 2] == killed
    undisturbed = [epochs_trained(trial.folder) for trial in StudyRecord.open(expected).trials]
    if sampler == "hyperband":
        # the log of a promoted trial begins with what it continues, once
        assert trials[7].continues in range(1, 6)
    assert undisturbed == [trial.epochs for trial in trials]
    repeated = {trial.number: epochs_trained(trial.folder) - trial.epochs for trial in trials}
    assert {repeated.pop(number) for number in (4, *killed)} <= {0, 1}
    assert not any(repeated.values())


def states(study: Path) -> list[str]:
    return [trial.state for trial in StudyRecord.open(study).trials]
