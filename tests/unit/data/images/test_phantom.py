import hashlib
from pathlib import Path

import numpy as np
import pytest

from mammobench.core.errors import DataError
from mammobench.data.images.phantom import draw_patient, make_phantom
from mammobench.data.images.phantom_film import Appearance, power_law_field
from mammobench.data.splits.split import make_split
from mammobench.data.store.image_store import ImageStore
from mammobench.data.store.labels import Label
from mammobench.space.config import DataConfig, TaskName

PINNED_PIXELS = "dcc691f12dea74d38b8459d75732e7e881086f7ed263934445b76c7beb2ee2d6"
PINNED_FINGERPRINT = "cfd242a6e133b01291a648654652f6fc8442741b2a8861cd14522f6767d73690"


def test_one_seed_gives_the_same_bytes_on_any_machine(phantom: ImageStore) -> None:
    assert hashlib.sha256(phantom.images(299).tobytes()).hexdigest() == PINNED_PIXELS
    assert phantom.fingerprint == PINNED_FINGERPRINT


def test_a_patient_depends_on_seed_and_number_alone(phantom: ImageStore) -> None:
    chunk = draw_patient(7, seed=0, appearance=Appearance.of(0.5))
    assert np.array_equal(chunk.images, phantom.images(299)[21:24])
    assert not np.array_equal(draw_patient(7, seed=1, appearance=Appearance.of(0.5)).images, chunk.images)


def test_the_store_says_that_it_is_synthetic(phantom: ImageStore) -> None:
    assert phantom.manifest.synthetic
    assert phantom.manifest.source == "phantom (synthetic)"
    assert phantom.manifest.citations == []
    assert "say nothing about patients" in phantom.manifest.warnings[0]


def test_half_of_the_images_show_lesions_of_every_kind(tmp_path: Path) -> None:
    counts = make_phantom(tmp_path / "store", images=120).manifest.counts
    assert counts["negative"] == 60
    assert [counts[label.title] for label in list(Label)[1:]] == [18, 15, 12, 15]
    assert counts["test"] == 24
    assert counts["patients"] == 40


def test_crops_of_a_film_share_patient_label_and_split(phantom: ImageStore) -> None:
    films = phantom.index.groupby("patient")
    assert (films.size() == 3).all()
    assert (films[["label", "split", "laterality", "view"]].nunique() == 1).all(axis=None)
    assert phantom.index["pixel_hash"].is_unique


@pytest.mark.parametrize("task", ["malignancy", "abnormality", "lesion-type", "screening", "five-class"])
def test_the_smallest_documented_phantom_serves_every_task(tmp_path: Path, task: TaskName) -> None:
    split = make_split(make_phantom(tmp_path / "store", images=48), DataConfig(task=task))
    assert min(len(split.train), len(split.validation), len(split.test)) > 0


def test_the_number_of_images_need_not_be_a_multiple_of_the_crops(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    store = make_phantom(tmp_path / "store", images=7, progress=lambda *done: calls.append(done))
    assert len(store) == 7
    assert calls == [(3, 7), (6, 7), (7, 7)]


@pytest.mark.parametrize(("images", "difficulty"), [(0, 0.5), (6, 1.5), (6, -0.1)])
def test_arguments_out_of_range_are_an_error(tmp_path: Path, images: int, difficulty: float) -> None:
    with pytest.raises(DataError, match="no such phantom"):
        make_phantom(tmp_path / "store", images=images, difficulty=difficulty)
    assert not list(tmp_path.iterdir())


def test_the_power_of_tissue_falls_with_the_third_power_of_frequency() -> None:
    size, fields = 256, 20
    power = np.mean(
        [
            np.abs(np.fft.fft2(power_law_field(np.random.default_rng(seed), size))) ** 2
            for seed in range(fields)
        ],
        axis=0,
    )
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None, :])
    band = (frequency > 0.02) & (frequency < 0.4)
    slope, _ = np.polyfit(np.log(frequency[band]), np.log(power[band]), 1)
    assert slope == pytest.approx(-3, abs=0.1)


def test_difficulty_makes_lesions_less_conspicuous() -> None:
    easy, hard = Appearance.of(0), Appearance.of(1)
    assert easy.conspicuity > hard.conspicuity
    assert easy.separation > hard.separation
    assert easy.tissue < hard.tissue
