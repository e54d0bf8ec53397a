from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from mammobench.data.images.conditions import CONDITIONS, Condition, Sources, change, conditions_named
from mammobench.data.images.intensity import prepared
from mammobench.data.images.pixels import Pixels
from mammobench.data.splits.split import make_split
from mammobench.data.store.image_store import ImageStore
from mammobench.space.config import DataConfig
from mammobench.training.predict import LARGEST_BATCH, Predictor

OTHER = conditions_named(["histogram of the other source"])[0]


class MeanOfPixels:
    """The part of a Keras model that a predictor uses: an image's mean as its probability."""

    def predict_on_batch(self, batch: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        return np.asarray(batch.mean(axis=(1, 2)) / 255)


@pytest.mark.parametrize("intensity", ["unit", "clahe"])
def test_conditions_come_before_normalisation_and_batches_do_not_matter(
    intensity: str, phantom: ImageStore
) -> None:
    data = DataConfig(task="abnormality", image_size=16, intensity=intensity)
    split = make_split(phantom, data)
    pixels = Pixels.of(phantom, data, split.train)
    raw = phantom.images(16)
    rows = split.train.rows
    condition = Condition("", "gamma", 2)
    expected = prepared(change(raw[rows], condition), intensity).mean(axis=(1, 2)) / 255
    for rows_at_most in (7, LARGEST_BATCH):
        predict = Predictor(MeanOfPixels(), pixels, rows_at_most)
        predict.trace()
        found = predict(rows, condition)
        assert found.dtype == np.float32
        assert np.allclose(found, expected)
    assert np.array_equal(pixels(rows), prepared(raw[rows], intensity)[..., None])


def test_the_other_source_is_that_of_training_and_goes_by_label(phantom: ImageStore) -> None:
    data = DataConfig(task="abnormality", image_size=16)
    split = make_split(phantom, data)
    raw, test = phantom.images(16), split.test
    sources = Sources.of(raw, split.train)
    assert sources is not None
    expected = change(raw[test.rows], OTHER, others=sources.others(test.labels))
    assert np.array_equal(Pixels.of(phantom, data, split.train)(test.rows, OTHER)[..., 0], expected)


def test_stressed_predictions_are_written_with_their_names(phantom: ImageStore, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    for task, missing in (("abnormality", 0), ("malignancy", 1)):
        data = DataConfig(task=task, image_size=16)
        split = make_split(phantom, data)
        pixels = Pixels.of(phantom, data, split.train)
        predict = Predictor(MeanOfPixels(), pixels, 64)
        rows = split.validation.rows, split.test.rows
        unchanged = predict(rows[0]), predict(rows[1])
        path = tmp_path / f"{task}.npz"
        predict.write_stressed(path, CONDITIONS, unchanged, rows, lambda *progress: told.append(progress))
        with np.load(path) as saved:
            names = saved["conditions"].tolist()
            # a task on lesions has no other source
            assert ("histogram of the other source" in names) == (missing == 0)
            assert names[0] == "unchanged"
            assert len(names) == 1 + len(CONDITIONS) - missing
            assert np.array_equal(saved["test_probability"][0], unchanged[1])
            dark = names.index("brightness -50")
            assert np.array_equal(
                saved["test_probability"][dark], predict(rows[1], conditions_named([names[dark]])[0])
            )
            assert saved["validation_probability"].shape == (len(names), len(rows[0]))
            assert saved["validation_probability"].dtype == np.float32
    assert told[-1] == (len(CONDITIONS) - 1, len(CONDITIONS) - 1)
    predict.write_stressed(tmp_path / "none.npz", (), unchanged, rows, lambda *_: None)
    assert not (tmp_path / "none.npz").exists()


def test_without_a_training_part_all_is_allowed_but_the_other_source(phantom: ImageStore) -> None:
    pixels = Pixels(phantom, size=16, interpolation="area", intensity="histogram")
    rows = np.array([5, 2])
    assert np.array_equal(pixels(rows)[..., 0], prepared(phantom.images(16)[rows], "histogram"))
    assert [condition for condition in CONDITIONS if not pixels.allows(condition)] == [OTHER]
    with pytest.raises(ValueError, match="found None"):
        pixels(rows, OTHER)
