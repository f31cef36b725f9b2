"""Stretches of rows of equal state, and the table of rows that they are found in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.logs.runs import Log
from dccad.logs.wording import show_stamp

MOST_EPISODES = 100
"""Most episodes of a state that a fit keeps; the longest ones are kept."""

NO_STATE = ""
"""State of a row without a region, as before the first full window."""


@dataclass(frozen=True)
class RowTable:
    """The run, the number within the run, and the time stamp of each of the caller's rows.

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
        """Table of a log's rows; in a prepared log a row has the stamp of its prepared row.

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
        names = [""] * len(log.lengths)  # stays empty for a run without a prepared row
        known = np.flatnonzero(behind >= 0)
        firsts = known[np.searchsorted(behind[known], np.cumsum([0, *lengths[:-1]]))]
        for segment, first in zip(log.segments, firsts, strict=True):
            names[run[first]] = segment.name
        stamps = [segment.time for segment in log.segments if segment.time is not None]
        time = None
        if len(stamps) == len(log.segments) and len({own.dtype.kind for own in stamps}) == 1:
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
    """First and last row of each stretch of rows that have the value; a run's end ends it.

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
        As :func:`dccad.method.regions.states.name_states` gives them.
    regions : ndarray of shape (n_rows,), int
        -1 where a row has none.
    rows : RowTable
    most : int, optional
        Keep at most this many episodes of a state, the longest ones.

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
