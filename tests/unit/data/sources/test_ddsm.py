import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mammobench.core.errors import DataError
from mammobench.data.sources.registry import prepare


def test_every_row_is_read_with_what_is_known_of_it(layout: Any, tmp_path: Path) -> None:
    store = prepare(layout.folder, tmp_path / "store")
    train = store.index[store.index["split"] == "train"]
    assert store.manifest.counts["train"] == 35
    assert store.manifest.counts["test"] == 12
    assert train["label"].tolist() == [number % 5 for number in range(35)]
    assert np.array_equal(store.images(299)[train.index[9]], layout.images[9])
    row = train.iloc[9]
    assert (row["source_file"], row["source_row"]) == ("training10_1.tfrecords", 2)
    assert (row["patient"], row["group"], row["laterality"], row["view"]) == (
        "P_00000",
        "P_00000",
        "LEFT",
        "CC",
    )
    assert train[train["label"] == 0]["patient"].isna().all()
    assert store.index[store.index["split"] == "test"]["patient"].isna().all()
    assert any("Heath" in citation for citation in store.manifest.citations)
    assert not store.manifest.synthetic


def test_records_without_film_names_are_read_and_warned_of(layout: Any, tmp_path: Path) -> None:
    layout.with_filename = False
    layout.write()
    store = prepare(layout.folder, tmp_path / "store")
    assert store.index["patient"].isna().all()
    assert any("hold no film names" in warning for warning in store.manifest.warnings)


def test_progress_ends_at_the_number_of_images(layout: Any, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    prepare(layout.folder, tmp_path / "store", progress=lambda *done: calls.append(done))
    assert calls[-1] == (47, 47)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


def labels_of_seven(layout: Any, encode: Callable[..., bytes]) -> None:
    record = encode(label=7, image=bytes(299 * 299))
    layout.write_shard(2, [record])


def wrong_byte_length(layout: Any, encode: Callable[..., bytes]) -> None:
    good = encode(label=1, image=bytes(299 * 299))
    layout.write_shard(2, [good, encode(label=1, image=bytes(299 * 298))])


def missing_feature(layout: Any, encode: Callable[..., bytes]) -> None:
    layout.write_shard(2, [encode(image=bytes(299 * 299))])


def truncated(layout: Any, _encode: Callable[..., bytes]) -> None:
    path = layout.shard(3)
    path.write_bytes(path.read_bytes()[: -3 * 89_000])


def corrupted(layout: Any, _encode: Callable[..., bytes]) -> None:
    content = bytearray(layout.shard(3).read_bytes())
    content[5 * len(content) // 7 + 500] ^= 4
    layout.shard(3).write_bytes(content)


def shard_missing(layout: Any, _encode: Callable[..., bytes]) -> None:
    layout.shard(4).unlink()


def float64(layout: Any, _encode: Callable[..., bytes]) -> None:
    layout.write_arrays("cv10", np.zeros((6, 299, 299, 1)), np.zeros(6, dtype=int))


def float64_labels(layout: Any, _encode: Callable[..., bytes]) -> None:
    layout.write_arrays("cv10", np.zeros((6, 299, 299, 1), dtype=np.uint8), np.zeros(6))


def different_length(layout: Any, _encode: Callable[..., bytes]) -> None:
    layout.write_arrays("cv10", np.zeros((6, 299, 299, 1), dtype=np.uint8), np.zeros(5, dtype=int))


def array_label_of_seven(layout: Any, _encode: Callable[..., bytes]) -> None:
    layout.write_arrays("cv10", np.zeros((6, 299, 299, 1), dtype=np.uint8), np.array([0, 0, 0, 0, 7, 0]))


def cut_array(layout: Any, _encode: Callable[..., bytes]) -> None:
    path = layout.folder / "test10_data" / "test10_data.npy"
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            labels_of_seven,
            r"training10_2.tfrecords, row 0: unknown label: expected one of 0 .* found 7\. Check",
        ),
        (
            wrong_byte_length,
            r"training10_2.tfrecords, row 1: wrong image size: .*89,401 bytes.*found 89,102 bytes",
        ),
        (missing_feature, r"training10_2.tfrecords, row 0: a feature is missing: .* found image\."),
        (truncated, r"training10_3.tfrecords, row 4: truncated TFRecord"),
        (corrupted, r"training10_3.tfrecords, row 5: corrupted TFRecord"),
        (shard_missing, r"kaggle: the Kaggle set is not complete: .* no training10_4.tfrecords"),
        (
            float64,
            r"cv10_data.npy: wrong kind of array: expected uint8 .*, found float64 of shape",
        ),
        (float64_labels, r"cv10_labels.npy: wrong kind of array: expected integers .*, found float64"),
        (
            different_length,
            r"cv10_labels.npy: images and labels differ in length: expected 6 labels.*found 5",
        ),
        (array_label_of_seven, r"cv10_labels.npy, row 4: unknown label: .*found 7"),
        (cut_array, r"test10_data.npy: not a whole .npy file"),
    ],
)
def test_every_defect_names_file_and_row_and_leaves_nothing(
    layout: Any,
    tmp_path: Path,
    encode: Callable[..., bytes],
    damage: Callable[[Any, Callable[..., bytes]], None],
    message: str,
) -> None:
    damage(layout, encode)
    with pytest.raises(DataError, match=message) as caught:
        prepare(layout.folder, tmp_path / "out" / "store")
    assert caught.value.remedy
    assert not list(tmp_path.glob("out/*"))
    assert not list(tmp_path.glob("out/.*"))


def test_a_zip_gives_the_same_store_as_its_folder(layout: Any, tmp_path: Path) -> None:
    packed = shutil.make_archive(str(tmp_path / "kaggle"), "zip", layout.folder)
    from_zip = prepare(Path(packed), tmp_path / "from-zip")
    assert from_zip.fingerprint == prepare(layout.folder, tmp_path / "from-folder").fingerprint


def test_a_damaged_zip_names_the_member(layout: Any, tmp_path: Path) -> None:
    path = tmp_path / "kaggle.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(layout.folder.rglob("*.*")):
            archive.write(file, file.relative_to(layout.folder))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"kaggle.zip, .*training10_\d.tfrecords: the zip is damaged"):
        prepare(path, tmp_path / "store")
