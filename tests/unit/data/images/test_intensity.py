import cv2
import numpy as np
import pytest

from mammobench.core.seeds import generator
from mammobench.data.images.intensity import AHEAD_OF_MODEL, prepared, standard_histogram


def test_the_standard_histogram_is_the_normal_distribution() -> None:
    shares = standard_histogram()
    levels = np.arange(256)
    assert shares.sum() == pytest.approx(1)
    assert np.allclose(shares, shares[::-1])
    assert (shares * levels).sum() == pytest.approx(127.5)
    # cut at three deviations
    assert np.sqrt((shares * (levels - 127.5) ** 2).sum()) == pytest.approx(0.9866 * 42.5, rel=1e-3)


def test_levels_go_to_quantiles_of_the_standard_by_hand() -> None:
    image = np.array([[[3, 3], [77, 77]], [[9, 9], [9, 9]]], np.uint8)
    # mid-ranks 1/4 and 3/4: 127.5 -/+ 0.6745 * 42.5 = 98.8 and 156.2; one level goes to the median
    assert prepared(image, "histogram").tolist() == [[[99, 99], [156, 156]], [[127, 127], [127, 127]]]


def test_any_increasing_change_of_grey_levels_is_undone() -> None:
    image = generator(0, "image").integers(0, 120, (2, 32, 32), dtype=np.uint8)
    stretched = (2 * image + 5).astype(np.uint8)
    assert np.array_equal(prepared(image, "histogram"), prepared(stretched, "histogram"))


@pytest.mark.parametrize(("size", "tiles"), [(16, 1), (64, 4), (100, 6), (299, 8)])
def test_clahe_is_opencvs_with_tiles_of_sixteen_pixels_or_more(size: int, tiles: int) -> None:
    images = generator(0, "image").integers(90, 120, (2, size, size), dtype=np.uint8)
    expected = cv2.createCLAHE(2.0, (tiles, tiles)).apply(images[1])
    changed = prepared(images, "clahe")
    assert np.array_equal(changed[1], expected)
    assert changed.std() > images.std()


@pytest.mark.parametrize("intensity", AHEAD_OF_MODEL)
def test_images_are_changed_each_by_itself_and_into_a_new_array(intensity: str) -> None:
    images = generator(0, "image").integers(0, 256, (5, 32, 32), dtype=np.uint8)
    before = images.copy()
    images.flags.writeable = False
    changed = prepared(images, intensity)
    assert changed.shape == images.shape
    assert changed.dtype == np.uint8
    assert np.array_equal(images, before)
    assert np.array_equal(changed[[4, 2]], prepared(images[[4, 2]], intensity))


def test_what_the_model_does_itself_is_left_to_it() -> None:
    images = np.zeros((1, 16, 16), np.uint8)
    for intensity in ("none", "unit", "min-max", "z-score"):
        assert prepared(images, intensity) is images
