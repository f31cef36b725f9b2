"""Bring values onto the points of a regular grid: held, on a line, or averaged.

Works on one series at a time, for tables whose rows share their stamps and for historian exports
in which every tag has its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError, ParameterError
from dccad.tables.options import Fill

Indices = NDArray[np.int64]

_SNAP = 1e-6
"""Share of the interval by which stamps in seconds may miss a grid point for rounding's sake."""
_MOST_VALUES = 2 * 10**9


@dataclass(frozen=True)
class Grid:
    """The multiples of an interval: since 1970 for datetimes, since 0 for seconds.

    Attributes
    ----------
    interval : float
        Seconds; for datetimes a whole number of nanoseconds is taken.
    datetimes : bool
        Stamps are datetime64[ns], else float64 in seconds.

    Examples
    --------
    >>> grid = Grid(0.5, datetimes=False)
    >>> below, above = grid.neighbours(np.array([0.1, 0.5, 1.4]))
    >>> below.tolist(), above.tolist(), grid.instants(above).tolist()
    ([0, 1, 2], [1, 1, 3], [0.5, 0.5, 1.5])
    """

    interval: float
    datetimes: bool

    def __post_init__(self) -> None:
        shortest, longest = (1e-9, 9e9) if self.datetimes else (0.0, np.inf)
        if not shortest <= self.interval < longest or self.interval == 0:
            raise ParameterError(
                f"the interval to resample to is {self.interval!r} s; it needs to be a number of "
                "seconds above 0" + (", for dates from 1e-9 to 9e9" if self.datetimes else "")
            )

    def neighbours(self, instants: NDArray[Any]) -> tuple[Indices, Indices]:
        """Indices of the last grid point at or before and the first at or after each instant."""
        if self.datetimes:
            stamps = instants.view(np.int64)
            below: Indices = stamps // self._step
            return below, below + (below * self._step != stamps)
        with np.errstate(over="ignore"):
            place = instants / self.interval
        if np.abs(place).max(initial=0.0) > 2**53:
            raise InputError(
                f"an interval of {self.interval:.10g} s is too short for stamps of "
                f"{np.abs(instants).max():.10g} s; choose a longer one with --resample"
            )
        nearest = np.rint(place)
        near = np.abs(place - nearest) <= _SNAP + 4 * np.spacing(np.abs(place))
        below = np.where(near, nearest, np.floor(place)).astype(np.int64)
        return below, np.where(near, below, below + 1)

    def instants(self, indices: Indices) -> NDArray[Any]:
        """Stamps of grid points."""
        stamps: NDArray[Any]
        if self.datetimes:
            stamps = (indices * self._step).view("datetime64[ns]")
            return stamps
        rate = float(np.rint(1 / self.interval))
        if rate > 1 and abs(rate * self.interval - 1) < 1e-12:
            stamps = indices / rate  # 0.3 instead of 3 × 0.1, which is a little more
        else:
            stamps = indices * self.interval
        return stamps

    @property
    def _step(self) -> int:
        return round(self.interval * 1e9)


@dataclass(frozen=True)
class Targets:
    """Points to bring values to, within stretches of a recording.

    Attributes
    ----------
    index : ndarray of shape (n_points,), int64, increasing
        Indices of grid points.
    time : ndarray of shape (n_points,)
        Their stamps as numbers in the unit of the samples' (nanoseconds or seconds).
    stretch : ndarray of shape (n_points,), int64
        Number of the stretch that each point lies in.
    """

    index: Indices
    time: NDArray[Any]
    stretch: Indices

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True)
class Samples:
    """What is known of a series, in the order of time.

    Attributes
    ----------
    below, above : ndarray of shape (n_samples,), int64
        Indices of the grid points around each sample (:meth:`Grid.neighbours`).
    time : ndarray of shape (n_samples,)
        Stamps as numbers.
    stretch : ndarray of shape (n_samples,), int64
        Number of the stretch that each sample lies in.
    """

    below: Indices
    above: Indices
    time: NDArray[Any]
    stretch: Indices

    def keep(self, rows: NDArray[np.bool_]) -> Samples:
        """A part of the samples."""
        return Samples(self.below[rows], self.above[rows], self.time[rows], self.stretch[rows])


@dataclass(frozen=True)
class Places:
    """For each target: the samples that its value comes from, as indices into the samples."""

    last: Indices  # the last one at or before the target, -1: none
    next: Indices  # the first one at or after the target, n_samples: none
    first: Indices  # the first one after the target before

    def keep(self, rows: NDArray[np.bool_]) -> Places:
        """The same places where only some of the samples are known."""
        known = np.concatenate(([0], np.cumsum(rows)))
        return Places(known[self.last + 1] - 1, known[self.next], known[self.first])


def stretches_of(
    below: Indices, above: Indices, cuts: Indices
) -> tuple[list[tuple[int, int]], Indices]:
    """Grid points within each stretch of samples.

    Parameters
    ----------
    below, above : ndarray of shape (n_samples,), int64
        Grid points around each sample.
    cuts : ndarray of int64
        Samples before which a new stretch begins.

    Returns
    -------
    list of (int, int)
        First grid point of each stretch and the one after its last.
    ndarray of shape (n_samples,), int64
        Number of the stretch of each sample.
    """
    starts = np.concatenate(([0], cuts))
    stops = np.concatenate((cuts, [len(below)]))
    spans = []
    reached = None
    for first, last in zip(above[starts].tolist(), below[stops - 1].tolist(), strict=True):
        first = first if reached is None else max(first, reached)
        spans.append((first, max(first, last + 1)))
        reached = spans[-1][1]
    return spans, np.repeat(np.arange(len(starts)), stops - starts)


def refuse_huge(
    n_points: int, n_columns: int, n_known: int, interval: float, source: str = ""
) -> None:
    """Refuse a grid so fine that its values would not fit into memory.

    Raises
    ------
    InputError
        More than 2e9 values, or more than a hundred times as many as there are.
    """
    wanted = n_points * n_columns
    if wanted > _MOST_VALUES or wanted > max(10**8, 100 * n_known):
        raise InputError(
            f"{source}{': ' if source else ''}a grid of {interval:.10g} s has {n_points} rows × "
            f"{n_columns} sensors, made from {n_known} values; choose a longer interval with "
            "--resample"
        )


def places_of(samples: Samples, targets: Targets) -> Places:
    """Find the samples around each target."""
    first = np.searchsorted(samples.above, targets.index, side="left")
    # a stretch begins anew: what lies before it in the same cell of the grid does not count
    begins = np.searchsorted(samples.stretch, targets.stretch, side="left")
    return Places(
        last=np.searchsorted(samples.above, targets.index, side="right") - 1,
        next=np.searchsorted(samples.below, targets.index, side="left"),
        first=np.maximum(first, begins),
    )


def fill_points(
    values: NDArray[np.floating[Any]],
    samples: Samples,
    places: Places,
    targets: Targets,
    fill: Fill,
    limit: float | None,
) -> NDArray[np.float64]:
    """Values of one series at the targets.

    Parameters
    ----------
    values : ndarray of shape (n_samples,), float
        Without NaN.
    samples, places, targets
        Where they are, and where they go.
    fill : {"hold", "linear", "mean"}
        The last value at or before the target; on the line between that and the first one at or
        after it; or the mean of the values since the target before, and if there are none the
        last value.
    limit : float or None
        Greatest age of a held value, and greatest distance of the ends of a line, in the unit of
        ``samples.time``; None: any.

    Returns
    -------
    ndarray of shape (n_points,), float64
        NaN where the stretch has no value that could be used.
    """
    if not len(values):
        return np.full(len(targets), np.nan)
    last = np.maximum(places.last, 0)
    usable = (places.last >= 0) & (samples.stretch[last] == targets.stretch)
    if fill == "linear":
        return _on_lines(values, samples, last, usable, places.next, targets, limit)
    if limit is not None:
        usable &= targets.time - samples.time[last] <= limit
    held = np.where(usable, values[last], np.nan)
    if fill == "mean":
        full = places.first <= places.last
        start, stop = places.first[full], places.last[full] + 1
        # sums of [start, stop), skipping what lies between; one more value for stop = n_samples
        edges = np.column_stack((start, stop)).ravel()
        padded = np.append(values.astype(np.float64), 0.0)
        with np.errstate(invalid="ignore"):  # infinite values of both signs
            sums = np.add.reduceat(padded, edges)[::2] if edges.size else np.empty(0)
        held[full] = sums / (stop - start)
    return held.astype(np.float64, copy=False)


def _on_lines(
    values: NDArray[np.floating[Any]],
    samples: Samples,
    last: Indices,
    usable: NDArray[np.bool_],
    following: Indices,
    targets: Targets,
    limit: float | None,
) -> NDArray[np.float64]:
    after = np.minimum(following, len(values) - 1)
    usable = usable & (following < len(values)) & (samples.stretch[after] == targets.stretch)
    exact = usable & (after <= last)  # a sample at the target itself
    span = (samples.time[after] - samples.time[last]).astype(np.float64)
    if limit is not None:
        usable &= span <= limit
    share = (targets.time - samples.time[last]) / np.where(span > 0, span, 1.0)
    share = np.clip(share, 0.0, 1.0)
    left, right = values[last].astype(np.float64), values[after].astype(np.float64)
    with np.errstate(invalid="ignore"):  # infinite neighbours
        line = left * (1 - share) + right * share
    return np.where(exact, left, np.where(usable, line, np.nan))
