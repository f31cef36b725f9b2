"""Counts and the longest episodes of a score table that comes piece by piece."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.logs.episodes import MOST_EPISODES
from dccad.logs.wording import show_stamp


class Stretches:
    """Stretches of consecutive rows with one value, within runs, across pieces of a table.

    Parameters
    ----------
    value : int
    most : int
        Number of stretches to keep, the longest ones; of equally long ones the earlier.

    Attributes
    ----------
    count, rows : int
        Stretches that have ended, and their rows.

    Examples
    --------
    >>> stretches = Stretches(1)
    >>> for flags, rows in (([0, 1], [0, 1]), ([1, 0], [2, 3])):
    ...     stretches.add({"run": np.array(["a", "a"]), "row": np.array(rows),
    ...                    "flag": np.array(flags), "score": np.array([2.0, 5.0])}, "flag")
    >>> stretches.finish()
    [{'run': 'a', 'first_row': 1, 'last_row': 2, 'rows': 2, 'peak': 5.0}]
    """

    def __init__(self, value: int, most: int = MOST_EPISODES) -> None:
        self.value, self.most = value, most
        self.count = self.rows = 0
        self._kept: list[tuple[int, int, dict[str, Any]]] = []
        self._open: dict[str, Any] | None = None

    def add(self, table: Mapping[str, NDArray[Any]], column: str) -> None:
        """Take the next piece of the table; ``column`` holds the values."""
        inside = table[column] == self.value
        run, row = table["run"], table["row"]
        new = np.concatenate(([True], (run[1:] != run[:-1]) | ~inside[:-1]))
        firsts = np.flatnonzero(inside & new)
        ends = np.concatenate(((~inside[1:]) | (run[1:] != run[:-1]), [True]))
        lasts = np.flatnonzero(inside & ends)
        before, self._open = self._open, None
        if before is not None and not (
            inside[0] and row[0] == before["last_row"] + 1 and str(run[0]) == before["run"]
        ):
            self._close(before)
            before = None
        for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
            stretch = _describe(table, first, last)
            if first == 0 and before is not None:
                stretch = _join(before, stretch)
            if last == len(inside) - 1:
                self._open = stretch
            else:
                self._close(stretch)

    def finish(self) -> list[dict[str, Any]]:
        """The longest stretches, in the order of the table."""
        if self._open is not None:
            self._close(self._open)
            self._open = None
        self._prune()
        return [stretch for _, _, stretch in sorted(self._kept, key=lambda kept: kept[1])]

    def _close(self, stretch: dict[str, Any]) -> None:
        self._kept.append((-stretch["rows"], self.count, stretch))
        self.count += 1
        self.rows += stretch["rows"]
        if len(self._kept) > 8 * self.most:
            self._prune()

    def _prune(self) -> None:
        self._kept = sorted(self._kept, key=lambda kept: kept[:2])[: self.most]


class StreamSummary:
    """The summary that ``summarise_scores`` gives of a whole table, with the longest episodes only.

    Parameters
    ----------
    threshold : float
    states : sequence of mapping
        As ``states_`` of the detector.
    """

    def __init__(self, threshold: float, states: Sequence[Mapping[str, Any]]) -> None:
        self.threshold, self.states = threshold, states
        self.n_rows = self.scored = self.flagged = 0
        self.flags = Stretches(1)
        self.regions = [Stretches(state["region"]) for state in states]

    def add(self, table: Mapping[str, NDArray[Any]]) -> None:
        """Take the next piece of the table."""
        self.n_rows += len(table["row"])
        self.scored += int(np.count_nonzero(~np.isnan(table["score"])))
        self.flagged += int(table["flag"].sum())
        self.flags.add(table, "flag")
        for stretches in self.regions:
            stretches.add(table, "region")

    def as_record(self) -> dict[str, Any]:
        """The summary; call it once, after the last piece."""
        episodes = self.flags.finish()
        found = [stretches.finish() for stretches in self.regions]
        known = sum(stretches.rows for stretches in self.regions)
        states = []
        for state, stretches, kept in zip(self.states, self.regions, found, strict=True):
            for episode in kept:
                del episode["peak"]
            share = stretches.rows / known if known else 0.0
            states.append(
                {
                    **state,
                    "rows": stretches.rows,
                    "share": share,
                    "n_episodes": stretches.count,
                    "episodes": kept,
                }
            )
        return {
            "rows": self.n_rows,
            "scored": self.scored,
            "flagged": self.flagged,
            "share_flagged": self.flagged / self.scored if self.scored else float("nan"),
            "threshold": self.threshold,
            "region_share": {str(s["region"]): s["share"] for s in states if s["rows"]},
            "episodes": episodes,
            "n_episodes": self.flags.count,
            "states": states,
        }


def _describe(table: Mapping[str, NDArray[Any]], first: int, last: int) -> dict[str, Any]:
    row, scores = table["row"], table["score"][first : last + 1]
    found: dict[str, Any] = {
        "run": str(table["run"][first]),
        "first_row": int(row[first]),
        "last_row": int(row[last]),
        "rows": last - first + 1,
        "peak": float(np.max(scores)),  # a row with a region or a flag has a score
    }
    if "time" in table:
        found["start"] = show_stamp(table["time"][first])
        found["end"] = show_stamp(table["time"][last])
    return found


def _join(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    joined = {**first, "last_row": second["last_row"], "rows": first["rows"] + second["rows"]}
    joined["peak"] = max(first["peak"], second["peak"])
    if "end" in second:
        joined["end"] = second["end"]
    return joined
