"""Windows of a log that does not fit in memory: a uniform sample, drawn as stretches of rows.

Stretches, not single windows: the persistence of a map, the autocorrelation of scores and the
folds of the cross-fitting all need windows that follow one another.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dccad.logs.preparation.pipeline import Preparation, rows_before
from dccad.logs.runs import Log
from dccad.logs.source import RowSource, Segment, checked_blocks, read_checked
from dccad.method.representation.row_moments import RowStatistics

STRETCH = 1000
"""Windows of a stretch, ..."""

STRETCH_LENGTHS = 20
"""... and of long windows so many window lengths."""


def count_windows(segments: Sequence[Segment], window: int, stride: int = 1) -> int:
    """Windows of all segments.

    Examples
    --------
    >>> count_windows([Segment(0, 0, 10), Segment(0, 12, 15)], window=4)
    7
    """
    return sum(_n_windows(segment, window, stride) for segment in segments)


def draw_stretches(
    segments: Sequence[Segment], window: int, stride: int, most: int, rng: np.random.Generator
) -> list[Segment]:
    """Stretches of rows with at most so many windows, every window being as likely to be drawn.

    The windows, one segment's after the other's, are divided into stretches of equal length, these
    into as many groups of neighbours as stretches are wanted, and one is drawn from each group: no
    two overlap, and every part of the log is represented.

    Parameters
    ----------
    segments : sequence of Segment
    window, stride : int, in rows
    most : int
        Windows; where there are no more than that, all segments are returned as they are.
    rng : numpy.random.Generator

    Returns
    -------
    list of Segment
        In the order of the log; a stretch that crosses the end of a segment is cut there.

    Examples
    --------
    >>> log = [Segment(0, 0, 1_000_000), Segment(1, 0, 500_000)]
    >>> drawn = draw_stretches(log, 30, 1, 10_000, np.random.default_rng(0))
    >>> count_windows(drawn, 30), len(drawn), sum(part.run == 0 for part in drawn)
    (10000, 10, 7)
    """
    total = count_windows(segments, window, stride)
    if total <= most:
        return list(segments)
    length = min(max(STRETCH, -(-STRETCH_LENGTHS * window // stride)), most)
    n_stretches, wanted = total // length, most // length
    shift = int(rng.integers(0, total - n_stretches * length + 1))
    edges = [n_stretches * group // wanted for group in range(wanted + 1)]
    chosen = [int(rng.integers(low, high)) for low, high in itertools.pairwise(edges)]
    return _rows_of(
        [shift + number * length for number in chosen], length, segments, window, stride
    )


def _rows_of(
    starts: Sequence[int], length: int, segments: Sequence[Segment], window: int, stride: int
) -> list[Segment]:
    """Rows of ``length`` windows from each start on, in the numbering of all windows."""
    stretches: list[Segment] = []
    number = offset = 0
    for start in starts:
        wanted = start
        while wanted < start + length:
            segment = segments[number]
            count = _n_windows(segment, window, stride)
            if wanted >= offset + count:
                number, offset = number + 1, offset + count
                continue
            last = min(start + length, offset + count)
            first_row = segment.start + (wanted - offset) * stride
            rows = (last - wanted - 1) * stride + window
            stretches.append(Segment(segment.run, first_row, first_row + rows))
            wanted = last
    return stretches


def read_stretches(
    source: RowSource,
    max_gap: float | None,
    window: int,
    stride: int,
    most: int,
    seed: int,
    reading: Mapping[str, Any],
) -> tuple[Log, dict[str, int]]:
    """Draw stretches of a log and read them.

    Parameters
    ----------
    source : RowSource
    max_gap : float, optional
        Seconds, as in :func:`dccad.logs.runs.split_at_gaps`.
    window, stride, most
        As in :func:`draw_stretches`.
    seed : int
    reading : mapping
        As in :func:`dccad.logs.source.read_checked`.

    Returns
    -------
    Log
        One run per stretch, called as ``plant[1200:2229]`` after its rows; a log that is taken
        whole keeps the names of its runs.
    dict
        ``rows`` and ``windows`` of the log, and windows ``drawn``.
    """
    segments = source.segments(max_gap)
    drawn = draw_stretches(segments, window, stride, most, np.random.default_rng(seed))
    runs = []
    for stretch in drawn:
        whole = next(s for s in segments if s.run == stretch.run and s.stop >= stretch.stop)
        run = read_checked(source, whole, stretch.start, stretch.stop, reading)
        if len(stretch) < source.run_lengths[stretch.run]:
            run = replace(run, name=f"{run.name}[{stretch.start}:{stretch.stop}]")
        runs.append(run)
    figures = {
        "rows": sum(source.run_lengths),
        "windows": count_windows(segments, window, stride),
        "drawn": count_windows(drawn, window, stride),
    }
    lengths = tuple(len(run) for run in runs)
    return Log(tuple(runs), lengths, single=False, named=True), figures


def gather_statistics(
    source: RowSource,
    max_gap: float | None,
    preparation: Preparation,
    reading: Mapping[str, Any],
    on_block: Callable[[int], None] | None = None,
) -> RowStatistics:
    """Figures of all prepared rows of a log, in one pass.

    Parameters
    ----------
    source : RowSource
    max_gap : float, optional
    preparation : Preparation
        Without steps that :func:`dccad.logs.preparation.pipeline.check_streamable` refuses.
    reading : mapping
        As in :func:`dccad.logs.source.read_checked`.
    on_block : callable (n_blocks), optional
        Called after each block with how many have been read, for progress.

    Raises
    ------
    InputError
        A row cannot be used.
    """
    statistics: RowStatistics | None = None
    blocks = checked_blocks(source, source.segments(max_gap), reading, rows_before(preparation))
    for done, run in enumerate(blocks, start=1):
        # a difference takes the row before the block, and leaves out the first row itself
        for part in preparation.apply_to_runs([run]):
            found = RowStatistics.of(part.values)
            statistics = found if statistics is None else statistics.merge(found)
        if on_block is not None:
            on_block(done)
    assert statistics is not None  # the sample, which is of these rows, has some
    return statistics


def _n_windows(segment: Segment, window: int, stride: int) -> int:
    return max((len(segment) - window) // stride + 1, 0)
