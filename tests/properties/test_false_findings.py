"""How often equally good models and configurations are called better or worse, by simulation.

And power: how often a model that is worse by an F1 of 0.1 is called so, beside what was done before (p-values
of a normal distribution, Holm's method over the 20 best).
"""

from collections import Counter

import numpy as np
import numpy.typing as npt
import pytest
from scipy import special, stats

from mammobench.core.seeds import generator
from mammobench.data.splits.split import Part, Split
from mammobench.evaluation.comparison import ALIKE, add_comparison
from mammobench.evaluation.configurations import Configuration, compare_configurations
from mammobench.evaluation.ends import standard_errors
from mammobench.evaluation.entries import Answers, Entry
from mammobench.evaluation.intervals import Resamples, resampled_scores
from mammobench.evaluation.significance import holm
from tests.simulation import PREVALENCE, THRESHOLD, Floats, simulate

Guesses = npt.NDArray[np.int8]
PLANNED = ("reference", "shortcut", "always")


def split_of(targets: npt.NDArray[np.int64], groups: npt.NDArray[np.int64]) -> Split:
    rows = np.arange(len(targets))
    test, none = Part(rows, targets, targets, groups), Part(*(rows[:0],) * 4)
    return Split(
        "grouped", "malignancy", ("benign", "malignant"), none, none, test, leaks=False, grouped=True,
        warnings=(), hash="",
    )  # fmt: skip


def compared(split: Split, guesses: Guesses, *, resamples: int) -> tuple[list[Entry], Floats, Floats]:
    """Return rows beside the first, the selected one, with their verdicts; and F1 as it is and resampled."""
    targets = split.test.targets
    once = resampled_scores(Resamples.once(len(targets)), targets, guesses, 2)["f1"][0].astype(np.float64)
    samples = resampled_scores(Resamples(split.test.groups, count=resamples, seed=0), targets, guesses, 2)[
        "f1"
    ]
    planned = range(guesses.shape[1] - len(PLANNED), guesses.shape[1])
    entries = [
        Entry(
            {"selected": place == 0, "test_f1": f1, "role": "reference" if place in planned else "searched"},
            {"test": Answers(guesses[:, place], None)},
        )
        for place, f1 in enumerate(once)
    ]
    add_comparison(entries, split, samples, level=0.95)
    return entries, once, samples.astype(np.float64)


def study(
    draw: int, *, images: int, icc: float, models: int, correlation: float, worse: float = 0
) -> tuple[Split, Guesses]:
    """Return a split and the predicted classes of models, all equally good but for the second."""
    targets, groups, probabilities = simulate(
        images, icc, PREVALENCE, draw, models=models, correlation=correlation
    )
    probabilities[:, 1] = special.expit(special.logit(probabilities[:, 1]) - 1.5 * worse * targets)
    return split_of(targets, groups), (probabilities >= THRESHOLD).astype(np.int8)


def share_of_false_findings(
    studies: int, *, images: int, icc: float, models: int, correlation: float, resamples: int = 1000
) -> float:
    """Return the share of studies in which any of equally good models is called better or worse."""
    found, counted = Counter[bool](), 0
    for draw in range(studies):
        split, guesses = study(draw, images=images, icc=icc, models=models, correlation=correlation)
        if len(np.unique(split.test.groups[split.test.targets == 1])) <= 1:
            continue
        counted += 1
        entries, _, _ = compared(split, guesses, resamples=resamples)
        found[any(entry.row["verdict"] not in {ALIKE, None} for entry in entries[1:])] += 1
    assert counted > 0.95 * studies
    return found[True] / counted


def error(studies: int) -> float:
    """Return two standard errors of a share of 5 %."""
    return 2 * float(np.sqrt(0.05 * 0.95 / studies))


def test_equal_models_are_seldom_called_better_or_worse() -> None:
    studies = 100
    share = share_of_false_findings(studies, images=150, icc=0.0, models=21, correlation=0.5, resamples=500)
    print(share)
    assert share <= 0.06 + error(studies)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("correlation", [0.5, 0.9])
@pytest.mark.parametrize(("images", "icc"), [(150, 0.0), (150, 0.3), (600, 0.0), (600, 0.3)])
@pytest.mark.parametrize("models", [21, 121])
def test_equal_models_are_called_better_or_worse_in_6_percent_of_studies_at_most(
    images: int, icc: float, models: int, correlation: float
) -> None:
    studies = 1000
    share = share_of_false_findings(studies, images=images, icc=icc, models=models, correlation=correlation)
    print(
        f"{models} models, n = {images}, ICC {icc}, correlation {correlation}: false in {100 * share:.1f} %"
    )
    assert share <= 0.06


def normal_holm(once: Floats, samples: Floats) -> Floats:
    """Return the p-values of the version before: normal, by Holm's method among the 20 best."""
    p = 2 * stats.norm.sf(np.abs(once[1:] - once[0]) / standard_errors(samples[:, 1:] - samples[:, :1]))
    best = np.argsort(-once[1:], kind="stable")[:20]
    adjusted = holm(p)
    adjusted[best] = holm(p[best])
    return adjusted


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("correlation", [0.5, 0.9])
def test_a_worse_model_is_found_as_often_as_before_which_called_more_equal_ones_different(
    correlation: float,
) -> None:
    studies, gap, found = 1000, [], []
    for draw in range(studies):
        split, guesses = study(draw, images=600, icc=0.0, models=24, correlation=correlation, worse=0.42)
        entries, once, samples = compared(split, guesses, resamples=1000)
        # the family of the rows that were searched, as both have it
        before = normal_holm(once[:21], samples[:, :21])
        gap.append(once[0] - once[1])
        found.append((before[0] < 0.05, entries[1].row["verdict"] == "worse"))
    before, now = np.mean(found, axis=0)
    print(
        f"gap {np.mean(gap):.3f}, correlation {correlation}: found in "
        f"{100 * before:.1f} % before, {100 * now:.1f} % now"
    )
    assert np.mean(gap) == pytest.approx(0.1, abs=0.005)
    # three points are what Student's t costs with 54 positive groups, at most
    assert now >= before - 0.03


CUT = 0.9


def true_f1(signal: float) -> float:
    recall, false = stats.norm.sf(CUT - signal), stats.norm.sf(CUT)
    return float(2 * 0.3 * recall / (0.3 * recall + 0.7 * false + 0.3))


def slope() -> float:
    """Return how much F1 changes with the signal."""
    return (true_f1(1.55) - true_f1(1.45)) / 0.1


def luck(
    images: int, spread: float, draw: int, *, configurations: int, seeds: int
) -> tuple[Split, list[Configuration]]:
    """Return configurations of equal mean F1 and a standard deviation of true F1 over seeds."""
    numbers = generator(draw, "luck", images, round(1000 * spread))
    targets = (numbers.random(images) < 0.3).astype(np.int64)
    common = numbers.normal(size=images)
    known = []
    for trial in range(configurations):
        signal = 1.5 + spread / slope() * numbers.normal(size=seeds)
        apart = numbers.normal(size=(images, seeds))
        score = signal * targets[:, None] + np.sqrt(0.7) * common[:, None] + np.sqrt(0.3) * apart
        known.append(Configuration(trial, f"trial {trial}", (score >= CUT).astype(np.int8)))
    return split_of(targets, np.arange(images)), known


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("spread", [0.02, 0.04])
@pytest.mark.parametrize("images", [600, 5000])
def test_luck_of_training_seldom_makes_a_configuration_better(images: int, spread: float, seeds: int) -> None:
    studies, false = 300, 0
    for draw in range(studies):
        split, known = luck(images, spread, draw, configurations=20, seeds=seeds)
        resamples = Resamples(split.test.groups, count=500, seed=draw)
        found = compare_configurations(known[0], known[1:], split, resamples, level=0.95, unit="image")
        false += any(each.verdict not in {ALIKE, None} for each in found)
    print(
        f"n = {images}, SD over seeds {spread}, {seeds} seeds: "
        f"false in {100 * false / studies:.1f} % of {studies}"
    )
    assert false / studies <= 0.05 + error(studies)
