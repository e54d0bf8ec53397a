"""The command line in a fresh folder, and in one where a search has ended."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from mammobench.data.store.image_store import ImageStore
from mammobench.report import pdf
from mammobench.study.record import StudyRecord
from tests.integration.command_line import CommandLine, make_command_line
from tests.integration.machines import Machine, Watch

_BROWSER_ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window; one for each file of tests."""
    path = pdf.find_browser()
    if path is None:
        pytest.skip("no chromium is installed")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=_BROWSER_ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def command_line(tmp_path: Path, phantom: ImageStore) -> CommandLine:
    """The command line in a fresh folder."""
    return make_command_line(tmp_path, phantom)


@pytest.fixture(scope="module")
def module_command_line(tmp_path_factory: pytest.TempPathFactory, phantom: ImageStore) -> CommandLine:
    """The command line in a folder that the tests of one file share."""
    return make_command_line(tmp_path_factory.mktemp("shared"), phantom)


@pytest.fixture(scope="session")
def searched(tmp_path_factory: pytest.TempPathFactory, phantom: ImageStore) -> CommandLine:
    """The command line in a folder where the tiny space has been searched without interruption."""
    command_line = make_command_line(tmp_path_factory.mktemp("searched"), phantom)
    out, err = command_line.run(*command_line.search_words)
    (command_line.folder / "out.txt").write_text(out)
    (command_line.folder / "err.txt").write_text(err)
    return command_line


@pytest.fixture(scope="session")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, phantom: ImageStore
) -> Callable[[str, str], StudyRecord]:
    """Give the study that many machines share as one machine searches it on a journal, undisturbed."""

    @functools.cache
    def search(engine: str, sampler: str) -> StudyRecord:
        machine = Machine(tmp_path_factory.mktemp("undisturbed"), phantom.path, {})
        with machine.running("search", "--engine", engine, "--sampler", sampler) as searching:
            Watch().end(machine, searching)
        return StudyRecord.open(machine.study)

    return search
