"""How far answers that are not exact can be trusted: their error on configurations that were held out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from mammobench.benchmark.replay.answers import Answering, Answers, Nearest
from mammobench.benchmark.replay.surrogate import Surrogate
from mammobench.benchmark.tables.observed import Observed
from mammobench.core.seeds import generator

FOLDS = 5
SERVES = 0.9
"""The least rank correlation of methods with the exact replay at which other answers serve."""


@dataclass(frozen=True)
class HeldOut:
    """The error of answers on configurations that were held out.

    Attributes:
        error: Mean absolute error of the final validation objective, in its own unit.
        spread: What a guess of the mean configuration is off by, in the same unit.
        noise: What another training seed of the same configuration is off by.
        correlation: Spearman's, between the answered and the true final objective.
    """

    error: float
    spread: float
    noise: float
    correlation: float

    def told(self) -> str:
        """Say it in a few words."""
        return (
            f"on configurations held out the answer is off by {self.error:.3f} (another training seed by "
            f"{self.noise:.3f}, the mean of all by {self.spread:.3f}), rank correlation "
            f"{self.correlation:.2f}"
        )


def held_out(table: Observed, answering: Answering, *, seed: int = 0) -> HeldOut:
    """Answer each configuration of a table by the others, in folds, and compare with what was recorded.

    Args:
        table: The table; its configurations that trained to the end are used.
        answering: ``nearest`` or ``surrogate``.
        seed: Of the folds.
    """
    whole = np.array([config for config in table.searched if (table.status[config] == "ok").all()])
    truth = table.objective[whole, :, -1].mean(axis=1)
    parts = np.array_split(generator(seed, "held out").permutation(len(whole)), min(FOLDS, len(whole)))
    # a configuration that always fails answers with failures, which have no error to measure
    able = np.array([config for config in table.searched if (table.status[config] == "ok").any()])
    found = np.empty(len(whole))
    for part in parts:
        kept = np.setdiff1d(able, whole[part])
        answers: Answers = (
            Nearest(_only(table, kept)) if answering == "nearest" else Surrogate(_only(table, kept))
        )
        for place in part:
            values = table.proposals[whole[place]] or {}
            found[place] = _answer(table, kept, answers, values)
    pairs = [
        abs(row[first] - row[second])
        for row in table.objective[whole, :, -1]
        for first in range(table.seeds)
        for second in range(first)
    ]
    return HeldOut(
        error=float(np.abs(found - truth).mean()),
        spread=float(np.abs(truth - truth.mean()).mean()),
        noise=float(np.mean(pairs)) if pairs else float("nan"),
        correlation=float(stats.spearmanr(found, truth).statistic),
    )


def method_ranks_agree(exact: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> tuple[float, bool]:
    """Return the rank correlation of methods' scores under exact and under other answers, and if that serves.

    Args:
        exact: A score a method, under exact answers.
        other: The same under the other ones.
    """
    found = float(stats.spearmanr(exact, other).statistic)
    return found, found >= SERVES


def told_of_answers(asked: Mapping[str, Any], table: Observed) -> str:
    """Return what the page says of a table's answers, behind their name; nothing of exact ones."""
    answers = asked.get("answers")
    if answers not in {"nearest", "surrogate"}:
        return ""
    return f": {held_out(table, answers).told()}"


def _only(table: Observed, kept: npt.NDArray[np.int64]) -> Observed:
    """Return a table of some configurations alone."""
    proposals = tuple(table.proposals[config] for config in kept)
    arrays = ("objective", "epoch_seconds", "start_seconds", "end_seconds", "epochs", "status")
    return replace(
        table, proposals=proposals, reference=0, **{name: getattr(table, name)[kept] for name in arrays}
    )


def _answer(
    table: Observed, kept: npt.NDArray[np.int64], answers: Answers, values: Mapping[str, Any]
) -> float:
    """Return the final objective that is answered, in the mean over training seeds."""
    if isinstance(answers, Surrogate):
        return float(answers.predict(values)[0][-1])
    nearest = kept[answers.config_of(values)]
    return float(np.nanmean(table.objective[nearest, :, -1]))
