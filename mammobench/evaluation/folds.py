"""Cross-validation: each configuration's mean over the folds of one split, with an interval that fits.

The folds' training parts overlap, so that their scores are correlated and the variance between them is too
small for that of their mean. Nadeau and Bengio (2003, doi:10.1023/A:1024068626366) correct it: Student's t
with k - 1 degrees of freedom and the variance (1 / k + n_test / n_train) s² in place of s² / k.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mammobench.evaluation.ends import student_quantile
from mammobench.evaluation.intervals import Interval
from mammobench.evaluation.leaderboard import Leaderboard
from mammobench.evaluation.selection import ascending
from mammobench.study.record import StudyRecord

METRICS = ("f1", "accuracy", "auroc")


@dataclass(frozen=True)
class Pooled:
    """One configuration over all folds.

    Attributes:
        names: Of its trials, by fold.
        values: Its settings, dotted key to value, without the fold.
        objective: Mean of the validation objective.
        test: Mean test score and its interval, by metric (`METRICS`); NaN where it is not defined in a fold.
        deviations: Standard deviation between folds, by metric.
    """

    names: tuple[str, ...]
    values: Mapping[str, Any]
    objective: float
    test: Mapping[str, Interval]
    deviations: Mapping[str, float]


@dataclass(frozen=True)
class PooledFolds:
    """The folds of one split.

    Attributes:
        folds: How many.
        ratio: Test images by training images, mean over folds; validation images are not among them.
        configurations: Finished in every fold, the best mean objective on validation first.
        left_out: How many configurations have finished in some folds alone.
    """

    folds: int
    ratio: float
    configurations: tuple[Pooled, ...]
    left_out: int


def corrected_resampled_t(values: Sequence[float], *, ratio: float, level: float) -> Interval:
    """Return the mean of scores on the folds of one split with the corrected resampled t interval.

    Args:
        values: One score from 0 to 1 a fold, (k,), two at least.
        ratio: Test images by training images.
        level: Nominal coverage.
    """
    found = np.asarray(values, np.float64)
    folds = len(found)
    mean, variance = float(found.mean()), float(found.var(ddof=1))
    half = student_quantile(folds, level) * np.sqrt((1 / folds + ratio) * variance)
    low, high = (float(np.clip(mean + sign * half, 0, 1)) for sign in (-1, 1))
    return Interval(low, mean, high, level, "corrected resampled t", "fold")


def pooled_folds(board: Leaderboard, studies: Mapping[str, StudyRecord]) -> tuple[PooledFolds, ...]:
    """Pool the trials that differ in their fold alone; nothing where no split has all its folds.

    Args:
        board: Of the studies, each on one fold, or one that searched folds, as earlier versions let it.
        studies: By their names in it.
    """
    rows = _rows(board, studies)
    splits: dict[str, dict[str, dict[int, dict[str, Any]]]] = {}
    for row in rows:
        data = row["config"].data
        if data.split == "grouped" and data.folds > 1:
            values = {key: value for key, value in row["config"].values().items() if key != "data.fold"}
            cut = json.dumps([data.task, data.folds, data.split_seed, data.validation_fraction])
            configuration = json.dumps(values, sort_keys=True)
            by_fold = splits.setdefault(cut, {}).setdefault(configuration, {})
            # of several trainings of one configuration the first
            by_fold.setdefault(data.fold, {**row, "values": values})
    direction = next(iter(studies.values())).spec.direction
    found = (_pooled(board, by_configuration, direction) for by_configuration in splits.values())
    return tuple(each for each in found if each is not None)


def _rows(board: Leaderboard, studies: Mapping[str, StudyRecord]) -> list[dict[str, Any]]:
    trials = {(name, trial.number): trial for name, study in studies.items() for trial in study.trials}
    whole = pd.concat([board.frame, board.elsewhere]) if len(board.elsewhere) else board.frame
    ranked = whole.dropna(subset=["trial"]).sort_values("trial", kind="stable")
    rows = ({str(key): value for key, value in row.items()} for row in ranked.to_dict("records"))
    return [
        {**row, "config": trials[row.get("study", board.studies[0]), row["trial"]].config} for row in rows
    ]


def _pooled(
    board: Leaderboard, by_configuration: Mapping[str, Mapping[int, Mapping[str, Any]]], direction: str
) -> PooledFolds | None:
    trained = list(by_configuration.values())
    hashes = {fold: row["split_hash"] for folds in trained for fold, row in folds.items()}
    folds = next(iter(trained[0].values()))["config"].data.folds
    if set(hashes) != set(range(folds)):
        return None
    tested = np.concatenate([board.splits[key].test.rows for key in hashes.values()])
    if len(np.unique(tested)) < len(tested):
        return None
    complete = [rows for rows in trained if len(rows) == folds]
    if not complete:
        return None
    pooled = [_configuration(rows, board) for rows in complete]
    ratio = float(np.mean([_ratio(board, key) for key in hashes.values()]))
    pooled.sort(key=lambda each: ascending(each.objective, direction))
    return PooledFolds(folds, ratio, tuple(pooled), len(trained) - len(complete))


def _configuration(rows: Mapping[int, Mapping[str, Any]], board: Leaderboard) -> Pooled:
    ordered = [rows[fold] for fold in sorted(rows)]
    ratio = float(np.mean([_ratio(board, row["split_hash"]) for row in ordered]))
    scores = {metric: [float(row[f"test_{metric}"]) for row in ordered] for metric in METRICS}
    return Pooled(
        names=tuple(str(row["name"]) for row in ordered),
        values=ordered[0]["values"],
        objective=float(np.mean([row["objective"] for row in ordered])),
        test={
            metric: corrected_resampled_t(values, ratio=ratio, level=board.level)
            for metric, values in scores.items()
        },
        deviations={metric: float(np.std(values, ddof=1)) for metric, values in scores.items()},
    )


def _ratio(board: Leaderboard, split_hash: str) -> float:
    split = board.splits[split_hash]
    return len(split.test) / len(split.train)
