"""A sample of a log that is read in blocks: windows drawn as stretches of rows.

The sample consists of stretches, not of single windows, because the persistence of a map, the
autocorrelation of scores and the folds of the cross-fitting need windows that follow one another.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dccad.fitting.recipe import FitSettings
from dccad.logs.preparation.pipeline import check_streamable, rows_before
from dccad.logs.runs import Log
from dccad.logs.source import BLOCK_CELLS, RowSource, Segment, checked_blocks, read_checked
from dccad.method.representation.row_moments import RowStatistics
from dccad.support.progress import progress_bar

STRETCH_WINDOWS = 1000
"""A stretch has at least this many windows."""

STRETCH_LENGTHS = 20
"""A stretch has at least as many rows as this many windows side by side."""


def count_windows(segments: Sequence[Segment], window: int, stride: int = 1) -> int:
    """Windows of all segments.

    Examples
    --------
    >>> count_windows([Segment(0, 0, 10), Segment(0, 12, 15)], window=4)
    7
    """
    return sum(segment.n_windows(window, stride) for segment in segments)


def draw_stretches(
    segments: Sequence[Segment], window: int, stride: int, most: int, rng: np.random.Generator
) -> list[Segment]:
    """Draw stretches of rows; every window of the log is equally likely to be in one.

    The windows, one segment's after the other's, are divided into stretches of equal length, these
    into as many groups of neighbours as stretches are wanted, and one is drawn from each group: no
    two overlap, and every part of the log is represented.


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
    length = min(max(STRETCH_WINDOWS, -(-STRETCH_LENGTHS * window // stride)), most)
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
    """Rows of ``length`` windows from each start; starts are numbers among all windows."""
    stretches: list[Segment] = []
    number = offset = 0
    for start in starts:
        wanted = start
        while wanted < start + length:
            segment = segments[number]
            count = segment.n_windows(window, stride)
            if wanted >= offset + count:
                number, offset = number + 1, offset + count
                continue
            last = min(start + length, offset + count)
            first_row = segment.start + (wanted - offset) * stride
            rows = (last - wanted - 1) * stride + window
            stretches.append(Segment(segment.run, first_row, first_row + rows))
            wanted = last
    return stretches


@dataclass(frozen=True)
class Sample:
    """Stretches of a log that is read in blocks, which a fit uses instead of the whole log.

    Attributes
    ----------
    log : Log
        One run per stretch, named ``plant[1200:2229]`` after its rows; a log that is taken whole
        keeps the names of its runs.
    n_rows, n_windows : int
        Rows and windows of the whole log.
    n_drawn : int
        Windows of the sample.
    """

    log: Log
    n_rows: int
    n_windows: int
    n_drawn: int


def draw_sample(source: RowSource, settings: FitSettings, seed: int) -> Sample:
    """Draw stretches with at most ``max_windows`` windows and read them.

    Raises
    ------
    InputError
        A row cannot be used.
    ParameterError
        A step of the preparation needs a log in memory.
    """
    check_streamable(settings.preparation)
    window, stride = settings.window, settings.stride
    segments = source.segments(settings.reading.max_gap)
    rng = np.random.default_rng(seed)
    drawn = draw_stretches(segments, window, stride, settings.max_windows, rng)
    runs = []
    for stretch in drawn:
        whole = next(s for s in segments if s.run == stretch.run and s.stop >= stretch.stop)
        run = read_checked(source, whole, stretch.start, stretch.stop, settings.reading)
        if len(stretch) < source.run_lengths[stretch.run]:
            run = replace(run, name=f"{run.name}[{stretch.start}:{stretch.stop}]")
        runs.append(run)
    return Sample(
        Log(tuple(runs), tuple(len(run) for run in runs), single=False, named=True),
        sum(source.run_lengths),
        count_windows(segments, window, stride),
        count_windows(drawn, window, stride),
    )


@dataclass(frozen=True)
class FitLogs:
    """The logs of a fit, all in memory.

    Attributes
    ----------
    log, normal : Log, or what the caller passed
        The sample of a log that is read in blocks; other logs as they came.
    samples : tuple of Sample
    scaled_by : RowSource or None
        The log all of whose rows decide the representation; None where the rows in memory do.
    """

    log: Any
    normal: Any
    samples: tuple[Sample, ...] = ()
    scaled_by: RowSource | None = None

    def report(self) -> dict[str, int] | None:
        """``rows`` and ``windows`` of the logs read in blocks, windows ``drawn``; None without."""
        if not self.samples:
            return None
        return {
            "rows": sum(sample.n_rows for sample in self.samples),
            "windows": sum(sample.n_windows for sample in self.samples),
            "drawn": sum(sample.n_drawn for sample in self.samples),
        }


def sample_logs(X: Any, normal: Any, settings: FitSettings, seed: int) -> FitLogs:
    """Replace the logs of a fit that are read in blocks by samples of them.

    Raises
    ------
    InputError, ParameterError
        As :func:`draw_sample`.
    """
    log, reference, samples = X, normal, []
    if isinstance(X, RowSource):
        samples.append(draw_sample(X, settings, seed))
        log = samples[-1].log
    if normal is X:
        reference = log
    elif isinstance(normal, RowSource):
        samples.append(draw_sample(normal, settings, seed + 1))
        reference = samples[-1].log
    scaled_by = X if normal is None else normal
    if normal is not None and not settings.cross_fitted:
        scaled_by = None  # rows that are held out must not decide the scaling
    return FitLogs(
        log, reference, tuple(samples), scaled_by if isinstance(scaled_by, RowSource) else None
    )


def gather_statistics(source: RowSource, settings: FitSettings) -> RowStatistics:
    """Moments of all prepared rows of a log, in one pass, with progress.

    Raises
    ------
    InputError
        A row cannot be used, or rows were written while they were read.
    """
    statistics: RowStatistics | None = None
    segments = source.segments(settings.reading.max_gap)
    before = rows_before(settings.preparation)
    n_blocks = -(-sum(source.run_lengths) * len(source.columns) // BLOCK_CELLS)
    with progress_bar("reading", n_blocks, enabled=settings.verbose) as advance:
        blocks = checked_blocks(source, segments, settings.reading, before)
        for done, run in enumerate(blocks, start=1):
            # a difference takes the row before the block, and leaves out the first row itself
            for part in settings.preparation.apply_to_runs([run]):
                found = RowStatistics.of(part.values)
                statistics = found if statistics is None else statistics.merge(found)
            advance(done, "blocks of the log", max(done, n_blocks))
    source.refuse_if_changed()
    assert statistics is not None  # the sample, which is of these rows, has some
    return statistics
