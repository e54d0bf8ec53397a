"""Whatever words a report gets, its readers see those words and nothing else."""

import html
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mammobench.report import latex, markdown

WORDS = st.text(st.one_of(st.sampled_from(list("\\`*_{}[]()#+-.!|~$<>&\"'=:^%@/ ab1")), st.characters()))


@settings(max_examples=150, deadline=None)
@given(WORDS)
def test_markdown_shows_any_words_as_a_paragraph_and_in_a_table(words: str) -> None:
    line = " ".join(words.split())
    shown = MarkdownIt("commonmark").enable("table")
    text = html.unescape(re.sub(r"</?p>|\n$", "", shown.render(markdown.escaped(words))))
    # CommonMark replaces the null character
    assert text == line.replace("\0", "\N{REPLACEMENT CHARACTER}")
    table = shown.render(f"| head |\n| --- |\n| {markdown.escaped(words)} |\n")
    cells = re.findall(r"<td>(.*)</td>", table, flags=re.DOTALL)
    assert [html.unescape(cell) for cell in cells] == [text]


@settings(max_examples=150, deadline=None)
@given(WORDS)
def test_latex_has_no_special_letter_left(words: str) -> None:
    text = latex.escaped(words)
    plain = re.sub(r"\\(?:[{}$&#%_]|[A-Za-z]+\{\}|ensuremath\{[^{}]*\})", "", text)
    assert not set("\\$&#%_^~") & set(plain.replace("~", "") if "\N{NO-BREAK SPACE}" in words else plain)
    assert plain.count("{") == plain.count("}")
    assert "\n" not in text
