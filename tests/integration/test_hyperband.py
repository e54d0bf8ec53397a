"""KerasTuner's Hyperband: a promoted trial is the same training, continued and never begun again."""

from pathlib import Path

import pandas as pd
import pytest

from mammobench.data.store.image_store import ImageStore
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord
from mammobench.study.trial_task import trial_task
from mammobench.training.task import Run
from tests.integration.command_line import CommandLine
from tests.integration.watching import require_same_predictions
from tests.trial_tasks import run_to_end

# a schedule over the whole budget, an optimizer with moments, random states in the model; Hyperband trains
# three trials for one epoch and then the best of them until the third
SPACE = """\
name: hyperband
task: malignancy
image_size: 16
base:
  training.batch_size: 16
  training.patience: 0
  training.weights: last
  model.filters: [4]
  model.dropout: 0.3
  model.normalization: batch
  augmentation.flips: true
  optimizer.name: adamw
  optimizer.weight_decay: 0.01
  optimizer.schedule: cosine
  optimizer.warmup_epochs: 1
search:
  optimizer.learning_rate: {float: [1.0e-3, 1.0e-2], log: true}
budget: {trials: 4, max_epochs: 3}
"""


@pytest.mark.xdist_group("trials")
@pytest.mark.timeout(900)
def test_a_promoted_trial_equals_one_trained_at_once(
    phantom: ImageStore, command_line: CommandLine, tmp_path: Path
) -> None:
    (command_line.folder / "hyperband.yaml").write_text(SPACE)
    words = ["search", "--space", "hyperband.yaml", "--data", str(command_line.store)]
    command_line.run(*words, "--engine", "keras-tuner", "--sampler", "hyperband")
    study = StudyRecord.open(command_line.folder / "reports" / "hyperband")
    promoted = study.trials[4]
    assert promoted.continues in {1, 2, 3}
    origin = study.trials[promoted.continues]
    assert (origin.trial.until, origin.epochs, promoted.trial.until, promoted.epochs) == (1, 1, 3, 3)
    assert (promoted.seed, promoted.config) == (origin.seed, origin.config)

    # seconds are measured: the same ones stand there because nothing was trained again
    history = history_of(promoted)
    pd.testing.assert_frame_equal(history.iloc[:1], history_of(origin))
    # the schedule spans the whole budget, also before anyone knew of the promotion
    rates = history["learning_rate"]
    assert rates.iloc[0] > rates.iloc[1] > rates.iloc[2]

    for trial in (origin, promoted):
        run = Run(folder=tmp_path / "at-once", threads=int(trial.environment["threads"]))
        task = trial_task(study, trial, phantom, run)
        run.folder.mkdir(exist_ok=True)
        end = run_to_end(task)
        assert end.result is not None, end.reason
        require_same_predictions(run.folder, trial.folder)
        measured = ["train_seconds", "validation_seconds"]
        at_once = pd.read_csv(run.folder / "history.csv").drop(columns=measured)
        pd.testing.assert_frame_equal(at_once, history_of(trial).drop(columns=measured), check_exact=True)
        for path in run.folder.iterdir():
            path.unlink()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_trials_stopped_at_a_rung_and_promoted_are_reproduced(command_line: CommandLine) -> None:
    (command_line.folder / "hyperband.yaml").write_text(SPACE)
    words = ["search", "--space", "hyperband.yaml", "--data", str(command_line.store)]
    command_line.run(*words, "--engine", "keras-tuner", "--sampler", "hyperband")
    promoted = StudyRecord.open(command_line.folder / "reports" / "hyperband").trials[4]
    assert promoted.continues is not None
    stopped = next(number for number in (1, 2, 3) if number != promoted.continues)
    for number in (promoted.number, promoted.continues, stopped):
        done = command_line.run_json("reproduce", "hyperband", "--trial", str(number))
        assert done["trial"] == number
        assert done["identical"]


def history_of(trial: TrialRecord) -> pd.DataFrame:
    return pd.read_csv(trial.folder / "history.csv")
