"""Holm's method against the step-down procedure that defines it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mammobench.evaluation.significance import holm

P_VALUES = st.lists(st.integers(0, 1000).map(lambda value: value / 1000), min_size=1, max_size=30)


@given(p=P_VALUES, alpha=st.integers(0, 999).map(lambda value: (value + 0.5) / 1000))
def test_adjusted_values_reject_what_the_step_down_procedure_rejects(p: list[float], alpha: float) -> None:
    """Reject from the smallest on, as long as the i-th of k is at most alpha / (k - i)."""
    rejected = 0
    for place, value in enumerate(sorted(p)):
        if value * (len(p) - place) > alpha:
            break
        rejected += 1
    adjusted = holm(np.array(p))
    assert (adjusted <= alpha).sum() == rejected


@given(p=P_VALUES, seed=st.integers(0, 99))
def test_adjusted_values_are_ordered_bounded_and_know_no_order_of_the_rows(p: list[float], seed: int) -> None:
    values = np.array(p)
    adjusted = holm(values)
    assert (adjusted >= values).all()
    assert (adjusted <= np.minimum(1, values * len(p)) + 1e-12).all()
    assert (np.diff(adjusted[np.argsort(values, kind="stable")]) >= 0).all()
    shuffled = np.random.default_rng(seed).permutation(len(p))
    np.testing.assert_array_equal(holm(values[shuffled]), adjusted[shuffled])
