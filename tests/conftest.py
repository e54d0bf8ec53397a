"""What all tests share: the real mammograms, a tiny synthetic store, and a study of simulated trials."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import optuna
import pandas as pd
import pytest

from mammobench.core.metrics import best_threshold, scores
from mammobench.core.objectives import OBJECTIVES, objective_value
from mammobench.core.seeds import generator
from mammobench.data.images.phantom import make_phantom
from mammobench.data.splits.split import PARTS, Part, Split, _hash
from mammobench.data.splits.tasks import get_task
from mammobench.data.store.image_store import ImageStore
from mammobench.space.config import TrialConfig
from mammobench.space.search_space import Choice
from mammobench.space.yaml_file import parse_space
from mammobench.study.record import StudyRecord
from mammobench.study.spec import StudySpec
from mammobench.study.trial_record import Role
from mammobench.training.result import TrialResult

REPOSITORY = Path(__file__).resolve().parent.parent
StudyWriter = Callable[..., StudyRecord]
Predictor = Callable[[int, str], npt.NDArray[np.float32]]
"""Of a trial by number, on ``validation`` or ``test``: probabilities, (n,) or (n, classes)."""

# printed commands are the same whether or not `uv run` runs the tests
os.environ.pop("UV_RUN_RECURSION_DEPTH", None)

SPACE = """
name: simulated
task: {task}
objective: {objective}
image_size: 64
search:
  model.filters: {{choice: [[16, 32], [16, 32, 64], [32, 64, 128]]}}
  model.activation: {{choice: [relu, elu, gelu, silu]}}
  model.dropout: {{float: [0.0, 0.5], step: 0.1}}
  loss.name: {{choice: [tversky, categorical_focal_crossentropy]}}
  loss.gamma: {{float: [0.5, 5.0], log: true, when: {{loss.name: categorical_focal_crossentropy}}}}
  optimizer.learning_rate: {{float: [1.0e-4, 1.0e-2], log: true}}
budget: {{trials: 12, max_epochs: 9}}
"""
ENVIRONMENT = {
    "python": "3.11.7", "mammobench": "0.1.0", "keras": "3.15.1", "tensorflow": "2.21.0", "numpy": "2.4.6",
    "processor": "a simulated processor", "processor_flags": ["avx2", "fma"], "platform": "Linux",
    "backend": "tensorflow", "threads": 2, "precision": "float32", "deterministic": True, "gpu": None,
}  # fmt: skip


def simulate_split(task: str, *, images: int, leaks: bool, grouped: bool, seed: int) -> Split:
    """Return a split of simulated patients with three crops each."""
    numbers, known = generator(seed, "split", task), get_task(task)
    shares = (0.0, 0.3, 0.3, 0.18, 0.22) if not known.select([0])[0] else (0.5, 0.15, 0.15, 0.1, 0.1)
    parts, row = {}, 0
    for name, count in zip(PARTS, (images * 4, images, images), strict=True):
        labels = np.repeat(numbers.choice(5, -(-count // 3), p=shares), 3)[:count].astype(np.int64)
        rows = np.arange(row, row + count)
        groups = rows // 3 if grouped else rows
        parts[name] = Part(rows, known.targets(labels), labels, groups)
        row += count
    warnings = ("The reference split LEAKS: this one is simulated.",) if leaks else ()
    return Split(
        name="reference" if leaks else "official", task=task, class_names=known.class_names, **parts,
        leaks=leaks, grouped=grouped, warnings=warnings, hash=_hash(parts),
    )  # fmt: skip


def simulate_predictions(
    part: Part, classes: int, quality: float, *names: str | int
) -> npt.NDArray[np.float32]:
    """Return probabilities whose errors cluster by group and are partly shared by all trials."""
    numbers, common = generator(0, *names), generator(0, "common", len(part))
    _, codes = np.unique(part.groups, return_inverse=True)
    shape = (len(part), classes)
    noise = 0.6 * common.normal(size=(codes.max() + 1, classes))[codes] + 0.5 * common.normal(size=shape)
    logits = quality * np.eye(classes)[part.targets] * 2 + noise + 0.6 * numbers.normal(size=shape)
    exponentials = np.exp(2 * logits)
    probabilities = (exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32)
    result: npt.NDArray[np.float32] = probabilities[:, 1] if classes == 2 else probabilities
    return result


def _history(
    result: Mapping[str, float], objective: float, epochs: int, numbers: np.random.Generator
) -> pd.DataFrame:
    epoch = np.arange(1, epochs + 1)
    rise = 1 - 0.6 * np.exp(-epoch / 2.5) + numbers.normal(0, 0.02, epochs)
    columns = {f"validation_{name}": value * rise / rise[-1] for name, value in result.items()}
    return pd.DataFrame(
        {"epoch": epoch, "loss": 0.7 * np.exp(-epoch / 6) + numbers.normal(0, 0.01, epochs),
         "learning_rate": 1e-3, "train_seconds": 2.0, "validation_seconds": 0.2,
         "objective": objective * rise / rise[-1], **columns}
    )  # fmt: skip


def write_simulated_study(
    folder: Path,
    *,
    trials: int = 12,
    task: str = "malignancy",
    objective: str = "f1",
    images: int = 240,
    grouped: bool = True,
    leaks: bool = False,
    failed: Mapping[int, str] | None = None,
    reference: bool = True,
    running: int = 0,
    splits: Sequence[Split] = (),
    split_choice: Choice | None = None,
    alike: bool = False,
    base: Mapping[str, Any] | None = None,
    predict: Predictor | None = None,
    **spec: Any,
) -> StudyRecord:
    """Write a study folder with simulated trials: trial 0 is the reference, then `trials` searched ones.

    Trials take turns at `splits`, and at the values of `split_choice` if the space searches such a field, as
    earlier versions let it; `base` is fixed for all of them; `alike` ones have all else of the first.
    `predict` gives a trial's probabilities on a part of its split; they are simulated without it.
    """
    space = parse_space(SPACE.format(task=task, objective=objective), "simulated")
    searched_too = () if split_choice is None else (split_choice,)
    space = replace(space, base=base or {}, hyperparameters=(*space.hyperparameters, *searched_too))
    store = {
        "counts": {"images": images * 6, "train": images * 5, "test": images, "patients": images * 2,
                   "benign mass": images * 3, "malignant mass": images * 3},
        "image_size": 299, "source": "simulated predictions for tests", "synthetic": True,
        "licence": "none needed", "citations": ["Simulated, 2026. No image was seen."],
        "warnings": ["Predictions are simulated."],
    }  # fmt: skip
    asked = {
        "name": folder.name, "space_name": space.name, "space": space.to_dict(), "objective": objective,
        "direction": OBJECTIVES[objective].direction, "engine": "optuna", "sampler": "tpe", "seed": 0,
        "precision": "float32", "data": "stores/simulated", "fingerprint": "0" * 64, "store": store,
        "versions": {"python": "3.11.7", "optuna": "5.0.0"}, "created": "2026-01-01T12:00:00+00:00",
        "command": "mammobench search --space simulated --trials 12", **spec,
    }  # fmt: skip
    study = StudyRecord.create(folder, StudySpec.model_validate(asked))
    splits = splits or [simulate_split(task, images=images, leaks=leaks, grouped=grouped, seed=0)]
    for split in splits:
        split.save(study.split_path(split.hash))
    asks, first = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)), dict[str, Any]()
    for number in range(trials + 1 + running):
        searched = bool(number) or not reference
        values = space.suggest(asks.ask()) if searched else {}
        first = first if alike and first else values
        values = {**first} if alike else values
        if searched and split_choice is not None:
            values[split_choice.key] = split_choice.grid()[number % len(splits)]
        config = (
            space.config(values)
            if searched
            else TrialConfig.from_values({**space.fixed, "loss.name": "dice"})
        )
        role: Role = "searched" if searched else "reference"
        split = splits[number % len(splits)]
        record = study.start_trial(values, config, role=role, seed=number, split=split.hash, ask=0.004)
        if failed and number in failed:
            study.fail_trial(number, failed[number])
        elif number <= trials:
            _finish(study, record.number, record.folder, config, split, predict)
    return study


def _finish(
    study: StudyRecord,
    number: int,
    folder: Path,
    config: TrialConfig,
    split: Split,
    predict: Predictor | None,
) -> None:
    quality = 0.1 + 0.1 * len(config.model.filters) + 0.1 * (config.model.activation in {"gelu", "silu"})
    quality -= 0.12 * abs(np.log10(config.optimizer.learning_rate) + 3) + (0.1 if number == 0 else 0)
    classes, numbers = len(split.class_names), generator(0, "trial", number)
    validation, test = (
        predict(number, name) if predict else simulate_predictions(part, classes, quality, number, name)
        for name, part in (("validation", split.validation), ("test", split.test))
    )
    threshold = best_threshold(split.validation.targets, validation) if classes == 2 else None
    objective = objective_value(config.training.objective, split.validation.targets, validation)
    epochs = int(numbers.integers(6, 10))
    (folder / "config.json").write_text(json.dumps(config.values()))
    measured = scores(split.validation.targets, validation, threshold)
    _history(measured, objective, epochs, numbers).to_csv(folder / "history.csv", index=False)
    np.savez(folder / "predictions.npz", validation_probability=validation, test_probability=test)
    seconds = {"data": 0.2, "build": 0.3, "trace": 1.2, "train": 2.0 * epochs, "predict": 0.4}
    weights = 775_169 if number == 0 else 24_000 * len(config.model.filters)
    result = TrialResult(
        objective, threshold, epochs, epochs - 1, weights, seconds, ENVIRONMENT,
        costs={"weights": weights, "flops": 1000.0 * weights},
    )  # fmt: skip
    study.finish_trial(number, result, start=1.1, total=1.2 + sum(seconds.values()))


@pytest.fixture(scope="session")
def write_study() -> StudyWriter:
    return write_simulated_study


@pytest.fixture(scope="session")
def simulated_study(tmp_path_factory: pytest.TempPathFactory) -> StudyRecord:
    return write_simulated_study(tmp_path_factory.mktemp("study") / "simulated")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real mammograms; tests that need it are skipped where it is missing."""
    folder = REPOSITORY.parent / "shared"
    if not (folder / "data" / "mini-mias").is_dir():
        pytest.skip("the real mammograms (../shared) are not on this machine")
    return folder


@pytest.fixture(scope="session")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> ImageStore:
    """120 synthetic patches."""
    return make_phantom(tmp_path_factory.mktemp("stores") / "phantom", images=120, seed=0)
