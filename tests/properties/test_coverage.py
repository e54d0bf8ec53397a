"""Coverage by simulation: how often 95 % intervals hold the truth, with few positive groups and with many.

Groups of three images whose classes and scores come together (intraclass correlation, ICC), and 10 % positive
images, so that of 150 images 13 groups hold a positive one at an ICC of 0, and 6 at 0.8.
"""

from collections import defaultdict
from functools import cache

import numpy as np
import pytest
from scipy import special, stats

from mammobench.evaluation.calibration import calibration
from mammobench.evaluation.curves import resampled_curves
from mammobench.evaluation.ends import CAUTIOUS, deciding_groups, difference_ends, metric_ends, rarest_groups
from mammobench.evaluation.intervals import Resamples, resampled_scores
from mammobench.evaluation.points import point_scores
from tests.simulation import PREVALENCE, THRESHOLD, simulate

COUNTED = ("f1", "recall", "precision", "specificity", "accuracy", "balanced_accuracy", "mcc")
RANKED = ("auroc", "auprc", "brier")


@cache
def truth(icc: float, prevalence: float) -> dict[str, float]:
    targets, _, probabilities = simulate(900_000, icc, prevalence, -1, models=1)
    return point_scores(targets, probabilities[:, 0], THRESHOLD)


def covered(
    images: int, icc: float, prevalence: float, draws: int, *, resamples: int = 500, apart: bool = False
) -> tuple[dict[str, float], float]:
    """Return the share of draws whose interval holds the truth, by metric, and the mean number of groups.

    Args:
        images: Of each draw.
        icc: Intraclass correlation of classes and scores.
        prevalence: Share of positive images.
        draws: How many.
        resamples: Of each draw.
        apart: Resample images in place of groups, as if they were independent.
    """
    expected, held, few = truth(icc, prevalence), defaultdict(list), []
    for draw in range(draws):
        targets, groups, probabilities = simulate(images, icc, prevalence, draw)
        groups = np.arange(images) if apart else groups
        rarest = rarest_groups(targets, groups)
        if rarest <= 1:
            continue
        few.append(rarest)
        drawn = Resamples(groups, count=resamples, seed=0)
        guesses = (probabilities >= THRESHOLD).astype(np.int8)
        samples = resampled_scores(drawn, targets, guesses, 2)
        samples |= resampled_curves(drawn, targets == 1, list(probabilities[:, :1].T))
        points = point_scores(targets, probabilities[:, 0], THRESHOLD)
        for metric in (*COUNTED, *RANKED):
            deciding = deciding_groups(metric, targets, groups, classes=2)
            ends = metric_ends(metric, [points[metric]], samples[metric][:, :1], groups=deciding, level=0.95)
            if not np.isnan(points[metric]):
                held[metric].append(ends[0][0] <= expected[metric] <= ends[1][0])
        once = resampled_scores(Resamples.once(images), targets, guesses, 2)["f1"][0]
        difference = samples["f1"][:, :1] - samples["f1"][:, 1:]
        low, high = difference_ends([once[0] - once[1]], difference, groups=rarest, level=0.95)
        held["difference"].append(low[0] <= 0 <= high[0])
        found = calibration(targets, probabilities[:, :1], groups, level=0.95)
        for metric, (point, below, above) in found.items():
            if not np.isnan(point[0]):
                held[metric].append(below[0] <= expected[metric] <= above[0])
    return {metric: float(np.mean(values)) for metric, values in held.items()}, float(np.mean(few))


def test_intervals_over_groups_cover_and_those_over_images_do_not() -> None:
    draws = 300
    by_group, _ = covered(300, 0.8, 0.4, draws)
    by_image, _ = covered(300, 0.8, 0.4, draws, apart=True)
    print(by_group, by_image)
    # four standard errors of a share of 300 draws
    slack = 4 * np.sqrt(0.93 * 0.07 / draws)
    for metric, share in by_group.items():
        assert share > 0.93 - slack, metric
    for metric in ("f1", "accuracy", "auroc"):
        assert by_image[metric] < 0.9, metric


def test_intervals_of_few_positive_groups_cover() -> None:
    draws = 300
    found, few = covered(150, 0.3, PREVALENCE, draws)
    print(few, found)
    assert few < 12
    for metric, share in found.items():
        assert share > 0.93 - 4 * np.sqrt(0.93 * 0.07 / draws), metric


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("images", "icc", "prevalence"),
    [
        *((images, icc, PREVALENCE) for images in (150, 600, 5000) for icc in (0.0, 0.3, 0.8)),
        # 8 groups with a positive image, of few and of many
        (150, 0.0, 0.06), (600, 0.8, 0.03),
        # recall rests on more groups than the rarer class has
        (150, 0.3, 0.9), (600, 0.3, 0.9),
    ],
)  # fmt: skip
def test_intervals_of_every_metric_cover(images: int, icc: float, prevalence: float) -> None:
    draws = 1000
    found, few = covered(images, icc, prevalence, draws)
    shares = ", ".join(f"{metric} {100 * share:.1f}" for metric, share in found.items())
    print(f"n = {images}, ICC {icc}: {few:.1f} groups of the rarer class; covered in %: {shares}")
    error = 2.5 * np.sqrt(0.05 * 0.95 / draws)
    for metric, share in found.items():
        assert share >= 0.93 - error, metric
        # too often is no fault where few groups hold a lesion, and then the page says so
        assert share <= 0.98 + error or few <= CAUTIOUS, metric


def test_normal_theory_and_the_simulation_agree() -> None:
    expected = truth(0.0, 0.4)
    cut = (special.logit(THRESHOLD) + 2.2) / 1.5
    assert expected["recall"] == pytest.approx(stats.norm.sf(cut - 1.5), abs=0.003)
    assert expected["specificity"] == pytest.approx(stats.norm.cdf(cut), abs=0.003)
