"""Draws synthetic mammogram films: tissue, breast edge, lesions and grain, at 0.1 mm a pixel.

Everything is computed in float64 and rounded once, at the end: the last places of an exponential or a Fourier
transform differ between processors, the rounded grey levels do not.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from mammobench.data.store.labels import Label
from mammobench.data.store.records import Images

FILM_SIZE = 432
LESION_SIZE = 256
GRAIN_SIZE = 24
EDGE_SHARE = 0.3
SPECTRAL_EXPONENT = 3.0
AIR = 6.0

Field = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Appearance:
    """How conspicuous lesions are, from a difficulty between 0 and 1.

    Attributes:
        conspicuity: Factor on the contrast of every lesion.
        separation: Distance between the mean suspicion of benign and of malignant lesions.
        tissue: Standard deviation of the tissue, in grey levels.
        grain: Standard deviation of the film's grain, in grey levels.
    """

    conspicuity: float
    separation: float
    tissue: float
    grain: float

    @classmethod
    def of(cls, difficulty: float) -> "Appearance":
        """Interpolate between easy (0) and hard (1)."""
        return cls(
            conspicuity=1.8 - 0.9 * difficulty,
            separation=1.0 - 0.4 * difficulty,
            tissue=13 + 12 * difficulty,
            grain=1 + 4 * difficulty,
        )


def draw_film(rng: np.random.Generator, label: Label, appearance: Appearance) -> Images:
    """Draw a film with one lesion, or none, at its centre.

    Args:
        rng: Decides everything that is random.
        label: What the film shows.
        appearance: How hard it is to see.

    Returns:
        uint8 of shape (`FILM_SIZE`, `FILM_SIZE`).
    """
    film = rng.uniform(95, 140) + appearance.tissue * rng.uniform(0.8, 1.2) * power_law_field(rng)
    film += _strands(rng)
    if label is not Label.NEGATIVE:
        # suspicion is what a reader sees: 0 looks benign, 1 malignant, and the two kinds overlap
        sign = 1 if label.pathology == "malignant" else -1
        suspicion = float(np.clip(rng.normal(0.5 + sign * appearance.separation / 2, 0.15), 0, 1))
        draw = _mass if label.lesion_type == "mass" else _calcifications
        middle = slice((FILM_SIZE - LESION_SIZE) // 2, (FILM_SIZE + LESION_SIZE) // 2)
        film[middle, middle] += appearance.conspicuity * draw(rng, suspicion)
    if rng.uniform() < EDGE_SHARE:
        film = _with_breast_edge(rng, film)
    film += appearance.grain * rng.standard_normal(film.shape)
    return np.clip(np.rint(film), 0, 255).astype(np.uint8)


def power_law_field(rng: np.random.Generator, size: int = FILM_SIZE) -> Field:
    """Draw Gaussian noise whose power falls with frequency to the power of -3, as in mammograms.

    Burgess, Jacobson and Judy 2001, Human observer detection experiments with mammograms and power-law noise,
    Medical Physics 28(4):419.

    Returns:
        float64 of shape (size, size), mean 0, standard deviation 1.
    """
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    frequency[0, 0] = np.inf
    phases = rng.standard_normal((2, *frequency.shape))
    field = np.fft.irfft2(
        (phases[0] + 1j * phases[1]) * frequency ** (-SPECTRAL_EXPONENT / 2), s=(size, size)
    )
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float64)


@cache
def _amplitude(size: int) -> Field:
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    frequency[0, 0] = np.inf
    return np.asarray(frequency ** (-SPECTRAL_EXPONENT / 2), dtype=np.float64)


def _grid(size: int, centre: tuple[float, float] = (0.0, 0.0), angle: float = 0.0) -> tuple[Field, Field]:
    """Coordinates of a square's pixels from a point given relative to its middle, turned by an angle."""
    axis = np.arange(size) - size / 2
    x, y = axis[None, :] - centre[0], axis[:, None] - centre[1]
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def _sigmoid(values: Field) -> Field:
    return 1 / (1 + np.exp(-np.clip(values, -30, 30)))


def _strands(rng: np.random.Generator) -> Field:
    """Ligaments and vessels: long, faint, curved lines."""
    strands = np.zeros((FILM_SIZE, FILM_SIZE))
    for _ in range(rng.integers(3, 7)):
        centre = (rng.uniform(-180, 180), rng.uniform(-180, 180))
        along, across = _grid(FILM_SIZE, centre, rng.uniform(0, np.pi))
        across = across - rng.uniform(-1.5e-3, 1.5e-3) * along**2
        strands += rng.uniform(4, 11) / (1 + (across / rng.uniform(1.5, 3.5)) ** 2) ** 2
    return strands


def _with_breast_edge(rng: np.random.Generator, film: Field) -> Field:
    """Let the tissue thin out towards the skin, with air beyond it."""
    radius = rng.uniform(600, 1200)
    distance = rng.uniform(110, 220)
    along, across = _grid(FILM_SIZE, angle=rng.uniform(0, 2 * np.pi))
    depth = radius - np.hypot(along + radius - distance, across)
    thickness = 1 - np.exp(-np.clip(depth, 0, None) / rng.uniform(30, 60))
    skin = 18 * _sigmoid(depth / 1.5) * np.exp(-np.clip(depth, 0, None) / 8)
    edged: Field = AIR + (film - AIR) * thickness + skin
    return edged


def _mass(rng: np.random.Generator, suspicion: float) -> Field:
    """Draw a mass: smooth, round and sharp, or irregular, spiculated and blurred."""
    radius = rng.uniform(26, 50)
    x, y = _grid(LESION_SIZE, angle=rng.uniform(0, 2 * np.pi))
    distance, angle = np.hypot(x, y * rng.uniform(1, 1.25)), np.arctan2(y, x)
    outline = np.ones_like(angle)
    irregularity = 0.02 + 0.2 * suspicion
    for lobes in range(2, 9):
        outline += (
            irregularity
            / np.sqrt(lobes)
            * rng.uniform(0, 1)
            * np.cos(lobes * angle + rng.uniform(0, 2 * np.pi))
        )
    blur = 2.0 + 6 * suspicion
    body = _sigmoid((radius * outline - distance) / blur)
    dome = np.sqrt(np.clip(1.2 - (distance / (1.5 * radius)) ** 2, 0.1, None))
    mass = rng.uniform(26, 40) * body * dome
    for _ in range(round(18 * max(0.0, suspicion - 0.3) * rng.uniform(0.8, 1.2))):
        mass += _spicule(rng, radius)
    return mass


def _spicule(rng: np.random.Generator, radius: float) -> Field:
    """Draw a thin line that runs out from a mass and tapers."""
    along, across = _grid(LESION_SIZE, angle=rng.uniform(0, 2 * np.pi))
    across = across - rng.uniform(-3e-3, 3e-3) * along**2
    length = radius * rng.uniform(1.5, 2.4)
    # they begin inside the body, away from its middle, where they would add up to a bright spot
    taper = np.clip(1 - along / length, 0, 1) * _sigmoid((along - 0.6 * radius) / 3)
    return rng.uniform(16, 30) * taper / (1 + (across / (0.8 + 2.2 * taper)) ** 2) ** 2


def _calcifications(rng: np.random.Generator, suspicion: float) -> Field:
    """Draw grains: few, coarse and round, or many, fine, uneven and close together."""
    grains = np.zeros((LESION_SIZE, LESION_SIZE))
    spread = rng.uniform(14, 30)
    for _ in range(round((3 + 30 * suspicion**1.5) * rng.uniform(0.8, 1.25))):
        column, row = np.clip(spread * rng.standard_normal(2), -100, 100)
        left, top = (
            int(column) + LESION_SIZE // 2 - GRAIN_SIZE // 2,
            int(row) + LESION_SIZE // 2 - GRAIN_SIZE // 2,
        )
        x, y = _grid(GRAIN_SIZE, (column - int(column), row - int(row)), rng.uniform(0, np.pi))
        distance = np.hypot(x, y * (1 + 1.5 * suspicion * rng.uniform(0, 1)))
        size = (3.6 - 2.5 * suspicion) * rng.uniform(0.7, 1.4)
        grain = rng.uniform(45, 90) * _sigmoid((size - distance) / 0.6)
        grains[top : top + GRAIN_SIZE, left : left + GRAIN_SIZE] += grain
    return grains
