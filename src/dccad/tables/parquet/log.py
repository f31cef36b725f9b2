"""Parquet files as a log that is read piece by piece and is never in memory as a whole."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError
from dccad.logs.runs import GAP_STEPS, Run
from dccad.logs.source import Segment
from dccad.logs.wording import describe_column_difference, show_stamp
from dccad.tables.historian.columns import find_long
from dccad.tables.layout.columns import divide_columns
from dccad.tables.opened import exactly
from dccad.tables.options import TableOptions
from dccad.tables.parquet.scan import (
    BLOCK_ROWS,
    NotStreamedError,
    ParquetTable,
    find_runs,
    find_unit,
    median_of,
    refuse_disorder,
    refuse_other_formats,
)
from dccad.tables.values import SINGLE_FROM

if TYPE_CHECKING:
    import polars as pl

    from dccad.tables.files.sources import Source
    from dccad.tables.runs import TableSummary


class _Part(NamedTuple):
    """Rows ``start`` to ``stop`` of table number ``table``."""

    table: int
    start: int
    stop: int


class _StoredRun(NamedTuple):
    name: str
    parts: tuple[_Part, ...]

    @property
    def n_rows(self) -> int:
        return sum(part.stop - part.start for part in self.parts)


class ParquetLog:
    """A log in Parquet files of any size: runs and gaps are known, rows are read when asked for.

    Rows, runs, times and sensors are those that :func:`dccad.datasets.read_tables` gives for the
    same files. What takes all rows at once is refused: sorting by time, undoing daylight saving,
    resampling, historian exports (long tables), and times or sensors that are text.

    Parameters
    ----------
    inputs : str, path, or sequence of these
        Parquet files, folders or globs, in the order of their names.
    options : TableOptions
        ``resample`` and the options of long tables are not for this.

    Raises
    ------
    InputError
        A file is missing, damaged, no Parquet, or its columns do not fit the options.
    NotStreamedError
        The rows can only be read as a whole.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import polars as pl
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for day in (9, 10):
    ...         frame = pl.DataFrame({"flow": [day + 0.5, day + 0.75], "level": [1, 2]})
    ...         frame.write_parquet(Path(folder, f"day{day}.parquet"))
    ...     log = ParquetLog(folder, TableOptions(join=True))
    ...     log.run_names, log.n_rows, log.read(0, 1, 3).values.tolist()
    (('day9 … day10',), 4, [[9.75, 2.0], [10.5, 1.0]])
    """

    def __init__(
        self,
        inputs: Sequence[str | os.PathLike[str]] | str | os.PathLike[str],
        options: TableOptions | None = None,
    ) -> None:
        from dccad.tables.files.sources import expand_sources
        from dccad.tables.guards import file_stamp

        self.options = options or TableOptions()
        given = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
        sources = expand_sources(given)
        self._sources = sources
        refuse_other_formats(sources, self.options)
        self._stamps = [file_stamp(source.path) for source in sources if source.path is not None]
        self._tables: list[ParquetTable] = []
        for source in sources:
            self._tables.append(self._open(source))
        self._runs = self._find_runs()
        self._check_order()
        self._intervals: dict[int, float] = {}

    # -- what it holds ---------------------------------------------------------------------------

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the sensors."""
        return self._tables[0].columns.sensors

    @property
    def run_names(self) -> tuple[str, ...]:
        """Of all runs, in order; no two are the same."""
        return tuple(run.name for run in self._runs)

    @property
    def run_lengths(self) -> tuple[int, ...]:
        """Rows of each run."""
        return tuple(run.n_rows for run in self._runs)

    @property
    def n_rows(self) -> int:
        """Rows of all runs."""
        return sum(table.n_rows for table in self._tables)

    @property
    def has_time(self) -> bool:
        """Every run has time stamps."""
        return all(table.columns.time for table in self._tables)

    def identity(self) -> list[dict[str, Any]]:
        """Paths, sizes in bytes and times of the last change (ns) of the files, in order."""
        return [
            {"path": str(source.path.resolve()), "size": stamp.size, "mtime_ns": stamp.mtime_ns}
            for source, stamp in zip(self._sources, self._stamps, strict=True)
            if source.path is not None
        ]

    def refuse_if_changed(self) -> None:
        """Refuse rows that were read while something wrote the files.

        Raises
        ------
        InputError
        """
        from dccad.tables.guards import refuse_if_changed

        for source, stamp in zip(self._sources, self._stamps, strict=True):
            if source.path is not None:
                refuse_if_changed(source.path, stamp)

    # -- its rows --------------------------------------------------------------------------------

    def read(self, run: int, start: int, stop: int) -> Run:
        """Read rows of a run.

        Parameters
        ----------
        run : int
            Position among ``run_names``.
        start, stop : int
            First row, and row after the last.

        Returns
        -------
        Run
            ``values`` of shape (stop - start, n_sensors), float64, or float32 where
            :func:`dccad.datasets.read_tables` has it so; NaN where a cell is blank.
        """
        parts = list(_within(self._runs[run].parts, start, stop))
        values = [self._values(part) for part in parts]
        times = [self._tables[part.table].instants(part.start, part.stop) for part in parts]
        known = [time for time in times if time is not None]
        time = np.concatenate(known) if known and len(known) == len(parts) else None
        rows = values[0] if len(values) == 1 else np.concatenate(values)
        return Run(rows, self.columns, self._runs[run].name, time)

    def _values(self, part: _Part) -> NDArray[Any]:
        from dccad.tables.guards import refuse_damage

        table = self._tables[part.table]
        with refuse_damage(table.opened.source, table.opened.format):
            frame = table.select(self.columns, part.start, part.stop)
        if frame.height != part.stop - part.start:
            raise InputError(
                f"{table.opened.source}: {frame.height} rows could be read where "
                f"{part.stop - part.start} were counted; the file changed while it was read: copy "
                "it and read the copy"
            )
        kind = np.float64 if table.double else np.float32
        values = np.empty((frame.height, len(self.columns)), dtype=kind)
        for position, name in enumerate(self.columns):
            column = frame[name]
            if column.null_count() or not column.dtype.is_float():
                column = _as_float(column)
            values[:, position] = column.to_numpy()
        return values

    def segments(self, max_gap: float | None = None) -> tuple[Segment, ...]:
        """Runs, cut where the time leaps, as :func:`dccad.logs.runs.split_at_gaps` cuts them.

        Parameters
        ----------
        max_gap : float, optional
            Seconds; the default is 5 times the median step of the run.
        """
        found: list[Segment] = []
        for number, run in enumerate(self._runs):
            edges = [0, *self._cuts(number, max_gap), run.n_rows]
            found += [Segment(number, start, stop) for start, stop in itertools.pairwise(edges)]
        return tuple(found)

    def _cuts(self, run: int, max_gap: float | None) -> list[int]:
        if self._runs[run].n_rows < 2 or not self._has_time(run):
            return []
        limit = max_gap if max_gap is not None else GAP_STEPS * self._interval(run)
        cuts: list[int] = []
        row = 1
        for steps in self._steps(run):
            cuts += (np.flatnonzero(steps > limit) + row).tolist()
            row += len(steps)
        return cuts

    def _interval(self, run: int) -> float:
        """Median step of a run in seconds."""
        if run not in self._intervals:
            self._intervals[run] = median_of(lambda: self._steps(run))
        return self._intervals[run]

    def _has_time(self, run: int) -> bool:
        return all(self._tables[part.table].columns.time for part in self._runs[run].parts)

    def _stamps_of(self, run: int) -> Iterator[NDArray[Any]]:
        for part in self._runs[run].parts:
            for start in range(part.start, part.stop, BLOCK_ROWS):
                stop = min(start + BLOCK_ROWS, part.stop)
                stamps = self._tables[part.table].instants(start, stop)
                if stamps is not None:
                    yield stamps

    def _steps(self, run: int) -> Iterator[NDArray[np.float64]]:
        """Seconds between neighbours, as :func:`dccad.logs.runs.split_at_gaps` takes them."""
        last: NDArray[np.float64] = np.empty(0)
        for stamps in self._stamps_of(run):
            seconds = stamps.astype(np.int64) / 1e9 if stamps.dtype.kind == "M" else stamps
            yield np.diff(np.concatenate((last, seconds)))
            last = seconds[-1:]

    # -- opening ---------------------------------------------------------------------------------

    def _open(self, source: Source) -> ParquetTable:
        """Open one file; only its metadata and first rows are read."""
        import polars as pl

        from dccad.tables.opening import open_source

        opened = open_source(source, replace(self.options, sheet=None, query=None))
        schema = opened.frame.collect_schema()
        if find_long(schema, self.options, opened.source) is not None:
            raise NotStreamedError(
                f"{opened.source}: a long table (one row per value) is made wide as a whole; "
                "write one column per tag"
            )
        if self.options.resample is not None:
            raise NotStreamedError(
                f"{opened.source}: --resample takes the whole log; leave it out, or resample it "
                "beforehand"
            )
        first = self._tables[0] if self._tables else None
        if first is not None and schema == first.opened.frame.collect_schema():
            columns = replace(first.columns, notes=())
        else:
            columns = divide_columns(opened, self.options)
        if first is not None and columns.sensors != first.columns.sensors:
            raise InputError(
                f"run {opened.name!r} has other columns than run {first.opened.name!r}: "
                + describe_column_difference(first.columns.sensors, columns.sensors)
            )
        kinds = opened.frame.select(exactly(*columns.sensors)).collect_schema()
        text = [n for n, k in kinds.items() if not (k.is_numeric() or k == pl.Boolean)]
        if text:
            raise NotStreamedError(
                f"{opened.source}: columns that are not stored as numbers: "
                f"{', '.join(map(repr, text[:5]))}; write them as numbers, or leave them out with "
                "--drop"
            )
        n_rows = int(opened.frame.select(pl.len()).collect().item())
        double = set(kinds.dtypes()) != {pl.Float32} and n_rows * len(kinds) <= SINGLE_FROM
        table = ParquetTable(opened, columns, n_rows, double)
        unit = find_unit(table, self.options.time_format, self.options.timezone)
        return replace(table, unit=unit)

    def _find_runs(self) -> list[_StoredRun]:
        """Runs of all files under names of their own, or all as one."""
        runs: dict[str, _StoredRun] = {}
        for number, table in enumerate(self._tables):
            for wanted, start, stop in find_runs(table, table.columns.run):
                name, count = wanted, 2
                while name in runs:
                    name, count = f"{wanted} ({count})", count + 1
                runs[name] = _StoredRun(name, (_Part(number, start, stop),))
        if not self.options.join or len(runs) == 1:
            return list(runs.values())
        names = list(runs)
        if len({table.time_kind for table in self._tables}) > 1:
            raise InputError(
                f"--join: {names[0]!r} and {names[-1]!r} do not both have time stamps of one "
                "kind; leave --join out, or name the time column with --time"
            )
        parts = tuple(part for run in runs.values() for part in run.parts)
        return [_StoredRun(f"{names[0]} … {names[-1]}", parts)]

    def _check_order(self) -> None:
        for number, run in enumerate(self._runs):
            source = self._tables[run.parts[0].table].opened.source
            refuse_disorder(self._stamps_of(number), run.name, source)

    # -- what was decided ------------------------------------------------------------------------

    def summaries(self) -> tuple[TableSummary, ...]:
        """What was found in each file and decided about it."""
        from dccad.tables.runs import TableSummary

        names: list[list[str]] = [[] for _ in self._tables]
        for run in self._runs:
            for number in {part.table for part in run.parts}:
                names[number].append(run.name)
        found = []
        for number, table in enumerate(self._tables):
            ends = [table.instants(row, row + 1) for row in (0, table.n_rows - 1)]
            start, end = (None if stamp is None else show_stamp(stamp[0]) for stamp in ends)
            notes = (*table.opened.notes, *table.columns.notes)
            if not number:
                notes += ("read in pieces: the log is not kept in memory",)
            found.append(
                TableSummary(
                    source=table.opened.source,
                    format=table.opened.format,
                    rows=table.n_rows,
                    runs=tuple(names[number]),
                    sensors=self.columns,
                    units={},
                    labels=table.columns.labels,
                    start=start,
                    end=end,
                    interval=self._shown_interval(number),
                    gaps=(),
                    notes=notes,
                )
            )
        return tuple(found)

    def _shown_interval(self, table: int) -> float | None:
        runs = [n for n, run in enumerate(self._runs) if run.parts[0].table == table]
        known = [self._intervals[run] for run in runs if run in self._intervals]
        return float(np.median(known)) if known else None


def _within(parts: Sequence[_Part], start: int, stop: int) -> Iterator[_Part]:
    """The rows of a run's parts from ``start`` to ``stop``, counted in the run."""
    offset = 0
    for part in parts:
        first, last = max(start - offset, 0), min(stop - offset, part.stop - part.start)
        if first < last:
            yield _Part(part.table, part.start + first, part.start + last)
        offset += part.stop - part.start


def _as_float(column: pl.Series) -> pl.Series:
    import polars as pl

    kind = column.dtype if column.dtype == pl.Float32 else pl.Float64()
    filled: pl.Series = column.cast(kind).fill_null(float("nan"))
    return filled
