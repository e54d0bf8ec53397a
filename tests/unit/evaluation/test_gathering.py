from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mammobench.core.errors import StudyError
from mammobench.evaluation.leaderboard import Leaderboard, build_leaderboard
from mammobench.study.record import StudyRecord

StudyWriter = Callable[..., StudyRecord]


@pytest.fixture(scope="module")
def studies(write_study: StudyWriter, tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyRecord, ...]:
    folder = tmp_path_factory.mktemp("several")
    return (
        write_study(folder / "optuna", trials=3, images=60),
        write_study(folder / "keras", trials=5, images=60, engine="keras-tuner", sampler="random"),
    )


@pytest.fixture(scope="module")
def together(studies: tuple[StudyRecord, ...]) -> Leaderboard:
    return build_leaderboard(studies, resamples=100)


def test_all_trials_of_all_studies_stand_in_one_ranking(together: Leaderboard) -> None:
    trials = together.frame.dropna(subset=["trial"])
    known = set(zip(trials["study"], trials["trial"], strict=True))
    assert known == {("optuna", number) for number in range(4)} | {("keras", number) for number in range(6)}
    assert together.studies == ("optuna", "keras")
    assert together.frame["test_f1"].is_monotonic_decreasing
    assert "reference CNN of keras" in set(together.frame["name"])


def test_one_row_is_selected_the_best_on_validation_of_all(together: Leaderboard) -> None:
    searched = together.frame[together.frame["role"] == "searched"]
    assert together.frame["selected"].sum() == 1
    assert together.selected is not None
    assert together.selected["objective"] == searched["objective"].max()


def test_baselines_of_a_shared_split_stand_once(together: Leaderboard) -> None:
    assert (together.frame["name"] == "always malignant").sum() == 1


def test_rows_of_a_shared_split_share_its_resamples(
    together: Leaderboard, studies: tuple[StudyRecord, ...]
) -> None:
    alone = build_leaderboard(studies[1], resamples=100).frame.dropna(subset=["trial"]).sort_values("trial")
    rows = together.frame[together.frame["study"] == "keras"].sort_values("trial")
    for column in ("test_f1", "test_f1_low", "test_f1_high", "test_accuracy_low"):
        np.testing.assert_array_equal(alone[column], rows[column])


def test_one_study_has_no_study_column(studies: tuple[StudyRecord, ...]) -> None:
    board = build_leaderboard([studies[0]], resamples=10)
    assert "study" not in board.frame
    assert "trial 1" in set(board.frame["name"])


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"fingerprint": "1" * 64}, "their images differ"),
        ({"objective": "brier"}, "their objective differs"),
        ({"task": "screening"}, "their task differs"),
    ],
)
def test_studies_of_other_images_objective_or_task_are_refused(
    studies: tuple[StudyRecord, ...],
    other: dict[str, str],
    told: str,
    write_study: StudyWriter,
    tmp_path: Path,
) -> None:
    stranger = write_study(tmp_path / "stranger", trials=1, images=60, **other)
    with pytest.raises(StudyError, match=told):
        build_leaderboard([*studies, stranger])


def test_a_study_is_not_ranked_against_itself(studies: tuple[StudyRecord, ...]) -> None:
    with pytest.raises(StudyError, match="named twice"):
        build_leaderboard([studies[0], studies[0]])


def test_no_study_at_all_says_so() -> None:
    with pytest.raises(StudyError, match="no study to rank"):
        build_leaderboard([])


def test_studies_of_one_name_are_known_by_their_folders(
    studies: tuple[StudyRecord, ...], write_study: StudyWriter, tmp_path: Path
) -> None:
    twin = write_study(tmp_path / "optuna", trials=1, images=60)
    board = build_leaderboard([studies[0], twin], resamples=10)
    assert set(board.frame["study"].dropna()) == {str(studies[0].folder), str(twin.folder)}


def test_a_study_without_a_finished_trial_does_not_keep_the_others_out(
    studies: tuple[StudyRecord, ...], write_study: StudyWriter, tmp_path: Path
) -> None:
    empty = write_study(tmp_path / "new", trials=-1, running=1)
    board = build_leaderboard([empty, studies[0]], resamples=10)
    assert set(board.frame["study"].dropna()) == {"optuna"}


def test_a_trial_that_cannot_be_used_is_named_with_its_study(
    write_study: StudyWriter, tmp_path: Path
) -> None:
    studies = [write_study(tmp_path / name, trials=2, images=60) for name in ("first", "second")]
    (studies[1].trial_folder(2) / "predictions.npz").unlink()
    board = build_leaderboard(studies, resamples=10)
    ((name, reason),) = board.left_out
    assert name == "trial 2 of second"
    assert "predictions are missing" in reason
