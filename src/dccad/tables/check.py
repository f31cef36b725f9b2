"""What a log holds, on one page: rows, runs, interval, gaps, sensors, a window to start with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError
from dccad.logs.runs import STUCK, FloatArray, Run, split_at_gaps
from dccad.logs.wording import describe_column_difference, show_stamp
from dccad.tables.reader import Tables

NEARLY_EMPTY = 0.9
"""Share of missing cells from which a sensor is reported as nearly empty."""

USUAL_WINDOW, LONGEST_WINDOW = 30, 200
"""Rows of the window that is suggested for fast and for slow processes."""

_CHUNK = 1 << 16
_ROWS_FOR_WINDOW = 1 << 15


def check_log_tables(tables: Tables, max_gap: float | None = None) -> dict[str, Any]:
    r"""Summarise the runs of one or more tables.

    Parameters
    ----------
    tables : Tables
        From :func:`dccad.datasets.read_tables`.
    max_gap : float, optional
        Seconds; as in :func:`dccad.logs.runs.split_at_gaps`.

    Returns
    -------
    dict
        ``rows``, ``runs`` (name, rows, start, end, stretches), ``interval`` (s), ``gaps``,
        ``sensors`` (name, unit, min, max, mean, missing as a share, infinite as a count, ``stuck``,
        ``nearly_empty``), ``stuck`` and ``nearly_empty`` (names), ``labels``,
        ``suggested_window`` (rows, or None where no stretch is long enough), ``notes``,
        ``tables`` (what was read, as :class:`~dccad.tables.TableSummary`).

    Raises
    ------
    InputError
        The runs differ in their columns.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from dccad.datasets import read_tables
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "pump.csv"
    ...     _ = file.write_text("flow,level\n1,5\n3,5\n,5\n")
    ...     report = check_log_tables(read_tables(file))
    >>> report["stuck"], report["sensors"][0]["mean"], round(report["sensors"][0]["missing"], 4)
    (['level'], 2.0, 0.3333)
    """
    runs = list(tables.runs.values())
    for run in runs[1:]:
        if run.columns != runs[0].columns:
            raise InputError(
                f"run {run.name!r} has other columns than run {runs[0].name!r}: "
                + describe_column_difference(runs[0].columns, run.columns)
                + "; check them one by one, or choose the same with --columns"
            )
    sensors = describe_sensors(runs)
    first = tables.summaries[0]
    stretches = [part for run in runs for part in split_at_gaps(run, max_gap)]
    intervals = [table.interval for table in tables.summaries if table.interval is not None]
    return {
        "rows": sum(len(run) for run in runs),
        "runs": [_describe_run(run, max_gap) for run in runs],
        "interval": float(np.median(intervals)) if intervals else None,
        "gaps": [gap for table in tables.summaries for gap in table.gaps],
        "sensors": sensors,
        "stuck": [sensor["name"] for sensor in sensors if sensor["stuck"]],
        "nearly_empty": [sensor["name"] for sensor in sensors if sensor["nearly_empty"]],
        "labels": list(first.labels),
        "suggested_window": suggest_window(stretches),
        "notes": [note for table in tables.summaries for note in table.notes],
        "tables": [table.as_record() for table in tables.summaries],
    }


def describe_sensors(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Range, mean and missing cells of each sensor over all runs, in chunks of bounded memory.

    Examples
    --------
    >>> [flow] = describe_sensors([Run(np.array([[1.0], [np.nan], [3.0]]), ("flow",))])
    >>> flow["min"], flow["max"], round(flow["missing"], 3), flow["stuck"]
    (1.0, 3.0, 0.333, False)
    """
    n = len(runs[0].columns)
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    total, known, infinite = np.zeros(n), np.zeros(n, np.int64), np.zeros(n, np.int64)
    for run in runs:
        for start in range(0, len(run), _CHUNK):
            part = run.values[start : start + _CHUNK].astype(np.float64)
            finite = np.isfinite(part)
            low = np.minimum(low, np.where(finite, part, np.inf).min(axis=0))
            high = np.maximum(high, np.where(finite, part, -np.inf).max(axis=0))
            total += np.where(finite, part, 0.0).sum(axis=0)
            known += finite.sum(axis=0)
            infinite += np.isinf(part).sum(axis=0)
    n_rows = sum(len(run) for run in runs)
    missing = 1 - (known + infinite) / n_rows
    magnitude = np.maximum(np.abs(low), np.abs(high))
    units = runs[0].units or ("",) * n
    return [
        {
            "name": name,
            "unit": units[i],
            "min": float(low[i]) if known[i] else None,
            "max": float(high[i]) if known[i] else None,
            "mean": float(total[i] / known[i]) if known[i] else None,
            "missing": float(missing[i]),
            "infinite": int(infinite[i]),
            "stuck": bool(known[i] and high[i] - low[i] <= STUCK * magnitude[i]),
            "nearly_empty": bool(missing[i] >= NEARLY_EMPTY),
        }
        for i, name in enumerate(runs[0].columns)
    ]


def suggest_window(stretches: Sequence[Run]) -> int | None:
    """Rows of a window to start with.

    Twice the lag at which the autocorrelation of the median sensor has fallen to 1/e, rounded up
    to tens, from 30 to 200; at most a tenth of the longest stretch without interruption.

    Returns
    -------
    int or None
        None where the longest stretch has fewer than 80 rows.

    Examples
    --------
    >>> slow = np.sin(np.arange(4000) / 60)[:, None]
    >>> fast = np.random.default_rng(0).normal(size=(4000, 1))
    >>> suggest_window([Run(slow, ("a",))]), suggest_window([Run(fast, ("a",))])
    (150, 30)
    """
    longest = max(stretches, key=len)
    most = len(longest) // 10
    if most < 8:
        return None
    rows = longest.values[:_ROWS_FOR_WINDOW].astype(np.float64)
    lags = [lag for column in rows.T if (lag := _correlation_rows(column)) is not None]
    wanted = -(-2 * int(np.median(lags)) // 10) * 10 if lags else USUAL_WINDOW
    window = min(max(wanted, USUAL_WINDOW), LONGEST_WINDOW)
    return window if window <= most else max(most // 4 * 4, 8)


def _correlation_rows(column: NDArray[np.float64]) -> int | None:
    """Lag at which the autocorrelation falls below 1/e; None for a sensor that does not move."""
    finite = np.isfinite(column)
    if not finite.any():
        return None
    centred = np.where(finite, column - column[finite].mean(), 0.0)
    if not centred.any():
        return None
    size = 2 * len(centred)
    spectrum = np.abs(np.fft.rfft(centred, size)) ** 2
    correlation: FloatArray = np.fft.irfft(spectrum, size)[: len(centred)]
    below = correlation < correlation[0] / np.e
    return int(np.argmax(below)) if below.any() else len(column)


def _describe_run(run: Run, max_gap: float | None) -> dict[str, Any]:
    stamped = run.time is not None and len(run) > 0
    return {
        "name": run.name,
        "rows": len(run),
        "start": show_stamp(run.time[0]) if stamped and run.time is not None else None,
        "end": show_stamp(run.time[-1]) if stamped and run.time is not None else None,
        "stretches": len(split_at_gaps(run, max_gap)),
    }
