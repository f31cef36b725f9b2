"""What callers pass as a log, brought into checked runs.

A log is an array, a data frame of any library (through narwhals), a :class:`~dccad.logs.runs.Run`,
or a list or dict of these: rows are time steps, columns are sensors.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.errors import ColumnNamesWarning, InputError, warn
from dccad.logs.missing import count_filled, fill_missing, refuse_non_finite
from dccad.logs.runs import FloatArray, Log, Reading, Run, split_at_gaps
from dccad.logs.wording import describe_column_difference, quote_names

AS_RECORDED = Reading()
"""Cut at gaps of the usual length; NaN is refused."""


def check_log(log: Any, reading: Reading = AS_RECORDED) -> Log:
    """Check a caller's log and cut it where recording was interrupted.

    Parameters
    ----------
    log : array-like, data frame, Run, or list or dict of these; or Log, which is returned
        Rows are time steps. A data frame's datetime column (or pandas ``DatetimeIndex``) is taken
        as the time, never as a sensor.
    reading : Reading

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
    if isinstance(log, Log):  # checked already: segments that were drawn from a row source
        return log
    runs, keys, single, named = _collect(log)
    first = runs[0]
    recorded: list[Run] = []
    segments: list[Run] = []
    for run in runs:
        if run.columns != first.columns:
            raise InputError(
                f"run {run.name!r} has other columns than run {first.name!r}: "
                + describe_column_difference(first.columns, run.columns)
            )
        if not len(run):
            raise InputError(f"run {run.name!r} is empty: 0 rows; pass at least one window of rows")
        cut = split_at_gaps(run, reading.max_gap)
        # each segment by itself: nothing is known across a gap
        filled = [
            fill_missing(segment, reading.on_missing, reading.fill_limit, reading.causal)
            for segment in cut
        ]
        if any(new is not old for new, old in zip(filled, cut, strict=True)):
            run = replace(run, values=np.concatenate([segment.values for segment in filled]))
        refuse_non_finite(run, reading.on_missing)
        recorded.extend(cut)
        segments.extend(filled)
    lengths = tuple(len(run) for run in runs)
    return Log(
        tuple(segments), lengths, keys, single, named, filled=count_filled(recorded, segments)
    )


def check_scoring_log(log: Any, columns: tuple[str, ...], named: bool, reading: Reading) -> Log:
    """Check a log to score, and that its sensors are those of the fit.

    Parameters
    ----------
    log : as in :func:`check_log`
    columns : tuple of str
        The columns of the fit.
    named : bool
        The fit's columns had names (a data frame); only then are names compared.
    reading : Reading

    Raises
    ------
    InputError
        Columns are missing, extra, in another order, or not as many as in the fit.

    Warns
    -----
    ColumnNamesWarning
        Only one of the two logs has column names, as scikit-learn warns.
    """
    checked = check_log(log, reading)
    check_sensors_of_fit(columns, named, checked.columns, checked.named)
    return checked


def check_sensors_of_fit(
    expected: tuple[str, ...], expected_named: bool, found: tuple[str, ...], found_named: bool
) -> None:
    """Check the sensors of a log to score, as :func:`check_scoring_log` does it."""
    check_same_sensors(expected, found, expected_named and found_named)
    if expected_named != found_named:
        warn(
            "X does not have valid feature names, but DCCA was fitted with feature names"
            if expected_named
            else "X has feature names, but DCCA was fitted without feature names",
            ColumnNamesWarning,
        )


def check_same_sensors(expected: tuple[str, ...], found: tuple[str, ...], named: bool) -> None:
    """Refuse other sensors than those of the fit with InputError; compare names if ``named``."""
    if named and found != expected:
        raise InputError(
            "The feature names should match those that were passed during fit "
            f"({describe_column_difference(expected, found)}); pass the {len(expected)} columns of "
            "the fit, in its order"
        )
    if len(found) != len(expected):
        raise InputError(
            f"X has {len(found)} features, but DCCA is expecting {len(expected)} features as "
            "input: pass the sensors of the fit"
        )


def _collect(log: Any) -> tuple[list[Run], tuple[Any, ...] | None, bool, bool]:
    """Bring the caller's log into a list of unchecked runs."""
    keys: tuple[Any, ...] | None = None
    single = False
    items: list[tuple[str, Any]]
    if isinstance(log, Mapping) and not hasattr(log, "toarray"):  # SciPy's dok format is a dict
        keys = tuple(log)
        items = [(str(key), item) for key, item in log.items()]
    elif isinstance(log, list | tuple) and log and all(_is_table(item) for item in log):
        items = [(f"run {position}", item) for position, item in enumerate(log)]
    else:
        single = True
        items = [("log", log)]
    if not items:
        raise InputError("the log holds no run; pass at least one run of sensor rows")
    runs = [_as_run(item, name) for name, item in items]
    return [run for run, _ in runs], keys, single, all(named for _, named in runs)


def _is_table(item: Any) -> bool:
    return isinstance(item, Run) or _is_frame(item) or getattr(item, "ndim", 0) == 2


def _is_frame(item: Any) -> bool:
    return hasattr(item, "columns") or hasattr(item, "column_names")


def _as_run(item: Any, name: str) -> tuple[Run, bool]:
    if isinstance(item, Run):
        return _checked_run(item), True
    if _is_frame(item):
        return _run_from_frame(item, name)
    values = _numeric(item, name)
    return Run(values, tuple(f"sensor_{i}" for i in range(values.shape[1])), name), False


def _checked_run(run: Run) -> Run:
    """The run with numeric values, if its columns and time stamps fit them."""
    values = _numeric(run.values, run.name)
    if len(run.columns) != values.shape[1]:
        raise InputError(
            f"run {run.name!r} names {len(run.columns)} columns but its rows have "
            f"{values.shape[1]}; name every column once"
        )
    if run.time is None:
        return replace(run, values=values, columns=tuple(run.columns))
    time = np.asarray(run.time)
    if time.shape != (len(values),) or time.dtype.kind not in "Mfiu":
        raise InputError(
            f"run {run.name!r} has time stamps of shape {time.shape} and type {time.dtype} for "
            f"{len(values)} rows; pass one datetime64 or number of seconds per row"
        )
    return replace(run, values=values, columns=tuple(run.columns), time=time)


def _numeric(values: Any, name: str) -> FloatArray:
    if hasattr(values, "toarray"):
        raise InputError(
            f"{name!r} is a sparse matrix; sensor rows are dense: pass the result of .toarray()"
        )
    if isinstance(values, str | os.PathLike):
        raise InputError(f"{name!r} is a path, {str(values)!r}; read the file and pass its rows")
    if isinstance(values, np.ma.MaskedArray):  # a masked cell is a missing one
        values = np.ma.filled(values.astype(np.float64), np.nan)
    try:
        array = np.asarray(values)
    except ValueError:  # rows of unequal length, or tables among other things
        raise InputError(
            f"{name!r} is a {type(values).__name__} of unlike items; pass rows of equal length, "
            "or a list of tables"
        ) from None
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
    if array.dtype.kind in "mM":
        raise InputError(
            f"{name!r} holds times ({array.dtype}); pass sensor values as numbers, and the time as "
            "a column of a data frame"
        )
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
        columns = {column.name: column for column in table.iter_columns()}
    except TypeError as error:
        raise InputError(
            f"{name!r} is a {type(frame).__name__}; needed is an array or an eager data frame "
            "(pandas, Polars or Arrow table)"
        ) from error
    except nw.exceptions.DuplicateError as error:
        names = [str(key) for key in frame.columns]
        twice = quote_names(sorted({key for key in names if names.count(key) > 1}))
        raise InputError(
            f"{name!r} has column names that occur more than once: {twice}; give every column its "
            "own name"
        ) from error
    stamps = [key for key, column in columns.items() if column.dtype in (nw.Datetime, nw.Date)]
    if len(stamps) > 1:
        raise InputError(
            f"{name!r} has several time columns: {quote_names(stamps)}; keep one, drop the others"
        )
    sensors = {key: _sensor(column) for key, column in columns.items() if key not in stamps}
    text = [str(key) for key, values in sensors.items() if values is None]
    if text:
        raise InputError(
            f"{name!r} has columns that hold no numbers: {quote_names(text)}; "
            "drop them or encode them as numbers"
        )
    if not sensors:
        raise InputError(f"{name!r} has no sensor column; pass at least one column of numbers")
    values = np.column_stack([values for values in sensors.values() if values is not None])
    time = None
    if stamps:
        time = columns[stamps[0]].to_numpy().astype("datetime64[ns]")
    elif index is not None and getattr(getattr(index, "dtype", None), "kind", "") == "M":
        # without the zone the stamps are UTC, which no clock change makes jump
        time = (index if index.tz is None else index.tz_convert(None)).to_numpy()
        time = time.astype("datetime64[ns]")
    named = all(isinstance(key, str) for key in sensors)
    return Run(values, tuple(str(key) for key in sensors), name, time), named


def _sensor(column: Any) -> NDArray[np.float64] | None:
    """A narwhals series as numbers, blank cells as NaN; None if it holds something else."""
    import narwhals as nw

    if column.dtype.is_numeric() or column.dtype == nw.Boolean:
        return np.asarray(column.cast(nw.Float64).to_numpy(), dtype=np.float64)
    if column.dtype == nw.Object:  # pandas' type for a column of numbers and None, among others
        try:
            return np.asarray(column.to_numpy(), dtype=np.float64)
        except (TypeError, ValueError):
            return None
    return None
