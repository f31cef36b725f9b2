"""Regions as named states of a plant: which are normal modes, their shares and their episodes.

An operating plant has several normal modes, so more than one region may be normal. States are
named in the order of the regions: "normal", "normal 2", … and "anomalous 1", "anomalous 2", ….
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dccad.logs.runs import Log, show_stamp

if TYPE_CHECKING:
    from dccad.method.regions.normal import RegionReport

REFERENCE_SHARE = 0.1
"""A region with at least this share of the reference-normal windows is a normal mode."""

DENSITY = 1.5
"""Without a reference, a further normal mode has at most this many times the normal spread, ..."""

LEAST_STAYS = 2
"""... and is visited at least so often: a plant comes back to its modes. What happened once, for
however long, is not called normal without rows that are known to be."""

MOST_EPISODES = 100
"""Episodes of a state, the longest ones, that a fit keeps."""

NO_STATE = ""
"""State of a row without a region, as before the first full window."""


def name_states(
    report: RegionReport,
    regions: NDArray[np.int64],
    starts: NDArray[np.int64],
    window: int,
    stride: int = 1,
    further: bool = True,
) -> RegionReport:
    """Decide which regions are normal modes, with the reason in words, and name all regions.

    With reference-normal windows, every region that holds at least ``REFERENCE_SHARE`` of them is
    a normal mode. Without, region 0 is one by
    :func:`dccad.method.regions.normal.find_normal_region`, and so is every further region that is
    about as dense (spread at most ``DENSITY`` times that of region 0), holds at least
    ``LEAST_SHARE`` of the windows, and is visited at least ``LEAST_STAYS`` times.

    Parameters
    ----------
    report : RegionReport
    regions : ndarray of shape (n_windows,), int
        Region of each fit window, numbered as in the report.
    starts : ndarray of shape (n_windows,), int
        First row of each fit window in the table of all runs, ascending.
    window, stride : int, in rows
    further : bool
        False: without a reference, region 0 alone is normal.

    Returns
    -------
    RegionReport
        With ``states``, one record per region: ``name``, ``region``, ``normal``, ``reason``.

    Examples
    --------
    >>> from dccad.method.regions.normal import RegionReport
    >>> report = RegionReport("densest of 3 regions", (0.5, 0.4, 0.1), (1.0, 1.2, 6.0))
    >>> regions = np.repeat([0, 1, 0, 1, 2], [30, 20, 20, 20, 10])
    >>> for state in name_states(report, regions, np.arange(100), window=5).states:
    ...     print(state["name"], "-", state["reason"])
    normal - densest of 3 regions
    normal 2 - 1.2 times the normal spread, 40% of the windows, 2 stays
    anomalous 1 - less dense than normal (6 times its spread); visited once
    """
    found: list[dict[str, Any]] = []
    for region in range(len(report.share)):
        normal, reason = _judge(report, region, regions, starts, window, stride, further)
        earlier = sum(state["normal"] == normal for state in found)
        name = f"anomalous {earlier + 1}"
        if normal:
            name = "normal" if not earlier else f"normal {earlier + 1}"
        found.append({"name": name, "region": region, "normal": normal, "reason": reason})
    return replace(report, states=tuple(found))


def _judge(
    report: RegionReport,
    region: int,
    regions: NDArray[np.int64],
    starts: NDArray[np.int64],
    window: int,
    stride: int,
    further: bool,
) -> tuple[bool, str]:
    """Whether a region is a normal mode, and why."""
    from dccad.method.regions.normal import LEAST_SHARE  # scoring needs this module, and no torch

    if report.reference_share is not None:
        held = report.reference_share[region]
        normal = region == 0 or held >= REFERENCE_SHARE
        needed = "" if normal else f"; a normal mode has {REFERENCE_SHARE:.0%}"
        return normal, f"holds {held:.0%} of the reference-normal windows{needed}"
    if region == 0:
        return True, report.rule
    spread, own = report.spread[0], report.spread[region]
    if spread is None or own is None:
        return False, "no window of the fit"
    ratio = own / spread if spread > 0 else (1.0 if own == spread else float("inf"))
    density = f"{ratio:.2g} times"
    if not further:
        return False, f"the other region ({density} the normal spread)"
    stays = count_stays(regions == region, starts, window, stride)
    missing = []
    if ratio > DENSITY:
        missing.append(f"less dense than normal ({density} its spread)")
    if report.share[region] < LEAST_SHARE:
        missing.append(f"rare ({report.share[region]:.1%} of the windows)")
    if stays < LEAST_STAYS:
        missing.append("visited once" if stays else "never lasts a window")
    if missing:
        return False, "; ".join(missing)
    return True, f"{density} the normal spread, {report.share[region]:.0%} of the windows, " + (
        f"{stays} stays"
    )


def count_stays(
    inside: NDArray[np.bool_], starts: NDArray[np.int64], window: int, stride: int = 1
) -> int:
    """How often a region is visited for at least the length of a window.

    Visits that are less than a window apart are one; a new run begins a new one.

    Parameters
    ----------
    inside : ndarray of shape (n_windows,), bool
    starts : ndarray of shape (n_windows,), int
        First row of each window in the table of all runs, ascending.
    window, stride : int, in rows

    Examples
    --------
    >>> inside = np.repeat([True, False, True, False, True, False, True], [6, 2, 4, 9, 8, 9, 2])
    >>> count_stays(inside, np.arange(40), window=5)     # 6 + 4, 8; the last is too short
    2
    """
    mine = starts[inside]
    if not len(mine):
        return 0
    # windows of two runs start at least a window apart
    apart = np.flatnonzero(np.diff(mine) >= max(window, 2 * stride)) + 1
    sizes = np.diff(np.concatenate(([0], apart, [len(mine)])))
    return int((sizes * stride >= window).sum())


@dataclass(frozen=True)
class RowTable:
    """Where each of the caller's rows stands: its run, its row in it, its time stamp.

    Attributes
    ----------
    run : ndarray of shape (n_rows,), int
        Position of the row's run among ``names``.
    row : ndarray of shape (n_rows,), int
        Row of the run, from 0.
    names : sequence of str
    time : ndarray of shape (n_rows,), optional
    """

    run: NDArray[np.int64]
    row: NDArray[np.int64]
    names: Sequence[str]
    time: NDArray[Any] | None = None

    @classmethod
    def of(cls, log: Log) -> RowTable:
        """Rows of a log; a prepared one knows the stamps of its prepared rows only.

        Examples
        --------
        >>> from dccad.logs.inputs import check_log
        >>> table = RowTable.of(check_log({"a": np.zeros((2, 1)), "b": np.zeros((3, 1))}))
        >>> table.run.tolist(), table.row.tolist(), table.names
        ([0, 0, 1, 1, 1], [0, 1, 0, 1, 2], ['a', 'b'])
        """
        run = np.repeat(np.arange(len(log.lengths)), log.lengths)
        starts = np.concatenate(([0], np.cumsum(log.lengths, dtype=np.int64)))[:-1]
        lengths = [len(segment) for segment in log.segments]
        behind = log.expand(np.arange(sum(lengths)), -1)
        names = [""] * len(log.lengths)  # of a run without a prepared row, nothing is told
        known = np.flatnonzero(behind >= 0)
        firsts = known[np.searchsorted(behind[known], np.cumsum([0, *lengths[:-1]]))]
        for segment, first in zip(log.segments, firsts, strict=True):
            names[run[first]] = segment.name
        stamps = [segment.time for segment in log.segments if segment.time is not None]
        time = None
        if len(stamps) == len(log.segments) and len({part.dtype.kind for part in stamps}) == 1:
            time = np.concatenate(stamps)[np.maximum(behind, 0)]
        return cls(run, np.arange(len(run)) - starts[run], names, time)

    def describe(self, first: int, last: int) -> dict[str, Any]:
        """Rows ``first`` to ``last`` (included) of the table as a record."""
        record: dict[str, Any] = {
            "run": self.names[self.run[first]],
            "first_row": int(self.row[first]),
            "last_row": int(self.row[last]),
            "rows": int(last - first + 1),
        }
        if self.time is not None:
            record["start"] = show_stamp(self.time[first])
            record["end"] = show_stamp(self.time[last])
        return record


def find_stretches(
    values: NDArray[np.int64], run: NDArray[np.int64], value: int
) -> list[tuple[int, int]]:
    """First and last row of each stretch of consecutive rows that have the value, within runs.

    Examples
    --------
    >>> find_stretches(np.array([1, 1, 0, 1, 1]), np.array([0, 0, 0, 0, 1]), 1)
    [(0, 1), (3, 3), (4, 4)]
    """
    inside = values == value
    joined = inside[1:] & inside[:-1] & (run[1:] == run[:-1])
    firsts = np.flatnonzero(inside & ~np.concatenate(([False], joined)))
    lasts = np.flatnonzero(inside & ~np.concatenate((joined, [False])))
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def describe_states(
    states: Sequence[Mapping[str, Any]],
    regions: NDArray[np.int64],
    rows: RowTable,
    most: int | None = None,
) -> list[dict[str, Any]]:
    """Share and episodes of each state among rows with a region.

    Parameters
    ----------
    states : sequence of mapping
        As :func:`name_states` gives them.
    regions : ndarray of shape (n_rows,), int
        -1 where a row has none.
    rows : RowTable
    most : int, optional
        Keep so many episodes of a state, the longest.

    Returns
    -------
    list of dict
        The records with ``share``, ``rows``, ``n_episodes`` and ``episodes``, in the order of
        time: ``run``, ``first_row``, ``last_row``, ``rows``, with time stamps ``start``, ``end``.

    Examples
    --------
    >>> rows = RowTable(np.zeros(6, dtype=int), np.arange(6), ["pump"])
    >>> states = [{"name": "normal", "region": 0}, {"name": "anomalous 1", "region": 1}]
    >>> found = describe_states(states, np.array([-1, 0, 0, 1, 1, 0]), rows)
    >>> found[0]["share"], found[0]["n_episodes"]
    (0.6, 2)
    >>> found[1]["episodes"]
    [{'run': 'pump', 'first_row': 3, 'last_row': 4, 'rows': 2}]
    """
    known = int((regions >= 0).sum())
    found = []
    for state in states:
        stretches = find_stretches(regions, rows.run, state["region"])
        kept = sorted(stretches, key=lambda ends: ends[0] - ends[1])[:most]
        count = sum(last - first + 1 for first, last in stretches)
        found.append(
            {
                **state,
                "rows": count,
                "share": count / known if known else 0.0,
                "n_episodes": len(stretches),
                "episodes": [rows.describe(*ends) for ends in sorted(kept)],
            }
        )
    return found


def state_names(states: Sequence[Mapping[str, Any]], regions: NDArray[np.int64]) -> NDArray[Any]:
    """Name of each row's state; ``NO_STATE`` for region -1.

    Examples
    --------
    >>> state_names([{"name": "normal"}, {"name": "anomalous 1"}], np.array([-1, 0, 1])).tolist()
    ['', 'normal', 'anomalous 1']
    """
    names = np.array([*(state["name"] for state in states), NO_STATE])
    found: NDArray[Any] = names[regions]  # -1 is the last
    return found


def insert_peak(stretch: dict[str, Any], scores: NDArray[np.float64]) -> dict[str, Any]:
    """A stretch with its highest score as ``peak``, before its time stamps.

    Examples
    --------
    >>> insert_peak({"run": "a", "start": "0.0"}, np.array([np.nan, 3.0]))
    {'run': 'a', 'peak': 3.0, 'start': '0.0'}
    """
    stamps: dict[str, Any] = {name: stretch[name] for name in ("start", "end") if name in stretch}
    others = {name: value for name, value in stretch.items() if name not in stamps}
    return {**others, "peak": float(np.nanmax(scores)), **stamps}
