import json
import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mammobench.core.errors import TrialError
from mammobench.core.metrics import best_threshold
from mammobench.core.objectives import OBJECTIVES, objective_value
from mammobench.data.images.conditions import CONDITIONS
from mammobench.data.images.intensity import prepared
from mammobench.data.splits.split import make_split
from mammobench.data.store.image_store import ImageStore
from mammobench.space.config import TrialConfig
from mammobench.training.filenames import CHECKPOINT
from mammobench.training.loop import run_trial
from mammobench.training.result import InfeasibleError, TrialResult
from mammobench.training.task import Observer, Run, Trial

RICH = {
    "data.image_size": 16,
    "model.filters": [4, 8],
    "model.normalization": "batch",
    "model.dropout": 0.3,
    "augmentation.flips": True,
    "augmentation.zoom": 0.1,
    "optimizer.schedule": "plateau",
    "training.batch_size": 8,
    "training.max_epochs": 4,
    "training.patience": 0,
}


class _Calls(Observer):
    """Calls functions."""

    def __init__(self, on_epoch: Callable[[int, float], bool | None], on_condition: Any) -> None:
        self._on_epoch, self._on_condition = on_epoch, on_condition

    def epoch(self, epoch: int, objective: float) -> bool:
        return self._on_epoch(epoch, objective) is not False

    def condition(self, done: int, total: int) -> None:
        if self._on_condition is not None:
            self._on_condition(done, total)


def train(
    store: ImageStore,
    folder: Path,
    values: dict[str, Any],
    *,
    seed: int = 0,
    stop_after: int = 0,
    **options: Any,
) -> TrialResult:
    def stop(epoch: int, _: float) -> None:
        if epoch == stop_after:
            raise KeyboardInterrupt

    folder.mkdir(exist_ok=True)
    config = TrialConfig.from_values(values)
    split = make_split(store, config.data)
    trial = Trial(config=config, seed=seed, until=options.pop("until", None))
    observer = _Calls(options.pop("on_epoch", stop), options.pop("on_condition", None))
    environment = options.pop("environment", {})
    return run_trial(trial, Run(folder=folder, **options), store, split, environment, observer)


def predictions(folder: Path) -> dict[str, npt.NDArray[np.float32]]:
    with np.load(folder / "predictions.npz") as saved:
        return dict(saved)


def test_a_trial_is_a_function_of_its_seed_also_when_it_is_interrupted(
    phantom: ImageStore, tmp_path: Path
) -> None:
    whole = train(phantom, tmp_path / "whole", RICH)
    with pytest.raises(KeyboardInterrupt):
        train(phantom, tmp_path / "pieces", RICH, stop_after=2)
    assert not (tmp_path / "pieces" / "predictions.npz").exists()
    pieces = train(phantom, tmp_path / "pieces", RICH)
    other = train(phantom, tmp_path / "other", RICH, seed=1)
    assert (whole.objective, whole.best_epoch) == (pieces.objective, pieces.best_epoch)
    for name, value in predictions(tmp_path / "whole").items():
        assert np.array_equal(value, predictions(tmp_path / "pieces")[name]), name
        assert not np.array_equal(value, predictions(tmp_path / "other")[name]), name
    history = [
        pd.read_csv(tmp_path / name / "history.csv").drop(columns=["train_seconds", "validation_seconds"])
        for name in ("whole", "pieces")
    ]
    pd.testing.assert_frame_equal(history[0], history[1])
    assert list(history[0]["epoch"]) == [1, 2, 3, 4]
    assert other.epochs == 4


PIECES: list[dict[str, Any]] = [
    {"optimizer.name": "adamw", "optimizer.schedule": "cosine", "optimizer.warmup_epochs": 2,
     "optimizer.weight_decay": 0.01, "model.normalization": "batch", "model.dropout": 0.3,
     "augmentation.flips": True, "augmentation.rotation": 20.0},
    {"optimizer.name": "muon", "optimizer.schedule": "exponential", "model.hidden_units": [4],
     "model.dropout": 0.2, "model.dropout_kind": "gaussian_noise", "training.weights": "last"},
    {"optimizer.name": "sgd", "optimizer.momentum": 0.9, "optimizer.schedule": "plateau",
     "optimizer.clip_norm": 1.0, "optimizer.learning_rate": 0.1, "augmentation.quarter_turns": True},
    {"optimizer.name": "lamb", "training.patience": 5, "optimizer.learning_rate": 0.01,
     "loss.class_weight": 0.5, "model.normalization": "group"},
]  # fmt: skip


@pytest.mark.parametrize("values", PIECES, ids=lambda values: str(values["optimizer.name"]))
def test_a_training_in_three_pieces_equals_one_at_once(
    values: dict[str, Any], phantom: ImageStore, tmp_path: Path
) -> None:
    values = {"data.image_size": 16, "model.filters": [4], "training.batch_size": 16,
              "training.patience": 0, **values, "training.max_epochs": 9}  # fmt: skip
    whole = train(phantom, tmp_path / "whole", values)
    train(phantom, tmp_path / "first", values, until=3)
    # promoted: another folder goes on from the first one's checkpoint
    (tmp_path / "next").mkdir()
    shutil.copy(tmp_path / "first" / CHECKPOINT, tmp_path / "next")
    told: list[int] = []

    def stop_at_five(epoch: int, _: float) -> bool:
        told.append(epoch)
        return epoch < 5

    part = train(phantom, tmp_path / "next", values, on_epoch=stop_at_five)
    # also what the first part's own search may have died before it heard of
    assert (part.stopped, part.epochs, told) == (True, 5, [1, 2, 3, 4, 5])
    last = train(phantom, tmp_path / "next", values, on_epoch=lambda *_: None)
    assert not last.stopped
    assert (whole.curve, whole.best_epoch, whole.threshold) == (last.curve, last.best_epoch, last.threshold)
    assert len(whole.curve) == whole.epochs == (9 if not values["training.patience"] else last.epochs)
    for name, value in predictions(tmp_path / "whole").items():
        assert np.array_equal(value, predictions(tmp_path / "next")[name]), name


def test_a_stopped_training_asks_again_about_its_last_epoch_and_predicts(
    phantom: ImageStore, tmp_path: Path
) -> None:
    values = {**RICH, "model.filters": [4]}
    first = train(phantom, tmp_path / "one", values, on_epoch=lambda epoch, _: epoch < 2)
    before = predictions(tmp_path / "one")
    again = train(phantom, tmp_path / "one", values, on_epoch=lambda *_: False)
    assert (first.stopped, first.epochs) == (again.stopped, again.epochs) == (True, 2)
    assert again.curve == first.curve
    for name, value in before.items():
        assert np.array_equal(value, predictions(tmp_path / "one")[name]), name
    at_the_end = train(phantom, tmp_path / "end", values, until=1, on_epoch=lambda *_: False)
    assert (at_the_end.stopped, at_the_end.epochs) == (False, 1)


def test_a_checkpoint_of_another_training_is_refused(phantom: ImageStore, tmp_path: Path) -> None:
    train(phantom, tmp_path / "one", RICH, until=1)
    with pytest.raises(TrialError, match="checkpoint is of another training"):
        train(phantom, tmp_path / "one", RICH, seed=1)


def test_costs_are_told_and_a_model_over_a_limit_is_not_trained(phantom: ImageStore, tmp_path: Path) -> None:
    values = {"data.image_size": 16, "model.filters": [4], "training.max_epochs": 1}
    plain = train(phantom, tmp_path / "plain", values)
    # 3 x 3 kernels of 1 to 4 channels over 16 x 16 positions, then 4 weights to one unit
    assert plain.costs == {"weights": 9 * 4 + 4 + 4 + 1, "flops": 2 * (256 * 9 * 4 + 4)}
    limits = {"weights": 45, "latency_ms": 60_000.0}
    measured = train(phantom, tmp_path / "measured", values, limits=limits)
    assert set(measured.costs) == {"weights", "flops", "latency_ms"}
    assert measured.costs["latency_ms"] > 0
    for name, value in predictions(tmp_path / "plain").items():
        assert np.array_equal(value, predictions(tmp_path / "measured")[name]), name
    with pytest.raises(InfeasibleError, match=r"weights: .*at most 44, found 45") as refused:
        train(phantom, tmp_path / "refused", values, limits={"weights": 44})
    assert refused.value.costs == plain.costs
    assert {path.name for path in (tmp_path / "refused").iterdir()} == {"config.json"}


def test_tensorboard_reads_each_epoch_once_however_the_training_was_cut(
    phantom: ImageStore, tmp_path: Path
) -> None:
    values = {"data.image_size": 16, "model.filters": [4], "training.max_epochs": 4, "training.patience": 0}
    folder = tmp_path / "one"
    with pytest.raises(KeyboardInterrupt):
        train(phantom, folder, values, stop_after=2, tensorboard=True)
    # as if the second epoch's checkpoint had not been written in time
    saved = dict(np.load(folder / CHECKPOINT))
    train(phantom, tmp_path / "early", values, until=1)
    shutil.copy(tmp_path / "early" / CHECKPOINT, folder)
    assert json.loads(str(saved["head"]))["history"][-1]["epoch"] == 2
    train(phantom, folder, values, tensorboard=True)
    history = pd.read_csv(folder / "history.csv")
    (tmp_path / "promoted").mkdir()
    shutil.copy(folder / CHECKPOINT, tmp_path / "promoted")
    train(phantom, tmp_path / "promoted", values, tensorboard=True)
    for name in ("one", "promoted"):
        events = EventAccumulator(str(tmp_path / name / "tensorboard")).Reload()
        tags = events.Tags()["scalars"]
        assert set(tags) == {f"epoch/{column}" for column in history.columns if column != "epoch"}
        assert not [tag for tag in tags if "test" in tag]
        for tag in ("epoch/objective", "epoch/loss"):
            points = events.Scalars(tag)
            assert [point.step for point in points] == [1, 2, 3, 4]
            np.testing.assert_allclose(
                [point.value for point in points], history[tag.removeprefix("epoch/")], rtol=1e-6
            )


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_low_precision_goes_on_from_a_checkpoint_to_the_same_bits(
    precision: str, phantom: ImageStore, tmp_path: Path
) -> None:
    values = {**RICH, "training.max_epochs": 2, "model.filters": [4]}
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        train(phantom, tmp_path / "whole", values)
        with pytest.raises(KeyboardInterrupt):
            train(phantom, tmp_path / "pieces", values, stop_after=1)
        train(phantom, tmp_path / "pieces", values)
    finally:
        keras.config.set_dtype_policy(before)
    for name, value in predictions(tmp_path / "whole").items():
        assert np.array_equal(value, predictions(tmp_path / "pieces")[name]), name


def test_the_best_epoch_predicts_and_patience_ends_a_trial(phantom: ImageStore, tmp_path: Path) -> None:
    values = {**RICH, "training.max_epochs": 9, "training.patience": 2, "training.objective": "brier"}
    result = train(phantom, tmp_path / "best", values)
    history = pd.read_csv(tmp_path / "best" / "history.csv")
    assert result.objective == history["objective"].min()
    assert result.best_epoch == history["objective"].argmin() + 1
    assert result.epochs == 9 or result.epochs == result.best_epoch + 2


def test_five_classes_train_and_the_export_predicts_the_same(phantom: ImageStore, tmp_path: Path) -> None:
    values = {
        "data.task": "five-class",
        "data.image_size": 16,
        "model.filters": [4],
        "model.normalization": "group",
        "loss.name": "categorical_crossentropy",
        "training.max_epochs": 1,
        "training.weights": "last",
    }
    result = train(phantom, tmp_path / "five", values, model_path=tmp_path / "five" / "model.keras")
    assert result.threshold is None
    saved = predictions(tmp_path / "five")["test_probability"]
    split = make_split(phantom, TrialConfig.from_values(values).data)
    model = keras.saving.load_model(tmp_path / "five" / "model.keras")
    again = model.predict_on_batch(phantom.images(16)[split.test.rows][..., None])
    assert saved.shape == (len(split.test), 5)
    np.testing.assert_allclose(again, saved, atol=1e-5)


def test_a_loss_that_is_no_number_ends_the_trial_with_its_epoch(phantom: ImageStore, tmp_path: Path) -> None:
    values = {
        "data.image_size": 16, "data.intensity": "none", "model.filters": [4], "model.activation": "linear",
        "optimizer.name": "sgd", "optimizer.learning_rate": 10.0, "model.l2": 1.0, "training.batch_size": 4,
    }  # fmt: skip
    with pytest.raises(TrialError, match=r"epoch .*loss is not a finite number"):
        train(phantom, tmp_path / "nan", values)


def test_what_the_search_is_told_holds_nothing_of_the_test_split() -> None:
    assert not [field.name for field in fields(TrialResult) if "test" in field.name]


@pytest.mark.parametrize("intensity", ["histogram", "clahe"])
def test_a_model_predicts_what_its_intensity_makes_of_the_pixels(
    intensity: str, phantom: ImageStore, tmp_path: Path
) -> None:
    values = {
        "data.image_size": 16,
        "model.filters": [4],
        "training.max_epochs": 1,
        "data.intensity": intensity,
    }
    model_path = tmp_path / "one" / "model.keras"
    train(phantom, tmp_path / "one", values, model_path=model_path)
    rows = make_split(phantom, TrialConfig.from_values(values).data).test.rows
    images = prepared(phantom.images(16)[rows], intensity)[..., None]
    again = keras.saving.load_model(model_path).predict_on_batch(images)
    np.testing.assert_allclose(again[:, 0], predictions(tmp_path / "one")["test_probability"], atol=1e-5)


def test_the_worst_case_is_what_a_trial_keeps_and_stressed_predictions_lie_beside_it(
    phantom: ImageStore, tmp_path: Path
) -> None:
    values = {"data.image_size": 16, "model.filters": [4], "training.max_epochs": 3,
              "data.task": "abnormality", "training.objective": "f1_worst_case"}  # fmt: skip
    harsh = OBJECTIVES["f1_worst_case"].conditions
    told: list[tuple[int, int]] = []
    result = train(
        phantom, tmp_path / "worst", values,
        conditions=[condition.name for condition in CONDITIONS],
        on_condition=lambda *progress: told.append(progress),
    )  # fmt: skip
    history = pd.read_csv(tmp_path / "worst" / "history.csv")
    assert result.objective == pytest.approx(history["objective"].max())
    assert (history["objective"] <= history["validation_f1"] + 1e-12).all()
    assert told == [(done, len(CONDITIONS)) for done in range(1, len(CONDITIONS) + 1)]
    with np.load(tmp_path / "worst" / "stress.npz") as saved:
        stressed = dict(saved)
    own = predictions(tmp_path / "worst")
    for part in ("validation_probability", "test_probability"):
        assert np.array_equal(stressed[part][0], own[part])
    names = stressed["conditions"].tolist()
    targets = make_split(phantom, TrialConfig.from_values(values).data).validation.targets
    under = [stressed["validation_probability"][names.index(name)] for name in harsh]
    assert result.objective == objective_value("f1_worst_case", targets, own["validation_probability"], under)
    assert result.threshold == best_threshold(targets, own["validation_probability"])
