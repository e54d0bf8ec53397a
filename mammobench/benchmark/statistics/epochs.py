"""How well an early epoch says which configuration is best in the end."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from mammobench.benchmark.statistics.differences import LEVEL
from mammobench.benchmark.statistics.known import mean_of_known, quantiles_of_known
from mammobench.benchmark.tables.observed import Observed

DRAWS = 1_000

_FEWEST = 3
"""Two points always correlate."""


def epoch_correlation(observed: Observed, *, seed: int = 0) -> pd.DataFrame:
    """Return Spearman's rank correlation between validation at each epoch and at the last.

    Of single trainings, as a search sees them, in the mean over training seeds; those that failed are left
    out. The interval is a percentile bootstrap over configurations.

    Returns:
        One row an epoch: ``epoch``, ``correlation``, ``low``, ``high``, ``configurations``.
    """
    rng = np.random.default_rng(seed)
    rows = []
    planes = []
    for training_seed in range(observed.seeds):
        curves = observed.objective[observed.searched, training_seed]
        planes.append(curves[np.isfinite(curves).all(axis=1)])
    planes = [plane for plane in planes if len(plane) >= _FEWEST]
    draws = [rng.integers(len(plane), size=(DRAWS, len(plane))) for plane in planes]
    for epoch in _epochs(observed.max_epochs):
        values = [_spearman(plane[:, epoch - 1], plane[:, -1]) for plane in planes]
        drawn = [
            _spearman_rows(plane[:, epoch - 1][draw], plane[:, -1][draw])
            for plane, draw in zip(planes, draws, strict=True)
        ]
        mean = mean_of_known(drawn, axis=0) if drawn else np.array([np.nan])
        low, high = quantiles_of_known(mean, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        rows.append(
            {
                "epoch": epoch,
                "correlation": float(mean_of_known(values or [np.nan])),
                "low": float(low),
                "high": float(high),
                "configurations": max((len(plane) for plane in planes), default=0),
            }
        )
    return pd.DataFrame(rows)


def _epochs(most: int) -> list[int]:
    """Return epochs to show: each of the first, then fewer."""
    return sorted({epoch for epoch in (1, 2, 3, 4, 6, 9, 13, 18, 27, 40, 60, 81, most) if epoch <= most})


def _spearman(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    return float(_spearman_rows(first[None], second[None])[0])


def _spearman_rows(
    first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the correlation of the ranks in each row; NaN for a row without spread."""
    ranks = [stats.rankdata(each, axis=1) for each in (first, second)]
    centred = [each - each.mean(axis=1, keepdims=True) for each in ranks]
    scale = np.sqrt((centred[0] ** 2).sum(axis=1) * (centred[1] ** 2).sum(axis=1))
    found: npt.NDArray[np.float64] = np.divide(
        (centred[0] * centred[1]).sum(axis=1), scale, out=np.full(len(scale), np.nan), where=scale > 0
    )
    return found
