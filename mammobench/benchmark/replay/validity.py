"""How far answers that are not exact can be trusted: their error on configurations that were held out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from mammobench.benchmark.replay.answers import Answering, Answers, Nearest
from mammobench.benchmark.replay.surrogate import Surrogate
from mammobench.benchmark.replay.trace import Trace
from mammobench.benchmark.tables.observed import Observed
from mammobench.core.errors import ConfigError
from mammobench.core.objectives import Direction
from mammobench.core.seeds import generator

FOLDS = 5
_FEWEST = 3
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


@dataclass(frozen=True)
class Agreement:
    """How methods rank under other answers and under exact ones.

    Attributes:
        correlation: Spearman's, of the methods' scores; NaN where there are fewer than three methods, or all
            are equal.
        methods: How many there are.
    """

    correlation: float
    methods: int

    @property
    def serves(self) -> bool:
        """Whether the other answers can stand for exact ones."""
        return self.correlation >= SERVES

    def told(self) -> str:
        """Say it in a few words."""
        known = "is not known" if math.isnan(self.correlation) else f"is {self.correlation:.2f}"
        ranks = f"the rank correlation of {self.methods} methods with the exact replay {known}"
        return ranks if self.serves else f"does not serve: {ranks}, below {SERVES}"


def agreement(exact: Sequence[Trace], other: Sequence[Trace], direction: Direction) -> Agreement:
    """Compare how methods rank under exact answers with how they do under other ones.

    A method's score is the best validation objective that a search has seen, in the mean over
    its time and over searches.

    Args:
        exact: Traces of exact replays.
        other: Traces of the same methods and budgets under the other answers.
        direction: Of the objective.

    Raises:
        ConfigError: Where the two are not of the same methods.
    """
    first, second = (_scores(traces, direction) for traces in (exact, other))
    if first.keys() != second.keys():
        raise ConfigError(
            "traces of different methods",
            expected=", ".join(sorted(first)),
            found=", ".join(sorted(second)),
        )
    scores = [[found[method] for method in first] for found in (first, second)]
    if len(first) < _FEWEST or any(len(set(each)) == 1 for each in scores):
        return Agreement(math.nan, len(first))
    return Agreement(float(stats.spearmanr(*scores).statistic), len(first))


def _scores(traces: Sequence[Trace], direction: Direction) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for trace in traces:
        values = trace.events["value"].to_numpy() * (1 if direction == "maximize" else -1)
        lasts = np.diff(trace.events["seconds"].to_numpy(), append=trace.budget.seconds or np.nan)
        # a search by epochs ends with its last one
        lasts = np.nan_to_num(lasts)
        best = np.maximum.accumulate(values)
        found.setdefault(trace.method, []).append(
            float(np.average(best, weights=lasts)) if lasts.sum() > 0 else float(best[-1])
        )
    return {method: float(np.mean(each)) for method, each in found.items()}


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
