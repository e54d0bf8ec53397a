"""Twenty kills of the main process, the making of the study and the report included: the same study."""

from pathlib import Path

import pandas as pd
import pytest
from optuna.trial import TrialState

from mammobench.analysis.reproduction import judge
from mammobench.analysis.retraining import trained_again
from mammobench.core.seeds import generator
from mammobench.data.store.image_store import ImageStore
from mammobench.study.record import StudyRecord
from mammobench.study.storage.url import redacted
from tests.integration.command_line import CommandLine
from tests.integration.killing import AIMS, Killer
from tests.integration.watching import require_same_predictions, require_same_trials
from tests.postgres import PASSWORD, shared_server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("postgres"), pytest.mark.timeout(7200)]

KILLS = 20
# another seed, other moments; a failure names the one that it had
SEED = 20
TRIALS = 12
# TPE proposes from trial 11 on; Hyperband's trials 6 and 7 go on with the best of 1 to 5
SPACE = f"""\
name: kills
task: malignancy
image_size: 16
base: {{training.batch_size: 16, training.patience: 0, model.filters: [4], optimizer.schedule: cosine}}
search:
  model.dropout: {{float: [0.0, 0.5], step: 0.1}}
  optimizer.learning_rate: {{float: [1.0e-3, 1.0e-2], log: true}}
budget: {{trials: {TRIALS}, max_epochs: 4}}
"""
METHODS = {
    "tpe": ["--sampler", "tpe"],
    "random": ["--sampler", "random"],
    "hyperband": ["--engine", "keras-tuner", "--sampler", "hyperband"],
    "asha": ["--sampler", "tpe", "--pruner", "asha"],
}


def killer_of(command_line: CommandLine, method: str, *where: str) -> Killer:
    (command_line.folder / "kills.yaml").write_text(SPACE)
    words = ["search", "--space", "kills.yaml", "--data", str(command_line.store), *METHODS[method], *where]
    moments = generator(SEED, method, *where[:2])
    return Killer(command_line, words, TRIALS + 1, moments)


def kill_twenty_times(killer: Killer) -> list[Path]:
    """Make studies through twenty kills in all, about five each, and return their folders."""
    studies: list[Path] = []
    while len(killer.told) < KILLS:
        name = f"found-{len(studies)}"
        for aim in AIMS:
            # one that ends before its moment has come is done
            if len(killer.told) < KILLS and not killer.kill(name, aim):
                break
        studies.append(killer.finish(name))
    print(f"seed {SEED}", *killer.told, sep="\n")
    return studies


def names_in(study: Path) -> set[str]:
    """Return what lies in a study's folder, but for what a dead process was writing aside a moment ago."""
    return {path.name for path in study.iterdir() if not path.match(".*-*")}


def require_same_table(found: Path, expected: Path) -> None:
    """Compare two leaderboards, all but what was measured in seconds."""
    one, other = (
        pd.read_csv(study / "leaderboard.csv").drop(columns="seconds") for study in (found, expected)
    )
    pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.parametrize("method", ["tpe", "hyperband", "asha"])
def test_a_study_on_a_journal_is_the_same_to_the_bit(method: str, command_line: CommandLine) -> None:
    killer = killer_of(command_line, method)
    expected = killer.undisturbed("expected")
    for found in kill_twenty_times(killer):
        require_same_trials(found, expected)
        require_same_table(found, expected)
        assert {trial.attempts for trial in StudyRecord.open(found).trials} == {1}
        assert names_in(found) == names_in(expected)


@pytest.mark.parametrize("method", ["random", "tpe", "hyperband", "asha"])
def test_a_study_of_three_workers_in_a_database_loses_and_doubles_nothing(
    method: str, command_line: CommandLine, phantom: ImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each trial is what its configuration and seed come to, whichever worker ended first.

    What a method that learns proposes depends on who had ended when it was asked, with three workers and no
    kill at all: whole studies can be compared only where the proposals do not depend on that.
    """
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    url = redacted(shared_server().new_database())
    killer = killer_of(command_line, method, "--workers", "3", "--storage", url, "--heartbeat", "1")
    expected = killer.undisturbed("expected")
    seeds = [trial.seed for trial in StudyRecord.open(expected).trials if trial.continues is None]
    for found in kill_twenty_times(killer):
        study = StudyRecord.open(found)
        assert [trial.number for trial in study.trials] == list(range(TRIALS + 1))
        assert {trial.state for trial in study.trials} <= {"finished", "pruned"}, killer.told
        require_one_chain_a_trial(study)
        require_each_trained_again(study, phantom)
        if method == "hyperband":
            continue
        assert [trial.seed for trial in study.trials] == seeds
        if method == "random":
            for trial, other in zip(study.trials, StudyRecord.open(expected).trials, strict=True):
                assert (trial.config, trial.curve, trial.objectives) == (
                    other.config,
                    other.curve,
                    other.objectives,
                )
                require_same_predictions(trial.folder, other.folder)
            require_same_table(found, expected)


def require_one_chain_a_trial(study: StudyRecord) -> None:
    """See that each dead attempt is followed by the next one, and that one alone has come to something."""
    entries = study.storage.get_all_trials(study.study_id)
    last = {trial.storage_id for trial in study.trials}
    followed = [entry.system_attrs.get("retry_history", [])[-1:] for entry in entries]
    for entry in entries:
        ended = entry._trial_id in last
        assert (entry.state == TrialState.FAIL) is not ended
        assert followed.count([entry.number]) == (0 if ended else 1)


def require_each_trained_again(study: StudyRecord, store: ImageStore) -> None:
    """Train every trial from its configuration and seed, without a break, and compare the bits."""
    for trial in study.trials:
        with trained_again(study, trial, store, purpose="check") as again:
            assert judge(study, again).identical
            assert again.result.curve == trial.curve
