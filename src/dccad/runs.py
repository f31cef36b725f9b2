"""Runs of sensor rows: what a log may be, checked once, and cut where recording was interrupted.

Everything behind this module sees only checked runs: finite floating-point values, named columns,
no gap inside. Everything in front of it may be an array, a data frame of any library, a
:class:`Run`, or a list or dict of these.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
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


def check_log(
    log: Any,
    *,
    max_gap: float | None = None,
    on_missing: OnMissing = "error",
    interpolate_limit: int = 5,
    causal: bool = False,
) -> Log:
    """Check a caller's log and cut it where recording was interrupted.

    Parameters
    ----------
    log : array-like, data frame, Run, or list or dict of these
        Rows are time steps. A data frame's datetime column (or pandas ``DatetimeIndex``) is taken
        as the time, never as a sensor.
    max_gap : float, optional
        A step in time longer than this (seconds) starts a new segment; the default is 1.5 times
        the run's median step.
    on_missing : {"error", "interpolate"}
        What to do with NaN; infinite values are always refused.
    interpolate_limit : int
        Longest stretch of NaN (rows) that is filled.
    causal : bool
        Fill with the last value seen instead of interpolating, so that no row sees its future.

    Returns
    -------
    Log

    Raises
    ------
    InputError
        Names the run, row and column, what is needed and what to do.

    Examples
    --------
    >>> stamps = np.array([0.0, 1, 2, 60, 61])
    >>> log = check_log(Run(np.zeros((5, 2)), ("a", "b"), time=stamps))
    >>> [len(segment) for segment in log.segments]
    [3, 2]
    """
    runs, keys, single, named = _collect(log)
    first = runs[0]
    segments: list[Run] = []
    for run in runs:
        if run.columns != first.columns:
            raise InputError(
                f"run {run.name!r} has other columns than run {first.name!r}: "
                + describe_column_difference(first.columns, run.columns)
            )
        if not len(run):
            raise InputError(f"run {run.name!r} is empty: 0 rows; pass at least one window of rows")
        run = _fill_missing(run, interpolate_limit, causal) if on_missing == "interpolate" else run
        _refuse_non_finite(run, on_missing)
        segments.extend(split_at_gaps(run, max_gap))
    return Log(tuple(segments), tuple(len(run) for run in runs), keys, single, named)


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
    seconds = time.astype("datetime64[ns]").astype(np.int64) / 1e9 if time.dtype.kind == "M" else time
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
    return [run.rows(start, stop) for start, stop in zip(edges[:-1], edges[1:], strict=True)]


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
        parts.append(f"missing: {_quote(missing)}")
    if extra:
        parts.append(f"not expected: {_quote(extra)}")
    if not parts and len(expected) != len(found):
        parts.append(f"{len(found)} columns where {len(expected)} are expected")
    if not parts:
        here, there = next((f, e) for e, f in zip(expected, found, strict=True) if e != f)
        parts.append(f"the order differs: {here!r} stands where {there!r} is expected")
    return "; ".join(parts)


def _quote(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _collect(log: Any) -> tuple[list[Run], tuple[Any, ...] | None, bool, bool]:
    """Bring the caller's log into a list of unchecked runs."""
    keys: tuple[Any, ...] | None = None
    single = False
    items: list[tuple[str, Any]]
    if isinstance(log, Mapping):
        keys = tuple(log)
        items = [(str(key), item) for key, item in log.items()]
    elif isinstance(log, list | tuple) and log and all(_is_table(item) for item in log):
        items = [(f"run {position}", item) for position, item in enumerate(log)]
    else:
        single = True
        items = [("log", log)]
    if not items:
        raise InputError("the log holds no run; pass at least one run of sensor rows")
    parts = [_as_run(item, name) for name, item in items]
    return [run for run, _ in parts], keys, single, all(named for _, named in parts)


def _is_table(item: Any) -> bool:
    return isinstance(item, Run) or _is_frame(item) or getattr(item, "ndim", 0) == 2


def _is_frame(item: Any) -> bool:
    return hasattr(item, "columns") or hasattr(item, "column_names")


def _as_run(item: Any, name: str) -> tuple[Run, bool]:
    if isinstance(item, Run):
        return replace(item, values=_numeric(item.values, item.name)), True
    if _is_frame(item):
        return _run_from_frame(item, name)
    values = _numeric(item, name)
    return Run(values, tuple(f"sensor_{i}" for i in range(values.shape[1])), name), False


def _numeric(values: Any, name: str) -> FloatArray:
    if hasattr(values, "toarray"):
        raise InputError(
            f"{name!r} is a sparse matrix; sensor rows are dense: pass the result of .toarray()"
        )
    array = np.asarray(values)
    if array.ndim != 2:
        raise InputError(
            f"{name!r} has shape {array.shape}; needed is a table of rows (time steps) × sensors. "
            "Reshape your data: a single sensor is X.reshape(-1, 1), several runs are a list"
        )
    if array.shape[1] == 0:
        raise InputError(
            f"{name!r} has 0 feature(s) (shape={array.shape}) while a minimum of 1 is required: "
            "pass at least one sensor column"
        )
    if array.dtype.kind == "c":
        raise InputError(f"Complex data not supported: {name!r} must hold real numbers")
    if array.dtype.kind not in "fiub":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            row, column, cell = _first_text_cell(array)
            raise InputError(
                f"{name!r} holds text at row {row}, column {column}: {cell!r}; "
                "drop that column or encode it as numbers"
            ) from None
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def _first_text_cell(array: NDArray[Any]) -> tuple[int, int, Any]:
    for row, column in np.ndindex(*array.shape):
        try:
            float(array[row, column])
        except (TypeError, ValueError):
            return row, column, array[row, column]
    return 0, 0, array.flat[0]


def _run_from_frame(frame: Any, name: str) -> tuple[Run, bool]:
    import narwhals as nw

    # the index carries the time only in pandas; narwhals does not see it
    index = getattr(frame, "index", None)
    try:
        table = nw.from_native(frame, eager_only=True)
    except TypeError as error:
        raise InputError(
            f"{name!r} is a {type(frame).__name__}; needed is an array or an eager data frame "
            "(pandas, Polars or Arrow table)"
        ) from error
    schema = table.schema
    stamps = [column for column, dtype in schema.items() if dtype in (nw.Datetime, nw.Date)]
    if len(stamps) > 1:
        raise InputError(
            f"{name!r} has several time columns: {_quote(stamps)}; keep one and drop the others"
        )
    sensors = [column for column in table.columns if column not in stamps]
    text = [c for c in sensors if not (schema[c].is_numeric() or schema[c] == nw.Boolean)]
    if text:
        raise InputError(
            f"{name!r} has columns that hold no numbers: {_quote([str(c) for c in text])}; "
            "drop them or encode them as numbers"
        )
    if not sensors:
        raise InputError(f"{name!r} has no sensor column; pass at least one column of numbers")
    values = np.column_stack(
        [np.asarray(table[c].cast(nw.Float64).to_numpy(), dtype=np.float64) for c in sensors]
    )
    time = None
    if stamps:
        time = table[stamps[0]].to_numpy().astype("datetime64[ns]")
    elif index is not None and getattr(getattr(index, "dtype", None), "kind", "") == "M":
        time = index.to_numpy().astype("datetime64[ns]")
    named = all(isinstance(column, str) for column in sensors)
    columns = tuple(str(column) for column in sensors)
    return Run(values, columns, name, time), named


def _refuse_non_finite(run: Run, on_missing: OnMissing) -> None:
    # min and max see NaN and infinity without a temporary array of the size of the log
    lowest, highest = float(np.min(run.values)), float(np.max(run.values))
    if -LARGEST <= lowest and highest <= LARGEST:
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


def _fill_missing(run: Run, limit: int, causal: bool) -> Run:
    """Fill stretches of NaN of at most ``limit`` rows; longer ones stay for the refusal."""
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
