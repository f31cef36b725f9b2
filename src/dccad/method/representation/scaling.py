"""Bring sensors to comparable ranges, with figures taken from the fit data only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dccad.errors import ConstantSensorWarning, warn
from dccad.logs.runs import STUCK, FloatArray, Run

ScalingKind: TypeAlias = Literal["standard", "minmax"]


@dataclass(frozen=True)
class Scaling:
    """Per-sensor shift and scale, fitted once and applied to every later row.

    Attributes
    ----------
    kind : {"standard", "minmax"}
        Zero mean and unit variance, or 0–1 over the range of the fit data.
    shift, scale : ndarray of shape (n_sensors,), float64
        Scaled = (raw - shift) / scale, both in plant units.
    constant : ndarray of shape (n_sensors,), bool
        Sensors that did not move in the fit data; their scale is 1.
    """

    kind: ScalingKind
    shift: NDArray[np.float64]
    scale: NDArray[np.float64]
    constant: NDArray[np.bool_]

    def apply(self, rows: FloatArray) -> NDArray[np.float32]:
        """Scale rows of shape (n_rows, n_sensors); the caller's array stays as it is.

        Examples
        --------
        >>> scaling = fit_scaling([Run(np.array([[1.0], [3.0]]), ("a",))], "standard")
        >>> scaling.apply(np.array([[2.0], [5.0]])).tolist()
        [[0.0], [3.0]]
        """
        scaled = np.asarray(rows, dtype=np.float64) - self.shift
        scaled /= self.scale
        # a broken sensor may give 1e38 times its usual range, which must not overflow to infinity
        return np.clip(scaled, -1e15, 1e15, out=scaled).astype(np.float32)


def fit_scaling(segments: Sequence[Run], kind: ScalingKind = "standard") -> Scaling:
    """Fit shift and scale of each sensor on the rows of the given segments.

    Parameters
    ----------
    segments : sequence of Run
        The unlabelled log, or the reference-normal rows where there are some; never rows that
        are only to be scored.
    kind : {"standard", "minmax"}

    Returns
    -------
    Scaling

    Warns
    -----
    ConstantSensorWarning
        A sensor never moves. It keeps scale 1, so that it adds nothing now and shows later.

    Examples
    --------
    >>> run = Run(np.array([[0.0, 5.0], [4.0, 9.0]]), ("a", "b"))
    >>> scaling = fit_scaling([run], "minmax")
    >>> scaling.apply(run.values).tolist()
    [[0.0, 0.0], [1.0, 1.0]]
    """
    n_rows = sum(len(segment) for segment in segments)
    lowest = np.min([segment.values.min(axis=0) for segment in segments], axis=0)
    highest = np.max([segment.values.max(axis=0) for segment in segments], axis=0)
    lowest, highest = lowest.astype(np.float64), highest.astype(np.float64)
    # two passes: a plant value of 3000 with a spread of 0.01 loses its spread in one
    mean = sum(s.values.sum(axis=0, dtype=np.float64) for s in segments) / n_rows
    squares = sum(np.square(s.values - mean, dtype=np.float64).sum(axis=0) for s in segments)
    spread = np.sqrt(squares / n_rows)
    return make_scaling(kind, np.asarray(mean), spread, lowest, highest, segments[0].columns)


def make_scaling(
    kind: ScalingKind,
    mean: NDArray[np.float64],
    spread: NDArray[np.float64],
    lowest: NDArray[np.float64],
    highest: NDArray[np.float64],
    columns: Sequence[str],
) -> Scaling:
    """Shift and scale from figures of the fit data, each of shape (n_sensors,), in plant units.

    Parameters
    ----------
    kind : {"standard", "minmax"}
    mean, spread, lowest, highest : ndarray of shape (n_sensors,)
        ``spread`` is the standard deviation.
    columns : sequence of str

    Warns
    -----
    ConstantSensorWarning
    """
    shift, scale = (lowest, highest - lowest) if kind == "minmax" else (mean, spread)
    constant = highest - lowest <= STUCK * np.maximum(np.abs(highest), np.abs(lowest))
    constant |= ~(scale > np.finfo(np.float32).tiny)  # too small to divide by
    if constant.any():
        names = [name for name, stuck in zip(columns, constant, strict=True) if stuck]
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        warn(
            f"{len(names)} of {len(constant)} sensors never change in the fit data: {shown}. They "
            "tell nothing about the past; drop them if they are not expected to move later",
            ConstantSensorWarning,
        )
    return Scaling(kind, shift, np.where(constant, 1.0, scale), constant)
