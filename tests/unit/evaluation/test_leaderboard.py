from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sklearn_metrics

from mammobench.core.errors import StudyError, TrialError
from mammobench.data.splits.split import Split
from mammobench.evaluation.comparison import BETTER, WORSE
from mammobench.evaluation.entries import Entry
from mammobench.evaluation.leaderboard import Leaderboard, _mark_selected, build_leaderboard, unit_of
from mammobench.evaluation.points import METRICS
from mammobench.evaluation.predictions import open_test
from mammobench.study.record import StudyRecord
from mammobench.training.filenames import PREDICTIONS

StudyWriter = Callable[..., StudyRecord]


@pytest.fixture(scope="module")
def board(simulated_study: StudyRecord) -> Leaderboard:
    return build_leaderboard(simulated_study, resamples=200)


def test_every_finished_trial_and_both_constant_answers_have_a_row(board: Leaderboard) -> None:
    assert sorted(board.frame["trial"].dropna()) == list(range(13))
    assert set(board.frame["name"]) > {"reference CNN", "always benign", "always malignant"}
    assert board.left_out == ()


def test_rows_are_ranked_by_test_f1_then_accuracy(board: Leaderboard) -> None:
    order = board.frame.sort_values(["test_f1", "test_accuracy"], ascending=False, kind="stable")
    assert order["rank"].tolist() == list(range(1, 16))


def test_the_selected_row_has_the_best_validation_objective_of_the_searched(board: Leaderboard) -> None:
    searched = [row for row in board.rows if row["role"] == "searched"]
    assert board.selected is not None
    assert board.selected["trial"] == max(searched, key=lambda row: row["objective"])["trial"]
    assert board.frame["selected"].sum() == 1


def test_scores_equal_scikit_learn_on_the_stored_predictions(
    board: Leaderboard, simulated_study: StudyRecord
) -> None:
    trial = simulated_study.trials[4]
    split = Split.load(simulated_study.split_path(trial.split))
    test, row = open_test(trial.folder), board.frame.set_index("trial").loc[4]
    guess = test >= np.float64(trial.threshold or 0)
    calcifications = np.isin(split.test.labels, [1, 3])
    assert row["test_f1"] == pytest.approx(sklearn_metrics.f1_score(split.test.targets, guess))
    assert row["test_auroc"] == pytest.approx(sklearn_metrics.roc_auc_score(split.test.targets, test))
    assert row["test_recall_calcification"] == pytest.approx(
        sklearn_metrics.recall_score(split.test.targets[calcifications], guess[calcifications])
    )


def test_every_interval_holds_its_point(board: Leaderboard) -> None:
    columns = [f"{part}_{metric}" for part in ("test", "validation") for metric in METRICS]
    for column in [*columns, "test_recall_mass"]:
        low, point, high = (board.frame[f"{column}{end}"].astype(float) for end in ("_low", "", "_high"))
        inside = (low <= point + 1e-6) & (point <= high + 1e-6)
        assert (inside | point.isna()).all(), column
        assert point.notna().any(), column


def test_always_negative_has_the_share_of_negatives_for_accuracy_and_no_f1(board: Leaderboard) -> None:
    row = board.frame.set_index("name").loc["always benign"]
    targets = next(iter(board.splits.values())).test.targets
    assert row["test_accuracy"] == pytest.approx((targets == 0).mean())
    assert (row["test_f1"], row["test_f1_high"]) == (0, 0)
    assert pd.isna(row["trial"])


def test_differences_are_against_the_selected_row(board: Leaderboard) -> None:
    assert board.selected is not None
    expected = board.frame["test_f1"] - board.selected["test_f1"]
    assert board.frame["difference"].to_numpy() == pytest.approx(expected.to_numpy())
    inside = (board.frame["difference_low"] <= 0) & (board.frame["difference_high"] >= 0)
    p = board.frame["difference_p"]
    assert (inside == ~p.lt(0.05)).all()


def test_the_same_seed_gives_the_same_table(board: Leaderboard, simulated_study: StudyRecord) -> None:
    pd.testing.assert_frame_equal(board.frame, build_leaderboard(simulated_study, resamples=200).frame)


def test_the_reference_shows_its_own_values_of_unconditional_hyperparameters(board: Leaderboard) -> None:
    row = board.frame.set_index("trial").loc[0]
    assert row["model.activation"] == "relu"
    assert pd.isna(row["loss.gamma"])


def test_brier_selects_the_smallest(write_study: StudyWriter, tmp_path: Path) -> None:
    board = build_leaderboard(write_study(tmp_path / "brier", trials=4, objective="brier"), resamples=50)
    searched = board.frame[board.frame["role"] == "searched"]
    assert board.selected is not None
    assert board.selected["objective"] == searched["objective"].min()


def test_five_classes_are_ranked_by_macro_f1(write_study: StudyWriter, tmp_path: Path) -> None:
    board = build_leaderboard(write_study(tmp_path / "five", trials=3, task="five-class"), resamples=50)
    assert "always negative" in set(board.frame["name"])
    assert board.frame["test_f1"].equals(board.frame["test_macro_f1"])
    assert board.frame["test_recall_mass"].isna().all()


def test_a_leaking_split_marks_its_rows(write_study: StudyWriter, tmp_path: Path) -> None:
    board = build_leaderboard(write_study(tmp_path / "leak", trials=2, leaks=True), resamples=20)
    assert board.frame["leaks"].all()


def test_a_trial_without_readable_predictions_is_left_out_and_named(
    write_study: StudyWriter, tmp_path: Path
) -> None:
    study = write_study(tmp_path / "damaged", trials=4)
    (study.trials[2].folder / PREDICTIONS).write_bytes(b"damaged")
    (study.trials[3].folder / PREDICTIONS).unlink()
    np.savez(study.trials[4].folder / PREDICTIONS, validation_probability=[0.5], test_probability=[0.5])
    board = build_leaderboard(study, resamples=20)
    assert [name for name, _ in board.left_out] == ["trial 2", "trial 3", "trial 4"]
    assert set(board.frame["trial"].dropna()) == {0, 1}


def test_failed_and_running_trials_have_no_row(write_study: StudyWriter, tmp_path: Path) -> None:
    study = write_study(tmp_path / "some", trials=3, failed={2: "loss is nan"}, running=1)
    board = build_leaderboard(study, resamples=20)
    assert set(board.frame["trial"].dropna()) == {0, 1, 3}


def test_a_study_whose_trials_all_failed_says_why(write_study: StudyWriter, tmp_path: Path) -> None:
    study = write_study(tmp_path / "failed", trials=1, failed={0: "loss is nan", 1: "loss is nan"})
    with pytest.raises(TrialError, match=r"every trial failed.*loss is nan"):
        build_leaderboard(study)


def test_a_study_without_a_finished_trial_says_so(write_study: StudyWriter, tmp_path: Path) -> None:
    study = write_study(tmp_path / "new", trials=-1, running=1)
    with pytest.raises(StudyError, match="no trial has finished"):
        build_leaderboard(study)


def test_a_study_with_the_reference_alone_selects_nothing(write_study: StudyWriter, tmp_path: Path) -> None:
    board = build_leaderboard(write_study(tmp_path / "reference", trials=0), resamples=20)
    assert board.selected is None
    assert board.optimism is None
    assert board.frame["verdict"].isna().all()
    assert len(board.frame) == 3


def test_the_csv_holds_the_table(board: Leaderboard, tmp_path: Path) -> None:
    board.to_csv(tmp_path / "leaderboard.csv")
    read = pd.read_csv(tmp_path / "leaderboard.csv")
    assert list(read.columns) == list(board.frame.columns)
    assert read["test_f1"].to_numpy() == pytest.approx(board.frame["test_f1"].to_numpy())


def test_a_notebook_shows_a_table(board: Leaderboard) -> None:
    shown = board._repr_html_()
    assert "reference CNN" in shown
    assert "model.activation" in shown


def test_a_leaking_trial_is_selected_only_where_there_is_no_other() -> None:
    def entry(trial: int, objective: float, *, leaks: bool) -> Entry:
        facts = {"trial": trial, "objective": objective, "leaks": leaks}
        return Entry(facts, {})

    leaking, clean = entry(1, 0.9, leaks=True), entry(2, 0.5, leaks=False)
    _mark_selected([leaking, clean], "maximize")
    assert "selected" not in leaking.row
    assert clean.row["selected"] is True
    _mark_selected([leaking], "maximize")
    assert leaking.row["selected"] is True


@pytest.mark.parametrize(("grouped", "unit"), [(True, "patient or lesion group"), (False, "image")])
def test_intervals_resample_images_where_no_group_has_two_in_the_test_part(
    grouped: bool, unit: str, write_study: StudyWriter, tmp_path: Path
) -> None:
    study = write_study(tmp_path / "units", trials=1, grouped=grouped)
    (split,) = build_leaderboard(study, resamples=10).splits.values()
    assert unit_of(split) == unit


def test_verdicts_follow_the_corrected_differences(board: Leaderboard) -> None:
    frame = board.frame
    significant = frame["difference_p_adjusted"].lt(0.05)
    assert (frame["verdict"].isin([BETTER, WORSE]) == significant).all()
    assert (frame.loc[significant, "verdict"].eq(BETTER) == frame.loc[significant, "difference"].gt(0)).all()
    assert frame.loc[frame["selected"], ["verdict", "family"]].isna().all(axis=None)
    always = frame[frame["name"] == "always benign"]
    assert always["verdict"].item() == WORSE
    planned = frame["role"].ne("searched") & ~frame["difference"].gt(0) & ~frame["selected"]
    assert frame["family"].eq("planned").equals(planned)
    compared = frame.dropna(subset=["difference_p"])
    assert (compared["difference_p_adjusted"] >= compared["difference_p"]).all()
    assert (compared["mcnemar_p_adjusted"] >= compared["mcnemar_p"]).all()


def test_the_best_of_many_is_corrected(board: Leaderboard) -> None:
    searched = board.frame[board.frame["role"] == "searched"]
    found, selected = board.optimism, board.selected
    assert found is not None
    assert selected is not None
    assert (found.tried, found.best_test) == (12, searched["test_f1"].max())
    assert found.corrected < found.best_test
    assert found.bias == pytest.approx(found.best_test - found.corrected)
    assert found.interval.low < found.corrected < found.interval.high
    assert found.gap == pytest.approx(selected["validation_f1"] - selected["test_f1"])


def test_f1_at_half_stands_beside_the_f1_at_the_chosen_threshold(
    board: Leaderboard, simulated_study: StudyRecord
) -> None:
    trial = simulated_study.trials[4]
    targets = Split.load(simulated_study.split_path(trial.split)).test.targets
    expected = sklearn_metrics.f1_score(targets, open_test(trial.folder) >= 0.5)
    assert board.frame.set_index("trial").loc[4, "test_f1_at_half"] == pytest.approx(expected)
