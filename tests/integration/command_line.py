"""The command line in processes of its own, as a user runs it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mammobench.data.store.image_store import ImageStore

# a test run in the background of a shell ignores Ctrl-C, and its children would inherit that
COMMAND = """\
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from mammobench.__main__ import main
main()
"""
SPACE = """\
# A search that takes seconds.
name: tiny
task: malignancy
image_size: 16
base: {training.batch_size: 16, training.patience: 0}
search:
  model.filters: {choice: [[4], [4, 8]]}
  model.dropout: {float: [0.0, 0.5], step: 0.1}
  optimizer.learning_rate: {float: [1.0e-3, 1.0e-2], log: true}
budget: {trials: 4, max_epochs: 3}
"""


@dataclass(frozen=True)
class CommandLine:
    """`mammobench` run in one folder on one store.

    Attributes:
        folder: The working folder, with tiny.yaml in it.
        store: The image store that searches use.
    """

    folder: Path
    store: Path

    @property
    def search_words(self) -> list[str]:
        """The words of the search."""
        return ["search", "--space", "tiny.yaml", "--data", str(self.store)]

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command in a process group of its own."""
        environment = {**os.environ, "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *words],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str, status: int = 0) -> tuple[str, str]:
        """Run a command to its end; return what it printed on standard output and standard error."""
        with self.start(*words) as process:
            out, err = process.communicate(timeout=240)
        assert process.returncode == status, err
        assert "Traceback" not in err
        return out, err

    def run_json(self, *words: str) -> dict[str, Any]:
        """Run a command with ``--json``; return its document."""
        document: dict[str, Any] = json.loads(self.run(*words, "--json", "--quiet")[0])
        return document


def make_command_line(folder: Path, store: ImageStore) -> CommandLine:
    """Return the command line in a folder with the tiny space."""
    (folder / "tiny.yaml").write_text(SPACE)
    return CommandLine(folder, store.path)
