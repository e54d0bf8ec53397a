"""The HTML report as PDF, printed by Chromium."""

import importlib.util
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mammobench.core.errors import ConfigError
from mammobench.core.files import written_aside
from mammobench.study.filenames import PAGE

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_SECONDS = 120


def write_pdf(page: str, path: Path) -> None:
    """Print a page that needs nothing from elsewhere, with tags for screen readers and an outline.

    Args:
        page: HTML.
        path: The PDF; written whole or not at all.

    Raises:
        ConfigError: Without playwright or a browser, or where the browser cannot print.
    """
    if importlib.util.find_spec("playwright") is None:
        raise ConfigError(
            "a PDF needs playwright",
            where="--format pdf",
            remedy="Install it with `pip install 'mammobench[pdf]'`, or print the HTML report from a browser",
        )
    with tempfile.TemporaryDirectory(prefix="mammobench-pdf-") as folder, written_aside(path) as aside:
        source = Path(folder) / PAGE
        source.write_text(page, encoding="utf-8")
        # in a thread of its own: a notebook's thread has an event loop, where playwright refuses to work
        with ThreadPoolExecutor(1) as pool:
            pool.submit(_print, source, aside).result()


def find_browser() -> str | None:
    """Return the path of a Chromium or Chrome of this system; None where there is none by a known name."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def _print(source: Path, target: Path) -> None:
    # optional, and half a second to import
    from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        executable = find_browser() or playwright.chromium.executable_path
        if not Path(executable).exists():
            raise ConfigError(
                "a PDF needs Chromium or Chrome",
                where="--format pdf",
                found=f"none of {', '.join(BROWSERS)} on the PATH, nor playwright's own",
                remedy="Install one of them, or run `playwright install chromium`",
            )
        try:
            browser = playwright.chromium.launch(executable_path=executable, timeout=1000 * _SECONDS)
            try:
                page = browser.new_context(offline=True, color_scheme="light").new_page()
                page.goto(source.as_uri(), timeout=1000 * _SECONDS)
                page.pdf(
                    path=target, format="A4", print_background=True, prefer_css_page_size=True,
                    tagged=True, outline=True,
                )  # fmt: skip
            finally:
                browser.close()
        except Error as error:
            raise ConfigError(
                "the browser could not print the report",
                where=executable,
                found=(error.message.strip() or "no message").splitlines()[0].rstrip("."),
                remedy="Print the HTML report from a browser of your own",
            ) from error
