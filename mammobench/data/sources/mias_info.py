"""The lines of mini-MIAS's Info.txt."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from mammobench.core.errors import DataError
from mammobench.data.store.labels import Label
from mammobench.space.config import nearest

FILM_NAME = re.compile(r"mdb\d{3}")
FILM_SIZE = 1024
DENSITIES = {"F": "fatty", "G": "fatty-glandular", "D": "dense-glandular"}
LESION_TYPES = {
    "CALC": "calcification", "CIRC": "mass", "SPIC": "mass", "MISC": "mass", "ARCH": "mass", "ASYM": "mass",
}  # fmt: skip
PATHOLOGIES = {"B": "benign", "M": "malignant"}
WITH_CLASS, WITH_SEVERITY, WITH_PLACE = 3, 4, 7


@dataclass(frozen=True, slots=True)
class Lesion:
    """One lesion: centre and radius of the circle around it, in pixels from the film's upper left corner."""

    name: str
    label: Label
    x: float
    y: float
    radius: float


@dataclass(slots=True)
class Film:
    """One film, what is on it, and the first line of Info.txt that names it.

    Attributes:
        unplaced: How many of its lesions have no place.
    """

    name: str
    line: int
    density: str
    lesions: list[Lesion] = field(default_factory=list)
    unplaced: int = 0

    @property
    def patient(self) -> str:
        """The pair of films, such as ``mdb001-mdb002``."""
        right = (int(self.name[3:]) + 1) // 2 * 2 - 1
        return f"mdb{right:03d}-mdb{right + 1:03d}"

    @property
    def laterality(self) -> str:
        """``RIGHT`` for odd numbers, ``LEFT`` for even ones."""
        return "RIGHT" if int(self.name[3:]) % 2 else "LEFT"


def read_info(path: Path, name: str) -> list[Film]:
    """Read the records of Info.txt; what stands between them is passed over.

    Args:
        path: Where it is.
        name: What to call it in an error.

    Raises:
        DataError: When there are no records, or one is not understood; names the line.
    """
    films: dict[str, Film] = {}
    seen: dict[str, int] = {}
    for number, text in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        words = text.split()
        if not words or not FILM_NAME.fullmatch(words[0]):
            continue
        where = f"{name}, line {number}"
        record = " ".join(words)
        if record in seen:
            raise DataError(
                "a record stands there twice",
                where=where,
                expected="one line a lesion",
                found=f"line {seen[record]} too",
            )
        seen[record] = number
        _add(films, words, number, where)
    if not films:
        raise DataError(
            "no films",
            where=name,
            expected="lines such as mdb001 G CIRC B 535 425 197",
            found="none",
            remedy="Download the set again",
        )
    return [films[film] for film in sorted(films)]


def _add(films: dict[str, Film], words: list[str], number: int, where: str) -> None:
    if len(words) < WITH_CLASS:
        raise DataError(
            "the record is cut off", where=where, expected="film, tissue and class", found=" ".join(words)
        )
    density = _known(words[1], DENSITIES, "background tissue", where)
    film = films.setdefault(words[0], Film(words[0], number, density))
    if words[2] == "NORM":
        return
    lesion_type = _known(words[2], LESION_TYPES, "class of abnormality", where)
    pathology = _known(words[3] if len(words) >= WITH_SEVERITY else "", PATHOLOGIES, "severity", where)
    place = words[WITH_SEVERITY:WITH_PLACE]
    if not place or place[0].startswith("*"):  # *NOTE 3*: spread over the film
        film.unplaced += 1
        return
    try:
        x, from_bottom, radius = (float(word) for word in place)
    except ValueError as error:
        raise _misplaced(where, " ".join(place)) from error
    y = FILM_SIZE - from_bottom
    if not (0 <= x <= FILM_SIZE and 0 <= y <= FILM_SIZE and 0 < radius <= FILM_SIZE):
        raise _misplaced(where, " ".join(place))
    lesion = f"{film.name}-{len(film.lesions) + film.unplaced + 1}"
    film.lesions.append(Lesion(lesion, Label.of(pathology, lesion_type), x, y, radius))


def _known(word: str, names: dict[str, str], kind: str, where: str) -> str:
    if word not in names:
        raise DataError(
            f"unknown {kind}",
            where=where,
            expected=f"one of {', '.join(names)}{nearest(word, list(names))}",
            found=repr(word),
        )
    return names[word]


def _misplaced(where: str, found: str) -> DataError:
    return DataError(
        "not a place on the film",
        where=where,
        expected=f"x, y (from the bottom) and radius as three numbers up to {FILM_SIZE}",
        found=found,
    )
