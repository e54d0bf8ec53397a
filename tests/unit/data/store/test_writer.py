from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mammobench.core.errors import DataError
from mammobench.data.images.phantom import PROVENANCE, make_phantom
from mammobench.data.store.image_store import ImageStore
from mammobench.data.store.records import Chunk, Row
from mammobench.data.store.writer import StoreWriter


def chunk(count: int, start: int = 0) -> Chunk:
    images = np.arange(start, start + count, dtype=np.uint8)[:, None, None] * np.ones((8, 8), np.uint8)
    return Chunk(images, [Row(row % 5, "film.png", row, "train") for row in range(start, start + count)])


def test_chunks_become_one_store_in_order(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "new" / "store", image_size=8, provenance=PROVENANCE) as writer:
        writer.append(chunk(3))
        writer.append(chunk(4, start=3))
        writer.warnings.append("beware")
    store = ImageStore.open(tmp_path / "new" / "store")
    assert store.images(8)[:, 0, 0].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert store.index["id"].tolist()[:2] == ["film-00000", "film-00001"]
    assert store.index["lesion_type"].tolist()[:5] == [
        "none",
        "calcification",
        "mass",
        "calcification",
        "mass",
    ]
    assert store.index["pathology"].tolist()[:5] == ["none", "benign", "benign", "malignant", "malignant"]
    assert store.manifest.counts["images"] == 7
    assert store.manifest.warnings == ["beware"]
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, RuntimeError, OSError])
def test_an_interrupted_write_leaves_nothing(tmp_path: Path, interruption: type[BaseException]) -> None:
    def interrupted() -> None:
        with StoreWriter(tmp_path / "store", image_size=8, provenance=PROVENANCE) as writer:
            writer.append(chunk(3))
            raise interruption

    with pytest.raises(interruption):
        interrupted()
    assert not list(tmp_path.iterdir())


def test_an_output_that_exists_is_refused_and_kept(tmp_path: Path) -> None:
    out = tmp_path / "store"
    out.write_text("mine")
    with pytest.raises(DataError, match=r"the output exists: .* found a file"):
        make_phantom(out, images=1)
    assert out.read_text() == "mine"


def test_an_output_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot write the image store"):
        make_phantom(tmp_path / "file" / "store", images=1)


def test_a_full_disk_is_explained_and_left_empty(tmpfs: Callable[[str], Path]) -> None:
    disk = tmpfs("size=1m")
    with pytest.raises(DataError, match="found No space left on device"):
        make_phantom(disk / "store", images=30)
    assert not list(disk.iterdir())


def test_an_output_that_is_not_writable_is_explained(tmpfs: Callable[[str], Path]) -> None:
    disk = tmpfs("ro,size=1m")
    with pytest.raises(DataError, match="found Read-only file system"):
        make_phantom(disk / "store", images=1)
