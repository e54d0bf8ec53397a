import cv2
import numpy as np
import pandas as pd
import pytest

from mammobench.analysis.audit.hygiene import find_tiles, is_lettered, share_by_class
from mammobench.core.seeds import generator
from mammobench.data.images.statistics import store_statistics
from mammobench.data.store.image_store import ImageStore


def letters(ground: int) -> np.ndarray:
    image = generator(0, "tile").normal(ground, 3, (299, 299)).clip(0, 255).astype(np.uint8)
    cv2.putText(image, "RMLO", (60, 160), cv2.FONT_HERSHEY_SIMPLEX, 2.0, 250, 6)
    return image


def test_letters_are_seen_on_the_films_ground_and_not_in_tissue() -> None:
    assert is_lettered(letters(8))
    assert not is_lettered(letters(140))


@pytest.mark.parametrize("side", [64, 299])
def test_calcifications_are_no_letters(side: int) -> None:
    rng = generator(1, "tile")
    image = rng.normal(110, 12, (side, side)).clip(0, 255).astype(np.uint8)
    for x, y in rng.integers(10, side - 10, (30, 2)):
        cv2.circle(image, (int(x), int(y)), max(1, side // 100), 250, -1)
    assert not is_lettered(image)


def test_one_mark_and_a_bright_edge_are_no_letters() -> None:
    image = np.full((299, 299), 5, dtype=np.uint8)
    image[:, :40] = 255
    assert not is_lettered(image)
    cv2.rectangle(image, (150, 150), (170, 180), 255, -1)
    assert not is_lettered(image)


def test_phantoms_show_breast(phantom: ImageStore) -> None:
    seen = []
    tiles = find_tiles(phantom, store_statistics(phantom), progress=lambda done, _: seen.append(done))
    assert seen[-1] == len(phantom)
    for kind in ("constant", "saturated", "lettered"):
        assert tiles[kind].mean() < 0.05, kind


def test_shares_are_by_class() -> None:
    masks = {"black": np.array([True, False, True, True])}
    shares = share_by_class(masks, pd.Series(["a", "a", "b", "b"]))
    assert shares["black"].to_dict() == {"a": 0.5, "b": 1.0}
