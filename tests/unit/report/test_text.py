import numpy as np
import pandas as pd
import pytest

from mammobench.report import text


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, "0.5", True])
def test_what_is_no_number_shows_as_a_dash(missing: object) -> None:
    assert text.score(missing) == text.signed(missing) == text.whole(missing) == text.MISSING


def test_scores_have_three_decimals_and_differences_a_sign() -> None:
    assert text.score(0.7126) == "0.713"
    assert text.signed(0.1) == "+0.100"
    assert text.signed(-0.1) == "\N{MINUS SIGN}0.100"


def test_an_interval_stands_behind_its_score() -> None:
    row = {"test_f1": 0.713, "test_f1_low": 0.63, "test_f1_high": 0.783}
    assert text.with_interval(row, "test_f1") == "0.713 [0.630, 0.783]"


def test_a_score_without_an_interval_stands_alone() -> None:
    assert text.with_interval({"test_f1": 0.713, "test_f1_low": np.nan}, "test_f1") == "0.713"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0042, "4 ms"), (12.34, "12.3 s"), (90, "1.5 min"), (7200, "2.0 h")]
)
def test_times_have_the_unit_that_suits(seconds: float, shown: str) -> None:
    assert text.duration(seconds) == shown


def test_settings_are_words() -> None:
    assert [text.setting(item) for item in (True, False, None, 2, ["avx2", "fma"], [])] == [
        "yes", "no", "none", "2", "avx2, fma", "none",
    ]  # fmt: skip


def test_a_label_of_a_figure_keeps_both_ends_of_a_long_name() -> None:
    assert text.label("shortcut: gradient boosting") == "shortcut: gradient boosting"
    assert text.label(f"trial 12 of {'a-long-name-' * 9}2026-11-26") == "trial 12 of a-lo…name-2026-11-26"
