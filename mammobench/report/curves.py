"""The history and the predictions of each leading trial, as the figures draw them."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from mammobench.core.metrics import Floats, Ints
from mammobench.data.splits.split import Split
from mammobench.evaluation.leaderboard import BASELINES, Leaderboard
from mammobench.evaluation.predictions import open_test, open_validation
from mammobench.report.ranking import kind_of, study_of
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord
from mammobench.training.filenames import HISTORY

LEADERS = 5


@dataclass(frozen=True, eq=False)
class Curves:
    """One leading trial.

    Attributes:
        trial: Its number.
        name: As the leaderboard names it.
        kind: ``selected``, ``searched`` or ``reference``.
        split: Its split.
        validation: Probabilities on validation, (n,) or (n, classes).
        test: Probabilities on test, (n,) or (n, classes).
        threshold: Chosen on validation; None for more than two classes.
        best_epoch: The epoch whose weights are used, from 1.
        history: One row an epoch; empty where the file is missing or damaged.
    """

    trial: int
    name: str
    kind: str
    split: Split
    validation: Floats
    test: Floats
    threshold: float | None
    best_epoch: int
    history: pd.DataFrame

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of its task."""
        return self.split.class_names

    @property
    def targets(self) -> Ints:
        """Classes of the test images, (n,)."""
        return self.split.test.targets


def leading_curves(board: Leaderboard, studies: Mapping[str, StudyRecord]) -> tuple[Curves, ...]:
    """Open the five best trials on test, the selected one and the reference CNNs, in the table's order.

    Args:
        board: The leaderboard.
        studies: By their names in it.
    """
    trials = {(name, trial.number): trial for name, study in studies.items() for trial in study.trials}
    rows = [row for row in board.rows if row["role"] not in BASELINES]
    result = []
    for place, row in enumerate(rows):
        if place >= LEADERS and not row["selected"] and row["role"] != "reference":
            continue
        trial = trials[study_of(row, list(studies)), row["trial"]]
        result.append(
            Curves(
                trial=trial.number,
                name=str(row["name"]),
                kind=kind_of(row),
                split=board.splits[row["split_hash"]],
                validation=open_validation(trial.folder),
                test=open_test(trial.folder),
                threshold=trial.threshold,
                best_epoch=trial.best_epoch,
                history=_history(trial),
            )
        )
    return tuple(result)


def _history(trial: TrialRecord) -> pd.DataFrame:
    try:
        history = pd.read_csv(trial.folder / HISTORY)
    except (OSError, ValueError):
        return pd.DataFrame()
    return history if {"epoch", "loss", "objective"} <= set(history) else pd.DataFrame()
