import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from mammobench.core.errors import DataError
from mammobench.data.store.image_store import ImageStore
from mammobench.data.store.manifest import OPTIONAL_COLUMNS, fingerprint


@pytest.fixture
def copy(phantom: ImageStore, tmp_path: Path) -> Path:
    return Path(shutil.copytree(phantom.path, tmp_path / "copy"))


def test_native_images_are_a_read_only_memory_map(phantom: ImageStore) -> None:
    images = phantom.images(299)
    assert isinstance(images, np.memmap)
    assert images.shape == (60, 299, 299)
    assert not images.flags.writeable


@pytest.mark.parametrize(
    ("interpolation", "flag"), [("area", cv2.INTER_AREA), ("bilinear", cv2.INTER_LINEAR)]
)
def test_smaller_images_are_those_of_opencv(copy: Path, interpolation: str, flag: int) -> None:
    store = ImageStore.open(copy)
    small = store.images(50, interpolation)
    assert np.array_equal(small[7], cv2.resize(store.images(299)[7], (50, 50), interpolation=flag))
    assert small.shape == (60, 50, 50)


def test_smaller_images_are_derived_once(copy: Path) -> None:
    ImageStore.open(copy).images(32)
    made = (copy / "images-32-area.npy").stat().st_mtime_ns
    ImageStore.open(copy).images(32)
    assert (copy / "images-32-area.npy").stat().st_mtime_ns == made


def test_damaged_smaller_images_are_made_again(copy: Path) -> None:
    right = np.array(ImageStore.open(copy).images(32))
    path = copy / "images-32-area.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert np.array_equal(ImageStore.open(copy).images(32), right)


def test_cut_smaller_images_are_made_again_without_verification(copy: Path) -> None:
    right = np.array(ImageStore.open(copy).images(32))
    path = copy / "images-32-area.npy"
    path.write_bytes(path.read_bytes()[:-1])
    assert np.array_equal(ImageStore.open(copy, verify=False).images(32), right)


def test_processes_that_ask_at_once_get_the_same_images(copy: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from mammobench.data.store.image_store import ImageStore; "
        "print(ImageStore.open(Path(sys.argv[1])).images(40).sum())"
    )
    command = [sys.executable, "-c", code, str(copy)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    sums = {process.communicate()[0] for process in processes}
    assert sums == {f"{ImageStore.open(copy).images(40).sum()}\n"}


def test_images_are_never_enlarged(phantom: ImageStore) -> None:
    with pytest.raises(DataError, match="at most 299, found 300"):
        phantom.images(300)


def test_an_unknown_interpolation_is_an_error(phantom: ImageStore) -> None:
    with pytest.raises(DataError, match="expected area or bilinear, found cubic"):
        phantom.images(64, "cubic")


def test_changed_pixels_are_noticed_and_the_first_row_is_named(copy: Path) -> None:
    images = np.load(copy / "images-299.npy", mmap_mode="r+")
    images[17, 5, 5] ^= 1
    images[40] = 0
    images.flush()
    with pytest.raises(DataError, match=r"images-299.npy, row 17 \(phantom-00017\): the images were changed"):
        ImageStore.open(copy)


def test_cut_images_are_noticed_even_without_verification(copy: Path) -> None:
    path = copy / "images-299.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="the images do not fit the index"):
        ImageStore.open(copy, verify=False)


@pytest.mark.parametrize(("column", "value"), [("label", 3), ("patient", "S_99999"), ("split", "test")])
def test_a_changed_index_is_noticed_without_verification(copy: Path, column: str, value: int | str) -> None:
    index = pd.read_parquet(copy / "index.parquet")
    index.loc[0, column] = value
    index.to_parquet(copy / "index.parquet", index=False)
    with pytest.raises(DataError, match="the index was changed"):
        ImageStore.open(copy, verify=False)


def test_a_damaged_index_is_an_error(copy: Path) -> None:
    (copy / "index.parquet").write_bytes(b"no parquet")
    with pytest.raises(DataError, match="the index cannot be read"):
        ImageStore.open(copy)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no image store"), ("{", "not the manifest"), ('{"format": 2}', "not the manifest")],
)
def test_a_folder_without_a_sound_manifest_is_no_store(
    tmp_path: Path, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(DataError, match=message):
        ImageStore.open(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: no image store: .* found no such folder"):
        ImageStore.open(tmp_path / "nowhere")


def test_a_store_that_cannot_be_written_to_says_so(copy: Path) -> None:
    (copy / ".images-20-area.lock").mkdir()
    with pytest.raises(DataError, match="cannot store the images at 20 pixels"):
        ImageStore.open(copy).images(20)


def test_the_fingerprint_depends_on_the_order_of_rows(phantom: ImageStore) -> None:
    assert fingerprint(phantom.index) == phantom.fingerprint
    assert fingerprint(phantom.index[::-1]) != phantom.fingerprint


def test_a_store_of_before_density_and_lesion_is_read_without_them(copy: Path) -> None:
    index = pd.read_parquet(copy / "index.parquet")
    index.drop(columns=list(OPTIONAL_COLUMNS)).to_parquet(copy / "index.parquet", index=False)
    store = ImageStore.open(copy)
    assert store.index.columns.tolist() == index.columns.tolist()
    assert store.index[list(OPTIONAL_COLUMNS)].isna().all(axis=None)
