"""Logs that are read in blocks because they do not fit in memory.

A row source knows its runs and where they are interrupted, and reads any of their rows; the rest
stays on disk. :class:`dccad.datasets.ParquetLog` is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from dccad.logs.missing import fill_missing, refuse_non_finite
from dccad.logs.runs import Reading, Run

BLOCK_CELLS = 1 << 22
"""Cells of a block (32 MiB in double precision)."""


class Segment(NamedTuple):
    """Rows ``start`` (included) to ``stop`` (excluded) of run number ``run``, without a gap."""

    run: int
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def n_windows(self, window: int, stride: int = 1) -> int:
        """Windows whose rows all lie in the segment."""
        return max((len(self) - window) // stride + 1, 0)


@runtime_checkable
class RowSource(Protocol):
    """What a log that is not in memory offers."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the sensors."""

    @property
    def run_names(self) -> tuple[str, ...]:
        """Names of all runs, in order."""

    @property
    def run_lengths(self) -> tuple[int, ...]:
        """Rows of each run."""

    def segments(self, max_gap: float | None = None) -> tuple[Segment, ...]:
        """The runs, cut where :func:`dccad.logs.runs.split_at_gaps` cuts them."""

    def read(self, run: int, start: int, stop: int) -> Run:
        """Rows of a run as they are stored; NaN where a cell is blank."""

    def identity(self) -> list[dict[str, Any]]:
        """What changes when the stored rows change, as JSON values."""

    def refuse_if_changed(self) -> None:
        """Refuse rows that were read while something wrote them."""


def read_checked(
    source: RowSource, segment: Segment, start: int, stop: int, reading: Reading
) -> Run:
    """Rows of a segment, filled and checked as :func:`dccad.logs.inputs.check_log` does it.

    Parameters
    ----------
    source : RowSource
    segment : Segment
    start, stop : int
        Rows of the run, within the segment.
    reading : Reading

    Returns
    -------
    Run
        Named after its run.

    Raises
    ------
    InputError
        A value is infinite, too large, or missing and not filled.
    """
    on_missing, limit = reading.on_missing, reading.fill_limit
    # a stretch of NaN that begins or ends further away is too long to be filled
    around = limit + 1 if on_missing in ("interpolate", "hold") else 0
    first, last = max(segment.start, start - around), min(segment.stop, stop + around)
    run = source.read(segment.run, first, last)
    run = fill_missing(run, on_missing, limit, reading.causal)
    run = run.rows(start - first, stop - first)
    refuse_non_finite(run, on_missing, first_row=start)
    return run


def checked_blocks(
    source: RowSource, segments: Sequence[Segment], reading: Reading, before: int = 0
) -> Iterator[Run]:
    """Read all rows of the segments once, block by block."""
    rows = max(1, BLOCK_CELLS // len(source.columns))
    for segment in segments:
        for start in range(segment.start, segment.stop, rows):
            first = max(segment.start, start - before)
            stop = min(start + rows, segment.stop)
            yield read_checked(source, segment, first, stop, reading)
