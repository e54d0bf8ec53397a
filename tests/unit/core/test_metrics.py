import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from mammobench.core.counted import COUNTED
from mammobench.core.errors import ConfigError
from mammobench.core.metrics import (
    best_threshold,
    confusion_matrix,
    operating_points,
    predicted_classes,
    scores,
    scores_of_confusion,
)
from mammobench.core.objectives import OBJECTIVES, objective_value
from mammobench.data.images.conditions import KINDS, conditions_named

ALL = (
    "f1", "precision", "recall", "specificity", "accuracy", "balanced_accuracy", "macro_f1", *COUNTED,
    "auroc", "auprc", "brier",
)  # fmt: skip


def test_scores_of_a_hand_computed_example() -> None:
    result = scores([1, 1, 1, 0, 0], [0.9, 0.8, 0.1, 0.7, 0.2], 0.5)
    assert result["precision"] == pytest.approx(2 / 3)
    assert result["recall"] == pytest.approx(2 / 3)
    assert result["f1"] == pytest.approx(2 / 3)
    assert result["specificity"] == pytest.approx(1 / 2)
    assert result["accuracy"] == pytest.approx(3 / 5)
    assert result["auroc"] == pytest.approx(4 / 6)
    assert result["brier"] == pytest.approx((0.01 + 0.04 + 0.81 + 0.49 + 0.04) / 5)


def test_best_threshold_lies_halfway_between_the_scores_that_it_parts() -> None:
    assert best_threshold([0, 0, 1, 1], [0.1, 0.4, 0.6, 0.9]) == pytest.approx(0.5)


def test_best_threshold_of_equal_f1_is_the_one_with_the_better_accuracy() -> None:
    targets, probabilities = [1, 0, 0, 0, 1], [0.9, 0.7, 0.6, 0.4, 0.3]
    threshold = best_threshold(targets, probabilities)
    assert scores(targets, probabilities, threshold)["f1"] == pytest.approx(2 / 3)
    assert threshold > 0.7
    # predicting everything positive ties at 4/7 only; the tie with one image more is worse in accuracy
    assert scores(targets, probabilities, threshold)["accuracy"] == pytest.approx(4 / 5)


def test_best_threshold_separates_neighbouring_floats() -> None:
    low = 0.5
    high = float(np.nextafter(low, 1))
    threshold = best_threshold([0, 1], [low, high])
    assert predicted_classes([low, high], threshold).tolist() == [0, 1]


def test_constant_scores_make_everything_positive() -> None:
    threshold = best_threshold([0, 1, 0], [0.3, 0.3, 0.3])
    assert predicted_classes([0.3, 0.3, 0.3], threshold).tolist() == [1, 1, 1]


def test_without_images_every_metric_is_nan() -> None:
    assert all(np.isnan(value) for value in scores([], [], 0.5).values())
    assert np.isnan(best_threshold([], []))


def test_with_negatives_alone_only_what_is_defined_has_a_value() -> None:
    result = scores([0, 0, 0], [0.1, 0.2, 0.9], 0.5)
    defined = {name for name in ALL if not np.isnan(result[name])}
    assert defined == {"precision", "f1", "specificity", "accuracy", "macro_f1", "brier"}
    assert np.isnan(best_threshold([0, 0, 0], [0.1, 0.2, 0.9]))


def test_with_positives_alone_only_what_is_defined_has_a_value() -> None:
    result = scores([1, 1], [0.1, 0.9], 0.5)
    assert np.isnan([result[name] for name in ("specificity", "balanced_accuracy", "mcc", "auroc")]).all()
    assert result["auprc"] == 1


def test_no_positive_prediction_leaves_precision_undefined_and_f1_zero() -> None:
    result = scores([0, 1, 0], [0.1, 0.2, 0.3], 0.5)
    assert np.isnan(result["precision"])
    assert result["f1"] == 0
    assert result["mcc"] == 0


def test_an_undefined_threshold_leaves_what_needs_it_undefined() -> None:
    result = scores([0, 1, 0], [0.1, 0.2, 0.3], np.nan)
    assert {name for name in ALL if not np.isnan(result[name])} == {"auroc", "auprc", "brier"}


def test_multiclass_scores_equal_scikit_learn() -> None:
    generator = np.random.Generator(np.random.PCG64(0))
    targets = generator.integers(0, 5, 200)
    probabilities = generator.dirichlet(np.ones(5), 200)
    guess, result = probabilities.argmax(axis=1), scores(targets, probabilities, None)
    auroc = sklearn_metrics.roc_auc_score(targets, probabilities, multi_class="ovr")
    assert result["f1"] == pytest.approx(sklearn_metrics.f1_score(targets, guess, average="macro"))
    assert result["recall"] == pytest.approx(sklearn_metrics.recall_score(targets, guess, average="macro"))
    assert result["mcc"] == pytest.approx(sklearn_metrics.matthews_corrcoef(targets, guess))
    assert result["auroc"] == pytest.approx(auroc)
    assert result["brier"] == pytest.approx(sklearn_metrics.brier_score_loss(targets, probabilities))


def test_a_class_that_never_occurs_is_left_out_of_the_averages() -> None:
    probabilities = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.7, 0.2, 0.1]])
    result = scores([0, 1, 1], probabilities, None)
    assert result["recall"] == pytest.approx((1 + 1 / 2) / 2)
    assert result["auroc"] == pytest.approx(1)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_probabilities_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="found 1 that are not"):
        scores([0, 1], [0.5, bad], 0.5)


@pytest.mark.parametrize("shape", [(3,), (2, 2, 1), ()])
def test_probabilities_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected probabilities of shape"):
        scores([0, 1], np.zeros(shape), 0.5)


def test_two_classes_without_a_threshold_are_refused() -> None:
    with pytest.raises(ValueError, match="two classes need a threshold"):
        scores([0, 1], [0.5, 0.6], None)


def test_more_classes_have_no_best_threshold() -> None:
    with pytest.raises(ValueError, match="a threshold is for two classes"):
        best_threshold([0, 1], np.full((2, 3), 1 / 3))


def test_confusion_matrix_has_true_classes_in_rows() -> None:
    assert confusion_matrix([0, 0, 1], [0, 1, 1], 2).tolist() == [[1, 1], [0, 1]]


def test_operating_points_join_equal_scores() -> None:
    points = operating_points([1, 0, 1], [0.5, 0.5, 0.2])
    assert points.scores.tolist() == [0.5, 0.2]
    assert points.true_positives.tolist() == [1, 2]
    assert points.false_positives.tolist() == [1, 1]


def test_objectives_know_their_direction_and_the_best_predictor_is_best() -> None:
    targets = np.array([0, 0, 1, 1, 0, 1])
    perfect, poor = targets.astype(np.float64), np.array([0.6, 0.4, 0.5, 0.2, 0.9, 0.7])
    for name, objective in OBJECTIVES.items():
        better, worse = (
            objective_value(name, targets, values, [values] * len(objective.conditions))
            for values in (perfect, poor)
        )
        assert (better > worse) == (objective.direction == "maximize"), name


def test_objectives_work_on_several_classes() -> None:
    probabilities = np.eye(3)[[0, 1, 2, 0]]
    assert objective_value("f1", [0, 1, 2, 0], probabilities) == 1


def test_an_unknown_objective_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'accuracy'"):
        objective_value("acuracy", [0, 1], [0.1, 0.9])


def test_the_worst_case_is_the_lowest_f1_at_the_threshold_of_the_unchanged() -> None:
    targets = [1, 1, 0, 0]
    unchanged = [0.9, 0.6, 0.4, 0.1]  # a threshold of 0.5 is right about all
    darker, brighter, odd = [0.8, 0.45, 0.3, 0.1], [0.9, 0.8, 0.7, 0.6], [0.9, 0.6, 0.55, 0.2]
    # one of two found: 2/3; all four called: 2/3; one too many: 4/5; none found: 0
    changed = [darker, brighter, odd, unchanged, unchanged]
    assert objective_value("f1_worst_case", targets, unchanged, changed) == pytest.approx(2 / 3)
    changed = [odd, [0.4, 0.3, 0.2, 0.1], odd, odd, odd]
    assert objective_value("f1_worst_case", targets, unchanged, changed) == 0
    with pytest.raises(ValueError, match="under 5 conditions, found 0"):
        objective_value("f1_worst_case", targets, unchanged)


def test_objectives_ask_for_conditions_that_every_image_allows() -> None:
    for objective in OBJECTIVES.values():
        assert all(condition.kind in KINDS for condition in conditions_named(objective.conditions))


@pytest.mark.parametrize("classes", [2, 5])
def test_many_confusion_matrices_at_once_are_scored_as_each_alone(classes: int) -> None:
    matrices = np.random.default_rng(0).integers(0, 4, (3, 20, classes, classes))
    # classes that never occur or are never predicted, and no image at all
    matrices[0, :5, 1], matrices[0, 5:10, :, 1], matrices[0, 10] = 0, 0, 0
    together = scores_of_confusion(matrices)
    for place in np.ndindex(3, 20):
        alone = scores_of_confusion(matrices[place])
        for name, values in together.items():
            np.testing.assert_array_equal(values[place], alone[name], err_msg=name)
