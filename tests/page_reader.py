"""What stands on a written report, read as a reader sees it: sentences, tables, and what its script holds."""

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_UNREAD = {"badge", "settings", "hidden"}
"""Classes of what stands beside a cell's own words."""

_VOID = {"meta", "link", "input", "br", "wbr", "path", "use", "circle"}


@dataclass
class PageTable:
    """A table: its caption, and its rows of cells, heads included."""

    kind: str
    caption: str = ""
    rows: list[list[str]] = field(default_factory=list)

    def by_name(self) -> dict[str, dict[str, str]]:
        """Return cells by the head of their column, by the first cell of their row."""
        heads, *rows = self.rows
        return {row[0]: dict(zip(heads, row, strict=True)) for row in rows}


class ReadPage(HTMLParser):
    """A page.

    Attributes:
        lead: The main result.
        support: The sentences below it.
        tables: In their order.
        figures: What the points of each figure tell, as series, by its title.
        words: The text in each figure, by its title.
        data: What the page's script knows.
    """

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.lead, self.support = "", list[str]()
        self.tables = list[PageTable]()
        self.figures, self.words = dict[str, Any](), dict[str, list[str]]()
        self.data: dict[str, Any] = {}
        self._open: list[tuple[str, dict[str, str]]] = []
        self._text: list[list[str]] = [[]]
        self._figure = ""
        self.feed(markup)

    def table(self, caption: str) -> PageTable | None:
        """Return the table whose caption begins so; None where there is none."""
        return next((table for table in self.tables if table.caption.startswith(caption)), None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if tag in _VOID:
            return
        self._open.append((tag, known))
        self._text.append([])
        if tag == "table":
            self.tables.append(PageTable(known.get("class", "")))
        elif tag == "tr" and self._within("table"):
            self.tables[-1].rows.append([])
        elif tag == "svg" and "aria-label" in known:
            self._figure = known["aria-label"]
            self.figures[self._figure] = json.loads(known.get("data-tips", "[]"))
            self.words[self._figure] = []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Pass over an element that holds nothing."""

    def handle_endtag(self, tag: str) -> None:
        if not any(tag == name for name, _ in self._open):
            return
        while True:
            name, known = self._open.pop()
            words = "".join(self._text.pop())
            self._text[-1].append(words)
            self._close(name, known, words)
            if name == tag:
                return

    def handle_data(self, data: str) -> None:
        self._text[-1].append(data)

    def _close(self, tag: str, known: dict[str, str], words: str) -> None:
        shown, kind = re.sub(r"\s+", " ", words).strip(), known.get("class", "")
        if tag == "script" and known.get("id") == "ranking-data":
            self.data = json.loads(words)
        if tag in {"script", "style"} or (tag == "span" and _UNREAD & set(kind.split())):
            self._text[-1].pop()
        elif tag == "p" and kind == "lead":
            self.lead = shown
        elif tag == "li" and any(each.get("class") == "support" for _, each in self._open):
            self.support.append(shown)
        elif tag == "caption":
            self.tables[-1].caption = shown
        elif tag in {"td", "th"} and self._within("table"):
            self.tables[-1].rows[-1].append(shown)
        elif tag == "text" and self._within("svg"):
            self.words[self._figure].append(shown)

    def _within(self, tag: str) -> bool:
        return any(name == tag for name, _ in self._open)
