"""What every objective and every metric of a confusion matrix keeps."""

import numpy as np
import pytest

from mammobench.core.counted import COUNTED
from mammobench.core.metrics import scores, scores_of_counts
from mammobench.core.objectives import OBJECTIVES, objective_value
from mammobench.core.registry import resolve
from mammobench.evaluation.points import METRICS
from mammobench.report.columns import title_of

RNG = np.random.default_rng(0)
CASES = [(2, RNG.integers(0, 2, 60), RNG.uniform(size=60)),
         (4, RNG.integers(0, 4, 60), RNG.dirichlet(np.ones(4), 60))]  # fmt: skip


def value(name: str, targets: np.ndarray, probabilities: np.ndarray) -> float:
    changed = [probabilities] * len(OBJECTIVES[name].conditions)
    return objective_value(name, targets, probabilities, changed)


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize(("classes", "targets", "probabilities"), CASES, ids=lambda case: str(np.size(case)))
def test_an_objective_is_better_for_the_truth_and_does_not_see_the_order(
    name: str, classes: int, targets: np.ndarray, probabilities: np.ndarray
) -> None:
    sign = 1 if OBJECTIVES[name].direction == "maximize" else -1
    right = targets.astype(float) if classes == 2 else np.eye(classes)[targets]
    assert sign * value(name, targets, right) > sign * value(name, targets, probabilities)
    order = np.random.default_rng(1).permutation(len(targets))
    assert value(name, targets[order], probabilities[order]) == pytest.approx(
        value(name, targets, probabilities)
    )


@pytest.mark.parametrize("name", OBJECTIVES)
def test_an_objective_of_nothing_is_not_defined(name: str) -> None:
    assert np.isnan(value(name, np.zeros(0, int), np.zeros(0)))


@pytest.mark.parametrize("name", COUNTED)
def test_a_metric_of_counts_lies_in_its_range_and_is_1_for_the_truth(name: str) -> None:
    metric, matrices = COUNTED[name], RNG.integers(0, 9, (50, 3, 3))
    function = resolve(metric.where)
    for classes in (2, 3):
        counts = matrices[:, :classes, :classes].astype(float)
        true, predicted = np.moveaxis(counts.sum(2), -1, 0), np.moveaxis(counts.sum(1), -1, 0)
        hits = np.moveaxis(np.diagonal(counts, axis1=1, axis2=2), -1, 0)
        values = function(true, predicted, hits)
        known = values[~np.isnan(values)]
        assert known.size
        assert ((known >= metric.lowest - 1e-12) & (known <= 1 + 1e-12)).all()
        # all matrices at once, or each by itself
        alone = [function(true[:, each], predicted[:, each], hits[:, each]) for each in range(50)]
        np.testing.assert_array_equal(values, alone)
        perfect = function(true, true, true)
        np.testing.assert_allclose(perfect[(true > 0).all(axis=0)], 1)
        single = scores_of_counts(*(count.astype(np.float32) for count in (true, predicted, hits)))[name]
        np.testing.assert_allclose(single, values, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", COUNTED)
def test_a_metric_of_counts_is_ranked_searched_for_and_described(name: str) -> None:
    metric = COUNTED[name]
    assert name in METRICS
    assert name in OBJECTIVES
    assert title_of(name) == metric.title
    assert metric.hub
    assert name in scores([0, 1], [0.1, 0.9], 0.5)
