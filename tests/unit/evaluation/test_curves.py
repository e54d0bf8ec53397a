import numpy as np
import numpy.typing as npt
import pytest

from mammobench.core.seeds import generator
from mammobench.evaluation import curves
from mammobench.evaluation.curves import METRICS, resampled_curves
from mammobench.evaluation.intervals import Resamples
from mammobench.evaluation.points import point_scores

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def simulate(images: int, share: float, *, configurations: int = 1) -> tuple[Bools, Floats]:
    numbers = generator(0, "curves", images)
    positive = numbers.random(images) < share
    logits = numbers.normal(size=(images, configurations)) + 1.5 * positive[:, None] - 1.5
    return positive, 1 / (1 + np.exp(-logits))


def written_out(resamples: Resamples, positive: Bools, scores: Floats, metric: str, rows: range) -> Floats:
    """Score each resample the slow and obvious way, its images written out."""
    values = []
    for row in rows:
        images = np.repeat(np.arange(len(positive)), resamples.weights[row][resamples.codes])
        values.append(point_scores(positive[images].astype(int), scores[images], 0.5)[metric])
    return np.array(values)


@pytest.mark.parametrize("metric", METRICS)
def test_each_resample_equals_the_metric_of_its_images_with_ties(metric: str) -> None:
    positive, scores = simulate(60, 0.4, configurations=2)
    scores[:, 1] = np.round(scores[:, 1], 1)
    resamples = Resamples(np.arange(60) // 3, count=40, seed=0)
    found = resampled_curves(resamples, positive, [*scores.T])[metric]
    for column in (0, 1):
        expected = written_out(resamples, positive, scores[:, column], metric, range(40))
        np.testing.assert_allclose(found[:, column], expected, atol=2e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_runs_of_negatives_may_share_a_bin(metric: str) -> None:
    positive, scores = simulate(900, 0.1)
    resamples = Resamples(np.arange(900) // 2, count=12, seed=0)
    found = resampled_curves(resamples, positive, [*scores.T])[metric]
    expected = written_out(resamples, positive, scores[:, 0], metric, range(12))
    close = 2e-3 if metric == "brier" else 2e-6
    np.testing.assert_allclose(found[:, 0], expected, atol=close)


def test_cut_bins_hardly_move_the_ends_of_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    positive, scores = simulate(4000, 0.2)
    resamples = Resamples(np.arange(4000) // 3, count=1000, seed=0)
    cut = resampled_curves(resamples, positive, [*scores.T])
    monkeypatch.setattr(curves, "BINS", 4000)
    exact = resampled_curves(resamples, positive, [*scores.T])
    for metric in METRICS:
        ends = [np.quantile(samples[metric][:, 0], [0.025, 0.975]) for samples in (cut, exact)]
        assert (cut[metric] != exact[metric]).any()
        assert ends[0] == pytest.approx(ends[1], abs=2e-3), metric


def test_exact_and_cut_configurations_stand_side_by_side() -> None:
    positive, scores = simulate(1500, 0.5, configurations=3)
    scores[:, 1] = 0.5
    resamples = Resamples(range(1500), count=20, seed=0)
    together = resampled_curves(resamples, positive, [*scores.T])
    assert (together["auroc"][:, 1] == 0.5).all()
    for column in (0, 2):
        alone = resampled_curves(resamples, positive, [scores[:, column]])
        for metric in METRICS:
            np.testing.assert_allclose(together[metric][:, [column]], alone[metric], rtol=1e-5)


def test_a_resample_of_one_class_has_no_ranking_and_one_of_none_no_score() -> None:
    resamples = Resamples([0, 1], count=40, seed=0)
    found = resampled_curves(resamples, np.array([True, False]), [np.array([0.9, 0.2])])
    both = (resamples.weights > 0).all(axis=1)
    for metric in ("auroc", "sensitivity_at_90"):
        assert (np.isnan(found[metric][:, 0]) == ~both).all()
    assert (np.isnan(found["auprc"][:, 0]) == (resamples.weights[:, 0] == 0)).all()
    assert np.isfinite(found["brier"]).all()


def test_no_image_no_score() -> None:
    found = resampled_curves(Resamples([], count=5, seed=0), np.zeros(0, bool), [np.zeros(0)] * 2)
    assert all(values.shape == (5, 2) and np.isnan(values).all() for values in found.values())
