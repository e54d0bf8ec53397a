from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mammobench.core.errors import StudyError
from mammobench.core.seeds import generator
from mammobench.data.splits.split import Split, make_split
from mammobench.data.store.image_store import ImageStore
from mammobench.evaluation.shortcut import METHODS, fit_shortcuts, load_shortcuts, save_shortcuts
from mammobench.space.config import DataConfig


@pytest.fixture(scope="module")
def split(phantom: ImageStore) -> Split:
    return make_split(phantom, DataConfig(task="abnormality"))


def noise(phantom: ImageStore) -> np.ndarray:
    return generator(0, "shortcut").normal(size=(len(phantom), 6)).astype(np.float32)


def test_what_the_statistics_tell_is_found_and_noise_is_not(phantom: ImageStore, split: Split) -> None:
    features = noise(phantom)
    telling = features.copy()
    telling[:, 2] += 9 * (phantom.index["label"].to_numpy() > 0)
    for method, blind, seeing in zip(
        METHODS, fit_shortcuts(features, split), fit_shortcuts(telling, split), strict=True
    ):
        assert blind.method == seeing.method == method
        assert blind.test.shape == (len(split.test),)
        assert roc_auc_score(split.test.targets, seeing.test) > 0.95
        assert 0.2 < roc_auc_score(split.test.targets, blind.test) < 0.8


def test_test_images_have_no_say(phantom: ImageStore, split: Split) -> None:
    features = noise(phantom)
    changed = features.copy()
    changed[split.test.rows] += 100
    for one, other in zip(fit_shortcuts(features, split), fit_shortcuts(changed, split), strict=True):
        assert np.array_equal(one.validation, other.validation)
        assert one.threshold == other.threshold


def test_more_classes_have_a_column_each_and_no_threshold(phantom: ImageStore) -> None:
    split = make_split(phantom, DataConfig(task="five-class"))
    for shortcut in fit_shortcuts(noise(phantom), split):
        assert shortcut.threshold is None
        assert shortcut.test.shape == (len(split.test), 5)
        assert np.allclose(shortcut.test.sum(axis=1), 1)


def test_they_are_the_same_after_saving(phantom: ImageStore, split: Split, tmp_path: Path) -> None:
    made = fit_shortcuts(noise(phantom), split)
    save_shortcuts(made, tmp_path / "deep" / "s.npz")
    for one, other in zip(made, load_shortcuts(tmp_path / "deep" / "s.npz"), strict=True):
        assert (one.method, one.threshold) == (other.method, other.threshold)
        assert np.array_equal(one.validation, other.validation)
        assert np.array_equal(one.test, other.test)


def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "s.npz").write_bytes(b"PK nothing")
    with pytest.raises(StudyError, match="the next report makes it again"):
        load_shortcuts(tmp_path / "s.npz")
