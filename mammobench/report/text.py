"""How the report writes numbers."""

import math
from collections.abc import Mapping
from typing import Any

from mammobench.core.aliases import Json

MISSING = "–"  # noqa: RUF001 - an en dash, the sign of an empty cell
MINUTE, HOUR = 60, 3600
_WHOLE = 100
_LABEL = 32
_SMALLEST_P = 0.001


def label(name: str) -> str:
    """Shorten a name in its middle to what a figure has room for: a study's name may be long."""
    if len(name) <= _LABEL:
        return name
    end = (_LABEL - 1) // 2
    return f"{name[: _LABEL - 1 - end]}…{name[-end:]}"


def is_number(value: Json) -> bool:
    """Return whether a cell holds a number that is defined."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def score(value: Json) -> str:
    """Write a score with three decimals."""
    return f"{value:.3f}" if is_number(value) else MISSING


def signed(value: Json) -> str:
    """Write a difference with its sign and three decimals."""
    return f"{value:+.3f}".replace("-", "−") if is_number(value) else MISSING  # noqa: RUF001 - a minus sign


def p_value(value: Json) -> str:
    """Write a p-value with its sign: ``p = 0.012``, or ``p < 0.001``."""
    return "p < 0.001" if is_number(value) and value < _SMALLEST_P else f"p = {score(value)}"


def ends(row: Mapping[str, Any], column: str) -> str:
    """Write the interval of a column, ``[0.630, 0.783]``, or nothing where there is none."""
    low, high = row.get(f"{column}_low"), row.get(f"{column}_high")
    if not (is_number(low) and is_number(high)):
        return ""
    return f"[{score(low)}, {score(high)}]"


def with_interval(row: Mapping[str, Any], column: str) -> str:
    """Write a score and its interval: ``0.713 [0.630, 0.783]``."""
    return f"{score(row[column])} {ends(row, column)}".strip()


def whole(value: Json) -> str:
    """Write a whole number with commas between thousands."""
    return f"{value:,.0f}" if is_number(value) else MISSING


def number(value: Json) -> str:
    """Write a number of any size: ``775,169`` or ``0.713``."""
    if not is_number(value):
        return MISSING
    return f"{value:,.0f}" if abs(value) >= _WHOLE else f"{value:.3g}"


def duration(seconds: Json) -> str:
    """Write a time in the unit that suits it."""
    if not is_number(seconds):
        return MISSING
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    if seconds < HOUR:
        return f"{seconds / MINUTE:.1f} min"
    return f"{seconds / HOUR:.1f} h"


def value(item: Json) -> str:
    """Write a hyperparameter's value."""
    if item is None or (isinstance(item, float) and math.isnan(item)):
        return MISSING
    return f"{item:.3g}" if isinstance(item, float) else str(item)


def setting(item: Json) -> str:
    """Write a setting of the environment in words."""
    if isinstance(item, list | tuple):
        return ", ".join(map(str, item)) or "none"
    if isinstance(item, bool):
        return "yes" if item else "no"
    return "none" if item is None else str(item)
