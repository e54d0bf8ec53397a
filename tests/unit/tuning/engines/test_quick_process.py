"""The quick Gaussian process predicts what scikit-learn's does, to the bit."""

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern

from mammobench.tuning.engines.quick_process import QuickProcess

HOW: dict[str, Any] = {"normalize_y": True, "n_restarts_optimizer": 2, "random_state": 1}


@pytest.mark.parametrize("seed", range(6))
def test_its_predictions_are_those_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.random((int(rng.integers(3, 40)), int(rng.integers(1, 9))))
    values = np.sin(points.sum(axis=1)) * (0 if seed == 5 else 1)
    slow = GaussianProcessRegressor(Matern(nu=2.5), alpha=1e-4, **HOW)
    quick = QuickProcess(Matern(nu=2.5), alpha=1e-4, **HOW)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        slow.fit(points, values)
        quick.fit(points, values)
        for x in [*rng.random((50, 1, points.shape[1])), points[:1]]:
            expected, found = slow.predict(x, return_std=True), quick.predict(x, return_std=True)
            assert [each.tobytes() for each in found] == [each.tobytes() for each in expected]
        several = rng.random((4, points.shape[1]))
        assert quick.predict(several).tobytes() == slow.predict(several).tobytes()


def test_another_kernel_is_left_to_scikit_learn() -> None:
    points = np.linspace(0, 1, 6)[:, None]
    slow, quick = (
        kind(Matern(nu=1.5), alpha=1e-4, **HOW) for kind in (GaussianProcessRegressor, QuickProcess)
    )
    expected, found = (
        process.fit(points, points[:, 0] ** 2).predict(points[:1] + 0.1, return_std=True)
        for process in (slow, quick)
    )
    assert [each.tobytes() for each in found] == [each.tobytes() for each in expected]
