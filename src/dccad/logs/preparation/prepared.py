"""A segment on its way through the preparation, with the way back to the log's rows."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError
from dccad.logs.runs import Run, true_stretches
from dccad.logs.wording import quote_names


@dataclass(frozen=True)
class PreparedSegment:
    """Prepared rows without a gap, and the rows of the log that they stand for.

    Attributes
    ----------
    run : Run
        The prepared rows.
    ends : ndarray of shape (n_rows,), int64
        Row of the log at which each prepared row is complete, increasing.
    covers : ndarray of int64
        Rows of the log whose results come from this segment, increasing.
    """

    run: Run
    ends: NDArray[np.int64]
    covers: NDArray[np.int64]

    @classmethod
    def of(cls, run: Run, start: int) -> PreparedSegment:
        """Rows ``start`` … of the log as they are."""
        rows = np.arange(start, start + len(run), dtype=np.int64)
        return cls(run, rows, rows)

    def pick(self, rows: Any) -> PreparedSegment:
        """Some prepared rows (a slice or indices); ``covers`` stays."""
        run = self.run
        picked = replace(
            run,
            values=run.values[rows],
            time=None if run.time is None else run.time[rows],
            row_labels=None if run.row_labels is None else run.row_labels[rows],
            onset=None,
        )
        return replace(self, run=picked, ends=self.ends[rows])

    def keep(self, flags: NDArray[np.bool_], join: bool = False) -> list[PreparedSegment]:
        """The flagged rows: neighbours as segments of their own, or (``join``) all as one."""
        if flags.all():
            return [self]
        newest = np.searchsorted(self.ends, self.covers, side="right") - 1
        # rows before the first prepared row belong to it: they wait for it
        kept = flags[np.maximum(newest, 0)]
        if join:
            return [replace(self.pick(np.flatnonzero(flags)), covers=self.covers[kept])]
        covers, newest = self.covers[kept], np.maximum(newest[kept], 0)
        segments = []
        for start, stop in true_stretches(flags):
            first, last = np.searchsorted(newest, (start, stop))
            segments.append(replace(self.pick(slice(start, stop)), covers=covers[first:last]))
        return segments


def find_columns(run: Run, wanted: Iterable[str]) -> list[int]:
    """Positions of the columns that names or patterns (``flow*``) choose.

    Raises
    ------
    InputError
        One of them chooses no column.
    """
    found: list[int] = []
    for name in wanted:
        if name in run.columns:
            found.append(run.columns.index(name))
            continue
        places = [i for i, column in enumerate(run.columns) if fnmatch.fnmatchcase(column, name)]
        if not places:
            raise InputError(
                f"no sensor {name!r} for the prepare steps; the log has {quote_names(run.columns)}"
            )
        found.extend(places)
    return list(dict.fromkeys(found))
