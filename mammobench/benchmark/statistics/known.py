"""Means and quantiles over what is known, NaN where nothing is."""

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def mean_of_known(values: npt.ArrayLike, axis: int | None = None) -> Floats:
    """Return the mean over an axis, NaN left out; NaN where nothing else is there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmean(np.asarray(values, np.float64), axis=axis), np.float64)


def quantiles_of_known(values: npt.ArrayLike, quantiles: Sequence[float]) -> Floats:
    """Return quantiles, NaN left out; NaN where nothing else is there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanquantile(np.asarray(values, np.float64), quantiles), np.float64)
