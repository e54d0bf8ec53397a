"""What people call the five classes, in names of folders and in tables."""

import re
from dataclasses import dataclass

from mammobench.config import nearest
from mammobench.data.labels import Label
from mammobench.errors import DataError

NEGATIVE_WORDS = ("negative", "normal", "background")
TYPES = {"calcification": "calcification", "calc": "calcification", "mass": "mass"}
PATHOLOGIES = {"benign": "benign", "malignant": "malignant", "benign without callback": "benign"}


@dataclass(frozen=True, slots=True)
class Named:
    """A label, and whether a lesion's type was told with it."""

    label: Label
    type_known: bool = True


def plain(name: str) -> str:
    """Return a name in lower case with single spaces for what separates words."""
    return re.sub(r"[\s_-]+", " ", name).strip().lower()


def _names() -> dict[str, Named]:
    names = {str(label.value): Named(label) for label in Label} | {
        label.title: Named(label) for label in Label
    }
    names |= {word: Named(Label.NEGATIVE) for word in NEGATIVE_WORDS}
    for word, pathology in PATHOLOGIES.items():
        names[word] = Named(Label.of(pathology, "mass"), type_known=False)
        for kind, lesion_type in TYPES.items():
            names[f"{word} {kind}"] = names[f"{kind} {word}"] = Named(Label.of(pathology, lesion_type))
    return names


NAMES = _names()
SHOWN = ", ".join([*(label.title for label in Label), "normal", "benign", "malignant", "0 to 4"])


def find(name: str) -> Named | None:
    """Return the label that a name stands for, or None."""
    return NAMES.get(plain(name))


def named(name: str, where: str, kind: str = "label") -> Named:
    """Return the label that a name stands for.

    Raises:
        DataError: For an unknown name; the nearest is named.
    """
    if found := find(name):
        return found
    raise DataError(
        f"unknown {kind}",
        where=where,
        expected=f"one of {SHOWN}{nearest(plain(name), list(NAMES))}",
        found=repr(name),
    )


def of_pathology(pathology: str, lesion_type: str, where: str) -> Named:
    """Return the label of a pathology and a lesion type, which may be empty.

    Raises:
        DataError: For an unknown name; the nearest is named.
    """
    word, kind = plain(pathology), plain(lesion_type)
    words = [*PATHOLOGIES, *NEGATIVE_WORDS]
    if word not in words:
        raise DataError(
            "unknown pathology",
            where=f"{where}, column pathology",
            expected=f"one of {', '.join(words)}{nearest(word, words)}",
            found=repr(pathology),
        )
    if word in NEGATIVE_WORDS or not kind:
        return NAMES[word]
    if kind not in TYPES:
        raise DataError(
            "unknown lesion type",
            where=f"{where}, column lesion_type",
            expected=f"one of {', '.join(TYPES)}{nearest(kind, list(TYPES))}",
            found=repr(lesion_type),
        )
    return NAMES[f"{word} {kind}"]
