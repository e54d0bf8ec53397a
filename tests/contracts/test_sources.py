"""What every source promises, on a small set in each layout."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mammobench.core.errors import DataError
from mammobench.data.images.options import PrepareOptions
from mammobench.data.images.phantom import make_phantom
from mammobench.data.sources.registry import SOURCES, prepare
from mammobench.data.splits.split import make_split
from mammobench.data.store.image_store import ImageStore
from mammobench.data.store.labels import Label
from mammobench.data.store.manifest import INDEX_COLUMNS
from mammobench.space.config import DataConfig
from tests.cbis_layout import CbisLayout
from tests.kaggle_layout import Layout
from tests.mias_layout import write_films


def write_pictures(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for label in Label:
            for number in range(3):
                path = folder / split / label.title / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), rng.integers(0, 256, (20, 20), dtype=np.uint8))


WRITERS: dict[str, Callable[[Path], object]] = {
    "ddsm": lambda folder: Layout(folder).write(),
    "cbis-ddsm": lambda folder: CbisLayout(folder).write(),
    "mini-mias": write_films,
    "folder": write_pictures,
}
"""Those that tests write besides; another source brings ``write_sample``."""
MADE = [*SOURCES, "phantom"]


def writer_of(name: str) -> Callable[[Path], object]:
    own: Callable[[Path], object] | None = getattr(SOURCES[name], "write_sample", None)
    return own or WRITERS[name]


def options(name: str) -> PrepareOptions:
    return PrepareOptions(size=20) if "size" in SOURCES[name].takes else PrepareOptions()


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders in each layout, written when first asked for; tests must not change them."""
    top = tmp_path_factory.mktemp("sets")

    def of(name: str) -> Path:
        if not (top / name).exists():
            writer_of(name)(top / name)
        return top / name

    return of


@pytest.fixture(scope="module")
def stores(
    sets: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], ImageStore]:
    """A store of each source, recognised without being named."""
    top = tmp_path_factory.mktemp("stores")

    def of(name: str) -> ImageStore:
        path = top / name
        if path.exists():
            return ImageStore.open(path)
        if name == "phantom":
            return make_phantom(path, images=48)
        return prepare(sets(name), path, options=options(name))

    return of


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_has_a_small_set_and_its_registered_name(name: str) -> None:
    assert callable(writer_of(name))
    assert SOURCES[name].name == name


@pytest.mark.parametrize("name", MADE)
def test_the_store_is_whole_and_says_where_it_is_from(name: str, stores: Callable[[str], ImageStore]) -> None:
    store = ImageStore.open(stores(name).path, verify=True)
    assert store.index.columns.tolist() == list(INDEX_COLUMNS)
    assert store.index["id"].is_unique
    assert (
        not store.index[["label", "source_file", "source_row", "split", "pixel_hash"]].isna().any(axis=None)
    )
    assert set(store.index["split"]) == {"train", "test"}
    assert set(store.index["laterality"].dropna()) <= {"LEFT", "RIGHT"}
    assert set(store.index["view"].dropna()) <= {"CC", "MLO"}
    assert store.manifest.source
    assert store.manifest.licence
    assert store.manifest.warnings


@pytest.mark.parametrize("name", MADE)
def test_a_known_patient_has_a_group_and_a_lesion_has_one_label(
    name: str, stores: Callable[[str], ImageStore]
) -> None:
    index = stores(name).index
    assert index.loc[index["patient"].notna(), "group"].notna().all()
    for column, per in (
        ("patient", "group"),
        ("lesion", "label"),
        ("lesion", "patient"),
        ("film", "patient"),
    ):
        known = index.dropna(subset=[column])
        assert (known.groupby(column)[per].nunique() <= 1).all(), (column, per)


@pytest.mark.parametrize("name", MADE)
def test_patients_of_training_and_test_are_apart_or_counted(
    name: str, stores: Callable[[str], ImageStore]
) -> None:
    store = stores(name)
    sides = store.index.dropna(subset=["patient"]).groupby("patient")["split"].nunique()
    counted = any("patients stand in training and test" in warning for warning in store.manifest.warnings)
    assert (sides > 1).any() == counted


@pytest.mark.parametrize("name", ["ddsm", "folder", "phantom"])  # the others have too few patients here
def test_a_clean_split_can_be_cut(name: str, stores: Callable[[str], ImageStore]) -> None:
    split = make_split(stores(name), DataConfig(task="abnormality", validation_fraction=0.4))
    assert not set(split.train.groups) & set(split.validation.groups)
    assert not set(split.train.groups) & set(split.test.groups)


@pytest.mark.parametrize("name", SOURCES)
def test_a_zip_whose_format_is_named_gives_the_same_store(
    name: str, sets: Callable[[str], Path], stores: Callable[[str], ImageStore], tmp_path: Path
) -> None:
    packed = tmp_path / "set.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(sets(name).rglob("*.*")):
            archive.write(file, file.relative_to(sets(name)))
    again = prepare(packed, tmp_path / "again", format=name, options=options(name))
    assert again.fingerprint == stores(name).fingerprint
    assert again.manifest == stores(name).manifest


@pytest.mark.parametrize("name", SOURCES)
def test_progress_never_falls_and_ends_at_the_number_of_images(
    name: str, sets: Callable[[str], Path], tmp_path: Path
) -> None:
    calls: list[tuple[int, int]] = []
    store = prepare(
        sets(name), tmp_path / "store", options=options(name), progress=lambda *done: calls.append(done)
    )
    assert calls[-1] == (len(store), len(store))
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


@pytest.mark.parametrize("name", SOURCES)
def test_a_set_with_half_of_its_files_is_refused_and_leaves_nothing(
    name: str, sets: Callable[[str], Path], tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(sets(name), tmp_path / "copy"))
    largest = max(copy.rglob("*.*"), key=lambda file: (file.stat().st_size, str(file)))
    largest.write_bytes(largest.read_bytes()[: largest.stat().st_size // 2])
    with pytest.raises(DataError) as caught:
        prepare(copy, tmp_path / "out" / "store", options=options(name))
    assert largest.name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("out/*"))
    assert not list(tmp_path.glob("out/.*"))


@pytest.mark.parametrize("name", SOURCES)
def test_an_empty_folder_named_by_hand_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no known layout: .* found no files"):
        prepare(tmp_path / "empty", tmp_path / "store", format=name)
