"""A whole small study on a real store, every file as a search leaves it, without training anything."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mammobench.core.files import write_json
from mammobench.core.seeds import generator
from mammobench.data.splits.split import Split, make_split
from mammobench.data.store.image_store import ImageStore
from mammobench.space.yaml_file import load_space
from mammobench.study.artifacts import open_artifacts
from mammobench.study.options import STUDY_OPTIONS
from mammobench.study.record import StudyRecord
from mammobench.study.spec import StudySpec
from mammobench.study.trial_entry import new_trial
from mammobench.study.trial_record import TrialRecord
from mammobench.training.result import TrialResult
from mammobench.training.task import Trial
from mammobench.tuning.arguments import checked_options
from mammobench.tuning.request import Request

ENVIRONMENT = {"python": "3.11.7", "threads": 2}
VALUES = {
    "model.filters": [16, 32],
    "model.activation": "relu",
    "model.normalization": "none",
    "loss.name": "binary_crossentropy",
    "optimizer.learning_rate": 0.001,
}


def small_spec(
    name: str, store: ImageStore, *, storage: str | None = None, artifacts: str | None = None
) -> StudySpec:
    """Return what is asked of the study."""
    options: dict[str, Any] = {
        "engine": "optuna", "sampler": "tpe", "seed": 0, "precision": "float32", "storage": storage,
        "artifacts": artifacts,
    }  # fmt: skip
    return StudySpec(
        **options, name=name, space_name="quick", space=load_space("quick").to_dict(), objective="f1",
        direction="maximize", data=str(store.path.resolve()), fingerprint=store.fingerprint,
        store=store.manifest.model_dump(mode="json"), versions={"optuna": "5.0.0"},
        created="2026-01-01T12:00:00+00:00", command=f"mammobench search --space quick --study {name}",
    )  # fmt: skip


def small_request(folder: Path, **options: object) -> Request:
    """Return what `mammobench search --space quick` asks."""
    asked = {"sampler": "tpe", "precision": "float32", **options}
    return Request(
        space=load_space("quick"), given="quick", data=None, objectives=("f1",), limits={}, folder=folder,
        options=checked_options(STUDY_OPTIONS, asked),
    )  # fmt: skip


def write_small_study(
    folder: Path,
    store: ImageStore,
    *,
    finished: int = 3,
    storage: str | None = None,
    artifacts: str | None = None,
    beat: int = 10,
) -> StudyRecord:
    """Write a study with `finished` trials, on a journal or in the database `storage`."""
    spec = small_spec(folder.name, store, storage=storage, artifacts=artifacts)
    spec = spec.model_copy(update={"heartbeat": beat})
    study = StudyRecord.create(folder, spec, url=storage)
    for number in range(finished):
        finish(study, start(study, store, dropout=number / 10))
    return study


def start(study: StudyRecord, store: ImageStore, *, dropout: float = 0.4, until: int | None = None,
          continues: int | None = None) -> TrialRecord:  # fmt: skip
    """Enter a trial as running."""
    values = {**VALUES, "model.dropout": dropout}
    config = study.space.config(values)
    split = make_split(store, config.data)
    if not study.split_path(split.hash).exists():
        split.save(study.split_path(split.hash))
    trial = new_trial(
        study.space, values, Trial(number=len(study.trials), config=config, seed=7, until=until),
        role="searched", split=split.hash, ask=0.01, continues=continues,
    )  # fmt: skip
    record = study.enter(lambda: trial)
    assert record is not None
    return record


def finish(study: StudyRecord, trial: TrialRecord, *, stopped: bool = False, push: bool = False) -> None:
    """Leave a trial's artifacts, push them if asked, and record its end."""
    numbers = generator(trial.number, "predictions")
    split = Split.load(study.split_path(trial.split))
    write_json(trial.folder / "config.json", {
        "config": trial.config.model_dump(mode="json"), "seed": trial.seed,
        "fingerprint": study.spec.fingerprint, "split": trial.split, "environment": ENVIRONMENT,
    })  # fmt: skip
    pd.DataFrame({"epoch": [1, 2], "objective": [0.4, 0.5]}).to_csv(trial.folder / "history.csv", index=False)
    np.savez_compressed(
        trial.folder / "predictions.npz",
        validation_probability=numbers.random(len(split.validation), dtype=np.float32),
        test_probability=numbers.random(len(split.test), dtype=np.float32),
    )
    result = TrialResult(
        objective=0.5, threshold=0.4, epochs=2, best_epoch=2, weights=100, seconds={"train": 2.0},
        environment=ENVIRONMENT, stopped=stopped,
    )  # fmt: skip
    if push:
        artifacts = open_artifacts(study.spec.artifacts, study.folder, study.storage)
        artifacts.push(trial.storage_id, trial.folder, ["config.json", "history.csv", "predictions.npz"])
    study.report_epoch(trial.number, 1, 0.4)
    study.finish_trial(trial.number, result, start=0.1, total=2.2)
