"""How a page writes a difference to the selected model, and what it must agree with."""

import re
from collections.abc import Iterator

from tests.agreement import Check, Row, number, printed

LEVEL = 0.05
NUMBER = r"[−+]?\d+\.\d{3}|–"  # noqa: RUF001 - as pages write a minus and a missing number
SCORE = rf"(?:{NUMBER})(?: \[[^\]]*\])?"
SIZE = (
    rf"difference (?P<size>{NUMBER}) (?P<ends>\[[^\]]*\]), corrected (?P<p>p [<=] \d\.\d{{3}})"
    r"(?P<uncorrected>; the interval is not corrected for the number of comparisons)?"
)


def _written(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {printed(value)}"


def size_checks(match: re.Match[str], row: Row, *, turned: bool) -> Iterator[Check]:
    """Check a difference, whose sign is turned where the selected model is its subject."""
    sign = -1 if turned else 1
    low, high = sorted(sign * number(row, f"difference_{end}") for end in ("low", "high"))
    yield "difference", match["size"], printed(sign * number(row, "difference") + 0.0, "+")
    yield "ends", match["ends"], f"[{printed(low, '+')}, {printed(high, '+')}]"
    yield "p", match["p"], _written(number(row, "difference_p_adjusted"))
    # what a reader would take for a contradiction is explained, and nothing else
    apart = row["verdict"] == "not significantly different" and not low <= 0 <= high
    yield "remark", bool(match["uncorrected"]), apart
    if row["verdict"] != "not significantly different":
        yield "interval of a significant one", low <= 0 <= high, False
