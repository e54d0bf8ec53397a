"""The searching process and the server of trial processes stay small, however many trials run."""

import json
import subprocess
import sys

import pytest

from tests.integration.command_line import CommandLine

TRIALS = 200
SCRIPT = """
import json, sys, psutil, mammobench
from mammobench.training.process import TrialEnd
sizes = []

def observe(study, event):
    if isinstance(event, TrialEnd):
        main = psutil.Process()
        servers = [child for child in main.children() if "forkserver" in " ".join(child.cmdline())]
        sizes.append([process.memory_info().rss / 2**20 for process in (main, *servers)])

mammobench.search(space="tiny.yaml", data=sys.argv[1], trials=int(sys.argv[2]), observe=observe)
print(json.dumps(sizes))
"""


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_hundred_trials_grow_the_searching_process_and_its_server_by_less_than_30_mib(
    command_line: CommandLine,
) -> None:
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
    told = [[round(size, 1) for size in pair] for pair in sizes[:: TRIALS // 10]]
    print(f"MiB of the searching process and the server after each {TRIALS // 10} trials: {told}")
    assert len(sizes) == TRIALS + 1
    assert all(len(pair) == 2 for pair in sizes)
    # the first trial loads what all of them need
    assert sum(sizes[-1]) - sum(sizes[1]) < 30
