"""A study that is recorded and never searched, for the tests of its record."""

from typing import Any

from mammobench.space.yaml_file import load_space
from mammobench.study.record import StudyRecord, utc_now
from mammobench.study.spec import StudySpec
from mammobench.training.result import TrialResult

VALUES = {
    "model.filters": [16, 32],
    "model.activation": "relu",
    "model.normalization": "none",
    "model.dropout": 0.1,
    "loss.name": "binary_crossentropy",
    "optimizer.learning_rate": 0.001,
}
RESULT = TrialResult(
    objective=0.75,
    threshold=0.4,
    epochs=3,
    best_epoch=2,
    weights=100,
    seconds={"train": 2.0},
    environment={"threads": 2},
)


OPTIONS: dict[str, Any] = {"engine": "optuna", "sampler": "tpe", "seed": 0, "precision": "float32"}


def spec(**changes: object) -> StudySpec:
    return StudySpec(
        name="s",
        space_name="quick",
        space=load_space("quick").to_dict(),
        objective="f1",
        direction="maximize",
        data="store",
        fingerprint="abc",
        store={"synthetic": True},
        versions={},
        created=utc_now(),
        command="mammobench search --space quick",
        **OPTIONS,
    ).model_copy(update=changes)


def start(study: StudyRecord) -> int:
    config = study.space.config(VALUES)
    return study.start_trial(VALUES, config, role="searched", seed=5, split="5" * 64, ask=0.1).number
