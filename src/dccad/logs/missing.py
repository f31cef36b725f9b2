"""Missing values: refused with a table of where, or filled by a stated rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError, MissingValuesError
from dccad.logs.runs import FloatArray, OnMissing, Run, true_stretches

LARGEST = float(np.finfo(np.float32).max)
"""The network computes in single precision; a larger magnitude cannot be represented."""

_BLOCK_ROWS = 1 << 16
"""Rows that are checked together, so that a large log is checked without a copy of it."""


def refuse_non_finite(run: Run, on_missing: OnMissing = "error", first_row: int = 0) -> None:
    """Refuse a run with infinite values, values beyond single precision, or NaN.

    Parameters
    ----------
    run : Run
        Already filled, where filling was asked for.
    on_missing : {"error", "interpolate", "hold", "drop"}
        With "drop" NaN may stay: :mod:`dccad.logs.preparation.pipeline` leaves out its rows.
    first_row : int
        Row number of the first row in messages, where ``run`` was cut out of a longer run.

    Raises
    ------
    MissingValuesError
        There is NaN; ``table`` says where.
    InputError
        A value is infinite or too large; says how many are, where the first one is, and what to do.

    Examples
    --------
    >>> refuse_non_finite(Run(np.array([[1.0], [np.inf]]), ("a",)))
    Traceback (most recent call last):
    dccad.errors.InputError: run 'log' has infinite values (1 in 1 of 1 columns, first at row 1,
    column 'a'); remove or replace them
    """
    starts = range(0, len(run), _BLOCK_ROWS)
    if all(_usable(run.values[start : start + _BLOCK_ROWS]).all() for start in starts):
        return
    missing = np.isnan(run.values)
    if missing.any() and on_missing != "drop":
        _refuse_missing(run, missing, on_missing, first_row)
    bad = ~_usable(run.values) & ~missing
    if not bad.any():
        return
    kind = (
        "infinite values"
        if np.isinf(run.values[bad][0])
        else "values beyond single precision (3.4e38)"
    )
    where = _where(run, bad, first_row)
    raise InputError(f"run {run.name!r} has {kind} ({where}); remove or replace them")


def tabulate_missing(run: Run, first_row: int = 0) -> list[dict[str, Any]]:
    """Where a run has NaN, the sensor with the most first; rows are counted from ``first_row``.

    Examples
    --------
    >>> run = Run(np.array([[0.0], [np.nan], [np.nan], [1.0]]), ("flow",), "week 1")
    >>> tabulate_missing(run)
    [{'run': 'week 1', 'sensor': 'flow', 'missing': 2, 'share': 0.5, 'first_row': 1, 'longest': 2}]
    """
    missing = np.isnan(run.values)
    table = []
    for column in np.flatnonzero(missing.any(axis=0)):
        flags = missing[:, column]
        table.append(
            {
                "run": run.name,
                "sensor": run.columns[column],
                "missing": int(flags.sum()),
                "share": float(flags.mean()),
                "first_row": first_row + int(np.argmax(flags)),
                "longest": max(stop - start for start, stop in true_stretches(flags)),
            }
        )
    return sorted(table, key=lambda row: -row["missing"])


def fill_missing(run: Run, on_missing: OnMissing, limit: int, causal: bool = False) -> Run:
    """Fill stretches of NaN of at most ``limit`` rows; longer ones stay for the refusal.

    Parameters
    ----------
    run : Run
    on_missing : {"error", "interpolate", "hold", "drop"}
        "interpolate" fills linearly between neighbours, "hold" with the last value seen; the
        others fill nothing.
    limit : int, in rows
    causal : bool
        Interpolation, too, takes the last value seen, so that no row sees its future.

    Examples
    --------
    >>> run = Run(np.array([[0.0], [np.nan], [4.0]]), ("a",))
    >>> fill_missing(run, "interpolate", 1).values.ravel().tolist()
    [0.0, 2.0, 4.0]
    >>> fill_missing(run, "hold", 1).values.ravel().tolist()
    [0.0, 0.0, 4.0]
    """
    if on_missing not in ("interpolate", "hold"):
        return run
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
        if causal or on_missing == "hold":
            last = np.maximum.accumulate(np.where(gaps, -1, rows))
            filled = np.where(last >= 0, values[np.maximum(last, 0), column], np.nan)
        else:
            filled = np.interp(rows, known, values[known, column])
        for start, stop in true_stretches(gaps):
            if stop - start <= limit:
                values[start:stop, column] = filled[start:stop]
    return replace(run, values=values)


def count_filled(before: Sequence[Run], after: Sequence[Run]) -> dict[str, int]:
    """Cells that were NaN and are not any more, per sensor that has some."""
    counts = np.zeros(len(before[0].columns), dtype=np.int64)
    for old, new in zip(before, after, strict=True):
        if new is not old:
            counts += (np.isnan(old.values) & ~np.isnan(new.values)).sum(axis=0)
    return {
        name: int(count) for name, count in zip(before[0].columns, counts, strict=True) if count
    }


def count_missing(runs: Iterable[Run]) -> int:
    """Cells without a value.

    Examples
    --------
    >>> count_missing([Run(np.array([[1.0], [np.nan]]), ("flow",))])
    1
    """
    return sum(int(np.isnan(run.values).sum()) for run in runs)


def _usable(values: FloatArray) -> NDArray[np.bool_]:
    """Finite and within single precision; NaN and infinity compare as False."""
    return np.abs(values) <= LARGEST


def _where(run: Run, flags: NDArray[np.bool_], first_row: int) -> str:
    row, column = (int(i) for i in np.argwhere(flags)[0])
    return (
        f"{int(flags.sum())} in {int(flags.any(axis=0).sum())} of {flags.shape[1]} columns, "
        f"first at row {first_row + row}, column {run.columns[column]!r}"
    )


def _refuse_missing(
    run: Run, missing: NDArray[np.bool_], on_missing: OnMissing, first_row: int
) -> None:
    if on_missing == "error":
        remedy = (
            "fill or leave out with on_missing='interpolate', 'hold' or 'drop' (command line: "
            "--on-missing)"
        )
    else:
        remedy = (
            "the stretch is longer than fill_limit or starts the run: raise the limit (command "
            "line: --fill-limit), or leave the rows out with on_missing='drop'"
        )
    empty = [
        name for name, flags in zip(run.columns, missing.T, strict=True) if len(run) and flags.all()
    ]
    if empty:
        shown = ", ".join(map(repr, empty[:5])) + (" …" if len(empty) > 5 else "")
        remedy = f"{shown} has no value at all: leave it out (command line: --drop); {remedy}"
    raise MissingValuesError(
        f"run {run.name!r} has missing values, NaN ({_where(run, missing, first_row)}); {remedy}",
        tabulate_missing(run, first_row),
    )
