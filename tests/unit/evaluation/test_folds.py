"""Cross-validation: the corrected resampled t interval, and which trials are pooled."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from mammobench.core.seeds import generator
from mammobench.data.splits.split import Part, Split, _hash
from mammobench.evaluation.folds import METRICS, PooledFolds, corrected_resampled_t, pooled_folds
from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.report.write import report_on
from mammobench.space.search_space import Choice
from mammobench.study.record import StudyRecord
from tests.conftest import simulate_split

StudyWriter = Callable[..., StudyRecord]
FOLDS = 3


def test_the_interval_equals_a_case_worked_out_by_hand() -> None:
    # mean 0.75; s² = 0.025 / 4 = 0.00625; (1/5 + 1/4) s² = 0.0028125, root 0.053033; t(4) = 2.776445
    found = corrected_resampled_t([0.8, 0.7, 0.75, 0.65, 0.85], ratio=0.25, level=0.95)
    assert (found.point, found.low, found.high) == pytest.approx((0.75, 0.602757, 0.897243), abs=1e-6)
    # without the correction: root of 0.00125 is 0.035355
    plain = corrected_resampled_t([0.8, 0.7, 0.75, 0.65, 0.85], ratio=0, level=0.95)
    assert plain.high - plain.point == pytest.approx(2.776445 * 0.0353553, abs=1e-6)


def test_scores_that_are_not_defined_have_no_interval_and_no_end_leaves_the_range() -> None:
    found = corrected_resampled_t([0.5, np.nan], ratio=1, level=0.95)
    assert np.isnan([found.low, found.point, found.high]).all()
    wide = corrected_resampled_t([0.1, 0.9], ratio=1, level=0.95)
    assert (wide.low, wide.high) == (0, 1)


@pytest.mark.parametrize("folds", [3, 5, 10])
def test_it_covers_the_mean_of_folds_as_correlated_as_the_method_takes_them(folds: int) -> None:
    ratio, count = 1 / (folds - 1), 4000
    correlation = ratio / (1 + ratio)
    numbers = generator(0, "folds", folds)
    shared, own = numbers.normal(size=(count, 1)), numbers.normal(size=(count, folds))
    scores = 0.5 + 0.02 * (np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own)

    def coverage(corrected: float) -> float:
        found = [corrected_resampled_t(list(row), ratio=corrected, level=0.95) for row in scores]
        return float(np.mean([each.low <= 0.5 <= each.high for each in found]))

    # three standard errors of a share of 4,000
    assert coverage(ratio) == pytest.approx(0.95, abs=0.0105)
    assert coverage(0) < 0.91


def folds_of(split: Split, folds: int = FOLDS) -> list[Split]:
    """Return splits whose test parts are the folds of all images of one."""
    whole = {
        name: np.concatenate([getattr(part, name) for part in (split.train, split.validation, split.test)])
        for name in ("rows", "targets", "labels", "groups")
    }
    fold = np.unique(whole["groups"], return_inverse=True)[1] % folds
    made = []
    for number in range(folds):
        rest = np.flatnonzero(fold != number)
        cut = np.isin(whole["groups"][rest], np.unique(whole["groups"][rest])[::4])
        chosen = (rest[~cut], rest[cut], np.flatnonzero(fold == number))
        train, validation, test = (
            Part(**{key: values[rows] for key, values in whole.items()}) for rows in chosen
        )
        key = _hash({"train": train, "validation": validation, "test": test})
        made.append(replace(split, name="grouped", train=train, validation=validation, test=test, hash=key))
    return made


@pytest.fixture(scope="module")
def splits() -> list[Split]:
    return folds_of(simulate_split("malignancy", images=60, leaks=False, grouped=True, seed=0))


@pytest.fixture(scope="module")
def studies(
    write_study: StudyWriter, splits: Sequence[Split], tmp_path_factory: pytest.TempPathFactory
) -> list[StudyRecord]:
    """One study a fold, the last with a trial less."""
    folder = tmp_path_factory.mktemp("folds")
    return [
        write_study(
            folder / f"fold{number}", trials=3 if number < FOLDS - 1 else 2, images=60, splits=[split],
            base={"data.split": "grouped", "data.folds": FOLDS, "data.fold": number},
        )
        for number, split in enumerate(splits)
    ]  # fmt: skip


def pool(studies: Sequence[StudyRecord]) -> tuple[PooledFolds, ...]:
    board = build_leaderboard(studies, resamples=10)
    return pooled_folds(board, dict(zip(board.studies, studies, strict=True)))


def test_configurations_are_pooled_over_studies_that_differ_in_their_fold(
    studies: list[StudyRecord], splits: list[Split]
) -> None:
    (found,) = pool(studies)
    assert (found.folds, found.left_out) == (FOLDS, 1)
    assert {each.names[0] for each in found.configurations} == {
        "reference CNN of fold0", "trial 1 of fold0", "trial 2 of fold0",
    }  # fmt: skip
    assert found.ratio == pytest.approx(np.mean([len(split.test) / len(split.train) for split in splits]))
    objectives = [each.objective for each in found.configurations]
    assert objectives == sorted(objectives, reverse=True)
    each = next(each for each in found.configurations if each.names[0] == "trial 1 of fold0")
    assert each.names == tuple(f"trial 1 of fold{number}" for number in range(FOLDS))
    boards = [build_leaderboard(study, resamples=10).frame.set_index("trial") for study in studies]
    for metric in METRICS:
        values = np.array([board[f"test_{metric}"].loc[1] for board in boards], float)
        error = np.sqrt((1 / FOLDS + found.ratio) * np.var(values, ddof=1))
        half = stats.t.ppf(0.975, FOLDS - 1) * error
        assert each.test[metric].point == pytest.approx(np.mean(values))
        assert each.test[metric].low == pytest.approx(max(0, np.mean(values) - half))
        assert each.deviations[metric] == pytest.approx(np.std(values, ddof=1))


def test_some_folds_or_folds_of_another_split_are_not_pooled(
    studies: list[StudyRecord], simulated_study: StudyRecord
) -> None:
    assert pool(studies[:2]) == ()
    assert pool([simulated_study]) == ()


def test_a_study_that_searched_its_fold_is_pooled_too(
    write_study: StudyWriter, splits: list[Split], tmp_path: Path
) -> None:
    study = write_study(
        tmp_path / "old", trials=6, images=60, splits=splits, reference=False,
        base={"data.split": "grouped", "data.folds": FOLDS},
        split_choice=Choice(key="data.fold", values=(0, 1, 2)), alike=True,
    )  # fmt: skip
    (found,) = pool([study])
    assert len(found.configurations) == 1
    assert len(found.configurations[0].names) == FOLDS


@pytest.mark.parametrize("kind", ["html", "markdown", "latex"])
def test_reports_have_a_table_of_the_folds(studies: list[StudyRecord], kind: str, tmp_path: Path) -> None:
    text = report_on(studies, out=tmp_path / "page", kind=kind).read_text("utf-8").replace("{-}", "-")
    for words in ("3-fold cross-validation", "Nadeau and Bengio 2003", "trial 1 of fold2", "1/3 + 0."):
        assert words in text
