"""Runs of sensor rows: checked once, and cut where recording was interrupted.

The rest of the package sees only checked runs: finite floating-point values, named columns, no gap
inside. :mod:`dccad.logs.inputs` brings what callers pass into this form.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError

FloatArray: TypeAlias = NDArray[np.floating[Any]]

GAP_STEPS = 5
"""A step in time longer than this many median steps interrupts a run. Real loggers skip a row now
and then (in the SKAB files, one step in twenty is 2 s instead of 1 s): that is no interruption."""

STUCK = 1e-12
"""A spread below this share of the sensor's magnitude is rounding, not movement."""

OnMissing: TypeAlias = Literal["error", "interpolate", "hold", "drop"]


@dataclass(frozen=True)
class Reading:
    """How a log is read: where it is cut, and what is done with missing values.

    Attributes
    ----------
    max_gap : float, optional
        A step in time longer than this (seconds) starts a new segment; the default is 5 times the
        run's median step.
    on_missing : {"error", "interpolate", "hold", "drop"}
        What to do with NaN; infinite values are always refused. "drop" leaves NaN in place for
        :class:`dccad.logs.preparation.pipeline.Preparation` to leave out.
    fill_limit : int
        Longest stretch of NaN (rows) that is filled.
    causal : bool
        Fill with the last value seen instead of interpolating, so that no row sees its future.
    """

    max_gap: float | None = None
    on_missing: OnMissing = "error"
    fill_limit: int = 5
    causal: bool = False


@dataclass(frozen=True)
class Run:
    """One recording of a plant or machine, in the order of time.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_sensors), float
        One row per instant, in plant units.
    columns : tuple of str
        Name of each sensor.
    name : str
        What messages and tables call this run.
    time : ndarray of shape (n_rows,), datetime64 or float, optional
        Time stamp of each row, increasing; floats are in seconds.
    units : tuple of str
        Unit of each sensor, or empty where they are not known.
    fault : int, optional
        Number of the fault for benchmark runs (0 = fault-free); never shown to a model.
    onset : int, optional
        Index of the first faulty row; None where the run has no fault.
    row_labels : ndarray of shape (n_rows,), int, optional
        0 / 1 per row where the data come with labels of their own; never shown to a model.

    Examples
    --------
    >>> run = Run(np.zeros((4, 1)), columns=("torque",), onset=3)
    >>> run.labels.tolist()
    [0, 0, 0, 1]
    >>> Run(np.zeros((3, 1)), ("torque",), row_labels=np.array([0, 1, 0])).labels.tolist()
    [0, 1, 0]
    """

    values: FloatArray
    columns: tuple[str, ...]
    name: str = "log"
    time: NDArray[Any] | None = None
    units: tuple[str, ...] = ()
    fault: int | None = None
    onset: int | None = None
    row_labels: NDArray[np.integer[Any]] | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def labels(self) -> NDArray[np.int8]:
        """0 / 1 per row: the run's own labels, or 1 from the onset on. For evaluation only."""
        if self.row_labels is not None:
            return self.row_labels.astype(np.int8)
        labels = np.zeros(len(self), dtype=np.int8)
        if self.onset is not None:
            labels[self.onset :] = 1
        return labels

    def rows(self, start: int, stop: int) -> Run:
        """Rows ``start`` (included) to ``stop`` (excluded) as a run of their own."""
        stop = min(stop, len(self))
        onset = self.onset
        if onset is not None:
            onset = max(onset - start, 0) if onset < stop else None
        time = None if self.time is None else self.time[start:stop]
        labels = None if self.row_labels is None else self.row_labels[start:stop]
        return replace(
            self, values=self.values[start:stop], time=time, onset=onset, row_labels=labels
        )


@dataclass(frozen=True)
class Log:
    """A checked log: segments without interruption, and the way back to the caller's form.

    Attributes
    ----------
    segments : tuple of Run
        In the order of the caller's rows; a caller's run with gaps gives several segments.
    lengths : tuple of int
        Rows of each run as the caller passed it.
    keys : tuple or None
        The caller's dict keys; None if the caller did not pass a dict.
    single : bool
        The caller passed one run, not a list or dict of runs.
    named : bool
        The caller's columns had names.
    filled : mapping of str to int
        Sensors with missing cells that were filled, and how many.
    source : ndarray of shape (n_rows,), int, optional
        For a prepared log: the prepared row whose result each of the caller's rows gets, -1 for
        none. None: segments hold the caller's rows as they are.
    """

    segments: tuple[Run, ...]
    lengths: tuple[int, ...]
    keys: tuple[Any, ...] | None = None
    single: bool = True
    named: bool = False
    filled: Mapping[str, int] = field(default_factory=dict)
    source: NDArray[np.int64] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the sensors, the same in every segment."""
        return self.segments[0].columns

    @property
    def n_rows(self) -> int:
        """Rows of all runs together, as the caller passed them."""
        return sum(self.lengths)

    def expand(self, per_row: NDArray[Any], fill: Any) -> NDArray[Any]:
        """Results of the segments' rows, brought back to the caller's rows.

        Parameters
        ----------
        per_row : ndarray of shape (n_segment_rows, ...)
            One entry per row of the segments, in order.
        fill : scalar
            For the caller's rows that no prepared row stands for.

        Returns
        -------
        ndarray of shape (n_rows, ...)

        Examples
        --------
        >>> pairs = Log((Run(np.zeros((1, 1)), ("a",)),), (3,), source=np.array([-1, 0, 0]))
        >>> pairs.expand(np.array([7.0]), np.nan).tolist()
        [nan, 7.0, 7.0]
        """
        if self.source is None:
            return per_row
        rows = np.full((self.n_rows, *per_row.shape[1:]), fill, dtype=per_row.dtype)
        known = self.source >= 0
        rows[known] = per_row[self.source[known]]
        return rows

    def restore(self, per_row: NDArray[Any]) -> Any:
        """Give one result per row back in the form the log came in.

        Parameters
        ----------
        per_row : ndarray of shape (n_rows, ...)
            One entry per row of the caller, runs in order.

        Returns
        -------
        ndarray, list of ndarray, or dict of ndarray
            As the caller's log: one array for one run, a list for a list, a dict for a dict.
        """
        if self.single:
            return per_row
        runs = np.split(per_row, np.cumsum(self.lengths)[:-1])
        return runs if self.keys is None else dict(zip(self.keys, runs, strict=True))

    def digest(self) -> str:
        """SHA-256 over column names, segment lengths and values, to recognise a fit's data."""
        digest = hashlib.sha256("\x1f".join(self.columns).encode())
        for segment in self.segments:
            digest.update(f"\x1e{len(segment)}:{segment.values.dtype.str}".encode())
            digest.update(np.ascontiguousarray(segment.values).data)
        return digest.hexdigest()


def split_at_gaps(run: Run, max_gap: float | None = None) -> list[Run]:
    """Cut a run where its time stamps jump, so that no window spans an interruption.

    Parameters
    ----------
    run : Run
        A run without ``time`` is returned whole.
    max_gap : float, optional
        Seconds; the default is ``GAP_STEPS`` times the median step.

    Raises
    ------
    InputError
        Time stamps that are missing, repeated, or out of order.
    """
    if run.time is None or len(run) < 2:
        return [run]
    time = run.time
    if np.isnat(time).any() if time.dtype.kind == "M" else not np.isfinite(time).all():
        raise InputError(f"run {run.name!r} has rows without a time stamp; remove those rows")
    seconds = (
        time.astype("datetime64[ns]").astype(np.int64) / 1e9 if time.dtype.kind == "M" else time
    )
    steps = np.diff(seconds)
    if (steps <= 0).any():
        row = int(np.argmax(steps <= 0)) + 1
        raise InputError(
            f"run {run.name!r}: the time stamp of row {row} is not later than the one before; "
            "sort the rows by time and remove duplicates"
        )
    limit = GAP_STEPS * float(np.median(steps)) if max_gap is None else max_gap
    cuts = np.flatnonzero(steps > limit) + 1
    edges = [0, *cuts.tolist(), len(run)]
    return [run.rows(start, stop) for start, stop in itertools.pairwise(edges)]


def true_stretches(flags: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Start (included) and stop (excluded) of each stretch of consecutive True.

    Examples
    --------
    >>> list(true_stretches(np.array([True, False, True, True])))
    [(0, 1), (2, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.view(np.int8), [0]))))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
