"""What must be known of a Parquet log before its rows are read: runs, order of time, gaps.

One pass over the columns of runs and times, block by block; the median step, by which gaps are
told, is found exactly by further passes that narrow it down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError
from dccad.tables.layout.columns import Columns
from dccad.tables.opened import OpenedTable, exactly
from dccad.tables.options import TableOptions
from dccad.tables.time.daylight import continue_wall_time
from dccad.tables.time.stamp_numbers import compact, count_since_1970

if TYPE_CHECKING:
    import polars as pl

    from dccad.tables.files.sources import Source

BLOCK_ROWS = 1 << 20
"""Rows of the columns of runs and times that are looked at together."""

STREAM_FROM = 1 << 30
"""Bytes of sensor values, in double precision, from which the commands read Parquet in pieces."""

_BINS = 1 << 16
_CONTEXT = 1 << 12
"""Stamps before a block by which a daylight-saving step at its start is seen."""


class NotStreamedError(InputError):
    """A log that can only be read as a whole; the message says why, and what to do."""


@dataclass(frozen=True)
class ParquetTable:
    """One opened Parquet file.

    Attributes
    ----------
    opened : OpenedTable
    columns : Columns
    n_rows : int
    double : bool
        Its values are kept in double precision, as
        :func:`dccad.tables.values.read_values` decides it.
    unit : str or None
        Of times that are numbers since 1970; "" for numbers of seconds.
    """

    opened: OpenedTable
    columns: Columns
    n_rows: int
    double: bool
    unit: str | None = None

    @property
    def time_kind(self) -> str:
        """Kind of the times: ``M`` for dates, ``f`` for seconds, empty without a time column."""
        stamps = self.instants(0, 1)
        return "" if stamps is None else stamps.dtype.kind

    def select(self, names: Iterable[str], start: int, stop: int) -> pl.DataFrame:
        """Some columns of rows ``start`` to ``stop``; only their row groups are read."""
        return self.opened.frame.slice(start, stop - start).select(exactly(*names)).collect()

    def instants(self, start: int, stop: int) -> NDArray[Any] | None:
        """Time of rows: datetime64[ns] or float64 seconds; None without a time column."""
        if not self.columns.time:
            return None
        column = self.select(self.columns.time, start, stop).to_series()
        return self.to_instants(column, start)

    def to_instants(self, column: pl.Series, start: int) -> NDArray[Any]:
        """Stamps of rows from ``start`` on.

        They are those that :func:`dccad.tables.time.stamps.read_instants` gives.
        """
        import polars as pl

        label = f"{self.opened.source}: time column {column.name!r}"
        bad = column.is_null()
        if column.dtype.is_float():
            bad |= ~column.is_finite().fill_null(value=True)
        if bad.any():
            row = start + int(bad.arg_max() or 0)
            raise InputError(
                f"{label} is blank in row {row}, counted from 0; fill in the time or remove the row"
            )
        if column.dtype in (pl.Datetime, pl.Date):
            if column.dtype == pl.Date:
                column = column.cast(pl.Datetime("us"))
            nanoseconds = column.dt.cast_time_unit("ns").to_physical().to_numpy(writable=True)
            return np.asarray(nanoseconds).view("datetime64[ns]")
        if column.dtype == pl.Duration:
            return np.asarray(column.dt.total_nanoseconds().to_numpy() / 1e9)
        if self.unit:
            counted, _ = count_since_1970(column, self.unit, label)
            assert counted is not None
            return counted.view("datetime64[ns]")
        return np.asarray(column.cast(pl.Float64).to_numpy(writable=True))


def is_large(inputs: Sequence[str], options: TableOptions, least: int | None = None) -> bool:
    """Whether all of a log is Parquet, with at least ``least`` bytes (``STREAM_FROM``) of values.

    Nothing but metadata is read, and nothing refused: that is left to what reads the log.
    """
    import polars as pl

    from dccad.tables.files.sniffing import PARQUET, find_format
    from dccad.tables.files.sources import expand_sources

    cells = 0
    try:
        for source in expand_sources(list(inputs)):
            if source.kind != "file" or find_format(source) != PARQUET or source.path is None:
                return False
            frame = pl.scan_parquet(source.path, glob=False, hive_partitioning=False)
            width = len(options.columns) or len(frame.collect_schema())
            cells += width * int(frame.select(pl.len()).collect().item())
    except (InputError, OSError, pl.exceptions.PolarsError):
        return False
    return 8 * cells >= (STREAM_FROM if least is None else least)


def refuse_other_formats(sources: Sequence[Source], options: TableOptions) -> None:
    """Refuse what is no Parquet.

    Raises
    ------
    NotStreamedError
    ParameterError
        An option is for another format.
    """
    from dccad.tables.files.sniffing import PARQUET, find_format
    from dccad.tables.opening import check_options_fit

    for source in sources:
        format_ = "standard input" if source.kind == "stdin" else find_format(source)
        if format_ != PARQUET:
            raise NotStreamedError(
                f"{source.label} is of format {format_}, and only Parquet is read in pieces: "
                "convert it, or leave --stream out"
            )
    check_options_fit([(source.label, PARQUET) for source in sources], options)


def find_unit(table: ParquetTable, time_format: str | None, timezone: str | None) -> str | None:
    """Unit of the times of a file, or a refusal of times that take the whole column to be read.

    Raises
    ------
    NotStreamedError
    """
    import polars as pl

    names, source = table.columns.time, table.opened.source
    if not names:
        return None
    kind = table.opened.frame.select(exactly(*names)).collect_schema().dtypes()[0]
    if len(names) > 1 or not (kind.is_numeric() or kind in (pl.Datetime, pl.Date, pl.Duration)):
        raise NotStreamedError(
            f"{source}: time column {' and '.join(map(repr, names))} is text, whose form is told "
            "by all rows together, so this log is read as a whole; write it as dates"
        )
    if timezone is not None and getattr(kind, "time_zone", None) is None:
        raise NotStreamedError(
            f"{source}: --timezone moves time stamps by what stands before them, so this log is "
            "read as a whole; write the stamps in UTC"
        )
    if not kind.is_numeric():
        return None
    ends = table.opened.frame.select(
        exactly(*names).min().alias("low"), exactly(*names).max().alias("high")
    ).collect(engine="streaming")
    column = pl.concat([ends["low"], ends["high"].alias("low")])
    if column.null_count() or compact(column) or time_format not in (None, "s", "ms", "us", "ns"):
        raise NotStreamedError(
            f"{source}: time column {names[0]!r} spells dates in digits, so this log is read as a "
            "whole; write it as dates"
        )
    if time_format is not None:
        return time_format
    _, notes = count_since_1970(column, None, source)
    return notes[0].split(" in ")[1].split(",")[0] if notes else ""


def find_runs(table: ParquetTable, run: str | None) -> list[tuple[str, int, int]]:
    """Name, first row and row after the last of each run of a file.

    Raises
    ------
    InputError
        A name is blank, or the rows of a run do not follow each other.
    """
    if run is None:
        return [(table.opened.name, 0, table.n_rows)]
    bounds: list[tuple[str, int, int]] = []
    seen: set[str] = set()
    source = table.opened.source
    for start in range(0, table.n_rows, BLOCK_ROWS):
        column = table.select([run], start, min(start + BLOCK_ROWS, table.n_rows)).to_series()
        if column.null_count():
            row = start + int(column.is_null().arg_true()[0])
            raise InputError(
                f"{source}: run column {run!r} is blank in row {row} (counted from 0); fill it in "
                "every row"
            )
        firsts = [0, *(np.flatnonzero(np.diff(column.rle_id().to_numpy())) + 1).tolist()]
        for first, last in zip(firsts, [*firsts[1:], len(column)], strict=True):
            name = str(column[first])
            if bounds and bounds[-1][0] == name:
                bounds[-1] = (name, bounds[-1][1], start + last)
                continue
            if name in seen:
                raise InputError(
                    f"{source}: run {name!r} starts again at row {start + first} (counted from "
                    f"0); the rows of a run need to follow each other: sort the file by {run!r} "
                    "and time"
                )
            seen.add(name)
            bounds.append((name, start + first, start + last))
    return bounds


def refuse_disorder(stamps: Iterator[NDArray[Any]], name: str, source: str) -> None:
    """Refuse a run that would have to be sorted, or whose clock changes.

    Parameters
    ----------
    stamps : iterator of ndarray
        The times of a run, block by block.
    name, source : str
        Of the run and its file.

    Raises
    ------
    NotStreamedError
    """
    tail: NDArray[Any] | None = None
    row = 0
    for block in stamps:
        joined = block if tail is None else np.concatenate((tail, block))
        numbers = joined.view(np.int64) if joined.dtype.kind == "M" else joined
        if not (np.diff(numbers) > 0).all():
            late = row - (len(joined) - len(block)) + int(np.argmax(np.diff(numbers) <= 0)) + 1
            raise NotStreamedError(
                f"{source}: the time stamp of row {late} of run {name!r} (counted from 0) is not "
                "later than the one before, and sorting takes the whole log: sort it by time and "
                "remove duplicates"
            )
        if joined.dtype.kind == "M" and continue_wall_time(numbers.copy(), None)[1]:
            raise NotStreamedError(
                f"{source}: time stamps of run {name!r} show daylight saving, which takes the "
                "whole log: write them in UTC"
            )
        tail, row = joined[-_CONTEXT:], row + len(block)


def median_of(blocks: Callable[[], Iterable[NDArray[np.float64]]]) -> float:
    """Exact median of positive numbers that do not fit in memory.

    Positive doubles are in the order of their bits read as whole numbers. Each pass counts in how
    many of 65,536 bins the numbers lie, and the next looks into the bin with the median: at most
    four passes after the first, and one where all numbers are alike.

    Parameters
    ----------
    blocks : callable () -> iterable of ndarray
        The same numbers in every call, above 0.

    Examples
    --------
    >>> parts = [np.array([1.0, 7.0]), np.array([3.0, 4.0])]
    >>> median_of(lambda: parts)
    3.5
    """
    count, low, high = 0, np.iinfo(np.int64).max, 0
    for block in blocks():
        if len(block):
            bits = block.view(np.int64)
            count += len(bits)
            low, high = min(low, int(bits.min())), max(high, int(bits.max()))
    if not count:
        return float("nan")
    ranks = sorted({(count - 1) // 2, count // 2})
    middle = [_ranked(blocks, rank, low, high) for rank in ranks]
    return float(np.mean(middle))


def _ranked(
    blocks: Callable[[], Iterable[NDArray[np.float64]]], rank: int, low: int, high: int
) -> float:
    """The number of a rank, counted from 0."""
    below = 0
    while low < high:
        width = (high - low) // _BINS + 1
        counts = np.zeros(_BINS, dtype=np.int64)
        for block in blocks():
            bits = block.view(np.int64)
            bits = bits[(bits >= low) & (bits <= high)]
            counts += np.bincount((bits - low) // width, minlength=_BINS)
        place = int(np.searchsorted(below + np.cumsum(counts), rank, side="right"))
        below += int(counts[:place].sum())
        low, high = low + place * width, min(low + (place + 1) * width - 1, high)
    return float(np.array([low]).view(np.float64)[0])
