"""Hyperparameter importances for the validation objective, against what permuted objectives reach."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from mammobench.core.metrics import Floats
from mammobench.core.seeds import generator
from mammobench.evaluation.effects import LEVEL, finished_searched, groups_of
from mammobench.study.record import StudyRecord

# two values in five trials each: the smallest p is 2 / 252, enough for three hyperparameters
ENOUGH_TRIALS = 10
PERMUTATIONS = 4999
RESAMPLES = 1000
# whose trials do not depend on results; any other sampler is taken to choose them by results
INDEPENDENT = frozenset({"random", "qmc", "grid"})
_DECIMALS = 12
# half of the usual 0.05: of 100 studies without any effect 95 or more shall call nothing important
ALPHA = 0.025


@dataclass(frozen=True)
class Importances:
    """How much of the objective's variation each hyperparameter explains by itself.

    Attributes:
        shares: Dotted key to epsilon squared, in [0, 1]: the share of the variance of the objective's ranks
            between the values of the hyperparameter (a range is cut into quarters of the trials), corrected
            for the number of values (Kelley 1935), so that it is about 0 without an effect. The shares do not
            sum to 1. Those above chance first, then by size; empty where there is nothing to say.
        reason: Why `shares` is empty; None where it is not.
        trials: How many finished searched trials they rest on.
        spread: Dotted key to the ends of the 95 % percentile bootstrap interval of its share over the trials.
        chance: Dotted key to the share that it reaches in 2.5 % of permutations, all hyperparameters
            together.
        p: Dotted key to the permutation p-value, corrected for the number of hyperparameters.
        unjudged: Dotted key to why a hyperparameter has no share.
        chosen_by: What chose the trials by results, in words; empty for random, quasi-random and grid search.
    """

    shares: Mapping[str, float]
    reason: str | None
    trials: int
    spread: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    chance: Mapping[str, float] = field(default_factory=dict)
    p: Mapping[str, float] = field(default_factory=dict)
    unjudged: Mapping[str, str] = field(default_factory=dict)
    chosen_by: str = ""

    @property
    def important(self) -> tuple[str, ...]:
        """The hyperparameters above chance, in the order of `shares`."""
        return tuple(key for key in self.shares if self.p[key] <= ALPHA)


def hyperparameter_importances(
    study: StudyRecord, *, permutations: int = PERMUTATIONS, resamples: int = RESAMPLES, seed: int = 0
) -> Importances:
    """Compute importances over the finished searched trials of a study, by the first of its objectives.

    The null is that the objective has nothing to do with any hyperparameter: objectives are permuted over
    the trials, and the largest statistic of all hyperparameters is compared (Westfall and Young 1993, max-T),
    so that some hyperparameter is called important in 5 % of the studies without any effect. The statistic is
    eta squared of the ranks (Kruskal and Wallis 1952, H / (n - 1)) over its own 95th percentile, so that one
    of two values and one of ten have the same chance. A conditional one is judged over the trials that have
    it.

    Args:
        study: The study.
        permutations: Of the objectives.
        resamples: Of the trials, for the spread.
        seed: Of both.
    """
    trials, chosen_by = finished_searched(study), _chosen_by(study)
    count = len(trials)
    if count < ENOUGH_TRIALS:
        reason = f"importances need {ENOUGH_TRIALS} finished searched trials, and there are {count}"
        return Importances({}, reason, count)
    if len({trial.objective for trial in trials}) == 1:
        return Importances({}, "every trial has the same validation objective", count)
    members: dict[str, npt.NDArray[np.bool_]] = {}
    unjudged: dict[str, str] = {}
    for item in study.space.hyperparameters:
        having = np.array([item.key in trial.hyperparameters for trial in trials])
        values = [trial.hyperparameters[item.key] for trial in trials if item.key in trial.hyperparameters]
        inside = np.array([mask for _, mask in groups_of(item, values)]) if values else np.empty((0, 0), bool)
        if why := _too_little(inside):
            unjudged[item.key] = why
        else:
            members[item.key] = np.zeros((len(inside), count), bool)
            members[item.key][:, having] = inside
    if not members:
        reason = f"no hyperparameter has two values in {ENOUGH_TRIALS} finished searched trials or more"
        return Importances({}, reason, count, unjudged=unjudged)
    ranks = rankdata([trial.objective for trial in trials])
    shares = {key: float(_unbiased(_explained(ranks[None], of[None]), of)[0]) for key, of in members.items()}
    chance, p = _chance(ranks, members, permutations, generator(seed, "importances"))
    ranked = sorted(shares, key=lambda key: (p[key] > ALPHA, -shares[key]))
    spread = _spread(ranks, members, resamples, generator(seed, "importances", "spread"))
    return Importances(
        {key: shares[key] for key in ranked}, None, count, {key: spread[key] for key in ranked},
        chance, p, unjudged, chosen_by,
    )  # fmt: skip


def _chosen_by(study: StudyRecord) -> str:
    sampler, pruner = study.spec.sampler, study.spec.pruner
    names = ([] if sampler in INDEPENDENT else [sampler]) + ([] if pruner == "none" else [pruner])
    return " and ".join(names)


def _too_little(inside: npt.NDArray[np.bool_]) -> str:
    """Return why the trials (values x trials that have the hyperparameter) cannot show an effect."""
    values, count = inside.shape
    if count < ENOUGH_TRIALS:
        return f"in {count} trials"
    if values == 1:
        return "one value in all trials"
    return "another value in each trial" if values == count else ""


def _explained(ranks: Floats, members: npt.NDArray[np.bool_]) -> Floats:
    """Return eta squared of ranks, (rows, trials), by values, (rows or 1, values, trials)."""
    inside = members.astype(np.float64)
    counts, having = inside.sum(-1), inside.sum(1)
    mean = (ranks * having).sum(-1, keepdims=True) / np.maximum(having.sum(-1, keepdims=True), 1)
    centred = (ranks - mean) * (having > 0)
    sums = np.einsum("rt,rvt->rv", centred, inside, optimize=True)
    between, total = (sums**2 / np.maximum(counts, 1)).sum(-1), (centred**2 * having).sum(-1)
    result: Floats = np.round(between / np.where(total > 0, total, 1), _DECIMALS)
    return result


def _unbiased(explained: Floats, members: npt.NDArray[np.bool_]) -> Floats:
    """Turn eta squared into epsilon squared, at least 0."""
    values, count = len(members), int(members.sum())
    result: Floats = np.maximum(0, 1 - (1 - explained) * (count - 1) / (count - values))
    return result


def _chance(
    ranks: Floats,
    members: Mapping[str, npt.NDArray[np.bool_]],
    permutations: int,
    numbers: np.random.Generator,
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the threshold of each share, and each p-value."""
    permuted = np.vstack([ranks, numbers.permuted(np.tile(ranks, (permutations, 1)), axis=1)])
    explained = {key: _explained(permuted, of[None]) for key, of in members.items()}
    # what was seen is one of the permutations, so that the p-values are exact
    scales = {key: float(np.quantile(rows, LEVEL)) or 1.0 for key, rows in explained.items()}
    largest = np.max([rows / scales[key] for key, rows in explained.items()], axis=0)
    critical = np.sort(largest)[-int(ALPHA * len(largest)) - 1]
    chance, p = {}, {}
    for key, rows in explained.items():
        # a share of 1 can be reached by chance, and nothing is above it
        threshold = np.array([min(1.0, float(critical * scales[key]))])
        chance[key] = float(_unbiased(threshold, members[key])[0])
        p[key] = float(np.mean(largest >= rows[0] / scales[key]))
    return chance, p


def _spread(
    ranks: Floats,
    members: Mapping[str, npt.NDArray[np.bool_]],
    resamples: int,
    numbers: np.random.Generator,
) -> dict[str, tuple[float, float]]:
    drawn: npt.NDArray[Any] = numbers.integers(0, len(ranks), (resamples, len(ranks)))
    spread = {}
    for key, of in members.items():
        explained = _explained(ranks[drawn], of[:, drawn].swapaxes(0, 1))
        low, high = np.quantile(_unbiased(explained, of), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        spread[key] = (float(low), float(high))
    return spread
