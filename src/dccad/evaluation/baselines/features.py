"""What baselines make of a window: a vector."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Kind: TypeAlias = Literal["flat", "mean", "mean-logvar"]

SMALLEST_VARIANCE = 1e-3
"""Added to a variance before its logarithm: sensors are standardised, and some are held."""


def vectorise(windows: NDArray[Any], kind: Kind) -> NDArray[np.float64]:
    """Bring windows into a table with one row per window.

    Parameters
    ----------
    windows : ndarray of shape (n_windows, n_sensors, window)
    kind : {"flat", "mean", "mean-logvar"}
        All values, sensor after sensor; the mean of each sensor; or its mean and the logarithm of
        its variance (all means first).

    Examples
    --------
    >>> windows = np.array([[[0.0, 2.0], [5.0, 5.0]]])
    >>> vectorise(windows, "flat").tolist(), vectorise(windows, "mean").tolist()
    ([[0.0, 2.0, 5.0, 5.0]], [[1.0, 5.0]])
    >>> vectorise(windows, "mean-logvar").round(3).tolist()
    [[1.0, 5.0, 0.001, -6.908]]
    """
    values = np.asarray(windows, dtype=np.float64)
    if kind == "flat":
        return values.reshape(len(values), -1)
    means: NDArray[np.float64] = values.mean(axis=2)
    if kind == "mean":
        return means
    return np.concatenate([means, np.log(values.var(axis=2) + SMALLEST_VARIANCE)], axis=1)
