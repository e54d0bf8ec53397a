import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mammobench.core.errors import DataError
from mammobench.data.groups.model import LINK_COLUMNS, Groups, Recovery, no_links
from mammobench.data.groups.saved import groups_of, save_groups
from mammobench.data.store.image_store import ImageStore


def links_between(*pairs: tuple[int, int]) -> pd.DataFrame:
    rows = [(*pair, "same lesion", 12, 0.99, 90, True, 1.0, 3.0, -4.0, 0.9) for pair in pairs]
    return pd.DataFrame(rows, columns=list(LINK_COLUMNS)).astype(LINK_COLUMNS)


def index_of(groups: list[str | None], patients: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame({"group": groups, "patient": patients}, dtype="string")


def test_without_a_recovery_the_index_alone_says_the_groups(phantom: ImageStore) -> None:
    groups = groups_of(phantom)
    assert not groups.recovered
    assert groups.known.all()
    assert np.array_equal(groups.codes, pd.factorize(phantom.index["group"])[0])
    assert list(groups.links.columns) == list(LINK_COLUMNS)


def test_an_image_without_an_id_has_a_group_of_its_own() -> None:
    groups = Groups.join(index_of(["a", None, "a", None], [None] * 4), no_links())
    assert groups.codes.tolist() == [0, 1, 0, 2]
    assert groups.known.tolist() == [True, False, True, False]


def test_lesions_of_one_patient_are_one_group() -> None:
    index = index_of(["lesion 1", "lesion 2", "lesion 3", None], ["p", "p", "q", "q"])
    assert Groups.join(index, no_links()).codes.tolist() == [0, 0, 1, 1]


def test_links_join_through_others_and_count_known_patients_put_together() -> None:
    index = index_of(["a", "b", None, None, None], ["a", "b", None, None, None])
    groups = Groups.join(index, links_between((0, 2), (2, 1), (3, 4)), Recovery(9, 1, 0))
    assert groups.codes.tolist() == [0, 0, 0, 1, 1]
    assert groups.joined == 1
    assert groups.recovered


@pytest.fixture
def store(phantom: ImageStore, tmp_path: Path) -> ImageStore:
    shutil.copytree(phantom.path, tmp_path / "store")
    return ImageStore.open(tmp_path / "store")


@pytest.fixture
def saved(store: ImageStore) -> Groups:
    groups = Groups.join(store.index, links_between((0, 40), (1, 2)), Recovery(9, 1, 0))
    save_groups(store, groups)
    return groups


def test_what_is_saved_is_read_again(store: ImageStore, saved: Groups) -> None:
    read = groups_of(store)
    assert np.array_equal(read.codes, saved.codes)
    pd.testing.assert_frame_equal(read.links, saved.links)
    assert (read.recovery, read.joined, read.recovered) == (saved.recovery, 1, True)


def of_other_images(folder: Path) -> None:
    other = Groups.join(index_of(["a"] * 3, ["a"] * 3), no_links(), Recovery(0, 0, 0))
    manifest = ImageStore.open(folder, verify=False).manifest.model_copy(update={"fingerprint": "f" * 64})
    save_groups(ImageStore(folder, manifest, pd.DataFrame(), verified=False), other)


def links_lost(folder: Path) -> None:
    (folder / "links.parquet").unlink()


def damaged(folder: Path) -> None:
    (folder / "groups.parquet").write_bytes(b"PAR1 and no more")


def of_another_run(folder: Path) -> None:
    store = ImageStore.open(folder, verify=False)
    kept = (folder / "links.parquet").read_bytes()
    save_groups(store, Groups.join(store.index, no_links(), Recovery(1, 1, 1)))
    (folder / "links.parquet").write_bytes(kept)


@pytest.mark.parametrize("damage", [of_other_images, links_lost, damaged, of_another_run])
@pytest.mark.usefixtures("saved")
def test_groups_that_do_not_fit_the_store_are_refused(
    store: ImageStore, damage: Callable[[Path], None]
) -> None:
    damage(store.path)
    with pytest.raises(DataError, match="do not belong to this store") as caught:
        groups_of(store)
    assert caught.value.remedy is not None
    assert "mammobench data groups" in caught.value.remedy
