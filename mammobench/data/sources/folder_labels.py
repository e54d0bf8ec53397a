"""What people call the five classes, in names of folders and in tables."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mammobench.core.errors import DataError
from mammobench.data.store.labels import Label
from mammobench.space.config import nearest

NEGATIVE_WORDS = ("negative", "normal", "background")
TYPES = {
    "calcification": "calcification",
    "calcifications": "calcification",
    "calc": "calcification",
    "mass": "mass",
    "masses": "mass",
}
PATHOLOGIES = {"benign": "benign", "malignant": "malignant", "benign without callback": "benign"}
OPTION = "--labels"
NAMES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Named:
    """A label, and whether a lesion's type was told with it."""

    label: Label
    type_known: bool = True

    def agrees(self, other: "Named") -> bool:
        """Whether the two may be said of one image: one may leave the type open."""
        if self.type_known and other.type_known:
            return self.label == other.label
        return self.label.pathology == other.label.pathology


def plain(name: str) -> str:
    """Return a name in lower case with single spaces for what separates words."""
    return re.sub(r"[\s_-]+", " ", name).strip().lower()


def _names() -> dict[str, Named]:
    names = {label.title: Named(label) for label in Label}
    names |= {word: Named(Label.NEGATIVE) for word in NEGATIVE_WORDS}
    for word, pathology in PATHOLOGIES.items():
        names[word] = Named(Label.of(pathology, "mass"), type_known=False)
        for kind, lesion_type in TYPES.items():
            names[f"{word} {kind}"] = names[f"{kind} {word}"] = Named(Label.of(pathology, lesion_type))
    return names


NAMES = _names()
SHOWN = ", ".join([*(label.title for label in Label), "normal", "benign", "malignant"])


class ClassNames:
    """The names that a data set may use for its classes: the known ones, and those of an option.

    Args:
        asked: Names of the data set, and what they mean; None for nothing.

    Raises:
        DataError: When a name is given a meaning that there is not, or a known name another meaning.
    """

    def __init__(self, asked: Mapping[str, str] | None) -> None:
        self._asked: dict[str, Named] = {}
        for name, meaning in (asked or {}).items():
            known = NAMES.get(plain(meaning))
            if known is None:
                raise DataError(
                    "unknown class",
                    where=OPTION,
                    expected=f"{name}= one of {SHOWN}{nearest(plain(meaning), list(NAMES))}",
                    found=repr(meaning),
                )
            own = NAMES.get(plain(name))
            if own and not own.agrees(known):
                raise DataError(
                    "a known class is given another meaning",
                    where=OPTION,
                    expected=f"{name} to mean {own.label.title}, as everywhere",
                    found=repr(meaning),
                    remedy="Rename the class in the data set",
                )
            self._asked[plain(name)] = known
        self._unused = dict.fromkeys(asked or ())

    def find(self, name: str) -> Named | None:
        """Return the label that a name stands for, or None."""
        return self._asked.get(plain(name)) or NAMES.get(plain(name))

    def require(self, counts: Mapping[str, int], where: str, kind: str) -> None:
        """See that all names of a data set are known, and that each of the option's is there.

        Args:
            counts: The names, and how many images have each.
            where: Where the first unknown one stands.
            kind: What such a name is called.

        Raises:
            DataError: For unknown names, all at once; for names of the option that no image has.
        """
        unknown = [name for name in counts if not self.find(name)]
        if unknown:
            raise self._unknown(unknown, counts, where, kind)
        there = {plain(name) for name in counts}
        unused = [name for name in self._unused if plain(name) not in there]
        if unused:
            raise DataError(
                "a class that no image has",
                where=OPTION,
                expected=f"names of the data set: {_shown(dict(counts))}",
                found=", ".join(map(repr, unused)),
                remedy=f"Leave it out of {OPTION}, or correct it",
            )

    def _unknown(self, unknown: list[str], counts: Mapping[str, int], where: str, kind: str) -> DataError:
        numbers = all(name.isdecimal() for name in unknown)
        if numbers:
            words = zip(unknown, ("benign", "malignant"), strict=False)
            example = ",".join(f"{name}={meaning}" for name, meaning in words)
        else:
            example = f"{unknown[0]}=CLASS"
        return DataError(
            f"unknown {kind}: a number has another meaning in every data set"
            if numbers
            else f"unknown {kind}",
            where=where,
            expected=f"one of {SHOWN}{'' if numbers else nearest(plain(unknown[0]), list(NAMES))}",
            found=_shown({name: counts[name] for name in unknown}),
            remedy=f"Say what each means, such as {OPTION} {example!r}, or rename it, or take it away",
        )


def _shown(counts: Mapping[str, int]) -> str:
    told = [f"{name!r} ({count:,} {'image' if count == 1 else 'images'})" for name, count in counts.items()]
    more = f" and {len(told) - NAMES_SHOWN} more" if len(told) > NAMES_SHOWN else ""
    return ", ".join(told[:NAMES_SHOWN]) + more


def typed(named: Named, lesion_type: str, where: str) -> Named:
    """Return a label with the type of lesion that a table has for it beside the label.

    Raises:
        DataError: For an unknown type, the nearest is named; for one that contradicts the label.
    """
    kind = plain(lesion_type)
    if not kind or named.label == Label.NEGATIVE:
        return named
    if kind not in TYPES:
        raise DataError(
            "unknown lesion type",
            where=f"{where}, column lesion_type",
            expected=f"one of {', '.join(TYPES)}{nearest(kind, list(TYPES))}",
            found=repr(lesion_type),
        )
    told = Named(Label.of(named.label.pathology, TYPES[kind]))
    if not told.agrees(named):
        raise contradicted(where, "lesion_type", named, lesion_type)
    return told


def contradicted(where: str, column: str, named: Named, found: str) -> DataError:
    """Return the error for a column that contradicts the label."""
    return DataError(
        "the row contradicts itself",
        where=f"{where}, column {column}",
        expected=f"what fits the label {named.label.title}",
        found=repr(found),
    )
