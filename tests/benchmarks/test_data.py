"""Speed of the data floor: images per second is 120 divided by the time shown."""

import itertools
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from mammobench.data.images.phantom import make_phantom
from mammobench.data.store.image_store import ImageStore

IMAGES = 120

pytestmark = pytest.mark.benchmark


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return make_phantom(tmp_path / "store", images=IMAGES)


def test_make_a_phantom(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    numbers = itertools.count()
    benchmark(lambda: make_phantom(tmp_path / str(next(numbers)), images=IMAGES))


def test_open_and_verify_a_store(benchmark: BenchmarkFixture, store: ImageStore) -> None:
    assert len(benchmark(ImageStore.open, store.path)) == IMAGES


@pytest.mark.parametrize("interpolation", ["area", "bilinear"])
def test_derive_smaller_images(benchmark: BenchmarkFixture, store: ImageStore, interpolation: str) -> None:
    sizes = itertools.cycle(range(20, 299))
    benchmark(lambda: store.images(next(sizes), interpolation))
