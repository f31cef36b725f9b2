"""Runs of sensor rows: checked once, and cut where recording was interrupted.

Everything behind this module sees only checked runs: finite floating-point values, named columns,
no gap inside. :mod:`dccad.inputs` brings what callers pass into this form.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError

FloatArray: TypeAlias = NDArray[np.floating[Any]]
OnMissing: TypeAlias = Literal["error", "interpolate"]

LARGEST = float(np.finfo(np.float32).max)
"""The network computes in single precision; a larger magnitude cannot be represented."""


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

    Examples
    --------
    >>> run = Run(np.zeros((4, 1)), columns=("torque",), onset=3)
    >>> run.labels.tolist()
    [0, 0, 0, 1]
    """

    values: FloatArray
    columns: tuple[str, ...]
    name: str = "log"
    time: NDArray[Any] | None = None
    units: tuple[str, ...] = ()
    fault: int | None = None
    onset: int | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def labels(self) -> NDArray[np.int8]:
        """0 / 1 per row: 1 from the onset on. For evaluation only."""
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
        return replace(self, values=self.values[start:stop], time=time, onset=onset)


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
    """

    segments: tuple[Run, ...]
    lengths: tuple[int, ...]
    keys: tuple[Any, ...] | None = None
    single: bool = True
    named: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the sensors, the same in every segment."""
        return self.segments[0].columns

    @property
    def n_rows(self) -> int:
        """Rows of all runs together."""
        return sum(self.lengths)

    def restore(self, per_row: NDArray[Any]) -> Any:
        """Give one result per row back in the form the log came in.

        Parameters
        ----------
        per_row : ndarray of shape (n_rows, ...)
            One entry per row, segments in order.

        Returns
        -------
        ndarray, list of ndarray, or dict of ndarray
            As the caller's log: one array for one run, a list for a list, a dict for a dict.
        """
        if self.single:
            return per_row
        parts = np.split(per_row, np.cumsum(self.lengths)[:-1])
        return parts if self.keys is None else dict(zip(self.keys, parts, strict=True))

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
        Seconds; the default is 1.5 times the median step.

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
    limit = 1.5 * float(np.median(steps)) if max_gap is None else max_gap
    cuts = np.flatnonzero(steps > limit) + 1
    edges = [0, *cuts.tolist(), len(run)]
    return [run.rows(start, stop) for start, stop in itertools.pairwise(edges)]


def describe_column_difference(expected: Sequence[str], found: Sequence[str]) -> str:
    """Say in a few words how two lists of column names differ.

    Examples
    --------
    >>> describe_column_difference(["a", "b"], ["b", "c"])
    "missing: 'a'; not expected: 'c'"
    >>> describe_column_difference(["a", "b"], ["b", "a"])
    "the order differs: 'b' stands where 'a' is expected"
    """
    missing = [name for name in expected if name not in set(found)]
    extra = [name for name in found if name not in set(expected)]
    parts = []
    if missing:
        parts.append(f"missing: {quote_names(missing)}")
    if extra:
        parts.append(f"not expected: {quote_names(extra)}")
    if not parts and len(expected) != len(found):
        parts.append(f"{len(found)} columns where {len(expected)} are expected")
    if not parts:
        here, there = next((f, e) for e, f in zip(expected, found, strict=True) if e != f)
        parts.append(f"the order differs: {here!r} stands where {there!r} is expected")
    return "; ".join(parts)


def quote_names(names: Sequence[str], most: int = 5) -> str:
    """A few names for a message, and how many more there are."""
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def refuse_non_finite(run: Run, on_missing: OnMissing = "error") -> None:
    """Refuse a run with NaN, infinite values, or values beyond single precision.

    Raises
    ------
    InputError
        How many there are, where the first one is, and the remedy.

    Examples
    --------
    >>> refuse_non_finite(Run(np.array([[1.0], [np.inf]]), ("a",)))
    Traceback (most recent call last):
    dccad.errors.InputError: run 'log' has infinite values (1 in 1 of 1 columns, first at row 1,
    column 'a'); remove or replace them
    """
    # min and max see NaN and infinity without a temporary array of the size of the log
    lowest, highest = float(np.min(run.values)), float(np.max(run.values))
    if lowest >= -LARGEST and highest <= LARGEST:
        return
    bad = ~(np.abs(run.values) <= LARGEST)
    row, column = (int(i) for i in np.argwhere(bad)[0])
    cell = run.values[row, column]
    where = (
        f"{int(bad.sum())} in {int(bad.any(axis=0).sum())} of {run.values.shape[1]} columns, "
        f"first at row {row}, column {run.columns[column]!r}"
    )
    if np.isnan(run.values).any():
        remedy = (
            "fill or drop them, or fit with on_missing='interpolate'"
            if on_missing == "error"
            else "the stretch is longer than interpolate_limit or starts the run: raise the "
            "limit, or drop these rows"
        )
        raise InputError(f"run {run.name!r} has NaN or infinite values ({where}); {remedy}")
    kind = "infinite values" if np.isinf(cell) else "values beyond single precision (3.4e38)"
    raise InputError(f"run {run.name!r} has {kind} ({where}); remove or replace them")


def fill_missing(run: Run, limit: int, causal: bool = False) -> Run:
    """Fill stretches of NaN of at most ``limit`` rows; longer ones stay for the refusal.

    Parameters
    ----------
    run : Run
    limit : int, in rows
    causal : bool
        Fill with the last value seen; otherwise linearly between neighbours.

    Examples
    --------
    >>> run = Run(np.array([[0.0], [np.nan], [4.0]]), ("a",))
    >>> fill_missing(run, 1).values.ravel().tolist()
    [0.0, 2.0, 4.0]
    >>> fill_missing(run, 1, causal=True).values.ravel().tolist()
    [0.0, 0.0, 4.0]
    """
    missing = np.isnan(run.values)
    if not missing.any():
        return run
    values = run.values.copy()
    rows = np.arange(len(run))
    for column in np.flatnonzero(missing.any(axis=0)):
        gaps = missing[:, column]
        known = rows[~gaps]
        if not known.size:
            continue
        if causal:
            last = np.maximum.accumulate(np.where(gaps, -1, rows))
            filled = np.where(last >= 0, values[np.maximum(last, 0), column], np.nan)
        else:
            filled = np.interp(rows, known, values[known, column])
        for start, stop in _stretches(gaps):
            if stop - start <= limit:
                values[start:stop, column] = filled[start:stop]
    return replace(run, values=values)


def _stretches(flags: NDArray[np.bool_]) -> Iterable[tuple[int, int]]:
    """Start and stop of each stretch of consecutive True.

    Examples
    --------
    >>> list(_stretches(np.array([True, False, True, True])))
    [(0, 1), (2, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.view(np.int8), [0]))))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
