from collections.abc import Callable
from typing import get_args

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from sklearn import metrics as sklearn_metrics

from mammobench.core.counted import COUNTED
from mammobench.core.metrics import ZeroDivision, best_threshold, predicted_classes, scores
from mammobench.core.objectives import objective_value
from mammobench.evaluation.calibration import SMALLEST
from mammobench.evaluation.intervals import Resamples, resampled_scores
from mammobench.evaluation.points import METRICS, SPECIFICITIES, point_scores

# few distinct scores, so that ties are common, and any float32 beside them
score = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.floats(0, 1, width=32))
images = st.lists(st.tuples(st.integers(0, 1), score), min_size=1, max_size=60)


def arrays(pairs: list[tuple[int, float]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    return np.array([target for target, _ in pairs]), np.array([value for _, value in pairs])


@settings(deadline=None)  # the first call loads parts of SciPy
@given(images, score)
def test_point_metrics_equal_scikit_learn(pairs: list[tuple[int, float]], threshold: float) -> None:
    targets, probabilities = arrays(pairs)
    guess = predicted_classes(probabilities, threshold)
    both = len(set(targets)) > 1
    expected = {
        "f1": sklearn_metrics.f1_score(targets, guess, zero_division=np.nan),
        "precision": sklearn_metrics.precision_score(targets, guess, zero_division=np.nan),
        "recall": sklearn_metrics.recall_score(targets, guess, zero_division=np.nan),
        "specificity": sklearn_metrics.recall_score(targets, guess, pos_label=0, zero_division=np.nan),
        "accuracy": sklearn_metrics.accuracy_score(targets, guess),
        "macro_f1": sklearn_metrics.f1_score(targets, guess, average="macro", zero_division=np.nan),
        "balanced_accuracy": sklearn_metrics.balanced_accuracy_score(targets, guess) if both else np.nan,
        "mcc": sklearn_metrics.matthews_corrcoef(targets, guess) if both else np.nan,
        "auroc": sklearn_metrics.roc_auc_score(targets, probabilities) if both else np.nan,
        "auprc": sklearn_metrics.average_precision_score(targets, probabilities) if targets.any() else np.nan,
        "brier": sklearn_metrics.brier_score_loss(targets, probabilities, pos_label=1),
    }
    found = scores(targets, probabilities, threshold)
    assert expected.keys() <= found.keys() <= expected.keys() | COUNTED.keys()
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=0, abs=1e-12, nan_ok=True)


@given(images, st.sampled_from(SPECIFICITIES))
def test_sensitivity_at_a_specificity_is_read_off_scikit_learns_curve(
    pairs: list[tuple[int, float]], percent: int
) -> None:
    targets, probabilities = arrays(pairs)
    found = point_scores(targets, probabilities, 0.5)[f"sensitivity_at_{percent}"]
    if len(set(targets)) == 1:
        assert np.isnan(found)
        return
    wrong, right, _ = sklearn_metrics.roc_curve(targets, probabilities, drop_intermediate=False)
    allowed = np.floor((targets == 0).sum() * (100 - percent) / 100) / (targets == 0).sum()
    assert found == pytest.approx(right[wrong <= allowed + 1e-12].max(), rel=0, abs=1e-12)


@settings(deadline=None)
@given(images)
def test_the_intercept_makes_the_mean_probability_the_share_of_positives(
    pairs: list[tuple[int, float]],
) -> None:
    targets, probabilities = arrays(pairs)
    found = point_scores(targets, probabilities, 0.5)["calibration_intercept"]
    if len(set(targets)) > 1 and not np.isnan(found):
        logits = special.logit(np.clip(probabilities, SMALLEST, 1 - SMALLEST))
        assert special.expit(logits + found).mean() == pytest.approx(targets.mean(), abs=1e-6)
    else:
        assert len(set(targets)) == 1 or {0.0, 1.0} & set(probabilities)


several = st.lists(st.tuples(st.integers(0, 2), st.tuples(*[st.integers(1, 8)] * 3)), min_size=1, max_size=30)


@settings(max_examples=30, deadline=None)  # scikit-learn's checks make each one slow
@given(several)
def test_metrics_of_several_classes_equal_scikit_learn(pairs: list[tuple[int, tuple[int, ...]]]) -> None:
    targets = np.array([target for target, _ in pairs])
    weights = np.array([row for _, row in pairs], dtype=np.float64)
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    guess = predicted_classes(probabilities, None)
    found = point_scores(targets, probabilities, None)
    options = {"labels": [0, 1, 2], "average": None, "zero_division": np.nan}

    def macro(metric: Callable[..., npt.NDArray[np.float64]]) -> float:
        defined = metric(targets, guess, **options)
        return float(np.nanmean(defined)) if np.isfinite(defined).any() else np.nan

    both = len(set(targets)) > 1
    expected = {
        "f1": macro(sklearn_metrics.f1_score),
        "precision": macro(sklearn_metrics.precision_score),
        "recall": macro(sklearn_metrics.recall_score),
        "accuracy": sklearn_metrics.accuracy_score(targets, guess),
        "balanced_accuracy": macro(sklearn_metrics.recall_score) if both else np.nan,
        "mcc": sklearn_metrics.matthews_corrcoef(targets, guess) if both else np.nan,
        "brier": float(((probabilities - np.eye(3)[targets]) ** 2).sum() / len(targets)),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=0, abs=1e-12, nan_ok=True)
    for name in ("sensitivity_at_90", "sensitivity_at_95", "calibration_intercept", "calibration_slope"):
        assert np.isnan(found[name])


@settings(max_examples=30, deadline=None)  # as above
@given(several, st.sampled_from(get_args(ZeroDivision)))
def test_precision_of_several_classes_has_scikit_learns_zero_division(
    pairs: list[tuple[int, tuple[int, ...]]], zero_division: ZeroDivision
) -> None:
    targets = np.array([target for target, _ in pairs])
    weights = np.array([row for _, row in pairs], dtype=np.float64)
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    guess = predicted_classes(probabilities, None)
    expected = sklearn_metrics.precision_score(
        targets, guess, average="macro", zero_division=float(zero_division)
    )
    found = point_scores(targets, probabilities, None, zero_division=zero_division)
    assert found["precision"] == pytest.approx(expected, abs=1e-12)
    once = resampled_scores(
        Resamples.once(len(targets)), targets, guess.astype(np.int8)[:, None], 3, zero_division=zero_division
    )
    assert once["precision"][0, 0] == pytest.approx(expected, abs=1e-6)
    usual = point_scores(targets, probabilities, None)
    for name in set(found) - {"precision"}:
        assert found[name] == pytest.approx(usual[name], nan_ok=True), name


@pytest.mark.parametrize("zero_division", get_args(ZeroDivision))
@given(pairs=images, threshold=score)
@settings(deadline=None)
def test_precision_of_two_classes_has_scikit_learns_zero_division(
    pairs: list[tuple[int, float]], threshold: float, zero_division: ZeroDivision
) -> None:
    targets, probabilities = arrays(pairs)
    guess = predicted_classes(probabilities, threshold)
    expected = sklearn_metrics.precision_score(targets, guess, zero_division=float(zero_division))
    found = scores(targets, probabilities, threshold, zero_division=zero_division)["precision"]
    assert found == pytest.approx(expected, abs=1e-12, nan_ok=True)


DEGENERATE = {
    "no image": ([], [], dict.fromkeys(METRICS, np.nan)),
    "negatives alone": (
        [0, 0, 0], [0.1, 0.6, 0.4],
        {"f1": 0, "recall": np.nan, "precision": 0, "specificity": 2 / 3, "accuracy": 2 / 3, "mcc": np.nan,
         "balanced_accuracy": np.nan, "auroc": np.nan, "auprc": np.nan, "sensitivity_at_90": np.nan},
    ),
    "negatives alone, none called positive": (
        [0, 0], [0.1, 0.4], {"f1": np.nan, "precision": np.nan, "specificity": 1, "accuracy": 1},
    ),
    "positives alone": (
        [1, 1], [0.4, 0.6],
        {"f1": 2 / 3, "recall": 0.5, "precision": 1, "specificity": np.nan, "auroc": np.nan, "auprc": 1,
         "mcc": np.nan, "sensitivity_at_95": np.nan},
    ),
    "one score for all": (
        [0, 1, 0, 1], [0.7] * 4,
        {"f1": 2 / 3, "recall": 1, "specificity": 0, "auroc": 0.5, "auprc": 0.5, "mcc": 0,
         "sensitivity_at_90": 0, "calibration_intercept": -np.log(7 / 3), "calibration_slope": np.nan,
         "brier": 0.29},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_images_have_stated_values(case: str) -> None:
    targets, probabilities, expected = DEGENERATE[case]
    found = point_scores(targets, np.array(probabilities, np.float64), 0.5)
    assert {name: found[name] for name in expected} == pytest.approx(expected, nan_ok=True)


def test_nan_among_the_probabilities_is_refused_and_a_nan_threshold_leaves_scores_undefined() -> None:
    with pytest.raises(ValueError, match="expected finite probabilities, found 1"):
        point_scores([0, 1], np.array([0.2, np.nan]), 0.5)
    found = point_scores([0, 1], np.array([0.2, 0.8]), np.nan)
    assert np.isnan([found["f1"], found["accuracy"], found["mcc"]]).all()
    assert found["auroc"] == 1


@given(images)
def test_no_threshold_has_a_better_f1_than_the_best_one(pairs: list[tuple[int, float]]) -> None:
    targets, probabilities = arrays(pairs)
    threshold = best_threshold(targets, probabilities)
    if not targets.any():
        assert np.isnan(threshold)
        return
    best = scores(targets, probabilities, threshold)["f1"]
    every = [scores(targets, probabilities, candidate)["f1"] for candidate in set(probabilities)]
    assert best == pytest.approx(max(every))
    assert objective_value("f1", targets, probabilities) == best


@given(images)
def test_the_order_of_the_images_changes_nothing(pairs: list[tuple[int, float]]) -> None:
    targets, probabilities = arrays(pairs)
    first = scores(targets, probabilities, best_threshold(targets, probabilities))
    second = scores(targets[::-1], probabilities[::-1], best_threshold(targets[::-1], probabilities[::-1]))
    assert first == pytest.approx(second, nan_ok=True)


@given(images)
def test_ranking_metrics_see_only_the_order_of_the_scores(pairs: list[tuple[int, float]]) -> None:
    targets, probabilities = arrays(pairs)
    ranks = np.unique(probabilities, return_inverse=True)[1] / len(probabilities)
    for name in ("auroc", "auprc", "f1"):
        first, second = (objective_value(name, targets, values) for values in (probabilities, ranks))
        assert first == pytest.approx(second, nan_ok=True), name
