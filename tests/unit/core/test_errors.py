import pickle
from pathlib import Path

import pytest

from mammobench.core import errors
from mammobench.core.errors import DataError, MammobenchError


def test_the_message_says_what_was_expected_found_where_and_what_to_do() -> None:
    error = DataError("wrong label", expected="0 to 4", found=7, where=Path("a.npy"), remedy="Mend it")
    assert str(error) == "a.npy: wrong label: expected 0 to 4, found 7. Mend it."


def test_a_falsy_finding_is_still_told() -> None:
    assert str(DataError("too few", found=0)) == "too few: found 0."


@pytest.mark.parametrize("kind", MammobenchError.__subclasses__(), ids=lambda kind: str(kind.__name__))
def test_every_error_is_drawn_in_the_tree_with_its_exit_status(kind: type[MammobenchError]) -> None:
    line = next(line for line in (errors.__doc__ or "").splitlines() if kind.__name__ in line)
    assert line.rstrip().endswith(f"({kind.exit_status})")


@pytest.mark.parametrize("kind", MammobenchError.__subclasses__())
def test_an_error_goes_to_another_process_as_it_is(kind: type[MammobenchError]) -> None:
    error = kind("wrong", expected=(1, 2), found=None, where=Path("here"), remedy="Mend it")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own, as multiprocessing sends it
    assert (type(again), str(again)) == (kind, str(error))
    assert (again.problem, again.expected, again.remedy) == ("wrong", "(1, 2)", "Mend it")
