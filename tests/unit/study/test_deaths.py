"""Trials whose workers die: in the record of a real database, where heartbeats are made old by hand."""

import pytest

from mammobench.study.deaths import deaths_of, may_run_again


@pytest.mark.parametrize(
    ("deaths", "answer"),
    [
        ((), True),
        ((0, 0), True),
        ((0, 0, 0), False),
        ((0, 0, 1), True),
        ((0, 0, 1, 1), True),
        ((0, 0, 1, 1, 1), False),
        ((1, 2, 3, 4, 5, 6), True),
    ],
)
def test_three_deaths_in_a_row_without_a_new_epoch_are_too_many(
    deaths: tuple[int, ...], answer: bool
) -> None:
    assert may_run_again(deaths) is answer


@pytest.mark.parametrize("damaged", [None, "text", {"a": 1}, [None], ["3"], [[1]], [True], 10**30])
def test_a_damaged_count_counts_for_nothing(damaged: object) -> None:
    assert deaths_of({"deaths": damaged}) == ()
