"""A partition by one statistic of the window, chosen without labels.

The statistic that decides is the one whose best two-way split explains most of its variance and
lasts longest: regimes persist in time, and a split of noise flips at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.evaluation.baselines.base import PartitionBaseline, Windows

EIGENVALUE_FLOOR = 0.02
"""Added to the eigenvalues of the whitening, so that directions of rounding noise stay small."""

SMALLEST = 1e-3
"""Added to a variance or a mean square before its logarithm."""


def best_split(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Exact best division of each column's values into low and high.

    Examples
    --------
    >>> separation, threshold = best_split(np.array([[0.0], [9.0], [1.0], [10.0]]))
    >>> separation.round(4).tolist(), threshold.tolist()
    ([0.9878], [5.0])
    """
    ordered = np.sort(values, axis=0)
    n = len(ordered)
    centred = ordered - ordered.mean(axis=0)
    low = np.arange(1, n)[:, None]
    # of the variance between two groups with sums s and -s: s² / n1 + s² / n2
    between = np.cumsum(centred, axis=0)[:-1] ** 2 * n / (low * (n - low))
    between[ordered[1:] <= ordered[:-1]] = -1.0  # no threshold lies between equal values
    best = between.argmax(axis=0)
    columns = np.arange(values.shape[1])
    total = (centred**2).sum(axis=0)
    explained = np.maximum(between[best, columns], 0.0)
    separation = np.divide(explained, total, out=np.zeros_like(total), where=total > 0)
    threshold = (ordered[best, columns] + ordered[best + 1, columns]) / 2
    return separation, threshold


def persistence(parts: Sequence[NDArray[np.bool_]], lag: int) -> NDArray[np.float64]:
    """How much rarer than by chance two windows ``lag`` apart lie on different sides.

    Parameters
    ----------
    parts : sequence of ndarray of shape (n_windows, n_columns)
        Side of each window, run by run.
    lag : int, in windows

    Returns
    -------
    ndarray of shape (n_columns,)
        1 minus the share of pairs on different sides over 2 p (1 - p), where p is the share of
        windows on one side: 1 for a split that never flips, 0 for one that flips as chance does.

    Examples
    --------
    >>> lasting = np.repeat([False, True], 50)[:, None]
    >>> flipping = np.tile([False, True], 50)[:, None]
    >>> persistence([lasting], 5).round(2).tolist(), persistence([flipping], 5).tolist()
    ([0.89], [-1.0])
    """
    share = np.concatenate(parts).mean(axis=0)
    pairs = [part[lag:] != part[:-lag] for part in parts if len(part) > lag]
    if not pairs:
        return np.ones_like(share)
    switched = np.concatenate(pairs).mean(axis=0)
    chance = 2 * share * (1 - share)
    rate = np.divide(switched, chance, out=np.ones_like(chance), where=chance > 0)
    return np.asarray(1 - rate)


@dataclass(eq=False, repr=False)
class StatisticSelection(PartitionBaseline):
    """One window statistic with its threshold, chosen by separation × persistence.

    Candidates are the mean, the log-variance and the log mean squared difference of every
    standardised sensor and of every whitened direction.

    Attributes
    ----------
    statistic_ : int
        Place of the chosen statistic among the candidates (all means, all log-variances, all
        differences; in each, sensors before directions, these by rising variance).
    cut_ : float
        Its threshold.
    quality_ : ndarray of shape (n_statistics,)
        Separation × persistence.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(200, 2))
    >>> rows[100:, 1] *= 4.0
    >>> method = StatisticSelection(window=10).fit(rows)
    >>> regions = method.predict_region(rows)
    >>> bool((regions[120:] == regions[150]).all() and (regions[9:90] != regions[150]).all())
    True
    """

    def _fit_parts(self, reference: Sequence[Windows], unlabelled: Sequence[Windows]) -> None:
        parts = [part for part in (*reference, *unlabelled) if len(part)]
        # each row once: its windows are views of the same rows
        rows = np.concatenate([np.concatenate([p[0].T, p[1:, :, -1]]) for p in parts])
        centred = rows - rows.mean(axis=0)
        eigenvalues, vectors = np.linalg.eigh(centred.T.astype(np.float64) @ centred / len(rows))
        self.whitening_ = vectors / np.sqrt(np.maximum(eigenvalues, 0) + EIGENVALUE_FLOOR)
        statistics = [self._per_window(self._statistics, part) for part in parts]
        separation, cuts = best_split(np.concatenate(statistics))
        lasting = persistence([part > cuts for part in statistics], self.window)
        self.quality_ = separation * lasting
        self.statistic_ = int(self.quality_.argmax())
        self.cut_ = float(cuts[self.statistic_])
        super()._fit_parts(reference, unlabelled)

    def _fit(self, windows: Windows) -> None:
        """All is learnt already, run by run."""

    def _statistics(self, windows: Windows) -> NDArray[np.float64]:
        directions = np.einsum("ncl,cd->ndl", windows, self.whitening_, optimize=True)
        channels = np.concatenate([windows.astype(np.float64), directions], axis=1)
        moves = np.diff(channels, axis=2)
        squares = (moves**2).mean(axis=2) if self.window > 1 else np.zeros(channels.shape[:2])
        return np.concatenate(
            [
                channels.mean(axis=2),
                np.log(channels.var(axis=2) + SMALLEST),
                np.log(squares + SMALLEST),
            ],
            axis=1,
        )

    def _assign(self, windows: Windows) -> NDArray[np.int64]:
        return (self._statistics(windows)[:, self.statistic_] > self.cut_).astype(np.int64)

    def _score(self, windows: Windows) -> NDArray[Any]:
        """Distance from the threshold, on the side of the smaller region."""
        beyond = self._statistics(windows)[:, self.statistic_] - self.cut_
        return np.asarray(beyond if self.region_of_cluster_[1] else -beyond)
