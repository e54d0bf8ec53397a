"""What a reader may choose of the images that a source makes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

from mammobench.core.errors import DataError

SMALLEST = 8
LARGEST = 2048
RANGES = {
    "size": (SMALLEST, LARGEST),
    "crops": (1, 100),
    "tiles": (0, 1000),
    "jitter": (0, 1),
    "seed": (0, 2**31),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareOptions:
    r"""How images are found, cut and resized; None leaves it to the source.

    Attributes:
        size: Side of the square images, in pixels.
        crops: How many crops of each lesion, each with an offset of its own.
        tiles: How many background tiles of each film, at most.
        jitter: How far the offsets go: 0 (every crop in the middle of its lesion) to 1 (as far as the lesion
            stays within the crop).
        seed: Root of all random numbers.
        labels: Names of classes as the data set has them, and what they mean: a class or a pathology.
        columns: Columns of the project's table, and the names that the data set's table has for them.
        patient_pattern: A regular expression that finds the patient in the name of a file: its group
            ``patient``, or its first. One with a ``/`` is looked for in the path below the source.
        separator: One character between the columns of the table; ``\t`` may be written out.
        all_test: Make every image a test image: the set is an external one, and nothing is drawn.
    """

    size: int | None = None
    crops: int | None = None
    tiles: int | None = None
    jitter: float | None = None
    seed: int | None = None
    labels: Mapping[str, str] | None = None
    columns: Mapping[str, str] | None = None
    patient_pattern: str | None = None
    separator: str | None = None
    all_test: bool | None = None

    def check(self, taken: frozenset[str], source: str) -> None:
        """Compare the options given with their ranges and with those that a source takes.

        Raises:
            DataError: For an option that is out of range or means nothing to the source.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                continue
            option = _option(field.name)
            if field.name not in taken:
                raise DataError(
                    f"not an option of the layout {source}",
                    where=option,
                    expected=f"one of {', '.join(map(_option, sorted(taken)))}" if taken else "no options",
                    found=value,
                    remedy=f"Leave {option} out",
                )
            if field.name in RANGES:
                low, high = RANGES[field.name]
                if not low <= value <= high:
                    raise DataError("out of range", where=option, expected=f"{low} to {high}", found=value)
        self._check_separator()
        self._check_pattern()

    @property
    def separates(self) -> str:
        """The character between the columns of a table."""
        return {None: ",", r"\t": "\t"}.get(self.separator, self.separator or "")

    def _check_separator(self) -> None:
        if len(self.separates) != 1 or self.separates in '"\r\n':
            raise DataError(
                "no separator",
                where="--separator",
                expected=r"one character, such as ';', '|' or '\t'",
                found=repr(self.separator),
            )

    def _check_pattern(self) -> None:
        if self.patient_pattern is None:
            return
        try:
            groups, wrong = re.compile(self.patient_pattern).groups, None
        except re.error as error:
            groups, wrong = 1, str(error)
        if not groups or wrong:
            raise DataError(
                "no pattern of a patient",
                where="--patient-pattern",
                expected=r"a regular expression with a group in parentheses, such as 'case_(\d+)_'",
                found=f"{self.patient_pattern!r}{f' ({wrong})' if wrong else ', which has no group'}",
            )


def read_pairs(text: str, option: str) -> dict[str, str]:
    """Read ``name=value,name=value`` as an option has it.

    Raises:
        DataError: When a part has no ``=``, nothing on one side of it, or a name stands there twice.
    """
    pairs: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not (name and equals and value) or name in pairs:
            raise DataError(
                "a name stands there twice" if name in pairs else "not a name and a value",
                where=option,
                expected="name=value, separated by commas",
                found=repr(part),
            )
        pairs[name] = value
    return pairs


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
