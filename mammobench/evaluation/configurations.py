"""Configurations against each other, over training seeds and patients together.

One trained model may be better than another because of its seed: with a seed-to-seed standard deviation of
0.02 some of 20 equally good configurations look different in half of the studies on 5,000 images. Here
seeds and patients are resampled together, as crossed factors (the pigeonhole bootstrap: Owen 2007,
doi:10.1214/07-AOAS122; Bouthillier et al. 2021, arXiv:2103.03098).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from mammobench.core.metrics import Floats, confusion_matrix, scores_of_confusion
from mammobench.core.seeds import generator
from mammobench.data.splits.split import Split
from mammobench.evaluation.comparison import Verdict, verdict_of
from mammobench.evaluation.ends import rarest_groups
from mammobench.evaluation.intervals import Interval, Resamples, resampled_scores
from mammobench.evaluation.significance import holm

Guesses = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Configuration:
    """The replicates of one configuration.

    Attributes:
        trial: Number of the trial that searched it.
        name: As the leaderboard names it.
        guesses: Predicted test classes of each replicate, each at its own threshold, (n, seeds).
    """

    trial: int
    name: str
    guesses: Guesses


@dataclass(frozen=True)
class ConfigurationDifference:
    """A configuration's mean test F1 over seeds, minus that of the selected configuration.

    Attributes:
        trial: Number of the trial that searched it.
        name: As the leaderboard names it.
        seeds: Replicates of it and of the selected configuration.
        interval: Over seeds and patients.
        p: Two-sided, of equal means.
        p_adjusted: The same, corrected by Holm's method for the configurations compared.
        verdict: ``better``, ``worse`` or ``not significantly different``.
    """

    trial: int
    name: str
    seeds: tuple[int, int]
    interval: Interval
    p: float
    p_adjusted: float
    verdict: Verdict | None


@dataclass(frozen=True)
class _Sampled:
    """Mean F1 of a configuration: as it is, and on every resample of patients and of seeds beside it."""

    point: float
    patients: Floats
    seeds: Floats
    count: int


def compare_configurations(
    selected: Configuration,
    others: Sequence[Configuration],
    split: Split,
    resamples: Resamples,
    *,
    level: float,
    unit: str,
    seed: int = 0,
) -> tuple[ConfigurationDifference, ...]:
    """Compare configurations of two replicates or more with the selected one; none where it has fewer.

    Args:
        selected: The configuration that validation selected.
        others: The others.
        split: Of all.
        resamples: Of the test images.
        level: Nominal coverage, and 1 minus the level of significance.
        unit: What was resampled.
        seed: Root seed of the resamples of seeds.
    """
    known = [each for each in (selected, *others) if each.guesses.shape[1] > 1]
    if not known or known[0] is not selected:
        return ()
    few = rarest_groups(split.test.targets, split.test.groups)
    mine, *rest = (_sampled(each, split, resamples, seed) for each in known)
    found = [_difference(each, mine, few, level=level, unit=unit) for each in rest]
    adjusted = holm(np.array([p for _, p in found]))
    return tuple(
        ConfigurationDifference(
            each.trial, each.name, (each.guesses.shape[1], selected.guesses.shape[1]), interval, p,
            float(corrected), verdict_of(interval.point, float(corrected), level),
        )
        for each, (interval, p), corrected in zip(known[1:], found, adjusted, strict=True)
    )  # fmt: skip


def _sampled(each: Configuration, split: Split, resamples: Resamples, seed: int) -> _Sampled:
    classes, targets, count = len(split.class_names), split.test.targets, each.guesses.shape[1]
    matrices = np.stack([confusion_matrix(targets, guesses, classes) for guesses in each.guesses.T])
    once = scores_of_confusion(matrices)["f1"]
    drawn = resampled_scores(resamples, targets, each.guesses, classes)["f1"].astype(np.float64)
    patients = drawn.mean(axis=1)
    chosen = generator(seed, "seeds", each.trial).integers(0, count, drawn.shape)
    # a bootstrap of R seeds underestimates their variance by (R - 1) / R
    apart = np.take_along_axis(drawn, chosen, axis=1).mean(axis=1) - patients
    return _Sampled(float(once.mean()), patients, apart * np.sqrt(count / (count - 1)), count)


def _difference(
    one: _Sampled, other: _Sampled, groups: int, *, level: float, unit: str
) -> tuple[Interval, float]:
    patients = one.patients - other.patients
    together = patients + one.seeds - other.seeds
    defined = np.isfinite(together)
    point, method = one.point - other.point, f"pigeonhole bootstrap, {len(together)} resamples"
    if np.isnan(point) or defined.sum() <= 1 or groups <= 1:
        return Interval(np.nan, point, np.nan, level, method, unit), np.nan
    error = float(together[defined].std(ddof=1))
    parts = (
        (patients[defined].var(ddof=1), groups - 1),
        (one.seeds[defined].var(ddof=1), one.count - 1),
        (other.seeds[defined].var(ddof=1), other.count - 1),
    )
    # Satterthwaite's degrees of freedom of a sum of variances
    total = sum(variance for variance, _ in parts)
    spent = sum(variance**2 / freedom for variance, freedom in parts)
    freedom = float(total**2 / spent) if spent > 0 else float(groups - 1)
    half = float(special.stdtrit(freedom, (1 + level) / 2)) * error
    t = abs(point) / error if error > 0 else np.inf * (point != 0)
    p = float(2 * special.stdtr(freedom, -t)) if point else 1.0
    return Interval(point - half, point, point + half, level, method, unit), p
