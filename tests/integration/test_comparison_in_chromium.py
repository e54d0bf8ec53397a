"""The page of a comparison as Chromium shows it, on a screen and on a phone, light and dark."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

import mammobench
from tests.recorded_tables import write_made_table


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("comparison")
    tables = [write_made_table(folder / f"made-{seed}", seed=seed).folder for seed in range(6)]
    return mammobench.compare(
        tables, methods="random,tpe-univariate+median,asha", seeds=3, jobs=1, out=folder / "c", figures=False
    ).page


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light")])
def test_the_page_fits_and_says_no_error(browser: Browser, page_path: Path, width: int, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: faults.append(request.url) if "file://" not in request.url else None)
    page.goto(page_path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not faults
    assert "random" in page.inner_text(".lead")
    drawn = page.locator("figure.drawn svg")
    # regret, speed-up, ranks of six tables, matrix, overtuning, epochs, workers, thinking
    assert drawn.count() == 8
    for place in range(drawn.count()):
        box = drawn.nth(place).bounding_box()
        assert box is not None
        assert 100 < box["width"] <= width
    cell = page.locator("table").first.locator("tbody tr").first.locator("th, td").first.bounding_box()
    assert cell is not None
    assert cell["height"] < 60  # a method's name stands on one line
    context.close()
