"""Mean, covariance and range of rows that are read block by block.

The figures of two blocks are merged without their rows: means by their weights, co-moments with the
term that the distance of the means adds. Each block is centred on its own mean, so that a plant
value of 3000 with a spread of 0.01 keeps its spread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dccad.logs.runs import FloatArray, Run
from dccad.method.representation.scaling import Scaling, ScalingKind, make_scaling
from dccad.method.representation.whitening import Representation, RepresentationKind, whiten

Figures = NDArray[np.float64]


@dataclass(frozen=True)
class RowStatistics:
    """Figures of rows, all in double precision.

    Attributes
    ----------
    n_rows : int
    mean : ndarray of shape (n_sensors,)
    comoment : ndarray of shape (n_sensors, n_sensors)
        Sum over the rows of the products of their distances from the mean. Divided by ``n_rows``,
        it is the covariance.
    lowest, highest : ndarray of shape (n_sensors,)

    Examples
    --------
    >>> rows = np.array([[1.0, 0.0], [3.0, 2.0], [8.0, 1.0]])
    >>> merged = RowStatistics.of(rows[:1]).merge(RowStatistics.of(rows[1:]))
    >>> merged.mean.tolist(), merged.comoment.tolist()
    ([4.0, 1.0], [[26.0, 2.0], [2.0, 2.0]])

    References
    ----------
    T. F. Chan, G. H. Golub, R. J. LeVeque: Updating formulae and a pairwise algorithm for computing
    sample variances. COMPSTAT 1982, Physica, equation 2.1.
    """

    n_rows: int
    mean: Figures
    comoment: Figures
    lowest: Figures
    highest: Figures

    @classmethod
    def of(cls, rows: FloatArray) -> RowStatistics:
        """Figures of rows of shape (n_rows, n_sensors), at least one."""
        values = np.asarray(rows, dtype=np.float64)
        mean = values.mean(axis=0)
        centred = values - mean
        rest = centred.mean(axis=0)  # the mean of large values is rounded; this is what is left
        comoment = centred.T @ centred - len(values) * np.outer(rest, rest)
        lowest, highest = values.min(axis=0), values.max(axis=0)
        return cls(len(values), mean + rest, comoment, lowest, highest)

    def merge(self, other: RowStatistics) -> RowStatistics:
        """Figures of the rows of both."""
        n_rows = self.n_rows + other.n_rows
        apart = other.mean - self.mean
        return RowStatistics(
            n_rows,
            self.mean + apart * (other.n_rows / n_rows),
            self.comoment
            + other.comoment
            + np.outer(apart, apart) * (self.n_rows / n_rows * other.n_rows),
            np.minimum(self.lowest, other.lowest),
            np.maximum(self.highest, other.highest),
        )


def scaling_of(
    statistics: RowStatistics, columns: Sequence[str], kind: ScalingKind = "standard"
) -> Scaling:
    """Fit shift and scale of each sensor, as ``fit_scaling`` does from the rows themselves.

    Warns
    -----
    ConstantSensorWarning
    """
    spread = np.sqrt(np.maximum(np.diag(statistics.comoment), 0.0) / statistics.n_rows)
    return make_scaling(
        kind, statistics.mean, spread, statistics.lowest, statistics.highest, columns
    )


def representation_of(
    statistics: RowStatistics,
    sample: Sequence[Run],
    scaling: ScalingKind = "standard",
    kind: RepresentationKind = "sensors+whitened",
    taming: float | None = 4.0,
    floor: float = 0.0,
) -> Representation:
    """Fit the representation, as ``fit_representation`` does from the rows themselves.

    Warns
    -----
    ConstantSensorWarning


    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(500, 2)) @ np.array([[1.0, 0.9], [0, 0.1]])
    >>> found = representation_of(RowStatistics.of(rows), [Run(rows, ("a", "b"))]).apply(rows)
    >>> bool(abs(np.corrcoef(found[:, 2:].T)[0, 1]) < 0.1)
    True
    """
    fitted = scaling_of(statistics, sample[0].columns, scaling)
    if kind == "sensors" or len(fitted.shift) == 1:
        return Representation(fitted, None, True, taming)
    covariance = statistics.comoment / statistics.n_rows / np.outer(fitted.scale, fitted.scale)
    centre = (statistics.mean - fitted.shift) / fitted.scale
    fourth = sum(_fourth_powers(run.values, fitted, centre) for run in sample)
    shrunk = _shrink(covariance, fourth / sum(len(run) for run in sample), statistics.n_rows)
    return whiten(fitted, shrunk, kind, taming, floor)


def _fourth_powers(rows: FloatArray, scaling: Scaling, centre: Figures) -> float:
    """Sum over rows of the fourth power of their distance from the centre."""
    squares = np.square(scaling.apply(rows) - centre).sum(axis=1)
    return float(np.square(squares).sum())


def _shrink(covariance: Figures, fourth_moment: float, n_rows: int) -> Figures:
    """Ledoit and Wolf's shrinkage from moments, as scikit-learn computes it from rows.

    ``fourth_moment`` is the mean fourth power of the rows' distance from their mean.
    """
    n_sensors = len(covariance)
    level = float(np.trace(covariance)) / n_sensors
    norm = float(np.square(covariance).sum())
    away = (norm - n_sensors * level**2) / n_sensors
    noise = min((fourth_moment - norm) / (n_sensors * n_rows), away)
    share = noise / away if noise > 0 else 0.0
    shrunk: Figures = (1 - share) * covariance + share * level * np.eye(n_sensors)
    return shrunk
