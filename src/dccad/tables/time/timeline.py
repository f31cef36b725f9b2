"""The time of a table's rows: order, duplicates, interval and gaps; a regular grid on request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError, ParameterError
from dccad.logs.runs import GAP_STEPS, FloatArray
from dccad.tables.options import Fill
from dccad.tables.time.daylight import show
from dccad.tables.time.grid import (
    Grid,
    Indices,
    Samples,
    Targets,
    fill_points,
    places_of,
    refuse_huge,
    stretches_of,
)

FILL_NAMES = {
    "hold": "the last value held",
    "linear": "values on the line between neighbours",
    "mean": "means since the grid point before",
}


@dataclass(frozen=True)
class Gap:
    """An interruption of a recording.

    Attributes
    ----------
    row : int
        First row after it, in the order of time.
    start, end : datetime64[ns] or float
        Stamps of the rows before and after.
    seconds : float
        Time between these.
    """

    row: int
    start: Any
    end: Any
    seconds: float


@dataclass(frozen=True)
class Timeline:
    """Rows in the order of time, one per instant.

    Attributes
    ----------
    order : ndarray of shape (n_kept,), int64, or None
        Which row of the table stands where; None: all rows as they are.
    instants : ndarray of shape (n_kept,)
        Strictly increasing.
    interval : float or None
        Median step in seconds; None for fewer than two rows.
    gaps : tuple of Gap
        Steps longer than ``max_gap``.
    notes : tuple of str
        What was found and decided, one short sentence each.
    """

    order: Indices | None
    instants: NDArray[Any]
    interval: float | None
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()


def arrange(instants: NDArray[Any], *, max_gap: float | None, source: str) -> Timeline:
    """Bring rows into the order of time, and measure their steps.

    Rows out of order are sorted. Of rows with the same stamp the last one in the table counts, as
    a correction that overwrites; the others are left out.

    Parameters
    ----------
    instants : ndarray of shape (n_rows,), datetime64 or float
        Floats are in seconds.
    max_gap : float or None
        Seconds; a longer step is a gap. None: 5 times the median step.
    source : str
        How messages begin: the file.

    Raises
    ------
    InputError
        A row without a time stamp.
    ParameterError
        ``max_gap`` is not above 0.

    Examples
    --------
    >>> timeline = arrange(np.array([0.0, 10.0, 5.0, 5.0, 60.0]), max_gap=None, source="log.csv")
    >>> timeline.order.tolist(), timeline.interval
    ([0, 3, 1, 4], 5.0)
    >>> timeline.gaps
    (Gap(row=3, start=10.0, end=60.0, seconds=50.0),)
    >>> for note in timeline.notes:
    ...     print(note)
    2 rows are earlier than a row above them (first: row 2): all rows are sorted by time
    1 row repeats the stamp of another: the last one in the file counts
    1 gap longer than 25 s (5 times the median step): 50 s, from 10 to 60
    steps are irregular: 66.7 % are within 1 % of the median, 5 s
    """
    check_max_gap(max_gap)
    stamps = _numbers(instants, source)
    order, notes = _order(stamps)
    if order is not None:
        stamps, instants = stamps[order], instants[order]
    if len(stamps) < 2:
        return Timeline(order, instants, None, (), tuple(notes))
    second = _second(instants)
    steps = np.diff(stamps)
    median = float(np.median(steps))
    interval = median / second
    even = float(np.mean(np.abs(steps - median) <= 0.01 * median))
    limit = GAP_STEPS * median if max_gap is None else max_gap * second
    rows = np.flatnonzero(steps > limit) + 1
    gaps = tuple(
        Gap(row, start, end, seconds)
        for row, start, end, seconds in zip(
            rows.tolist(),
            _scalars(instants[rows - 1]),
            _scalars(instants[rows]),
            (steps[rows - 1] / second).tolist(),
            strict=True,
        )
    )
    if gaps:
        longest = max(gaps, key=lambda gap: gap.seconds)
        which = "" if len(gaps) == 1 else "; the longest lasts"
        notes.append(
            f"{_count(len(gaps), 'gap')} longer than {limit / second:.10g} s"
            + (f" ({GAP_STEPS} times the median step)" if max_gap is None else "")
            + (f"{which}" or ":")
            + f" {longest.seconds:.10g} s, from {show_instant(longest.start)} to "
            + show_instant(longest.end)
        )
    if even < 0.99:
        notes.append(
            f"steps are irregular: {100 * even:.3g} % are within 1 % of the median, "
            f"{interval:.10g} s"
        )
    return Timeline(order, instants, interval, gaps, tuple(notes))


def resample(
    values: FloatArray,
    instants: NDArray[Any],
    *,
    interval: float,
    fill: Fill,
    max_gap: float | None,
) -> tuple[FloatArray, NDArray[Any], list[str]]:
    """Bring rows onto a regular grid: the multiples of the interval.

    Grid points are counted from 1970-01-01 for datetimes and from 0 for seconds, and lie between
    the first and the last row of a stretch without gap. "hold" takes the last value at or before
    the grid point, "linear" the line between the values around it, "mean" the mean of the values
    after the grid point before (where there are none: as "hold"). "hold" and "mean" look back only.

    Nothing is taken across a gap: there the grid has no rows, and its stamps jump. NaN counts as
    no value of that sensor: "hold" takes the last value that is at most ``max_gap`` old, "linear"
    values at most ``max_gap`` apart; NaN is what remains where there is none.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_sensors), float
    instants : ndarray of shape (n_rows,), datetime64 or float
        Strictly increasing (:func:`arrange`); floats are in seconds.
    interval : float
        Seconds between grid points, a whole number of nanoseconds for datetimes.
    fill : {"hold", "linear", "mean"}
    max_gap : float or None
        Seconds; a longer step between rows is a gap. None: 5 times the median step, or 5 times
        the interval if that is longer, so that what is not filled is also wide enough to
        interrupt a run.

    Returns
    -------
    values : ndarray of shape (n_points, n_sensors), dtype of ``values``
    instants : ndarray of shape (n_points,)
    notes : list of str

    Raises
    ------
    InputError
        No grid point lies within the recording, or the grid would be far larger than the table.
    ParameterError
        An interval, ``max_gap`` or fill that there is not.

    Examples
    --------
    >>> values, instants, notes = resample(
    ...     np.array([[1.0], [2.0], [4.0]]), np.array([0.0, 0.9, 2.1]),
    ...     interval=1.0, fill="hold", max_gap=None)
    >>> values.ravel().tolist(), instants.tolist()
    ([1.0, 2.0, 2.0], [0.0, 1.0, 2.0])
    >>> notes
    ['resampled to 3 rows every 1 s, the last value held']
    """
    check_fill(fill)
    check_max_gap(max_gap)
    datetimes = instants.dtype.kind == "M"
    instants = instants.astype("datetime64[ns]" if datetimes else np.float64)
    grid = Grid(interval, datetimes)
    stamps = _numbers(instants, "log")
    second = _second(instants)
    steps = np.diff(stamps)
    if max_gap is None:
        limit = GAP_STEPS * max(float(np.median(steps)) if steps.size else 0.0, interval * second)
    else:
        limit = max_gap * second
    below, above = grid.neighbours(instants)
    spans, stretch = stretches_of(below, above, np.flatnonzero(steps > limit) + 1)
    n_points = sum(stop - start for start, stop in spans)
    if not n_points:
        raise InputError(
            f"resampling to {interval:.10g} s leaves no row of a log of {len(stamps)} rows over "
            f"{_lasts(stamps) / second:.10g} s; choose a shorter interval"
        )
    refuse_huge(n_points, values.shape[1], values.size, interval)
    targets = targets_of(grid, spans)
    samples = Samples(below, above, stamps, stretch)
    places = places_of(samples, targets)
    filled = np.empty((n_points, values.shape[1]), dtype=values.dtype)
    for sensor, column in enumerate(values.T):
        known = ~np.isnan(column)
        if known.all():
            own = column, samples, places
        else:
            own = column[known], samples.keep(known), places.keep(known)
        filled[:, sensor] = fill_points(*own, targets, fill, limit)
    notes = [f"resampled to {_count(n_points, 'row')} every {interval:.10g} s, {FILL_NAMES[fill]}"]
    if len(spans) > 1:
        notes.append(
            f"nothing is filled across {_count(len(spans) - 1, 'gap')} longer than "
            f"{limit / second:.10g} s"
        )
    return filled, grid.instants(targets.index), notes


def targets_of(grid: Grid, spans: list[tuple[int, int]]) -> Targets:
    """All grid points of some stretches (:func:`dccad.tables.time.grid.stretches_of`)."""
    index = np.concatenate([np.arange(start, stop) for start, stop in spans])
    number = np.repeat(np.arange(len(spans)), [stop - start for start, stop in spans])
    instants = grid.instants(index)
    return Targets(index, instants.view(np.int64) if grid.datetimes else instants, number)


def show_instant(instant: Any) -> str:
    """Write a stamp for people.

    Examples
    --------
    >>> show_instant(np.datetime64("2020-03-09T10:14:33.500000000")), show_instant(12.5)
    ('2020-03-09 10:14:33.5', '12.5')
    """
    if not isinstance(instant, np.datetime64):
        return f"{float(instant):.10g}"
    return show(int(instant.astype("datetime64[ns]").astype(np.int64)))


def check_fill(fill: str) -> None:
    """Refuse a way of filling that there is not."""
    if fill not in FILL_NAMES:
        raise ParameterError(f"fill is {fill!r}; it needs to be one of hold, linear, mean")


def check_max_gap(max_gap: float | None) -> None:
    """Refuse a gap that is no time."""
    if max_gap is not None and not 0 < max_gap < np.inf:
        raise ParameterError(f"max_gap is {max_gap!r}; it needs to be a number of seconds above 0")


def _numbers(instants: NDArray[Any], source: str) -> NDArray[Any]:
    """Stamps as numbers: nanoseconds or seconds."""
    if instants.dtype.kind == "M":
        missing = np.isnat(instants)
        stamps: NDArray[Any] = instants.astype("datetime64[ns]").view(np.int64)
    else:
        stamps = instants.astype(np.float64)
        missing = ~np.isfinite(stamps)
    if missing.any():
        row = int(np.argmax(missing))
        raise InputError(
            f"{source}: row {row} (counted from 0) has no time stamp; fill it in or remove the row"
        )
    return stamps


def _scalars(instants: NDArray[Any]) -> list[Any]:
    """Stamps one by one: datetime64, or plain floats."""
    return list(instants) if instants.dtype.kind == "M" else instants.tolist()


def _second(instants: NDArray[Any]) -> float:
    """A second in the unit of :func:`_numbers`."""
    return 1e9 if instants.dtype.kind == "M" else 1.0


def _order(stamps: NDArray[Any]) -> tuple[Indices | None, list[str]]:
    """Rows to take, and notes of those out of order and of repeated stamps."""
    steps = np.diff(stamps)
    if bool((steps > 0).all()):
        return None, []
    notes = []
    late = stamps[1:] < np.maximum.accumulate(stamps)[:-1]
    n_unsorted = int(np.count_nonzero(late))
    if n_unsorted:
        order = np.argsort(stamps, kind="stable")
        if bool((steps <= 0).all()):
            notes.append("the newest row comes first: all rows are sorted by time")
        else:
            verb = "row is" if n_unsorted == 1 else "rows are"
            notes.append(
                f"{n_unsorted} {verb} earlier than a row above "
                f"{'it' if n_unsorted == 1 else 'them'} (first: row {int(np.argmax(late)) + 1}): "
                "all rows are sorted by time"
            )
    else:
        order = np.arange(len(stamps))
    last = np.append(np.diff(stamps[order]) > 0, True)
    n_duplicates = int(len(last) - np.count_nonzero(last))
    if n_duplicates:
        verb = "row repeats" if n_duplicates == 1 else "rows repeat"
        notes.append(f"{n_duplicates} {verb} the stamp of another: the last one in the file counts")
    return order[last], notes


def _lasts(stamps: NDArray[Any]) -> float:
    return float(stamps[-1] - stamps[0]) if len(stamps) else 0.0


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
