"""What the figures draw of each leading trial: its history and its test predictions."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from mammobench.evaluation.leaderboard import BASELINES, Leaderboard
from mammobench.evaluation.predictions import open_test
from mammobench.metrics import Floats, Ints
from mammobench.trial_record import TrialRecord

LEADERS = 5


@dataclass(frozen=True, eq=False)
class Curves:
    """One leading trial.

    Attributes:
        trial: Its number.
        name: As the leaderboard names it.
        kind: ``selected``, ``searched`` or ``reference``.
        class_names: Of its task.
        targets: Classes of the test images, (n,).
        test: Probabilities, (n,) or (n, classes).
        threshold: Chosen on validation; None for more than two classes.
        best_epoch: The epoch whose weights predicted, from 1.
        history: One row an epoch; empty where the file is missing or damaged.
    """

    trial: int
    name: str
    kind: str
    class_names: tuple[str, ...]
    targets: Ints
    test: Floats
    threshold: float | None
    best_epoch: int
    history: pd.DataFrame


def leading_curves(board: Leaderboard, trials: Iterable[TrialRecord]) -> tuple[Curves, ...]:
    """Open the five best trials on test, the selected one and the reference CNN, in the table's order."""
    by_number = {trial.number: trial for trial in trials}
    rows = board.frame[~board.frame["role"].isin(BASELINES)]
    first = set(rows["trial"].head(LEADERS))
    wanted = rows[rows["trial"].isin(first) | rows["selected"] | (rows["role"] == "reference")]
    result = []
    for row in wanted.to_dict("records"):
        trial, split = by_number[row["trial"]], board.splits[row["split_hash"]]
        result.append(
            Curves(
                trial=trial.number,
                name=str(row["name"]),
                kind="selected" if row["selected"] else str(row["role"]),
                class_names=split.class_names,
                targets=split.test.targets,
                test=open_test(trial.folder),
                threshold=trial.threshold,
                best_epoch=trial.best_epoch,
                history=_history(trial),
            )
        )
    return tuple(result)


def _history(trial: TrialRecord) -> pd.DataFrame:
    try:
        history = pd.read_csv(trial.folder / "history.csv")
    except (OSError, ValueError):
        return pd.DataFrame()
    return history if {"epoch", "loss", "objective"} <= set(history) else pd.DataFrame()
