"""What a set shares with another one: pictures in any preparation, and patients of one source."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mammobench.data.images.overlap import find_overlap
from mammobench.data.images.phantom import make_phantom
from mammobench.data.store.image_store import ImageStore
from tests.pictures import Listed, Picture, patients, picture, store_of_pictures

OWN = [*patients(10, "train", "P", start=0, size=64), *patients(4, "test", "Q", start=100, size=64)]
ROWS = {"training": np.arange(16), "test": np.arange(20, 28)}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> ImageStore:
    return store_of_pictures(tmp_path_factory.mktemp("own") / "store", OWN)


def shared(
    own: ImageStore,
    folder: Path,
    images: list[Picture],
    *,
    source: str = "elsewhere",
    patient: str | None = None,
) -> dict[str, list[int]]:
    """Return the places of the shared pictures, by part."""
    listed: list[Listed] = [(image, 2, patient, "test") for image in images]
    store = store_of_pictures(folder / "other", listed, source=source)
    found = find_overlap(store, np.arange(len(store)), own, ROWS)
    return {name: np.flatnonzero(part.pictures).tolist() for name, part in found.parts.items()}


def resized(image: Picture, size: int) -> Picture:
    return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def padded(image: Picture, size: int) -> Picture:
    square, start = np.zeros((size, size), np.uint8), (size - len(image)) // 2
    square[start : start + len(image), start : start + len(image)] = image
    return square


PREPARED: dict[str, tuple[int, Callable[[Picture], Picture]]] = {
    "as they are": (64, lambda image: image),
    "smaller": (40, lambda image: resized(image, 40)),
    "in a black square": (100, lambda image: padded(image, 100)),
    "in a black square and smaller": (90, lambda image: resized(padded(image, 120), 90)),
}


@pytest.mark.parametrize("how", PREPARED)
def test_a_picture_is_known_again_however_it_was_prepared(own: ImageStore, tmp_path: Path, how: str) -> None:
    size, prepare = PREPARED[how]
    # of training, of no part, of test, and two that are new
    images = [prepare(picture(number, 64)) for number in (3, 17, 101, 500, 501)]
    assert len(images[0]) == size
    assert shared(own, tmp_path, images) == {"training": [0], "test": [2]}


def test_another_picture_is_another_and_flips_are_not_looked_for(own: ImageStore, tmp_path: Path) -> None:
    new = [picture(number, 64) for number in range(1000, 1060)]
    assert shared(own, tmp_path, [*new, picture(3, 64)[::-1]]) == {"training": [], "test": []}


@pytest.mark.parametrize("size", [64, 32])
def test_tiles_that_show_nothing_are_of_nobody(tmp_path: Path, size: int) -> None:
    faint = np.resize(np.array([20, 21, 22, 23, 24], np.uint8), (64, 64))
    tiles = [np.zeros((64, 64), np.uint8), np.full((64, 64), 255, np.uint8), faint]
    own = store_of_pictures(tmp_path / "own", [*OWN[:-3], *((tile, 0, "N", "test") for tile in tiles)])
    found = shared(own, tmp_path, [resized(tile, size) for tile in tiles])
    # what is faint is a picture to its hash alone
    assert found == {"training": [], "test": [2] if size == 64 else []}


def test_patients_count_in_one_source_and_are_namesakes_in_two(own: ImageStore, tmp_path: Path) -> None:
    listed: list[Listed] = [
        (picture(700, 64), 2, "P1", "test"), (picture(701, 64), 4, "Q0", "test"),
        (picture(702, 64), 2, "new", "test"), (picture(703, 64), 4, None, "test"),
        (picture(704, 64), 4, "P9", "test"),
    ]  # fmt: skip
    for source, patients_found, namesakes in (
        ("pictures of a test", [[0], [1]], 0),
        ("elsewhere", [[], []], 2),
    ):
        store = store_of_pictures(tmp_path / source, listed, source=source)
        found = find_overlap(store, np.arange(5), own, ROWS)
        assert [np.flatnonzero(part.patients).tolist() for part in found.parts.values()] == patients_found
        assert not any(part.pictures.any() for part in found.parts.values())
        assert found.namesakes == namesakes
        assert found.images.sum() == sum(map(len, patients_found))


def test_phantoms_of_two_seeds_share_nothing(tmp_path: Path) -> None:
    one, other = (make_phantom(tmp_path / str(seed), images=40, seed=seed) for seed in (0, 9))
    everything = np.arange(40)
    found = find_overlap(other, everything, one, {"all": everything})
    assert not found.images.any()
    assert found.namesakes == 0
    assert find_overlap(one, everything, one, {"all": everything}).parts["all"].pictures.all()


def test_it_is_counted_in_words_and_values(own: ImageStore, tmp_path: Path) -> None:
    store = store_of_pictures(
        tmp_path / "other", [OWN[0], OWN[1], *OWN[24:], (picture(9000, 64), 2, "new", "test")]
    )
    seen: list[tuple[int, int]] = []
    found = find_overlap(store, np.arange(len(store)), own, ROWS, progress=lambda *done: seen.append(done))
    assert found.told() == (
        "6 of 7 images: 2 are pictures of the training part and 2 are of its patients; "
        "4 are pictures of the test part and 4 are of its patients"
    )
    assert found.values() == {
        "images": 6,
        "parts": {"training": {"images": 2, "pictures": 2, "patients": 2},
                  "test": {"images": 4, "pictures": 4, "patients": 4}},
        "namesakes": 0,
    }  # fmt: skip
    assert seen[-1] == (35, 35)
