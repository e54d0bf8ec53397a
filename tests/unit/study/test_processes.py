import subprocess
import sys
from pathlib import Path

import pytest

from mammobench.study.processes import name_of_process, was_killed

PLACE = Path("/work/a|b")
TELLS = (
    "from pathlib import Path; from mammobench.study.processes import name_of_process; "
    "print(name_of_process(Path({!r})))"
)


def test_a_process_that_is_gone_is_told_from_one_that_lives() -> None:
    name = name_of_process(PLACE)
    if name is None:
        pytest.skip("this system does not name processes")
    assert not was_killed(name, PLACE)
    told = subprocess.run(
        [sys.executable, "-c", TELLS.format(str(PLACE))], capture_output=True, text=True, check=True
    )
    gone = told.stdout.strip()
    assert was_killed(gone, PLACE)
    assert not was_killed(gone, PLACE.parent)
    assert not was_killed(gone.replace("|", "|another ", 1), PLACE)
    # its number has been given to another process, ours
    assert was_killed("|".join([*name.split("|")[:-1], "1"]), PLACE)


@pytest.mark.parametrize("name", [None, 7, [], "", "text", "|||"])
def test_what_is_no_name_is_nobodys(name: object) -> None:
    assert not was_killed(name, PLACE)
