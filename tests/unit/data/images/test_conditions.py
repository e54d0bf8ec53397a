import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mammobench.core.seeds import generator
from mammobench.data.images.conditions import (
    CONDITIONS,
    KINDS,
    OTHER_SOURCE,
    Condition,
    Sources,
    change,
    conditions_named,
)
from mammobench.data.images.histograms import match_histograms, mean_histogram
from mammobench.data.splits.split import Part

Images = npt.NDArray[np.uint8]
IDENTITIES = {"contrast": 1, "gamma": 1, "brightness": 0, "blur": 0, "noise": 0, "erase": 0}
ANY_IMAGES = arrays.arrays(np.uint8, st.tuples(st.integers(1, 3), st.just(16), st.just(16)))


def images_of(*values: object) -> Images:
    return np.array(values, np.uint8)


def textured(count: int = 3, size: int = 32) -> Images:
    return generator(0, "textured").integers(40, 200, (count, size, size), dtype=np.uint8)


def others(count: int) -> npt.NDArray[np.float64]:
    return np.tile(np.eye(256)[[7]], (count, 1))


def test_contrast_spreads_about_the_mean_of_each_image_and_clips() -> None:
    images = images_of([[100, 140], [100, 140]], [[0, 250], [0, 250]])
    half = change(images, Condition("", "contrast", 0.5))
    # means 120 and 125; 62.5 and 187.5 are rounded to even
    assert half.tolist() == [[[110, 130], [110, 130]], [[62, 188], [62, 188]]]
    twice = change(images, Condition("", "contrast", 2))
    assert twice.tolist() == [[[80, 160], [80, 160]], [[0, 255], [0, 255]]]


def test_gamma_and_brightness_by_hand() -> None:
    images = images_of([[0, 51, 255]])[:, :, :]
    # 255 * 0.2 ** 2 = 10.2 and 255 * 0.2 ** 0.5 = 114.04
    assert change(images, Condition("", "gamma", 2)).tolist() == [[[0, 10, 255]]]
    assert change(images, Condition("", "gamma", 0.5)).tolist() == [[[0, 114, 255]]]
    assert change(images, Condition("", "brightness", 50)).tolist() == [[[50, 101, 255]]]
    assert change(images, Condition("", "brightness", -50)).tolist() == [[[0, 1, 205]]]


def test_erasing_fills_the_centre_with_the_mean_of_what_is_left() -> None:
    image = np.full((8, 8), 30, np.uint8)
    image[2:6, 2:6] = 200
    image[0, :] = 78  # 8 of the 48 pixels outside: a mean of 38
    centre = change(image[None], Condition("", "erase", 0.5))[0]
    assert np.unique(centre[2:6, 2:6]).tolist() == [38]
    outside = np.ones((8, 8), bool)
    outside[2:6, 2:6] = False
    assert np.array_equal(centre[outside], image[outside])
    border = change(image[None], Condition("", "erase", 0.75))[0]
    # 20 pixels outside 8 - 28 = 28 in all, 8 of them 78: 30 + 48 * 8 / 28 = 43.7
    assert np.unique(border[1:7, 1:7]).tolist() == [44]
    assert np.array_equal(border[0], image[0])


def test_noise_has_its_deviation_and_depends_on_the_image_alone() -> None:
    images = np.full((2, 128, 128), 128, np.uint8)
    images[1, 0, 0] = 129
    noisy = change(images, Condition("", "noise", 25)).astype(float)
    assert noisy.std() == pytest.approx(25, rel=0.02)
    assert noisy.mean() == pytest.approx(128, abs=0.5)
    assert not np.array_equal(noisy[0, 1:], noisy[1, 1:])
    assert np.array_equal(change(images[1:], Condition("", "noise", 25))[0], noisy[1])


def test_blur_turns_an_edge_into_the_normal_distribution() -> None:
    image = np.zeros((1, 64, 64), np.uint8)
    image[:, :, 32:] = 200
    row = change(image, Condition("", "blur", 1 / 32))[0, 20].astype(float)
    # two pixels of deviation; columns 32 and 33 lie 0.5 and 1.5 pixels behind the edge
    assert row[[32, 33, 31]] == pytest.approx([200 * 0.5987, 200 * 0.7734, 200 * 0.4013], abs=2)
    assert row[[20, 44]].tolist() == [0, 200]


def test_jpeg_loses_more_at_lower_quality() -> None:
    images = textured()
    losses = [
        np.abs(change(images, Condition("", "jpeg", quality)).astype(int) - images).mean()
        for quality in (100, 75, 25)
    ]
    assert losses == sorted(losses)
    assert losses[0] < 1 < losses[2]


def test_histograms_go_to_the_other_source_of_the_training_part() -> None:
    images = np.stack([np.full((4, 4), level, np.uint8) for level in (10, 20, 200, 220, 90)])
    labels = np.array([0, 0, 3, 4, 1])
    zeros = np.zeros(4, np.int64)
    training = Part(np.arange(4), zeros, labels[:4], zeros)
    sources = Sources.of(images, training)
    assert sources is not None
    assert np.flatnonzero(sources.negative).tolist() == [10, 20]
    assert sources.positive[[200, 220]].tolist() == [0.5, 0.5]
    changed = change(images, Condition("", OTHER_SOURCE), others=sources.others(labels))
    # an image of one level goes to the median; the last image is of no training part
    assert changed[:, 0, 0].tolist() == [200, 200, 10, 10, 10]
    assert Sources.of(images, Part(np.arange(2, 4), zeros[:2], labels[2:4], zeros[:2])) is None
    with pytest.raises(ValueError, match="found None"):
        change(images, Condition("there", OTHER_SOURCE))


def test_matching_by_hand() -> None:
    image = images_of([[5, 5, 5, 9]])
    reference = np.zeros(256)
    reference[[50, 60, 70]] = (0.25, 0.25, 0.5)
    # mid-ranks 3/8 and 7/8 of the cumulated 1/4, 1/2, 1
    assert match_histograms(image, reference).tolist() == [[[60, 60, 60, 70]]]


@given(ANY_IMAGES)
@settings(max_examples=20, deadline=None)
def test_an_image_that_has_the_histogram_stays_as_it_is(images: Images) -> None:
    own = np.stack([mean_histogram(images, np.array([row])) for row in range(len(images))])
    assert np.array_equal(match_histograms(images, own), images)


@given(ANY_IMAGES)
@settings(max_examples=20, deadline=None)
def test_settings_of_no_effect_change_nothing(images: Images) -> None:
    for kind, amount in IDENTITIES.items():
        assert np.array_equal(change(images, Condition("", kind, amount)), images), kind
    assert set(IDENTITIES) == set(KINDS) - {"jpeg"}


@given(ANY_IMAGES, st.sampled_from(CONDITIONS))
@settings(max_examples=40, deadline=None)
def test_every_condition_keeps_shape_and_dtype_and_is_the_same_alone(
    images: Images, condition: Condition
) -> None:
    before = images.copy()
    changed = change(images, condition, others=others(len(images)))
    assert changed.shape == images.shape
    assert changed.dtype == np.uint8
    assert np.array_equal(images, before)
    assert not np.shares_memory(changed, images)
    alone = np.concatenate(
        [change(images[row : row + 1], condition, others=others(1)) for row in range(len(images))]
    )
    assert np.array_equal(changed, alone)


def test_every_condition_changes_a_texture_and_has_a_name_of_its_own() -> None:
    images = textured()
    for condition in CONDITIONS:
        assert not np.array_equal(change(images, condition, others=others(3)), images), condition.name
    names = [condition.name for condition in CONDITIONS]
    assert conditions_named(names) == CONDITIONS
    with pytest.raises(KeyError):
        conditions_named(["no such"])
