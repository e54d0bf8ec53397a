import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from mammobench.report import write_report
from mammobench.study import StudyRecord

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
OpenReport = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no chromium is installed")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def report(simulated_study: StudyRecord, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(simulated_study, out=tmp_path_factory.mktemp("browser") / "index.html")


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    opened = browser.new_page()
    opened.goto(report.as_uri())
    yield opened
    opened.close()


def column(page: Page, title: str) -> list[str]:
    script = """title => {
      const heads = [...document.querySelectorAll('#leaderboard thead th')];
      const index = heads.findIndex(head => head.innerText.replace(/[↕↑↓]/g, '').trim() === title);
      return [...document.querySelectorAll('#leaderboard tbody tr')].map(row => row.cells[index].dataset.key);
    }"""
    return [str(key) for key in page.evaluate(script, title)]


def test_the_page_loads_without_a_message_or_a_request_of_its_own(browser: Browser, report: Path) -> None:
    opened = browser.new_page()
    messages: list[ConsoleMessage | Exception] = []
    requests: list[str] = []

    def hear(message: ConsoleMessage | Exception) -> None:
        messages.append(message)

    def note(request: Request) -> None:
        requests.append(request.url)

    opened.on("console", hear)
    opened.on("pageerror", hear)
    opened.on("request", note)
    opened.goto(report.as_uri())
    opened.wait_for_load_state("networkidle")
    opened.close()
    assert messages == []
    assert [url for url in requests if not url.startswith("data:")] == [report.as_uri()]


def test_the_table_is_sorted_by_test_f1_at_first(page: Page) -> None:
    values = [float(key) for key in column(page, "Test F1")]
    assert values == sorted(values, reverse=True)
    assert page.locator("th[aria-sort]").inner_text().startswith("Test F1")


def test_a_click_sorts_by_accuracy_and_a_second_turns_it_round(page: Page) -> None:
    button = page.get_by_role("button", name="Test accuracy")
    button.click()
    values = [float(key) for key in column(page, "Test accuracy")]
    assert values == sorted(values, reverse=True)
    assert page.locator("th[aria-sort='descending']").inner_text().startswith("Test accuracy")
    button.click()
    assert [float(key) for key in column(page, "Test accuracy")] == sorted(values)
    assert page.locator("th[aria-sort]").count() == 1
    assert page.locator("#sorted").inner_text() == "Sorted by Test accuracy, ascending."


def test_the_keyboard_sorts_too(page: Page) -> None:
    page.get_by_role("button", name="Test F1").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort='descending']").inner_text().startswith("Test accuracy")
    page.keyboard.press("Space")
    assert page.locator("th[aria-sort='ascending']").inner_text().startswith("Test accuracy")


def test_missing_values_come_last_in_either_order(page: Page) -> None:
    button = page.get_by_role("button", name="Weights")
    for _ in range(2):
        button.click()
        keys = column(page, "Weights")
        assert keys[-2:] == ["", ""]
        assert "" not in keys[:-2]


def test_words_sort_as_words(page: Page) -> None:
    page.get_by_role("button", name="activation").click()
    keys = [key for key in column(page, "model\nactivation") if key]
    assert keys == sorted(keys)
    assert len(set(keys)) > 1


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_desk_and_a_phone(browser: Browser, report: Path, width: int, scheme: str) -> None:
    dark = scheme == "dark"
    opened = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
    )
    opened.goto(report.as_uri())
    page_width = opened.evaluate("document.documentElement.scrollWidth")
    background = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    opened.close()
    assert page_width == width
    brightness = sum(int(part) for part in background.removeprefix("rgb(").removesuffix(")").split(",")) / 3
    assert (brightness < 64) == dark
