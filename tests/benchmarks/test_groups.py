"""Time and peak memory of the recovery of groups; MAMMOBENCH_STORES names the stores, in a path list."""

import os
import resource
import shutil
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from mammobench.data.groups import Groups, recover_groups
from mammobench.data.images.phantom import make_phantom
from mammobench.data.store.image_store import ImageStore

STORES = [path for path in os.environ.get("MAMMOBENCH_STORES", "").split(os.pathsep) if path]

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(7200)]


def copy_of(source: Path, folder: Path) -> ImageStore:
    """Link a store's images, so that nothing is written beside the original."""
    folder.mkdir()
    for name in ("manifest.json", "index.parquet"):
        shutil.copy(source / name, folder)
    images = next(source.glob("images-[0-9]*[0-9].npy"))
    (folder / images.name).symlink_to(images.resolve())
    return ImageStore.open(folder, verify=False)


def measure(benchmark: BenchmarkFixture, store: ImageStore) -> Groups:
    pedantic: Any = benchmark.pedantic
    groups: Groups = pedantic(recover_groups, args=(store,), rounds=1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    benchmark.extra_info |= {"images": len(store), "links": len(groups.links), "peak_gib": peak}
    print(f"{len(store)} images: {len(groups.links)} links, peak of the process {peak:.2f} GiB")
    return groups


def test_recover_the_groups_of_a_phantom(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    assert measure(benchmark, make_phantom(tmp_path / "store", images=600)).recovered


@pytest.mark.skipif(not STORES, reason="MAMMOBENCH_STORES names no stores")
@pytest.mark.parametrize("path", STORES)
def test_recover_the_groups_of_a_store(benchmark: BenchmarkFixture, tmp_path: Path, path: str) -> None:
    assert measure(benchmark, copy_of(Path(path), tmp_path / "store")).recovered
