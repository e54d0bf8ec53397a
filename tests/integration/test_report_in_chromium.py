import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from mammobench.report import write_report
from mammobench.study.record import StudyRecord

OpenReport = Callable[..., Page]


# one worker starts the browser and writes the page once
pytestmark = pytest.mark.xdist_group("chromium")


@pytest.fixture(scope="module")
def report(simulated_study: StudyRecord, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(simulated_study, out=tmp_path_factory.mktemp("browser") / "index.html")


@pytest.fixture(scope="module")
def long_report(write_study: Callable[..., StudyRecord], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(write_study(tmp_path_factory.mktemp("long") / "long", trials=112, images=60))


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    opened = browser.new_page()
    opened.goto(report.as_uri())
    yield opened
    opened.close()


def column(page: Page, title: str) -> list[str]:
    """Return the text of a column's values, from the top of the table."""
    script = """title => {
      const heads = [...document.querySelectorAll('#leaderboard thead th')];
      const index = heads.findIndex(head => head.textContent.replace(/[↕↑↓]/g, '').trim() === title);
      const rows = [...document.querySelectorAll('#leaderboard tbody tr:not(.detail)')];
      return rows.map(row => (row.cells[index].querySelector('.value, .expand')).textContent);
    }"""
    return [str(key) for key in page.evaluate(script, title)]


def numbers(page: Page, title: str) -> list[float]:
    return [float(key.replace(",", "")) for key in column(page, title) if key != "–"]  # noqa: RUF001 - an en dash


def show(page: Page, *titles: str) -> None:
    page.locator("summary", has_text="Columns").click()
    for title in titles:
        page.get_by_role("checkbox", name=title, exact=True).check()


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
    values = numbers(page, "Test F1")
    assert values == sorted(values, reverse=True)
    assert page.locator("th[aria-sort]").inner_text().startswith("Test F1")


def test_a_click_sorts_by_accuracy_and_a_second_turns_it_round(page: Page) -> None:
    button = page.get_by_role("button", name="Test accuracy")
    button.click()
    values = numbers(page, "Test accuracy")
    assert values == sorted(values, reverse=True)
    assert page.locator("th[aria-sort='descending']").inner_text().startswith("Test accuracy")
    button.click()
    assert numbers(page, "Test accuracy") == sorted(values)
    assert page.locator("th[aria-sort]").count() == 1
    assert page.locator("#said").inner_text() == "Sorted by Test accuracy, ascending."


def test_the_keyboard_sorts_and_expands_too(page: Page) -> None:
    page.get_by_role("button", name="Test F1").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort='descending']").inner_text().startswith("Test accuracy")
    page.keyboard.press("Space")
    assert page.locator("th[aria-sort='ascending']").inner_text().startswith("Test accuracy")
    page.locator(".expand").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("tr.detail").count() == 1


def test_missing_values_come_last_in_either_order(page: Page) -> None:
    show(page, "Weights")
    button = page.get_by_role("button", name="Weights")
    for _ in range(2):
        button.click()
        keys = column(page, "Weights")
        assert len(keys) == 15
        assert keys[-2:] == ["–", "–"]  # noqa: RUF001 - an en dash
        assert "–" not in keys[:-2]  # noqa: RUF001 - an en dash


def test_words_sort_as_words(page: Page) -> None:
    show(page, "model activation")
    page.get_by_role("button", name="activation").click()
    keys = [key for key in column(page, "model activation") if key != "–"]  # noqa: RUF001 - an en dash
    assert keys == sorted(keys)
    assert len(set(keys)) > 1


def test_a_column_that_is_not_chosen_is_not_shown(page: Page) -> None:
    heads = page.locator("#leaderboard thead th")
    before = heads.count()
    show(page, "Test AUPRC")
    assert heads.count() == before + 1
    page.get_by_role("checkbox", name="Test AUPRC", exact=True).uncheck()
    assert heads.count() == before


def test_rows_are_filtered_by_value_range_and_words(page: Page) -> None:
    show(page, "model activation", "optimizer learning rate")
    page.locator("summary", has_text="Filter").click()
    page.get_by_role("group", name="model activation").get_by_role("checkbox", name="gelu").check()
    rates = numbers(page, "optimizer learning rate")
    assert set(column(page, "model activation")) == {"gelu"}
    assert 1 < len(rates) < 12
    middle = sorted(rates)[len(rates) // 2]
    page.get_by_label("optimizer learning rate, at least").fill(str(middle * 0.99))
    page.keyboard.press("Tab")
    kept = numbers(page, "optimizer learning rate")
    assert sorted(kept) == sorted(rate for rate in rates if rate >= middle)
    assert page.locator("#matches").inner_text() == f"{len(kept)} of 15 rows match"
    page.get_by_role("button", name="Clear all").click()
    assert page.locator("#matches").inner_text() == "15 rows"
    page.get_by_role("searchbox").fill("activation=relu")
    assert set(column(page, "model activation")) == {"relu"}


def test_a_row_says_in_what_its_configuration_differs(page: Page, simulated_study: StudyRecord) -> None:
    for trial in simulated_study.trials:
        name = "reference CNN" if trial.role == "reference" else f"trial {trial.number}"
        row = page.locator("tr", has=page.get_by_role("button", name=name, exact=True))
        words = row.locator(".settings").inner_text()
        assert f"loss.name={trial.config.loss.name}" in words or trial.role == "reference"
        assert f"dropout={trial.config.model.dropout:.3g}" in words
        assert ("gamma=" in words) == ("loss.gamma" in trial.hyperparameters)
    assert page.locator("tr.constant .settings").count() == 0


def test_all_columns_show_at_first_and_no_row_hides_in_a_box(browser: Browser, report: Path) -> None:
    opened = browser.new_page(viewport={"width": 1440, "height": 900})
    opened.goto(report.as_uri())
    table = opened.locator("#leaderboard").bounding_box()
    box = opened.locator(".wide").bounding_box()
    assert table is not None
    assert box is not None
    assert table["x"] + table["width"] <= box["x"] + box["width"] <= 1440
    assert table["height"] <= box["height"]
    # the head stays in sight all the same
    opened.locator("#leaderboard tbody tr").last.scroll_into_view_if_needed()
    head = opened.locator("#leaderboard thead th").first.bounding_box()
    assert head is not None
    assert head["y"] == pytest.approx(0, abs=1)
    opened.close()


def test_a_trial_is_found_by_its_number_alone(browser: Browser, long_report: Path) -> None:
    opened = browser.new_page()
    opened.goto(long_report.as_uri())
    for words, names in {
        "trial 12": ["trial 12"],
        "Trial 1": ["trial 1"],
        "trial 12 trial 112": ["trial 112", "trial 12"],
        "trial 12 nonsense": [],
    }.items():
        opened.get_by_role("searchbox").fill(words)
        assert set(opened.locator("#leaderboard .expand").all_inner_texts()) == set(names), words
    opened.get_by_role("searchbox").fill("dropout=0.1")
    assert {text for text in opened.locator(".settings span").all_inner_texts() if "dropout" in text} == {
        "dropout=0.1"
    }
    opened.close()


def test_the_selected_row_stands_in_a_long_table_in_any_order(browser: Browser, long_report: Path) -> None:
    opened = browser.new_page()
    opened.goto(long_report.as_uri())
    for _ in range(2):
        assert opened.locator("#leaderboard tr.selected").count() == 1
        assert opened.locator("#leaderboard tr.constant").count() == 2
        opened.get_by_role("button", name="Test F1").click()
    before = opened.locator("#leaderboard tbody tr").count()
    assert before < 115
    opened.get_by_role("button", name="Show 100 more").click()
    assert opened.locator("#leaderboard tbody tr").count() == 115
    assert opened.evaluate("document.activeElement.className") == "expand"
    opened.close()


def test_an_empty_result_says_so_and_leads_back(page: Page) -> None:
    page.get_by_role("searchbox").fill("trial 99")
    body = page.locator("#leaderboard tbody")
    assert "No row matches “trial 99”." in body.inner_text()
    assert page.locator("#said").inner_text() == "0 of 15 rows match"
    body.get_by_role("button", name="Show all rows").click()
    assert page.locator("#leaderboard tbody tr").count() == 15
    assert page.get_by_role("searchbox").input_value() == ""


def test_two_rows_lie_side_by_side_by_the_keyboard_alone(page: Page, simulated_study: StudyRecord) -> None:
    trials = [trial for trial in simulated_study.trials if trial.number in {3, 7}]
    for trial in trials:
        page.get_by_role("checkbox", name=f"Compare trial {trial.number}", exact=True).focus()
        page.keyboard.press("Space")
    page.get_by_role("button", name="Compare", exact=True).focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="trial 3 and trial 7")
    settings, scores = dialog.get_by_role("table").all()
    configs = [trial.config.values() for trial in trials]
    shown = settings.get_by_role("rowheader").all_inner_texts()
    assert set(shown) <= {key for key in configs[0] if configs[0][key] != configs[1][key]}
    assert {"optimizer.learning_rate"} <= set(shown)
    for trial, place in zip(trials, (1, 2), strict=True):
        row = page.locator("#leaderboard tr", has=page.get_by_role("button", name=f"trial {trial.number}"))
        value, ends = row.first.locator(".interval").first.locator(".value, .ends").all_inner_texts()
        line = scores.get_by_role("row", name=re.compile("^Test F1 "))
        assert line.locator("th, td").nth(place).inner_text() == f"{value} {ends}"
    page.keyboard.press("Escape")
    assert dialog.count() == 0
    assert page.evaluate("document.activeElement.textContent") == "Compare"
    # a third takes the place of the first; a baseline has no settings
    page.get_by_role("checkbox", name="Compare always benign").check()
    page.get_by_role("button", name="Compare", exact=True).click()
    dialog = page.get_by_role("dialog", name="trial 7 and always benign")
    assert "A baseline has no settings." in dialog.inner_text()
    dialog.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Clear", exact=True).click()
    assert page.locator(".pick:checked").count() == 0


def test_a_row_expands_to_its_scores_configuration_and_command(page: Page) -> None:
    button = page.locator(".expand").first
    button.click()
    detail = page.locator("tr.detail")
    words = detail.inner_text()
    number = button.inner_text().removeprefix("trial ")
    assert button.get_attribute("aria-expanded") == "true"
    assert f"--trial {number}" in detail.locator("code").inner_text()
    assert re.search(r"AUPRC\s+0\.\d{3}", words)
    assert re.search(r"optimizer\.learning_rate\s+0\.\d+", words)
    detail.locator("summary").click()
    assert "data.image_size" in detail.inner_text()
    button.click()
    assert detail.count() == 0


def drag_down_the_last_axis(page: Page) -> None:
    """Brush the upper half of the test F1 axis of the parallel coordinates."""
    page.locator("#parallel").scroll_into_view_if_needed()
    box = page.locator("#parallel .grab").last.bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2
    page.mouse.move(middle, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(middle, box["y"] + box["height"] / 2, steps=3)
    page.mouse.up()


def test_a_brush_filters_the_lines_and_the_ranking(page: Page) -> None:
    page.locator("#mattered").scroll_into_view_if_needed()
    page.locator("#parallel canvas").wait_for()
    everything = numbers(page, "Test F1")
    drag_down_the_last_axis(page)
    kept = numbers(page, "Test F1")
    assert 0 < len(kept) < len(everything)
    assert kept == [value for value in everything if value >= min(kept)]
    assert page.locator("#parallel .brush").count() == 1
    assert page.locator("#parallel .count").inner_text() == f"{len(kept)} of 13 configurations"
    page.locator("#parallel").get_by_role("button", name="Clear filters").click()
    assert numbers(page, "Test F1") == everything


def test_an_axis_leads_to_the_filter_of_its_column(page: Page) -> None:
    page.locator("#mattered").scroll_into_view_if_needed()
    page.locator("#parallel").get_by_role("button", name="dropout").focus()
    page.keyboard.press("Enter")
    words = "document.activeElement.closest('fieldset').querySelector('legend').textContent"
    assert page.evaluate(words) == "model dropout"


def test_a_point_tells_its_values_to_the_pointer_and_to_the_keyboard(page: Page) -> None:
    figure = page.locator("svg[aria-label^='Test F1 with']")
    figure.scroll_into_view_if_needed()
    expected = []
    for row in page.locator("#leaderboard tbody tr").all():
        value, ends = row.locator(".interval").first.locator(".value, .ends").all_inner_texts()
        expected.append(f"{row.locator('.expand').inner_text()}: test F1 {value} {ends}")
    # the pointer: on the dot of the last row, which is drawn below the others
    script = """svg => {
      const at = JSON.parse(svg.dataset.tips).at(-1).at, {a, d, e, f} = svg.getScreenCTM();
      return [a * at[0] + e, d * at[1] + f];
    }"""
    x, y = figure.evaluate(script)
    page.mouse.move(x + 3, y - 3)
    assert page.locator(".tip").inner_text() == expected[-1]
    page.mouse.move(2, 2)
    assert page.locator(".tip").is_hidden()
    # the keyboard
    page.keyboard.press("Tab")
    figure.focus()
    page.keyboard.press("Home")
    heard = []
    for _ in expected:
        heard.append(page.locator("#said").inner_text())
        assert page.locator(".tip").inner_text() == heard[-1]
        page.keyboard.press("ArrowRight")
    assert heard == expected
    page.keyboard.press("Escape")
    assert page.locator(".tip").is_hidden()


def test_every_figure_with_points_tells_where_they_are_drawn(page: Page) -> None:
    script = """() => [...document.querySelectorAll('svg[data-tips]')].map(svg => {
      const [width, height] = [svg.viewBox.baseVal.width, svg.viewBox.baseVal.height];
      const all = JSON.parse(svg.dataset.tips).map(series => series.at).flat();
      return [svg.getAttribute('aria-label'), all.length,
              all.every((place, index) => place >= 0 && place <= (index % 2 ? height : width))];
    })"""
    figures = page.evaluate(script)
    assert len(figures) == page.locator("figure.card svg").count() == 13
    assert [name for name, points, inside in figures if not points or not inside] == []


def test_a_parallel_line_tells_its_values_and_the_keyboard_walks_them(page: Page) -> None:
    page.locator("#parallel").scroll_into_view_if_needed()
    page.locator("#parallel .grab").last.wait_for()
    page.locator("#parallel .room").focus()
    page.keyboard.press("ArrowDown")
    first = page.locator("#said").inner_text()
    scored = [row for row in column(page, "Configuration") if not row.startswith("always")]
    assert first.startswith(f"{scored[0]}: ")
    assert f"Test F1 {numbers(page, 'Test F1')[0]:.3f} [" in first
    assert page.locator(".tip").inner_text() == first
    page.keyboard.press("ArrowDown")
    assert page.locator("#said").inner_text().startswith(f"{scored[1]}: ")
    script = """() => {
      const [x, y] = document.querySelector('.lit').getAttribute('points').split(' ').at(-1).split(',');
      const box = document.querySelector('.stack svg').getBoundingClientRect();
      return [box.left + Number(x) - 1, box.top + Number(y)];
    }"""
    page.keyboard.press("ArrowUp")
    x, y = page.evaluate(script)
    page.mouse.move(x, y)
    assert page.locator(".tip").inner_text() == first


HOSTILE = "</script><script>document.title = 'stolen'</script><img src=x onerror=\"document.title='stolen'\">"
NAME = HOSTILE.replace("/", "!")  # as a study can have it


def test_markup_in_names_and_settings_shows_as_text_and_never_runs(
    browser: Browser, write_study: Callable[..., StudyRecord], tmp_path: Path
) -> None:
    store = {"counts": {HOSTILE: 3}, "image_size": 299, "source": HOSTILE, "synthetic": False}
    study = write_study(tmp_path / "a&b <i>'", trials=2, name=NAME, command=HOSTILE, store=store)
    opened = browser.new_page()
    opened.goto(write_report(study).as_uri())
    opened.locator(".expand").first.click()
    assert opened.title() == f"{NAME} · mammobench"
    assert opened.locator("h1").inner_text() == NAME
    assert opened.locator("img").count() == 0
    assert "a&b <i>'" in opened.locator("tr.detail code").inner_text().replace('"\'"', "'")
    opened.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(browser: Browser, report: Path, scheme: Literal["light", "dark"]) -> None:
    opened = browser.new_page(color_scheme=scheme)
    opened.goto(report.as_uri())
    opened.locator(".expand").first.click()
    for summary in ("Filter", "Columns"):
        opened.locator("summary", has_text=summary).click()
    opened.locator("#mattered").scroll_into_view_if_needed()
    opened.locator("#parallel canvas").wait_for()
    for box in opened.locator(".pick").all()[:2]:
        box.check()
    # in the dark only the colours differ
    only = {"runOnly": ["color-contrast"]} if scheme == "dark" else None
    found = Axe().run(opened, options=only).response["violations"]
    opened.close()
    serious = [fault for fault in found if fault["impact"] in {"serious", "critical"}]
    assert [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in serious] == []


@pytest.mark.parametrize("width", [1440, 390])
def test_long_names_of_studies_break_and_leave_the_picture_its_place(
    browser: Browser, write_study: Callable[..., StudyRecord], tmp_path: Path, width: int
) -> None:
    names = ("a-study-that-is-named-after-all-of-its-settings-" * 2, "WITHOUTAPLACETOBREAKTHELINE" * 3)
    studies = [write_study(tmp_path / name, trials=2, images=60) for name in names]
    opened = browser.new_page(viewport={"width": width, "height": 900})
    opened.goto(write_report(studies, out=tmp_path / "page" / "index.html").as_uri())
    assert opened.evaluate("document.documentElement.scrollWidth") == width
    rows, words = opened.locator(".strip tbody .picture"), opened.locator(".support").bounding_box()
    boxes = [each.bounding_box() for each in rows.all()]
    title, pick = opened.locator(".expand").first.bounding_box(), opened.locator(".pick").first.bounding_box()
    opened.close()
    assert words is not None
    assert title is not None
    assert pick is not None
    assert len(boxes) == 8
    for box in boxes:
        assert box is not None
        assert box["width"] > 90
        assert box["x"] + box["width"] <= words["x"] or box["y"] + box["height"] <= words["y"]
    # the box to tick stands beside the first line of a name
    assert pick["y"] < title["y"] + 24


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


def test_the_script_writes_numbers_as_the_page_does_without_it(
    browser: Browser, write_study: Callable[..., StudyRecord], tmp_path: Path
) -> None:
    # scores of 80 images lie often halfway between two numbers of three decimals
    study = write_study(tmp_path / "ties", trials=12, images=80, grouped=False)
    shown = write_report(study, out=tmp_path / "index.html").as_uri()
    script = "all => all.map(each => each.textContent.replace(/\\s+/g, ' ').trim())"
    cells, written = "#leaderboard tbody :is(.value, .ends)", []
    for enabled in (False, True):
        context = browser.new_context(java_script_enabled=enabled)
        opened = context.new_page()
        opened.goto(shown)
        written.append(opened.locator(cells).evaluate_all(script))
        context.close()
    assert written[0] == written[1]
    ties = [float(text) for text in written[0] if re.fullmatch(r"0\.\d{3}", text)]
    assert any(abs(16 * score - round(16 * score)) < 0.016 and round(16 * score) % 2 for score in ties)
