"""Trials of several splits: selection, ranking and comparisons are within one of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from mammobench.analysis.searching import search_and_report, work_on
from mammobench.core.errors import SpaceError
from mammobench.data.splits.split import Split
from mammobench.evaluation.leaderboard import Leaderboard, build_leaderboard
from mammobench.evaluation.selection import select_trial, split_families, validation_leaders
from mammobench.report.write import report_on
from mammobench.space.search_space import Choice
from mammobench.study.record import StudyRecord
from tests.conftest import simulate_split

StudyWriter = Callable[..., StudyRecord]
COMPARED = ["difference", "difference_p", "difference_p_adjusted", "verdict", "family", "mcnemar_p"]


def splits_of(*seeds: int, leaks: bool = False) -> list[Split]:
    return [simulate_split("malignancy", images=60, leaks=leaks, grouped=True, seed=seed) for seed in seeds]


@pytest.fixture(scope="module")
def old(write_study: StudyWriter, tmp_path_factory: pytest.TempPathFactory) -> StudyRecord:
    """A study of an earlier version that searched the seed of the split: three splits, nine trials."""
    choice = Choice(key="data.split_seed", values=(0, 1, 2))
    folder = tmp_path_factory.mktemp("old") / "old"
    return write_study(folder, trials=9, images=60, splits=splits_of(0, 1, 2), split_choice=choice)


@pytest.fixture(scope="module")
def board(old: StudyRecord) -> Leaderboard:
    return build_leaderboard(old, resamples=50)


def test_the_ranking_is_of_one_split_and_the_others_stand_apart(board: Leaderboard, old: StudyRecord) -> None:
    # the splits take turns: each has three searched trials, and the first the reference CNN besides
    first = old.trials[0].split
    assert set(board.frame["split_hash"]) == {first}
    assert next(iter(board.splits)) == first
    assert set(board.frame["trial"].dropna()) == {0, 3, 6, 9}
    assert set(board.elsewhere["trial"].dropna()) == {1, 2, 4, 5, 7, 8}
    assert board.frame["rank"].tolist() == list(range(1, len(board.frame) + 1))
    for _, table in board.elsewhere.groupby("split_hash"):
        assert table["rank"].tolist() == list(range(1, len(table) + 1))
        assert table["test_f1"].is_monotonic_decreasing


def test_no_row_is_compared_with_one_of_another_split(board: Leaderboard) -> None:
    assert board.elsewhere[COMPARED].isna().all(axis=None)
    searched = board.frame[board.frame["role"].eq("searched") & ~board.frame["selected"]]
    assert searched["difference_p_adjusted"].notna().all()
    assert board.optimism is not None
    assert board.optimism.tried == 3


def test_validation_selects_within_each_split(board: Leaderboard, old: StudyRecord) -> None:
    assert board.selected is not None
    inside = board.frame[board.frame["role"] == "searched"]
    assert board.selected["objective"] == inside["objective"].max()
    assert not board.elsewhere["selected"].any()
    for _, table in board.elsewhere.groupby("split_hash"):
        (chosen,) = table[table["selected_in_split"]].to_dict("records")
        assert chosen["objective"] == table.loc[table["role"] == "searched", "objective"].max()
    found = select_trial(old)
    assert found is not None
    assert found.number == board.selected["trial"]
    assert {trial.number for trial in validation_leaders(old, top=9)} == {3, 6, 9, 0}


def test_a_study_that_searches_its_split_is_read_but_not_gone_on_with(old: StudyRecord) -> None:
    assert len(StudyRecord.open(old.folder).trials) == 10
    with pytest.raises(SpaceError, match="cannot choose its split"):
        work_on(old.folder)
    with pytest.raises(SpaceError, match="cannot choose its split"):
        search_and_report(old.space, study=old.folder)


def test_a_split_whose_predictions_are_gone_makes_room_for_the_next(
    write_study: StudyWriter, tmp_path: Path
) -> None:
    study = write_study(tmp_path / "gone", trials=4, images=60, splits=splits_of(0, 1))
    for gone, left in ((None, {2, 4}), (2, {1, 3})):
        if gone is not None:
            (study.trial_folder(gone) / "predictions.npz").unlink()
        board, found = build_leaderboard(study, resamples=10), select_trial(study)
        assert found is not None
        assert board.selected is not None
        assert found.number == board.selected["trial"]
        assert found.number in left


def test_of_several_studies_the_split_with_most_trials_is_ranked(
    write_study: StudyWriter, tmp_path: Path
) -> None:
    few = write_study(tmp_path / "few", trials=1, images=60, splits=splits_of(0))
    many = write_study(tmp_path / "many", trials=3, images=60, splits=splits_of(1))
    board = build_leaderboard([few, many], resamples=10)
    assert set(board.frame["study"].dropna()) == {"many"}
    assert set(board.elsewhere["study"].dropna()) == {"few"}


def test_the_csv_has_every_trial(board: Leaderboard, tmp_path: Path) -> None:
    board.to_csv(tmp_path / "all.csv")
    read = pd.read_csv(tmp_path / "all.csv")
    assert set(read["trial"].dropna()) == set(range(10))
    assert read["selected"].sum() == 1
    assert read["selected_in_split"].sum() == read["split_hash"].nunique() == 3


def test_one_split_has_no_column_more(simulated_study: StudyRecord) -> None:
    board = build_leaderboard(simulated_study, resamples=10)
    assert "selected_in_split" not in board.frame
    assert board.elsewhere.empty


def test_the_marked_comparison_stays_in_one_table_with_a_selection_in_each(
    write_study: StudyWriter, tmp_path: Path
) -> None:
    splits = [*splits_of(0), *splits_of(1, leaks=True)]
    choice = Choice(key="data.split", values=("official", "reference"))
    study = write_study(tmp_path / "marked", trials=6, images=60, splits=splits, split_choice=choice)
    board = build_leaderboard(study, resamples=10)
    assert board.elsewhere.empty
    assert board.frame["split_hash"].nunique() == 2
    assert board.selected is not None
    assert not board.selected["leaks"]
    chosen = board.frame[board.frame["selected_in_split"]]
    assert sorted(chosen["leaks"]) == [False, True]
    leaking = board.frame[board.frame["leaks"]]
    assert leaking[COMPARED].isna().all(axis=None)


def test_a_smaller_training_part_is_no_other_split() -> None:
    (whole,) = splits_of(0)
    train = replace(whole.train, **{name: getattr(whole.train, name)[:90] for name in vars(whole.train)})
    share = replace(whole, train=train, hash="x")
    assert share.evaluated == whole.evaluated
    families = split_families([("w", True), ("x", True)], {"w": whole, "x": share})
    assert families == [{"w", "x"}]
    other = splits_of(1)[0]
    assert split_families([("w", True), ("o", True)], {"w": whole, "o": other}) == [{"w"}, {"o"}]


@pytest.mark.parametrize("kind", ["html", "markdown", "latex"])
def test_reports_say_why_the_others_stand_apart(old: StudyRecord, kind: str, tmp_path: Path) -> None:
    text = report_on([old], out=tmp_path / "page", kind=kind).read_text("utf-8")
    words = " ".join(text.split())
    for said in ("within one split", "what one split tests", "selected within this split"):
        assert said in words
    assert words.count("test images") >= 2
    assert all(name in words for name in ("trial 2", "trial 8"))
