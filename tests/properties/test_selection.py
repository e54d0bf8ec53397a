"""Selecting from the record and marking in the leaderboard agree, whatever a study has been through."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mammobench.core.errors import MammobenchError
from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.evaluation.selection import select_trial
from mammobench.space.config import TrialConfig
from mammobench.study.record import StudyRecord
from mammobench.study.trial_entry import new_trial
from mammobench.training.filenames import PREDICTIONS
from mammobench.training.result import TrialResult
from mammobench.training.task import Trial
from tests.conftest import ENVIRONMENT, simulate_predictions, simulate_split, write_simulated_study

VALUES = {"model.filters": [16, 32], "model.activation": "relu", "model.dropout": 0.1,
          "loss.name": "tversky", "optimizer.learning_rate": 0.001}  # fmt: skip
TRIAL = st.fixed_dictionaries(
    {
        # few values, so that ties are common
        "objective": st.sampled_from([0.25, 0.5, 0.75]),
        "role": st.sampled_from(["searched", "searched", "searched", "reference"]),
        "in_space": st.booleans(),
        "leaks": st.booleans(),
        "state": st.sampled_from(["finished", "finished", "finished", "stopped", "failed", "running"]),
        "predictions": st.sampled_from(["there", "there", "there", "missing", "damaged", "another split's"]),
        "continues": st.one_of(st.none(), st.integers(0, 6)),
        "split": st.sampled_from(["there", "there", "there", "missing"]),
    }
)


def record(study: StudyRecord, number: int, trial: dict[str, Any]) -> None:
    """Record one trial as a search would have, and then harm it as asked."""
    leaks, missing = trial["leaks"], trial["split"] == "missing"
    split = simulate_split("malignancy", images=12 + leaks + 2 * missing, leaks=leaks, grouped=True, seed=0)
    if not missing:
        split.save(study.split_path(split.hash))
    searched = trial["role"] == "searched" or trial["in_space"]
    values = VALUES if searched else {}
    config = study.space.config(values) if searched else TrialConfig.from_values(study.space.fixed)
    continues = trial["continues"] if trial["continues"] in range(number) else None
    entered = new_trial(
        study.space, values, Trial(number=number, config=config, seed=number), role=trial["role"],
        split=split.hash, ask=0.0, continues=continues,
    )  # fmt: skip
    started = study.enter(lambda: entered)
    assert started is not None
    if trial["state"] == "running":
        return
    if trial["state"] == "failed":
        study.fail_trial(number, "out of memory")
        return
    few = {"another split's": 1}.get(trial["predictions"], 0)
    arrays: dict[str, Any] = {
        f"{name}_probability": simulate_predictions(part, 2, 0.3, number, name)[few:]
        for name, part in (("validation", split.validation), ("test", split.test))
    }
    np.savez(started.folder / PREDICTIONS, **arrays)
    if trial["predictions"] == "missing":
        (started.folder / PREDICTIONS).unlink()
    if trial["predictions"] == "damaged":
        (started.folder / PREDICTIONS).write_bytes(b"damaged")
    result = TrialResult(
        trial["objective"], 0.5, 2, 1, 100, {"train": 1.0}, ENVIRONMENT,
        stopped=trial["state"] == "stopped",
    )  # fmt: skip
    study.report_epoch(number, 1, 0.3)
    study.finish_trial(number, result, start=0.1, total=1.5)


@settings(max_examples=40, deadline=None)
@given(trials=st.lists(TRIAL, max_size=7), objective=st.sampled_from(["f1", "brier"]))
def test_the_selected_trial_is_the_leaderboards(trials: list[dict[str, Any]], objective: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        study = write_simulated_study(Path(place) / "study", trials=-1, images=12, objective=objective)
        for number, trial in enumerate(trials):
            record(study, number, trial)
        try:
            row = build_leaderboard(study, resamples=2).selected
        except MammobenchError as error:
            expected: object = (type(error), str(error))
        else:
            expected = None if row is None else row["trial"]
        try:
            chosen = select_trial(study)
        except MammobenchError as error:
            found: object = (type(error), str(error))
        else:
            found = chosen and chosen.number
        assert found == expected
