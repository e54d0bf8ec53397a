"""The same three from Python, in a script without a main guard."""

import json
import subprocess
import sys

import pandas as pd
import pytest

import mammobench
from tests.integration.command_line import CommandLine

# one worker makes the searched study once
pytestmark = pytest.mark.xdist_group("searched")

SCRIPT = """
import json, sys, mammobench

study = mammobench.search(space="tiny.yaml", data=sys.argv[1], trials=1)
print(json.dumps({"repr": repr(study), "html": study._repr_html_()[:500], "report": str(study.report()),
                  "rows": len(study.leaderboard()), "identical": study.reproduce().identical,
                  "tensorflow": "tensorflow" in sys.modules}))
"""


@pytest.mark.slow  # four processes with TensorFlow; the same words run in test_main_job
def test_a_script_searches_reports_and_reproduces(command_line: CommandLine) -> None:
    script = command_line.folder / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, script, command_line.store],
        cwd=command_line.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    assert told["repr"].endswith("2 of 2 trials finished)")
    assert "<table" in told["html"]
    assert told["rows"] >= 3
    assert told["identical"] is True
    assert told["tensorflow"] is False


def test_every_public_name_is_there() -> None:
    names = dir(mammobench)
    assert {"search", "Study", "Leaderboard", "prepare", "reproduce"} <= set(names)
    assert all(getattr(mammobench, name) is not None for name in names)


def test_a_study_opens_with_its_table(searched: CommandLine) -> None:
    study = mammobench.Study.open(searched.folder / "reports" / "tiny")
    assert isinstance(study.leaderboard(), pd.DataFrame)
    assert len(study.trials) == 5
