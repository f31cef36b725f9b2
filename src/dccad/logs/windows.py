"""Runs to windows, and window results back to rows.

A window is ``length`` consecutive rows of one segment, sensors first. It stands for its last row
(causal): what is said of row t comes from rows t - length + 1 … t only.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError
from dccad.logs.runs import FloatArray, Run

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_APART = 1 << 40
"""Rows between segments in :attr:`WindowSet.timeline`: more than any log has."""


def slice_windows(rows: FloatArray, length: int, stride: int = 1) -> FloatArray:
    """Cut the rows of one segment into overlapping windows, sensors first.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_sensors)
        One row per instant.
    length, stride : int, in rows, at least 1

    Returns
    -------
    ndarray of shape (n_windows, n_sensors, length)
        A read-only view; n_windows = (n_rows - length) // stride + 1, or 0 if the rows are too few.

    Examples
    --------
    >>> rows = np.arange(10.0)[:, None] + 100 * np.arange(3)
    >>> windows = slice_windows(rows, length=4, stride=2)
    >>> windows.shape
    (4, 3, 4)
    >>> windows[1, 2].tolist()
    [202.0, 203.0, 204.0, 205.0]
    """
    if len(rows) < length:
        return np.empty((0, rows.shape[1], length), dtype=rows.dtype)
    return np.lib.stride_tricks.sliding_window_view(rows, length, axis=0)[::stride]


@dataclass(frozen=True)
class WindowSet:
    """All windows of several segments as views into one table of rows.

    Attributes
    ----------
    rows : Tensor of shape (n_rows, n_sensors), float32
        The scaled rows of all segments, one after another.
    starts : Tensor of shape (n_windows,), int64
        First row of each window; none starts where it would leave its segment.
    length : int
        Rows per window.
    stride : int
        Rows between consecutive windows of a segment.
    runs : Tensor of shape (n_windows,), int64, or None
        Segment of each window; None where all rows are one segment.

    Examples
    --------
    >>> rows = np.arange(7, dtype=np.float32)[:, None]
    >>> windows = WindowSet.of_table(rows, [4, 3], length=3)
    >>> windows.starts.tolist()          # no window spans rows 3 and 4
    [0, 1, 4]
    >>> import torch
    >>> windows[torch.tensor([2])].tolist()
    [[[4.0, 5.0, 6.0]]]
    """

    rows: Tensor
    starts: Tensor
    length: int
    stride: int = 1
    runs: Tensor | None = None

    @classmethod
    def of_table(
        cls, rows: NDArray[np.float32], segment_lengths: Sequence[int], length: int, stride: int = 1
    ) -> WindowSet:
        """Index the windows of segments that lie one after another in a table; without a copy."""
        import torch  # scoring an exported model needs this module, and no torch

        starts = window_starts(segment_lengths, length, stride)
        runs = np.searchsorted(np.cumsum(segment_lengths), starts, side="right")
        return cls(
            torch.from_numpy(rows), torch.from_numpy(starts), length, stride, torch.from_numpy(runs)
        )

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, indices: Tensor) -> Tensor:
        """Windows by index, shape (len(indices), n_sensors, length); copied only here."""
        n_rows, n_sensors = self.rows.shape
        if not self.rows.is_contiguous():
            return self.rows.unfold(0, self.length, 1)[self.starts[indices]]
        # the rows of a window are neighbours in memory, so that each window is copied at once
        shape = (n_rows - self.length + 1, self.length * n_sensors)
        every = self.rows.as_strided(shape, (n_sensors, 1), self.rows.storage_offset())
        chosen = every.index_select(0, self.starts[indices])
        return chosen.view(-1, self.length, n_sensors).transpose(1, 2)

    def to(self, device: torch.device) -> WindowSet:
        """The same windows with their rows on another device."""
        runs = None if self.runs is None else self.runs.to(device)
        return replace(self, rows=self.rows.to(device), starts=self.starts.to(device), runs=runs)

    def select(self, indices: Tensor) -> WindowSet:
        """Some of the windows, in the order of ``indices``."""
        runs = None if self.runs is None else self.runs[indices]
        return replace(self, starts=self.starts[indices], runs=runs)

    @property
    def timeline(self) -> Tensor:
        """First row of each window with the segments set far apart, shape (n_windows,), int64.

        Two windows lie k strides apart in it only within one segment. In the table itself the last
        window of a segment may lie just one stride before the next segment's first, where the
        stride is a window or longer.

        Examples
        --------
        >>> rows = np.zeros((8, 1), dtype=np.float32)
        >>> windows = WindowSet.of_table(rows, [4, 4], length=2, stride=2)
        >>> windows.starts.diff().tolist(), windows.timeline.diff().eq(2).tolist()
        ([2, 2, 2], [True, False, True])
        """
        return self.starts if self.runs is None else self.starts + self.runs * _APART


def window_starts(
    segment_lengths: Sequence[int], length: int, stride: int = 1
) -> NDArray[np.int64]:
    """First row of every window that lies within one segment.

    Parameters
    ----------
    segment_lengths : sequence of int
        Rows of each segment; segments follow one another in one table of rows.
    length, stride : int, in rows

    Returns
    -------
    ndarray of shape (n_windows,), int64
        Indices into the table, increasing.

    Examples
    --------
    >>> window_starts([5, 2, 4], length=3, stride=2).tolist()
    [0, 2, 7]
    """
    offsets = np.concatenate(([0], np.cumsum(segment_lengths)))
    parts = [
        np.arange(first, last - length + 1, stride, dtype=np.int64)
        for first, last in itertools.pairwise(offsets)
    ]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def windows_to_rows(
    values: NDArray[Any],
    starts: NDArray[np.int64],
    length: int,
    segment_lengths: Sequence[int],
    fill: Any = np.nan,
) -> NDArray[Any]:
    """Give every row the result of the latest window that ended at or before it.

    Parameters
    ----------
    values : ndarray of shape (n_windows, ...)
        One result per window.
    starts : ndarray of shape (n_windows,), int64
        As :func:`window_starts` returns them.
    length : int, in rows
    segment_lengths : sequence of int
        Rows of each segment.
    fill : scalar
        What the rows before the first full window of their segment get.

    Returns
    -------
    ndarray of shape (n_rows, ...)
        With stride 1 each row after the first ``length - 1`` of its segment has its own window;
        with a longer stride a row keeps the last result until the next window ends.

    Examples
    --------
    >>> starts = window_starts([5], length=2, stride=2)
    >>> windows_to_rows(np.array([1.0, 2.0]), starts, 2, [5]).tolist()
    [nan, 1.0, 1.0, 2.0, 2.0]
    """
    n_rows = int(sum(segment_lengths))
    rows = np.full((n_rows, *values.shape[1:]), fill, dtype=np.result_type(values, type(fill)))
    latest = np.full(n_rows, -1, dtype=np.int64)
    latest[starts + length - 1] = np.arange(len(starts))
    latest = np.maximum.accumulate(latest)
    # a window of an earlier segment says nothing about this one
    offsets = np.concatenate(([0], np.cumsum(segment_lengths)))[:-1]
    segment_start = np.repeat(offsets, segment_lengths)
    known = latest >= 0
    known[known] = starts[latest[known]] >= segment_start[known]
    rows[known] = values[latest[known]]
    return rows


def check_window_count(
    segments: Sequence[Run], length: int, needed: int = 1, stride: int = 1
) -> int:
    """Count the windows and refuse a log that has too few.

    Parameters
    ----------
    segments : sequence of Run
    length : int, in rows
    needed : int
        Fewest windows that will do (k-means needs one per cluster).
    stride : int, in rows

    Returns
    -------
    int
        Number of windows.

    Raises
    ------
    InputError
        Says how many rows or windows came and what to change.

    Examples
    --------
    >>> check_window_count([Run(np.zeros((5, 1)), ("a",))], length=4)
    2
    """
    longest = max(segments, key=len)
    if len(longest) < length:
        what = (
            f"run {longest.name!r} has {len(longest)} rows"
            if len(segments) == 1
            else f"the longest of {len(segments)} uninterrupted runs has {len(longest)} rows"
        )
        raise InputError(
            f"{what} but window={length} needs at least {length} (n_samples = {len(longest)}); "
            "shorten the window or pass more rows"
        )
    count = len(window_starts([len(segment) for segment in segments], length, stride))
    if count < needed:
        raise InputError(
            f"the log gives {count} windows of {length} rows, but n_clusters={needed} needs at "
            f"least {needed}; pass more rows, shorten the window or ask for fewer clusters"
        )
    return count


def join_windows(parts: Sequence[WindowSet]) -> WindowSet:
    """Join sets of windows of one length, one after another.

    All get the first set's stride. Windows of a set with another stride have no neighbours at this
    distance, so that what compares neighbours leaves them out.

    Examples
    --------
    >>> one = WindowSet.of_table(np.zeros((3, 1), dtype=np.float32), [3], 2)
    >>> join_windows([one, one]).starts.tolist()
    [0, 1, 3, 4]
    """
    import torch

    offsets = np.cumsum([0, *(len(part.rows) for part in parts)])[:-1].tolist()
    runs, n_runs = [], 0
    for part in parts:
        mine = torch.zeros_like(part.starts) if part.runs is None else part.runs
        runs.append(mine + n_runs)
        n_runs += int(mine.max()) + 1 if len(mine) else 0
    return WindowSet(
        torch.cat([part.rows for part in parts]),
        torch.cat([part.starts + offset for part, offset in zip(parts, offsets, strict=True)]),
        parts[0].length,
        parts[0].stride,
        torch.cat(runs),
    )


def normal_stretches(
    runs: Sequence[Run], starts: NDArray[np.int64], is_normal: NDArray[np.bool_], window: int
) -> list[Run]:
    """Rows of consecutive normal windows, as runs.

    Parameters
    ----------
    runs : sequence of Run
        What the windows were cut from, in order.
    starts : ndarray of shape (n_windows,)
        First row of each window in the table of all runs.
    is_normal : ndarray of shape (n_windows,), bool
    window : int, in rows

    Returns
    -------
    list of Run
        Every row of them is in a normal window.

    Examples
    --------
    >>> log = [Run(np.arange(8.0)[:, None], ("a",))]
    >>> starts, normal = np.arange(6), np.array([True, True, False, False, True, True])
    >>> [run.values.ravel().tolist() for run in normal_stretches(log, starts, normal, 3)]
    [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]]
    """
    offsets = np.cumsum([0, *(len(run) for run in runs)])
    windows = np.flatnonzero(is_normal)
    first = starts[windows]
    owner = np.searchsorted(offsets, first, side="right") - 1
    # windows that share a row are joined, and neighbours that only touch (stride = window)
    step = np.diff(first)
    joined = (step < window) | ((step == window) & (np.diff(windows) == 1))
    joined &= np.diff(owner) == 0
    stretches = np.split(np.arange(len(windows)), np.flatnonzero(~joined) + 1)
    return [
        runs[owner[stretch[0]]].rows(
            int(first[stretch[0]] - offsets[owner[stretch[0]]]),
            int(first[stretch[-1]] - offsets[owner[stretch[0]]]) + window,
        )
        for stretch in stretches
        if len(stretch)
    ]
