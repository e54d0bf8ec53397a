"""The command line in a fresh folder, and in one where a search has ended."""

from pathlib import Path

import pytest

from mammobench.data.store import ImageStore
from tests.integration.command_line import CommandLine, make_command_line


@pytest.fixture
def command_line(tmp_path: Path, phantom: ImageStore) -> CommandLine:
    """The command line in a fresh folder."""
    return make_command_line(tmp_path, phantom)


@pytest.fixture(scope="session")
def searched(tmp_path_factory: pytest.TempPathFactory, phantom: ImageStore) -> CommandLine:
    """The command line in a folder where the tiny space has been searched without interruption."""
    command_line = make_command_line(tmp_path_factory.mktemp("searched"), phantom)
    out, err = command_line.run(*command_line.search_words)
    (command_line.folder / "out.txt").write_text(out)
    (command_line.folder / "err.txt").write_text(err)
    return command_line
