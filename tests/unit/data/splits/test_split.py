from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from mammobench.core.errors import DataError
from mammobench.data.groups import Groups, Recovery
from mammobench.data.groups.model import LINK_COLUMNS, no_links
from mammobench.data.groups.saved import save_groups
from mammobench.data.splits.recorded_shares import share_warnings
from mammobench.data.splits.split import Split, make_split
from mammobench.data.store.image_store import ImageStore
from mammobench.data.store.manifest import Manifest
from mammobench.space.config import DataConfig


def store_of(rows: Sequence[tuple[int, str | None, str]]) -> ImageStore:
    """Make a store of (label, patient, split) without images, which a split never reads."""
    index = pd.DataFrame(rows, columns=["label", "patient", "split"])
    index["group"] = index["patient"]
    manifest = Manifest(
        fingerprint="", counts={}, image_size=8, source="", synthetic=True, licence="", citations=[],
        warnings=[], versions={},
    )  # fmt: skip
    return ImageStore(Path("memory"), manifest, index, verified=False)


def lesions(count: int, split: str, prefix: str) -> list[tuple[int, str | None, str]]:
    """Three crops of each of `count` lesions, labels 1 to 4 in turn."""
    return [(1 + number % 4, f"{prefix}{number}", split) for number in range(count) for _ in range(3)]


def test_official_keeps_the_source_test_rows_and_whole_patients(phantom: ImageStore) -> None:
    split = make_split(phantom, DataConfig(task="abnormality"))
    tests = np.flatnonzero(phantom.index["split"] == "test")
    assert np.array_equal(split.test.rows, tests)
    assert not set(split.train.groups) & set(split.validation.groups)
    assert not set(split.train.groups) & set(split.test.groups)
    assert len(split.train) + len(split.validation) + len(split.test) == len(phantom)
    assert split.grouped
    assert not split.leaks
    assert split.warnings == ()


def test_parts_carry_targets_labels_and_groups_of_their_rows(phantom: ImageStore) -> None:
    split = make_split(phantom, DataConfig(task="malignancy"))
    for part in (split.train, split.validation, split.test):
        labels = phantom.index["label"].to_numpy()[part.rows]
        assert np.array_equal(part.labels, labels)
        assert np.array_equal(part.targets, labels >= 3)
        assert {array.dtype for array in (part.rows, part.targets, part.labels, part.groups)} == {
            np.dtype(np.int64)
        }


def test_training_images_of_test_patients_are_left_out_and_counted() -> None:
    store = store_of(lesions(20, "train", "P") + lesions(4, "test", "P"))
    split = make_split(store, DataConfig())
    assert len(split.train) + len(split.validation) == 48
    assert split.warnings == (
        "12 training images of 4 patients or lesions that are also in the test set were left out.",
    )


def test_shared_patients_leave_the_test_set_where_that_is_asked() -> None:
    store = store_of(lesions(20, "train", "P") + lesions(8, "test", "P") + lesions(4, "test", "Q"))
    split = make_split(store, DataConfig(shared_groups="test"))
    assert (len(split.train) + len(split.validation), len(split.test)) == (60, 12)
    assert split.warnings[0].startswith(
        "24 test images of 8 patients or lesions that are also in the training"
    )


def test_a_recovered_lesion_counts_like_a_patient(tmp_path: Path) -> None:
    rows = [(label, None, split) for label, _, split in lesions(20, "train", "P") + lesions(8, "test", "Q")]
    store = replace(store_of(rows), path=tmp_path)
    crops = [(row, row + 1) for row in range(len(rows)) if row % 3 < 2]
    # and one lesion of the training set was found again in the test set
    pairs = pd.DataFrame([*crops, (0, 60)], columns=["first", "second"])
    links = pd.concat([no_links(), pairs.assign(kind="same lesion")])
    links = links.fillna({"inliers": 9, "confidence": 1.0, "turn": 0, "mirrored": False, "scale": 1.0})
    links = links.fillna({"offset_x": 0.0, "offset_y": 0.0, "correlation": 1.0}).astype(LINK_COLUMNS)
    save_groups(store, Groups.join(store.index, links, Recovery(candidates=99, chance=0, seed=0)))
    split = make_split(store, DataConfig())
    assert split.grouped
    assert len(split.train) + len(split.validation) == 57
    assert split.warnings[0].startswith("3 training images of 1 patients or lesions")
    assert "found by their pixels" in split.warnings[1]
    assert len(np.unique(split.test.groups)) == 8


@pytest.mark.parametrize("folds", [0, 4])
def test_grouped_draws_test_from_all_rows_in_whole_groups(folds: int) -> None:
    store = store_of(lesions(40, "train", "P") + lesions(20, "test", "Q"))
    configs = [DataConfig(split="grouped", folds=folds, fold=fold) for fold in range(max(1, folds))]
    splits = [make_split(store, config) for config in configs]
    tests = np.concatenate([split.test.rows for split in splits])
    assert len(set(tests)) == len(tests)
    assert len(tests) == (180 if folds else 36)
    assert {(store.index["split"][row]) for row in tests} == {"train", "test"}
    for split in splits:
        assert np.ptp(np.bincount(split.test.labels)[1:]) <= 3
        assert len(split.train) + len(split.validation) + len(split.test) == 180
    assert make_split(store, configs[0]).hash == splits[0].hash
    assert make_split(store, configs[0].model_copy(update={"split_seed": 1})).hash != splits[0].hash


def test_official_takes_the_validation_part_of_the_source() -> None:
    store = store_of(lesions(20, "train", "P") + lesions(8, "validation", "V") + lesions(8, "test", "T"))
    split = make_split(store, DataConfig())
    own = np.flatnonzero(store.index["split"] == "validation")
    assert np.array_equal(split.validation.rows, own)
    assert (len(split.train), len(split.validation), len(split.test)) == (60, 24, 24)
    assert split.warnings == (
        "Validation is the source's own part of 24 images: data.validation_fraction counts for nothing.",
    )
    halved = make_split(store, DataConfig(training_share=0.5, validation_fraction=0.4))
    assert np.array_equal(halved.validation.rows, own)
    assert 20 < len(halved.train) < 40


def test_patients_of_two_parts_are_left_out_of_training_and_then_of_validation() -> None:
    store = store_of(lesions(20, "train", "P") + lesions(8, "validation", "P") + lesions(4, "test", "P"))
    split = make_split(store, DataConfig())
    assert (len(split.train), len(split.validation), len(split.test)) == (36, 12, 12)
    assert split.warnings[0].startswith(
        "24 training images of 4 patients or lesions that are also in the test"
    )
    assert split.warnings[2] == (
        "12 training images of 4 patients or lesions that are also in the validation set were left out."
    )


def test_other_splits_pool_the_validation_part() -> None:
    kept = lesions(20, "train", "P") + lesions(8, "validation", "V") + lesions(8, "test", "T")
    pooled = [(label, patient, split.replace("validation", "train")) for label, patient, split in kept]
    for name in ("grouped", "reference"):
        config = DataConfig.model_validate({"split": name})
        assert make_split(store_of(kept), config).hash == make_split(store_of(pooled), config).hash


def test_a_validation_part_of_one_class_is_named() -> None:
    rows = [*lesions(20, "train", "P"), (1, "V", "validation"), *lesions(8, "test", "T")]
    with pytest.raises(DataError, match="the validation part cannot serve the task malignancy"):
        make_split(store_of(rows), DataConfig())


def test_a_split_that_leaks_is_refused_however_it_came_about(phantom: ImageStore, tmp_path: Path) -> None:
    split = make_split(phantom, DataConfig())
    leaking = replace(split, test=replace(split.test, groups=split.train.groups[: len(split.test)]))
    leaking.save(tmp_path / "split.npz")
    with pytest.raises(DataError, match="the official split leaks from train to test"):
        Split.load(tmp_path / "split.npz")
    replace(leaking, leaks=True).save(tmp_path / "split.npz")
    assert Split.load(tmp_path / "split.npz").leaks


def test_unknown_patients_are_groups_of_their_own_and_warned_of() -> None:
    rows = [(label, None, split) for label, _, split in lesions(20, "train", "P") + lesions(8, "test", "Q")]
    split = make_split(store_of(rows), DataConfig())
    assert not split.grouped
    assert len(set(split.train.groups)) == len(split.train)
    assert split.warnings[0].startswith("60 of 60 training images have no known patient or lesion")
    assert split.warnings[1].startswith("24 of 24 test images have no known patient or lesion")


def test_known_and_unknown_patients_stand_in_one_split() -> None:
    rows = lesions(20, "train", "P") + lesions(8, "test", "Q")
    rows += [(0, None, "train")] * 40 + [(0, None, "test")] * 10
    split = make_split(store_of(rows), DataConfig(task="abnormality"))
    assert split.grouped
    assert not set(split.train.groups) & set(split.validation.groups)
    assert split.warnings[0].startswith("40 of 100 training images")


def test_validation_is_stratified_by_label() -> None:
    store = store_of(lesions(40, "train", "P") + lesions(8, "test", "Q"))
    split = make_split(store, DataConfig(task="malignancy", validation_fraction=0.2))
    assert np.bincount(split.validation.labels).tolist() == [0, 6, 6, 6, 6]


def test_the_split_seed_changes_validation_and_nothing_else(phantom: ImageStore) -> None:
    splits = [make_split(phantom, DataConfig(split_seed=seed)) for seed in (0, 0, 1)]
    assert splits[0].hash == splits[1].hash != splits[2].hash
    assert np.array_equal(splits[0].test.rows, splits[2].test.rows)


def test_reference_is_what_the_reference_notebook_did(phantom: ImageStore) -> None:
    split = make_split(phantom, DataConfig(task="abnormality", split="reference"))
    training = phantom.index[phantom.index["split"] == "train"]
    target = (training["label"] > 0).astype(int)
    rest, test = train_test_split(training.index, test_size=0.2, random_state=2021, stratify=target)
    assert split.test.rows.tolist() == test.tolist()
    assert split.train.rows.tolist() == rest[: int(len(rest) * 0.8)].tolist()
    assert split.validation.rows.tolist() == rest[int(len(rest) * 0.8) :].tolist()
    assert split.leaks
    assert "LEAKS" in split.warnings[0]


@pytest.mark.parametrize("name", ["official", "reference"])
def test_a_split_is_the_same_after_saving(phantom: ImageStore, tmp_path: Path, name: str) -> None:
    split = make_split(phantom, DataConfig.model_validate({"split": name}))
    split.save(tmp_path / "deep" / "split.npz")
    loaded = Split.load(tmp_path / "deep" / "split.npz")
    assert loaded.hash == split.hash
    assert loaded.class_names == ("benign", "malignant")
    assert (loaded.name, loaded.task, loaded.leaks, loaded.grouped) == (name, "malignancy", split.leaks, True)
    assert loaded.warnings == split.warnings
    assert np.array_equal(loaded.validation.groups, split.validation.groups)


def test_a_damaged_or_missing_split_is_an_error(phantom: ImageStore, tmp_path: Path) -> None:
    path = tmp_path / "split.npz"
    with pytest.raises(DataError, match="the split cannot be read"):
        Split.load(path)
    make_split(phantom, DataConfig()).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match="the split cannot be read"):
        Split.load(path)


@pytest.mark.parametrize("name", ["official", "reference"])
@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([(0, None, "train")] * 9 + [(0, None, "test")] * 9, "found 0 benign, 0 malignant"),
        ([(1, None, "train")] * 9 + [(1, None, "test")] * 9, "0 malignant"),
        ([(1, None, "train")] * 9 + [(3, None, "train")] + [(3, None, "test")] * 9, "malignant"),
    ],
)
def test_a_part_without_two_classes_is_an_error(
    rows: list[tuple[int, str | None, str]], found: str, name: str
) -> None:
    with pytest.raises(DataError, match=found):
        make_split(store_of(rows), DataConfig.model_validate({"split": name}))


def test_a_training_share_is_whole_groups_of_every_label_nested_and_leaves_the_rest_alone(
    phantom: ImageStore,
) -> None:
    whole = make_split(phantom, DataConfig(task="five-class"))
    inner = set(whole.train.rows.tolist())
    for share in (0.9, 0.5, 0.2, 0.01):
        split = make_split(phantom, DataConfig(task="five-class", training_share=share))
        for part in ("validation", "test"):
            assert np.array_equal(getattr(split, part).rows, getattr(whole, part).rows)
        rows = set(split.train.rows.tolist())
        assert rows <= inner
        assert len(rows) <= max(len(whole.train) * (share + 0.1), 30)
        inner = rows
        left_out = np.isin(whole.train.rows, split.train.rows, invert=True)
        assert not set(whole.train.groups[left_out]) & set(split.train.groups)
        assert set(split.train.labels) == set(whole.train.labels)
        # a stratum is off by half a group of its own at most, groups of several labels aside
        wanted = np.bincount(whole.train.labels) * share
        assert np.abs(np.bincount(split.train.labels) - wanted).max() <= max(wanted.max() * 0.3, 6)
    assert make_split(phantom, DataConfig(task="five-class", training_share=1.0)).hash == whole.hash


def test_a_share_of_images_without_groups_is_drawn_by_image() -> None:
    rows = [(label, None, split) for label, _, split in lesions(40, "train", "P") + lesions(8, "test", "Q")]
    for kind in ("official", "reference"):
        whole = make_split(store_of(rows), DataConfig.model_validate({"split": kind}))
        half = make_split(store_of(rows), DataConfig.model_validate({"split": kind, "training_share": 0.5}))
        assert np.abs(np.bincount(half.train.labels) * 2 - np.bincount(whole.train.labels)).max() <= 1
        other = DataConfig.model_validate({"split": kind, "training_share": 0.5, "split_seed": 1})
        assert not np.array_equal(make_split(store_of(rows), other).train.rows, half.train.rows)


def test_a_store_with_training_rows_alone_is_told_of_the_grouped_split() -> None:
    store = store_of(lesions(20, "train", "P"))
    with pytest.raises(
        DataError, match="0 benign, 0 malignant, for the source sets no images apart"
    ) as raised:
        make_split(store, DataConfig())
    assert raised.value.remedy == "Ask for --split grouped, which draws test from all images"
    assert len(make_split(store, DataConfig(split="grouped")).test) == 12
    with pytest.raises(DataError, match="cannot serve the task abnormality") as raised:
        make_split(store, DataConfig(task="abnormality"))
    assert raised.value.remedy == "Choose another data.task or a larger store"


def test_the_official_split_is_advised_only_where_there_are_test_rows() -> None:
    few = [(1, "P1", "train"), (3, "P2", "train"), (1, "P3", "train"), (3, "P4", "train")]
    for tests, advised in (([], False), ([(1, "Q1", "test"), (3, "Q2", "test")], True)):
        store = store_of([*few, *tests])
        with pytest.raises(DataError, match="cannot serve the task malignancy") as raised:
            make_split(store, DataConfig(split="grouped", folds=2, fold=5))
        assert ("--split official" in (raised.value.remedy or "")) is advised


def test_parts_that_are_far_from_what_was_asked_are_told_with_the_figures() -> None:
    # three groups of each label, two of four images and one of one
    data = DataConfig(split="grouped", validation_fraction=0.5)
    store = store_of(
        [
            (1 + number % 4, f"P{number}", "train")
            for number in range(12)
            for _ in range(4 if number < 8 else 1)
        ]
    )
    split = make_split(store, data)
    share = len(split.test) / 36
    assert share > 0.3
    assert split.warnings[0] == (
        f"{100 * share:.0f} % of 36 images are in the test part, where 20 % were asked for: groups are never "
        "cut, each label has one in every part, and there are 12 groups, the largest of 4 images (11 %). "
        "Another data.split_seed draws others."
    )


def test_parts_near_what_was_asked_are_not_told() -> None:
    store = store_of(lesions(80, "train", "P"))
    for data in (
        DataConfig(split="grouped"),
        DataConfig(split="grouped", folds=5, fold=3),
        DataConfig(split="grouped", training_share=0.5),
    ):
        assert make_split(store, data).warnings == ()


def test_a_split_that_an_older_version_made_is_told_from_its_parts() -> None:
    data = DataConfig(split="grouped", test_fraction=0.1)
    split = make_split(store_of(lesions(16, "train", "P")), data)
    older = replace(split, warnings=())
    assert share_warnings(older, data) == share_warnings(split, data) == split.warnings
    assert share_warnings(older, data)
    known = make_split(store_of(lesions(80, "train", "P")), DataConfig(split="grouped"))
    assert share_warnings(known, DataConfig(split="grouped")) == ()
