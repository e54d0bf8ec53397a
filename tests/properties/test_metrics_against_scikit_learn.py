import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from mammobench.metrics import best_threshold, objective_value, predicted_classes, scores

# few distinct scores, so that ties are common, and any float32 beside them
score = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.floats(0, 1, width=32))
images = st.lists(st.tuples(st.integers(0, 1), score), min_size=1, max_size=60)


def arrays(pairs: list[tuple[int, float]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    return np.array([target for target, _ in pairs]), np.array([value for _, value in pairs])


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
    assert scores(targets, probabilities, threshold) == pytest.approx(expected, nan_ok=True)


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
