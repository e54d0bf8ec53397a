"""Printed commands run as printed, however the program was started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    ("words", "variable", "printed"),
    [
        ([sys.executable, "-m", "mammobench"], {}, f"{sys.executable} -m mammobench"),
        ([str(BIN / "mammobench")], {}, str(BIN / "mammobench")),
        ([str(BIN / "mammobench")], {"PATH": f"{BIN}:{os.environ['PATH']}"}, "mammobench"),
        ([str(BIN / "mammobench")], {"UV_RUN_RECURSION_DEPTH": "1"}, "uv run mammobench"),
    ],
)
def test_the_remedy_of_an_error_and_an_example_run_as_printed(
    words: list[str], variable: dict[str, str], printed: str, tmp_path: Path
) -> None:
    others = os.pathsep.join(place for place in os.environ["PATH"].split(os.pathsep) if Path(place) != BIN)
    env = {**os.environ, "PATH": others, "COLUMNS": "300", **variable}

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*words, *more], capture_output=True, text=True, check=False, cwd=tmp_path, env=env
        )

    assert f"`{printed} search --space quick` makes one" in run("report", "missing").stderr
    assert f"{printed} spaces quick" in run("spaces", "--help").stdout
    assert f"{printed} search --space ddsm" in run("spaces", "ddsm").stdout
