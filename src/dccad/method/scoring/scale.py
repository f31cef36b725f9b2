"""Statistics of a window to one score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SMALLEST = 1e-300
"""A distance of 0 has a logarithm."""


FLOOR = 0.03
"""Share of its usual value that is added to a distance before its logarithm, so that an unusually
small one outweighs nothing."""


@dataclass(frozen=True)
class ScoreScale:
    """Mean and standard deviation of each statistic over normal windows, and how they add up.

    Attributes
    ----------
    names : tuple of str
    mean, std : tuple of float
        Moments of each statistic, or of its logarithm.
    floor : tuple of float or None
        Added to each statistic before its logarithm; None: no logarithm is taken.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    floor: tuple[float, ...] | None

    def combine(self, statistics: NDArray[np.float64]) -> NDArray[np.float64]:
        """One score per window: 0 is typical of normal windows, 1 is one standard deviation.

        Parameters
        ----------
        statistics : ndarray of shape (n_windows, n_statistics)

        Examples
        --------
        >>> scale = ScoreScale(("distance", "error"), (1.0, 2.0), (0.5, 1.0), None)
        >>> scale.combine(np.array([[1.0, 2.0], [2.0, 3.0]])).tolist()
        [0.0, 1.5]
        """
        values = _logarithms(statistics, self.floor)
        standard = (values - np.array(self.mean)) / np.array(self.std)
        return np.asarray(standard.mean(axis=1), dtype=np.float64)


def fit_score_scale(
    names: tuple[str, ...], statistics: NDArray[np.float64], logarithmic: bool
) -> ScoreScale:
    """Fit the scale on statistics of normal windows, of shape (n_windows, n_statistics).

    Examples
    --------
    >>> fit_score_scale(("a",), np.array([[1.0], [3.0]]), logarithmic=False)
    ScoreScale(names=('a',), mean=(2.0,), std=(1.0,), floor=None)
    """
    floor = tuple(float(FLOOR * m) for m in np.median(statistics, axis=0)) if logarithmic else None
    values = _logarithms(statistics, floor)
    # a statistic that does not vary (one window, constant data) must not be divided by its rounding
    varies = np.ptp(statistics, axis=0) > 1e-9 * np.abs(statistics).max(axis=0)
    std = np.where(varies, values.std(axis=0), 1.0)
    mean = values.mean(axis=0)
    return ScoreScale(names, tuple(map(float, mean)), tuple(map(float, std)), floor)


def _logarithms(
    statistics: NDArray[np.float64], floor: tuple[float, ...] | None
) -> NDArray[np.float64]:
    if floor is None:
        return statistics
    logarithms: NDArray[np.float64] = np.log(statistics + np.array(floor) + SMALLEST)
    return logarithms
