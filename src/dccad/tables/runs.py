"""One opened table as runs: its columns, its time, its numbers, and a summary of all decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from dccad.errors import InputError, ParameterError
from dccad.logs.runs import Run
from dccad.logs.wording import show_stamp
from dccad.tables.historian.pivot import LongColumns, find_long, pivot_long
from dccad.tables.layout.columns import choose_columns, divide_columns, require_column
from dccad.tables.opened import OpenedTable, exactly
from dccad.tables.options import TableOptions
from dccad.tables.time.stamps import join_date_and_time, read_instants
from dccad.tables.time.timeline import Timeline, arrange, resample
from dccad.tables.values import read_labels, read_values

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class TableSummary:
    """What was found in one table and decided about it.

    Attributes
    ----------
    source, format : str
    rows : int
        After sorting, resampling or pivoting.
    runs : tuple of str
    sensors : tuple of str
    units : dict of str to str
        Of the sensors that have one.
    labels : tuple of str
        Columns kept apart.
    start, end : str or None
        First and last time stamp: ISO 8601, or seconds.
    interval : float or None
        Median step in seconds.
    gaps : tuple of dict
        Longer steps: ``run``, ``row`` (the first after the gap), ``start``, ``end``, ``seconds``.
    notes : tuple of str
        Every decision, one sentence each.
    """

    source: str
    format: str
    rows: int
    runs: tuple[str, ...]
    sensors: tuple[str, ...]
    units: dict[str, str]
    labels: tuple[str, ...]
    start: str | None
    end: str | None
    interval: float | None
    gaps: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]

    def as_record(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return asdict(self)


def read_opened(opened: OpenedTable, options: TableOptions) -> tuple[list[Run], TableSummary]:
    """Read the runs of one table, wide or long.

    Raises
    ------
    InputError
    """
    long = find_long(opened.frame.collect_schema(), options, opened.source)
    if long is None:
        return _read_wide(opened, options)
    return _read_long(opened, long, options)


def _read_wide(opened: OpenedTable, options: TableOptions) -> tuple[list[Run], TableSummary]:
    """One row per instant, one column per sensor."""
    import polars as pl

    columns = divide_columns(opened, options)
    n_rows = int(opened.frame.select(pl.len()).collect().item())
    if not n_rows:
        raise InputError(
            f"{opened.source}: no rows below the column names; pass a table with sensor rows"
        )
    _refuse_unread(opened, options, has_time=bool(columns.time))
    notes = [*opened.notes, *columns.notes]
    values, found = read_values(opened, columns.sensors, n_rows)
    notes += found
    labels = read_labels(opened, columns.labels[0]) if columns.labels else None
    bounds = _run_bounds(opened, columns.run, n_rows)
    instants = None
    if columns.time:
        stamps = read_instants(
            _stamp_column(opened, columns.time),
            time_format=options.time_format,
            timezone=options.timezone,
            source=opened.source,
            groups=np.repeat(np.arange(len(bounds)), [stop - start for _, start, stop in bounds]),
        )
        instants = stamps.values
        notes += stamps.notes
    runs, lines = [], []
    units = tuple(opened.units.get(name, "") for name in columns.sensors)
    for name, start, stop in bounds:
        run = Run(
            values[start:stop],
            columns.sensors,
            name,
            None if instants is None else instants[start:stop],
            units if any(units) else (),
            row_labels=None if labels is None else labels[start:stop],
        )
        run, line = arrange_run(run, options, opened.source)
        runs.append(run)
        lines.append(line)
    return runs, _summarise(opened, runs, lines, notes, columns.labels)


def _refuse_unread(opened: OpenedTable, options: TableOptions, has_time: bool) -> None:
    """Refuse options that a wide table would leave without effect."""
    problems = []
    if options.good or options.quality is not None:
        problems.append("--quality and --good are for long tables, and this one is wide")
    if options.fill != "hold" and options.resample is None and not options.join:
        problems.append("--fill says how a grid is filled: give --resample SECONDS")
    if not has_time:
        problems += [
            f"--{name.replace('_', '-')} is for time stamps, and no time column was found: name it "
            "with --time"
            for name in ("timezone", "time_format")
            if getattr(options, name) is not None
        ]
    if problems:
        raise ParameterError(f"{opened.source}: {'; '.join(problems)}")


def _read_long(
    opened: OpenedTable, long: LongColumns, options: TableOptions
) -> tuple[list[Run], TableSummary]:
    """One row per value of one tag."""
    said = f"long table: tag {long.tag!r}, value {long.value!r}, time {long.time!r}"
    if long.quality is not None:
        said += f", quality {long.quality!r}"
    notes = [*opened.notes, said]

    def choose(tags: Sequence[str]) -> list[str]:
        dropped = choose_columns(tags, options.drop, opened.source, "drop")
        left = [tag for tag in tags if tag not in set(dropped)]
        return choose_columns(left, options.columns, opened.source, "columns") or left

    runs: list[Run] = []
    lines: list[Timeline | None] = []
    for name, frame in _long_parts(opened, options.run):
        wide = pivot_long(frame, long, options, opened.source, choose)
        notes += wide.notes if options.run is None else [f"run {name}: {n}" for n in wide.notes]
        units = tuple(wide.units.get(tag, "") for tag in wide.tags)
        run = Run(wide.values, wide.tags, name, wide.instants, units if any(units) else ())
        lines.append(arrange(wide.instants, max_gap=options.max_gap, source=opened.source))
        runs.append(run)
    return runs, _summarise(opened, runs, lines, notes, ())


def arrange_run(run: Run, options: TableOptions, source: str) -> tuple[Run, Timeline | None]:
    """Rows of a run in the order of time, on a regular grid where asked for.

    Raises
    ------
    InputError
        A grid is asked for, and there are no time stamps.
    """
    if run.time is None:
        if options.resample is not None:
            raise InputError(
                f"{source}: no time column was found, and --resample needs one: name it with --time"
            )
        return run, None
    line = arrange(run.time, max_gap=options.max_gap, source=source)
    if line.order is not None:
        run = replace(
            run,
            values=run.values[line.order],
            time=line.instants,
            row_labels=None if run.row_labels is None else run.row_labels[line.order],
        )
    if options.resample is None:
        return run, line
    on_grid = partial(
        resample, instants=line.instants, interval=options.resample, max_gap=options.max_gap
    )
    values, instants, notes = on_grid(run.values, fill=options.fill)
    labels = None
    if run.row_labels is not None:  # a grid row is anomalous if any row since the one before is
        flags = run.row_labels[:, None].astype(np.float64)
        labels = (on_grid(flags, fill="mean")[0][:, 0] > 0).astype(np.int8)
    again = arrange(instants, max_gap=options.max_gap, source=source)
    return (
        replace(run, values=values, time=instants, row_labels=labels),
        replace(again, notes=(*line.notes, *notes)),
    )


def _stamp_column(opened: OpenedTable, names: Sequence[str]) -> pl.Series:
    """The time stamps as one column."""
    frame = opened.frame.select(exactly(*names)).collect()
    if len(names) == 1:
        return frame[names[0]]
    return join_date_and_time(frame[names[0]], frame[names[1]])


def _long_parts(opened: OpenedTable, run: str | None) -> list[tuple[str, pl.LazyFrame]]:
    """The rows of each run of a long table."""
    if run is None:
        return [(opened.name, opened.frame)]
    require_column(opened.frame.collect_schema().names(), run, opened.source, "run")
    names = opened.frame.select(exactly(run).unique(maintain_order=True)).collect().to_series()
    if names.null_count():
        blank = opened.frame.select(exactly(run).is_null().arg_max()).collect().item()
        _refuse_blank_run(opened, run, int(blank))
    return [
        (str(name), opened.frame.filter(exactly(run) == name).drop(exactly(run))) for name in names
    ]


def _refuse_blank_run(opened: OpenedTable, run: str, row: int) -> NoReturn:
    raise InputError(
        f"{opened.source}: run column {run!r} is blank in row {row} (counted from 0); "
        "fill it in every row"
    )


def _run_bounds(opened: OpenedTable, run: str | None, n_rows: int) -> list[tuple[str, int, int]]:
    """Name, first row and row after the last of each run."""
    if run is None:
        return [(opened.name, 0, n_rows)]
    column = opened.frame.select(exactly(run)).collect().to_series()
    if column.null_count():
        _refuse_blank_run(opened, run, int(column.is_null().arg_true()[0]))
    starts = [0, *(np.flatnonzero(np.diff(column.rle_id().to_numpy())) + 1).tolist()]
    names = [str(column[start]) for start in starts]
    seen: set[str] = set()
    for name, start in zip(names, starts, strict=True):
        if name in seen:
            raise InputError(
                f"{opened.source}: run {name!r} starts again at row {start} (counted from 0); the "
                f"rows of a run need to follow each other: sort the file by {run!r} and time"
            )
        seen.add(name)
    stops = [*starts[1:], n_rows]
    return list(zip(names, starts, stops, strict=True))


def _summarise(
    opened: OpenedTable,
    runs: Sequence[Run],
    lines: Sequence[Timeline | None],
    notes: Sequence[str],
    labels: Sequence[str],
) -> TableSummary:
    known = [(run, line) for run, line in zip(runs, lines, strict=True) if line is not None]
    notes = list(notes)
    for run, line in known:
        prefix = f"run {run.name}: " if len(runs) > 1 else ""
        notes += [prefix + note for note in line.notes]
    intervals = [line.interval for _, line in known if line.interval is not None]
    stamps = [run.time for run, _ in known if run.time is not None and len(run.time)]
    gaps = [
        {
            "run": run.name,
            "row": gap.row,
            "start": show_stamp(gap.start),
            "end": show_stamp(gap.end),
            "seconds": float(gap.seconds),
        }
        for run, line in known
        for gap in line.gaps
    ]
    sensors = runs[0].columns
    units = dict(zip(sensors, runs[0].units, strict=True)) if runs[0].units else {}
    return TableSummary(
        source=opened.source,
        format=opened.format,
        rows=sum(len(run) for run in runs),
        runs=tuple(run.name for run in runs),
        sensors=sensors,
        units={name: unit for name, unit in units.items() if unit},
        labels=tuple(labels),
        start=show_stamp(min(time[0] for time in stamps)) if stamps else None,
        end=show_stamp(max(time[-1] for time in stamps)) if stamps else None,
        interval=float(np.median(intervals)) if intervals else None,
        gaps=tuple(gaps),
        notes=tuple(notes),
    )
