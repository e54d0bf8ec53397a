from dataclasses import fields
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from mammobench.config import TrialConfig
from mammobench.data.splits import make_split
from mammobench.data.store import ImageStore
from mammobench.errors import TrialError
from mammobench.training import run_trial
from mammobench.trial import TrialResult

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
    return run_trial(config, store, split, seed=seed, folder=folder, environment={}, on_epoch=stop, **options)


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
