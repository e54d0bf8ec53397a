"""What films, scanners and files do to an image besides the lesion: changes that a sound model survives.

Each is a pure function of the image: nothing depends on the batch it comes in, on the order, or on time.
"""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from mammobench.data.images.histograms import LEVELS, Histogram, Images, match_histograms, mean_histogram
from mammobench.data.splits.split import Part
from mammobench.data.store.labels import Label

Codes = npt.NDArray[np.int64]
WHITE = LEVELS - 1
OTHER_SOURCE = "other source"


@dataclass(frozen=True)
class Condition:
    """One change.

    Attributes:
        name: As tables write it.
        kind: A key of `KINDS`, or `OTHER_SOURCE`.
        amount: How much; its unit stands with the function of the kind.
    """

    name: str
    kind: str
    amount: float = 0.0

    @property
    def keeps_lesion(self) -> bool:
        """Whether the lesion is still to be seen, so that a sound model still finds it."""
        return self.kind != "erase"


@dataclass(frozen=True, eq=False)
class Sources:
    """How the two sources of a store look: negatives come from one, lesions from the other.

    Attributes:
        negative: Mean histogram of the negatives of the training part, float64 (256,).
        positive: Of its lesions.
    """

    negative: Histogram
    positive: Histogram

    @classmethod
    def of(cls, images: Images, training: Part) -> "Sources | None":
        """Measure them on the training part; None where it has one of the two only."""
        negative = training.labels == Label.NEGATIVE
        if negative.all() or not negative.any():
            return None
        rows = training.rows
        return cls(mean_histogram(images, rows[negative]), mean_histogram(images, rows[~negative]))

    def others(self, labels: Codes) -> Histogram:
        """Return for each image, by its five-class label (n,), the other source's histogram, (n, 256)."""
        return np.where((labels == Label.NEGATIVE)[:, None], self.positive, self.negative)


def change(images: Images, condition: Condition, *, others: Histogram | None = None) -> Images:
    """Return images under a condition.

    Args:
        images: Raw pixels, uint8 (n, size, size).
        condition: What is done to them.
        others: From `Sources.others`, for the condition of that kind.

    Returns:
        uint8 (n, size, size), a new array.

    Raises:
        ValueError: When `others` is wanted and missing.
    """
    if condition.kind == OTHER_SOURCE:
        if others is None:
            raise ValueError(f"{condition.name}: expected the other source's histograms, found None")
        return match_histograms(images, others)
    return KINDS[condition.kind](images, condition.amount)


def change_contrast(images: Images, factor: float) -> Images:
    """Multiply each pixel's distance from its image's mean; what leaves 0 to 255 is clipped."""
    means = images.mean(axis=(1, 2), dtype=np.float64, keepdims=True).astype(np.float32)
    return _to_grey(means + np.float32(factor) * (images - means))


def change_gamma(images: Images, gamma: float) -> Images:
    """Raise intensities between 0 and 1 to a power; above 1 it darkens."""
    table = _to_grey(WHITE * (np.arange(LEVELS) / WHITE) ** gamma)
    return np.asarray(table[images])


def change_brightness(images: Images, levels: float) -> Images:
    """Add grey levels, and clip."""
    return _to_grey(images.astype(np.float32) + np.float32(levels))


def blur(images: Images, share: float) -> Images:
    """Blur by a Gaussian whose standard deviation is a share of the image's side."""
    sigma = share * images.shape[1]
    if not sigma:
        return images.copy()
    return _each(images, lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8))


def add_noise(images: Images, deviation: float) -> Images:
    """Add normal noise of a standard deviation in grey levels; equal images get equal noise."""

    def noisy(image: Images) -> Images:
        numbers = np.random.Generator(np.random.PCG64(zlib.crc32(image.tobytes())))
        return _to_grey(image + np.float32(deviation) * numbers.standard_normal(image.shape, np.float32))

    return _each(images, noisy)


def recompress(images: Images, quality: float) -> Images:
    """Write each image as a JPEG of this quality, 1 to 100, and read it again."""

    def through_jpeg(image: Images) -> Images:
        _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
        decoded = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)
        return np.asarray(decoded, np.uint8)

    return _each(images, through_jpeg)


def erase_centre(images: Images, share: float) -> Images:
    """Fill a centred square, whose side is a share of the image's, with the mean of what is left."""
    size = images.shape[1]
    side = round(share * size)
    inside = slice((size - side) // 2, (size - side) // 2 + side)
    rest = np.ones((size, size), bool)
    rest[inside, inside] = False
    changed = images.copy()
    if side:
        means = images[:, rest].mean(axis=1, dtype=np.float64)
        changed[:, inside, inside] = _to_grey(means)[:, None, None]
    return changed


def _each(images: Images, function: Callable[[Images], Images]) -> Images:
    changed = np.empty_like(images)
    for image, out in zip(images, changed, strict=True):
        out[...] = function(image)
    return changed


def _to_grey(values: npt.NDArray[np.floating]) -> Images:
    return np.asarray(np.clip(np.rint(values), 0, WHITE), np.uint8)


KINDS: dict[str, Callable[[Images, float], Images]] = {
    "contrast": change_contrast,
    "gamma": change_gamma,
    "brightness": change_brightness,
    "blur": blur,
    "noise": add_noise,
    "jpeg": recompress,
    "erase": erase_centre,
}
"""Kind of a condition to its function of images and amount."""

CONDITIONS = (
    *(Condition(f"contrast x {factor:g}", "contrast", factor) for factor in (0.5, 0.75, 1.5, 2)),
    *(Condition(f"gamma {gamma:g}", "gamma", gamma) for gamma in (0.5, 0.7, 1.4, 2)),
    *(Condition(f"brightness {levels:+d}", "brightness", levels) for levels in (-50, 50)),
    *(Condition(f"blur of 1/{part} of the side", "blur", 1 / part) for part in (64, 32)),
    *(Condition(f"noise of {levels} levels", "noise", levels) for levels in (10, 25)),
    *(Condition(f"JPEG quality {quality}", "jpeg", quality) for quality in (75, 25)),
    Condition("histogram of the other source", OTHER_SOURCE),
    Condition("centre erased", "erase", 0.5),
    Condition("border only", "erase", 0.75),
)
"""What ``mammobench stress`` does to the test images. Erasing is another matter than the rest: a model that
keeps its F1 with the centre gone, where lesions are, did not look at the lesion."""


def conditions_named(names: Iterable[str]) -> tuple[Condition, ...]:
    """Return conditions by name.

    Raises:
        KeyError: For a name that is not in `CONDITIONS`.
    """
    known = {condition.name: condition for condition in CONDITIONS}
    return tuple(known[name] for name in names)
