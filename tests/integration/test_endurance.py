"""The searching process stays as small as it was, however many trials it runs."""

import json
import subprocess
import sys

import pytest

from tests.integration.command_line import CommandLine

TRIALS = 50
SCRIPT = """
import json, sys, psutil, mammobench
from mammobench.workers import TrialEnd
sizes = []

def observe(study, event):
    if isinstance(event, TrialEnd):
        sizes.append(psutil.Process().memory_info().rss / 2**20)

mammobench.search(space="tiny.yaml", data=sys.argv[1], trials=int(sys.argv[2]), observe=observe)
print(json.dumps(sizes))
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_fifty_trials_leave_the_searching_process_within_20_mib(command_line: CommandLine) -> None:
    script = command_line.folder / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, script, command_line.store, str(TRIALS)],
        cwd=command_line.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    sizes = json.loads(done.stdout)
    print(f"MiB after each trial: {[round(size, 1) for size in sizes]}")
    assert len(sizes) == TRIALS + 1
    # the first trial loads what all of them need
    assert sizes[-1] - sizes[1] < 20
