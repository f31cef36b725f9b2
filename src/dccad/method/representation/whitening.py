"""What the network sees of a row: scaled sensors, whitened directions, excursions tamed.

Faults hide in weak directions: combinations of sensors that hardly move while the plant is normal.
Whitening gives every such direction the same voice. The sensors themselves stay beside them,
because a fault may also live in one sensor and be spread thin over many directions.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf

from dccad.logs.runs import FloatArray, Run
from dccad.logs.windows import WindowSet
from dccad.method.representation.scaling import Scaling, ScalingKind, fit_scaling
from dccad.support.threads import map_in_threads

RepresentationKind: TypeAlias = Literal["sensors+whitened", "whitened", "sensors"]

ROWS_AT_ONCE = 1 << 12
"""Rows of one block that is transformed at once: few enough to stay in a processor's cache."""

COVARIANCE_ROWS = 200_000
"""A longer fit takes the covariance from about this many of its rows, spread evenly over it."""

UNLABELLED_FLOOR = 0.02
"""Added to the eigenvalues of an unlabelled log's correlation: its weakest directions are noise."""


@dataclass(frozen=True)
class Representation:
    """What turns rows in plant units into rows of directions: fitted once, applied to every row.

    Attributes
    ----------
    scaling : Scaling
    whitening : ndarray of shape (n_sensors, n_sensors), float64, or None
        Scaled row @ whitening has unit variance in every direction and no correlation; the
        weakest direction first. None without whitened directions.
    sensors : bool
        Whether the scaled sensors are among the directions (then they come first).
    taming : float or None
        An excursion e becomes taming · arcsinh(e / taming): about e below ``taming`` standard
        deviations, logarithmic above. None leaves values as they are.
    """

    scaling: Scaling
    whitening: NDArray[np.float64] | None
    sensors: bool
    taming: float | None

    @property
    def kind(self) -> RepresentationKind:
        """The parameter value that asks for this representation."""
        if self.whitening is None:
            return "sensors"
        return "sensors+whitened" if self.sensors else "whitened"

    @property
    def n_directions(self) -> int:
        """Channels that the network sees."""
        n_sensors = len(self.scaling.shift)
        return n_sensors * (int(self.sensors) + int(self.whitening is not None))

    @property
    def n_sensor_directions(self) -> int:
        """How many of the directions, the first ones, are single sensors."""
        return len(self.scaling.shift) if self.sensors else 0

    def apply(self, rows: FloatArray) -> NDArray[np.float32]:
        """Give the directions of rows of shape (n_rows, n_sensors), in plant units.

        Returns
        -------
        ndarray of shape (n_rows, n_directions), float32
            In standard deviations of the fit data. The caller's array stays as it is.

        Examples
        --------
        >>> rows = np.random.default_rng(0).normal(size=(500, 2)) @ np.array([[1.0, 0.9], [0, 0.1]])
        >>> found = fit_representation([Run(rows, ("a", "b"))]).apply(rows)
        >>> found.shape, bool(np.corrcoef(rows.T)[0, 1] > 0.9)     # one sensor follows the other …
        ((500, 4), True)
        >>> bool(abs(np.corrcoef(found[:, 2:].T)[0, 1]) < 0.1)          # … the directions do not
        True
        """
        scaled = self.scaling.apply(rows)
        cut = self.n_sensor_directions
        directions = np.empty((len(scaled), self.n_directions), dtype=np.float32)
        directions[:, :cut] = scaled[:, :cut]
        if self.whitening is not None:
            # with torch, whose threads the package controls; numpy's wait for one another
            whitening = torch.from_numpy(self.whitening)
            directions[:, cut:] = (torch.from_numpy(scaled).double() @ whitening).numpy()
        if self.taming is not None:
            directions /= self.taming
            np.arcsinh(directions, out=directions)
            directions *= self.taming
        return directions

    def windows(self, segments: Sequence[Run], window: int, stride: int = 1) -> WindowSet:
        """Windows of checked runs in this representation; rows are stored once."""
        lengths = [len(segment) for segment in segments]
        rows = np.empty((sum(lengths), self.n_directions), dtype=np.float32)
        offsets = itertools.accumulate(lengths, initial=0)
        blocks = [
            (segment.values[first : first + ROWS_AT_ONCE], offset + first)
            for segment, offset in zip(segments, offsets, strict=False)
            for first in range(0, len(segment), ROWS_AT_ONCE)
        ]

        def fill(block: tuple[FloatArray, int]) -> None:
            values, start = block
            rows[start : start + len(values)] = self.apply(values)

        for _ in map_in_threads(fill, blocks):
            pass
        return WindowSet.of_table(rows, lengths, window, stride)


def fit_representation(
    segments: Sequence[Run],
    scaling: ScalingKind = "standard",
    kind: RepresentationKind = "sensors+whitened",
    taming: float | None = 4.0,
    floor: float = 0.0,
) -> Representation:
    """Fit scaling and whitening on rows of the fit data.

    Parameters
    ----------
    segments : sequence of Run
        The reference-normal rows where there are some, else the unlabelled log.
    scaling : {"standard", "minmax"}
    kind : {"sensors+whitened", "whitened", "sensors"}
        A single sensor is never whitened: it would only be doubled.
    taming : float or None
    floor : float
        Added to the eigenvalues of the covariance of the scaled rows. On an unlabelled log the
        largest directions are those of its faults, and the weakest must not be blown up.

    Returns
    -------
    Representation

    Warns
    -----
    ConstantSensorWarning
        A sensor never moves.

    Notes
    -----
    The covariance is shrunk after Ledoit and Wolf, "A well-conditioned estimator for
    large-dimensional covariance matrices", J. Multivariate Analysis 88 (2), 2004.
    """
    fitted = fit_scaling(segments, scaling)
    n_sensors = len(fitted.shift)
    if kind == "sensors" or n_sensors == 1:
        return Representation(fitted, None, True, taming)
    return whiten(fitted, _covariance(segments, fitted), kind, taming, floor)


def whiten(
    scaling: Scaling,
    covariance: NDArray[np.float64],
    kind: RepresentationKind,
    taming: float | None,
    floor: float,
) -> Representation:
    """Representation with whitened directions, from the covariance of scaled rows.

    Parameters
    ----------
    scaling : Scaling
    covariance : ndarray of shape (n_sensors, n_sensors)
        Shrunk. A constant sensor's variance is taken as 1: shrinkage alone would give it a tiny
        one, and blow it up when it moves.
    kind : {"sensors+whitened", "whitened"}
    taming, floor
        As in :func:`fit_representation`.
    """
    covariance = covariance.copy()
    covariance[scaling.constant, scaling.constant] = 1.0
    values, vectors = np.linalg.eigh(covariance)
    strong = np.maximum(values, 0.0) + floor
    strong[strong < 1e-12] = 1.0  # a direction without variance stays at its own scale
    whitening = vectors / np.sqrt(strong)
    return Representation(scaling, whitening, kind == "sensors+whitened", taming)


def _covariance(segments: Sequence[Run], scaling: Scaling) -> NDArray[np.float64]:
    n_rows = sum(len(segment) for segment in segments)
    step = -(-n_rows // COVARIANCE_ROWS)
    offsets = itertools.accumulate((len(segment) for segment in segments), initial=0)
    parts = [
        scaling.apply(segment.values[-offset % step :: step])
        for segment, offset in zip(segments, offsets, strict=False)
    ]
    rows = np.concatenate(parts).astype(np.float64)
    shrunk: NDArray[np.float64] = ledoit_wolf(rows)[0]
    return shrunk
