"""Identical pictures share a group, whoever they are said to be of."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mammobench.data.groups import Groups, Recovery, groups_of
from mammobench.data.groups.model import no_links
from mammobench.data.groups.saved import save_groups
from mammobench.data.splits.split import PARTS, make_split
from mammobench.data.store.image_store import ImageStore
from mammobench.space.config import DataConfig
from tests.pictures import Listed, patients, picture, store_of_pictures

BASE = [*patients(20, "train", "P", start=0), *patients(8, "test", "Q", start=100)]
# pictures 0 and 4 of training again in test, as other patients; 8 again in training
REPEATED: list[Listed] = [
    (picture(0), 2, "R0", "test"), (picture(4), 4, "R1", "test"), (picture(8), 2, "R2", "train"),
]  # fmt: skip


@pytest.fixture
def repeated(tmp_path: Path) -> ImageStore:
    return store_of_pictures(tmp_path / "store", [*BASE, *REPEATED])


def hashes_of(store: ImageStore, config: DataConfig) -> list[set[str]]:
    split, hashes = make_split(store, config), store.index["pixel_hash"].to_numpy()
    assert not split.leaks
    return [set(hashes[getattr(split, part).rows].tolist()) for part in PARTS]


@pytest.mark.parametrize(
    "asked",
    [{}, {"shared_groups": "test"}, *({"split": "grouped", "split_seed": seed} for seed in range(4)),
     {"split": "grouped", "folds": 4, "fold": 1}],
)  # fmt: skip
def test_no_clean_split_has_a_picture_in_two_parts(repeated: ImageStore, asked: dict[str, object]) -> None:
    train, validation, test = hashes_of(repeated, DataConfig.model_validate(asked))
    assert not train & validation
    assert not train & test
    assert not validation & test


def test_what_is_left_out_for_its_pixels_is_counted(repeated: ImageStore) -> None:
    split = make_split(repeated, DataConfig())
    assert len(split.test) == 18
    # the whole patients go: P0 and P2, two images each
    assert len(split.train) + len(split.validation) == 41 - 4
    (told,) = split.warnings
    assert told == (
        "4 training images of 2 patients or lesions that are also in the test set were left out. "
        "Of them, 2 are pixel by pixel an image of that set."
    )


def test_groups_join_patients_through_a_picture(repeated: ImageStore) -> None:
    groups = groups_of(repeated)
    names = repeated.index["patient"].to_numpy()
    code = {name: set(groups.codes[names == name].tolist()) for name in ("P0", "R0", "P2", "R1", "P4", "R2")}
    assert code["P0"] == code["R0"]
    assert code["P2"] == code["R1"]
    assert code["P4"] == code["R2"]
    assert len(set.union(*code.values())) == 3
    assert groups.joined == 3
    assert np.array_equal(
        groups_of(repeated, identical=False).codes, pd.factorize(repeated.index["patient"])[0]
    )


def test_pictures_without_patients_are_groups_and_still_not_of_known_patients(tmp_path: Path) -> None:
    listed: list[Listed] = [(image, label, None, split) for image, label, _, split in [*BASE, *REPEATED]]
    split = make_split(store_of_pictures(tmp_path / "store", listed), DataConfig())
    assert not split.grouped
    assert len(split.train) + len(split.validation) == 41 - 2
    assert "no known patient or lesion" in split.warnings[1]


def test_groups_recovered_before_still_fit_and_gain_the_pictures(repeated: ImageStore) -> None:
    # as versions before 0.3 kept them: ids and links alone
    save_groups(repeated, Groups.join(repeated.index, no_links(), Recovery(9, 0, 0)))
    groups = groups_of(repeated)
    assert groups.recovered
    assert groups.joined == 3


def test_splits_without_repeated_pictures_are_those_of_before(tmp_path: Path, phantom: ImageStore) -> None:
    plain = store_of_pictures(tmp_path / "store", BASE)
    for store in (plain, phantom):
        assert (store.identical == -1).all()
        for name in ("official", "grouped", "reference"):
            config = DataConfig.model_validate({"split": name})
            assert make_split(store, config).hash == make_split(store, config, identical=False).hash
    # of commit 4d2aa89
    assert make_split(plain, DataConfig()).hash[:16] == "77fec41b32b4cbd4"


@pytest.mark.parametrize("greys", [(0,), (255,), (0, 200), (0, 128, 255)])
def test_tiles_that_show_nothing_are_of_nobody(tmp_path: Path, greys: tuple[int, ...]) -> None:
    tile = np.resize(np.repeat(np.array(greys, np.uint8), 8), (32, 32))
    tiles: list[Listed] = [
        (tile, 0, f"N{number}", "test" if number % 5 == 0 else "train") for number in range(60)
    ]
    store = store_of_pictures(tmp_path / "store", [*BASE, *tiles])
    assert (store.identical == -1).all()
    assert store.manifest.warnings == []
    split = make_split(store, DataConfig(task="abnormality"))
    assert split.warnings == ()
    assert len(split.train) + len(split.validation) + len(split.test) == len(store)
    assert 0 < (split.validation.labels == 0).sum() < (split.train.labels == 0).sum()


def test_four_grey_values_are_a_picture(tmp_path: Path) -> None:
    image = np.resize(np.array([0, 80, 160, 240], np.uint8), (32, 32))
    rows: list[Listed] = [*BASE, (image, 2, "A", "train"), (image, 2, "B", "train")]
    assert store_of_pictures(tmp_path / "store", rows).identical.max() == 0


def test_preparing_counts_identical_pictures(repeated: ImageStore) -> None:
    (told,) = repeated.manifest.warnings
    assert told == (
        "6 images are 3 pictures, pixel by pixel (3 of several patients, 2 in training and test alike, "
        "1 with labels that contradict each other); the official and the grouped split keep them together. "
        "`mammobench data audit` lists them."
    )
