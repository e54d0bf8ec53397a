"""Tables of Markdown, and pages of which a part is written by a program."""

import re
from collections.abc import Iterable, Sequence
from itertools import chain


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table without a line end after its last row."""
    lines = chain([heads, ["---"] * len(heads)], rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def with_part(page: str, name: str, text: str) -> str:
    """Return a page with the part between ``<!-- name -->`` and ``<!-- end of name -->`` written anew.

    Raises:
        ValueError: For a page without that part.
    """
    marks = f"<!-- {name} -->", f"<!-- end of {name} -->"
    pattern = re.compile(f"(?<={re.escape(marks[0])}\n).*?(?={re.escape(marks[1])})", re.DOTALL)
    if len(pattern.findall(page)) != 1:
        raise ValueError(f"expected one part between {marks[0]} and {marks[1]}")
    return pattern.sub(lambda _: f"\n{text}\n\n", page)
