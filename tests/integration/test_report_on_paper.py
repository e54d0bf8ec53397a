"""The page on paper and on narrow screens: nothing is cut, hidden or broken in the middle of a word."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from mammobench.report import write_report
from mammobench.study.record import StudyRecord

# one worker starts the browser and writes the pages once
pytestmark = pytest.mark.xdist_group("chromium")

PAPER = 703
"""Pixels of the width of A4 between the margins."""

LONG = "a-study-whose-name-holds-all-of-its-settings-and-the-day-2026-11-26-as-people-like-to-do"


@pytest.fixture(scope="module")
def reports(
    write_study: Callable[..., StudyRecord],
    simulated_study: StudyRecord,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("paper")
    five = write_study(folder / "five", trials=3, images=90, task="five-class", objective="macro_f1")
    two = [write_study(folder / name, trials=3, images=60) for name in ("short", LONG)]
    return {
        "one": write_report(simulated_study, out=folder / "one" / "index.html"),
        "five classes": write_report(five),
        "two studies": write_report(two, out=folder / "two" / "index.html"),
    }


def print_layout(browser: Browser, report: Path) -> Page:
    """Open a page as it is laid out on paper, scripts told."""
    opened = browser.new_page(viewport={"width": PAPER, "height": 1000})
    opened.goto(report.as_uri())
    opened.evaluate("dispatchEvent(new Event('beforeprint'))")
    opened.emulate_media(media="print")
    return opened


def too_wide(page: Page) -> list[str]:
    script = """width => [...document.querySelectorAll('table, svg, code, .heads button')]
      .filter(item => item.getBoundingClientRect().right > width + 1)
      .map(item => item.id || item.textContent.slice(0, 60))"""
    return [str(item) for item in page.evaluate(script, PAPER)]


def broken_words(page: Page, selector: str) -> list[str]:
    """Return the words that stand in two lines; those with a hyphen, ``_`` or ``=`` may break after it."""
    script = """selector => [...document.querySelectorAll(selector)].flatMap(item => {
      const walker = document.createTreeWalker(item, NodeFilter.SHOW_TEXT), broken = [];
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        for (const found of node.data.matchAll(/[^\\s_=.-]+[_=.-]?/g)) {
          const range = new Range();
          range.setStart(node, found.index);
          range.setEnd(node, found.index + found[0].length);
          if (new Set([...range.getClientRects()].map(box => box.top)).size > 1) broken.push(found[0]);
        }
      }
      return broken;
    })"""
    return [str(word) for word in page.evaluate(script, selector)]


@pytest.mark.parametrize("name", ["one", "five classes", "two studies"])
def test_nothing_is_wider_than_the_paper(browser: Browser, reports: dict[str, Path], name: str) -> None:
    page = print_layout(browser, reports[name])
    assert too_wide(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == PAPER
    hints = "[...document.querySelectorAll('.scroll')].map(box => getComputedStyle(box, '::before').display)"
    assert "block" not in page.evaluate(hints)
    assert broken_words(page, ".ranking .name, .ranking .value, .ranking .ends, .facts th") == []
    page.close()


def test_all_columns_that_a_reader_chose_stand_on_the_paper(
    browser: Browser, reports: dict[str, Path]
) -> None:
    opened = browser.new_page(viewport={"width": PAPER, "height": 1000})
    opened.goto(reports["one"].as_uri())
    opened.locator("summary", has_text="Columns").click()
    for box in opened.locator("#column-panel input").all()[:24]:
        box.check()
    opened.emulate_media(media="print")
    assert too_wide(opened) == []
    titles = opened.locator("#leaderboard thead th").all_text_contents()
    assert len(titles) > 20
    said = "[...document.querySelector('#leaderboard tbody tr').cells].map(cell => cell.dataset.title)"
    assert len([title for title in opened.evaluate(said) if title]) == len(titles) - 1
    opened.close()


def test_a_score_is_no_smaller_than_its_interval(browser: Browser, reports: dict[str, Path]) -> None:
    page = print_layout(browser, reports["one"])
    script = """() => ['.value', '.ends'].map(part =>
      parseFloat(getComputedStyle(document.querySelector('.ranking .interval ' + part)).fontSize))"""
    score, ends = page.evaluate(script)
    assert score >= ends > 7
    page.close()


def test_checklists_are_closed_on_the_screen_and_open_on_paper(
    browser: Browser, reports: dict[str, Path]
) -> None:
    page = print_layout(browser, reports["one"])
    lists = page.locator("section > details table")
    script = "table => table.checkVisibility({contentVisibilityAuto: true}) && table.rows.length > 20"
    assert [table.evaluate(script) for table in lists.all()] == [True, True]
    heights = [box["height"] for table in lists.all() if (box := table.bounding_box())]
    assert len(heights) == 2
    assert min(heights) > 300
    page.emulate_media(media="screen")
    assert not any(table.is_visible() for table in lists.all())
    page.close()


def test_parallel_coordinates_are_drawn_for_a_printer_that_never_scrolled(
    browser: Browser, reports: dict[str, Path], tmp_path: Path
) -> None:
    opened = browser.new_page(viewport={"width": 1280, "height": 700})
    opened.goto(reports["one"].as_uri())
    assert opened.locator("#parallel .axis-line").count() == 0
    opened.evaluate(
        """() => addEventListener('beforeprint', () => {
          const canvas = document.querySelector('#parallel canvas');
          const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
          window.printed = [canvas.width, pixels.filter((value, index) => index % 4 === 3 && value).length];
        })"""
    )
    opened.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    width, drawn = opened.evaluate("window.printed")
    assert width == 3000
    assert drawn > 1000
    # and the screen has its own again
    room = opened.locator("#parallel .room").evaluate("room => room.clientWidth")
    assert opened.locator("#parallel canvas").evaluate("canvas => canvas.width") == room
    opened.close()
    page = print_layout(browser, reports["one"])
    assert page.locator("#parallel canvas").is_visible()
    box = page.locator("#parallel canvas").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert 600 < box["width"] <= PAPER
    assert page.locator("#parallel button", has_text="Clear filters").is_hidden()
    page.close()


def test_a_printed_page_says_which_rows_it_leaves_out(browser: Browser, reports: dict[str, Path]) -> None:
    opened = browser.new_page()
    opened.goto(reports["one"].as_uri())
    opened.get_by_role("searchbox").fill("gelu")
    opened.emulate_media(media="print")
    assert re.fullmatch(r"\d of 15 rows match\.", opened.locator(".matches").inner_text())
    assert opened.get_by_role("searchbox").is_visible()
    opened.close()


def test_it_is_a_dozen_pages_whose_heads_are_repeated(browser: Browser, reports: dict[str, Path]) -> None:
    opened = browser.new_page(color_scheme="dark")
    opened.goto(reports["one"].as_uri())
    printed = opened.pdf(format="A4", prefer_css_page_size=True)
    assert 8 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 14
    opened.emulate_media(media="print")
    assert opened.evaluate("getComputedStyle(document.querySelector('.synthetic')).color") == "rgb(90, 63, 0)"
    # Chromium repeats no head in which a button is a box
    shown = "getComputedStyle(document.querySelector('#leaderboard thead button')).display"
    assert opened.evaluate(shown) == "contents"
    opened.close()


@pytest.mark.parametrize("name", ["one", "five classes", "two studies"])
def test_a_phone_breaks_no_word_and_scrolls_only_what_says_so(
    browser: Browser, reports: dict[str, Path], name: str
) -> None:
    opened = browser.new_page(viewport={"width": 390, "height": 844})
    opened.goto(reports[name].as_uri())
    opened.add_style_tag(content=".later { content-visibility: visible !important; }")
    assert opened.evaluate("document.documentElement.scrollWidth") == 390
    assert broken_words(opened, ".ranking .name, .strip, .matrix, .contents, h2, h3") == []
    script = """() => [...document.querySelectorAll('table')].filter(table => {
      const box = table.closest('.scroll') ?? table.parentElement;
      return table.offsetWidth > box.clientWidth + 1 && !box.classList.contains('over');
    }).map(table => table.caption.textContent)"""
    assert opened.evaluate(script) == []
    options = (
        "[...document.querySelectorAll('code .unbroken')].filter(word => word.getClientRects().length > 1)"
    )
    assert opened.evaluate(f"{options}.length") == 0
    assert opened.locator("code .unbroken").count() > 0
    opened.close()


def test_long_names_push_no_column_off_the_screen(browser: Browser, reports: dict[str, Path]) -> None:
    opened = browser.new_page(viewport={"width": 1440, "height": 900})
    opened.goto(reports["two studies"].as_uri())
    assert LONG in opened.locator("#leaderboard").inner_text()
    last = opened.locator("#leaderboard thead th").last.bounding_box()
    assert last is not None
    assert last["x"] + last["width"] <= 1440
    opened.close()
