"""Read tables of any format as runs of sensor rows, and say what was decided on the way.

A wide table has one row per instant and one column per sensor; a long one (a historian's export)
one row per value. A table may hold the time in a column, and several runs told apart by another.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dccad.errors import InputError
from dccad.logs.runs import Run
from dccad.logs.wording import describe_column_difference
from dccad.tables.options import TableOptions

if TYPE_CHECKING:
    from pathlib import Path

    from dccad.tables.guards import FileStamp
    from dccad.tables.opened import OpenedTable
    from dccad.tables.runs import TableSummary


@dataclass(frozen=True)
class Tables:
    """Runs of one or more tables, and what was decided about each.

    Attributes
    ----------
    runs : dict of str to Run
        By name; two of one name are told apart by a number.
    summaries : tuple of TableSummary
        One per table.
    """

    runs: dict[str, Run]
    summaries: tuple[TableSummary, ...]


def read_tables(
    inputs: Sequence[str | os.PathLike[str]] | str | os.PathLike[str],
    options: TableOptions | None = None,
) -> Tables:
    r"""Read files, folders, globs, databases or standard input.

    Parameters
    ----------
    inputs : str, path, or sequence of these
        Paths (CSV and other text tables, Parquet, Arrow, Excel, OpenDocument, SQLite), folders and
        globs (their files in the order of their names, numbers as numbers), addresses of databases
        (``sqlite:///…``, ``postgresql://…``; with ``options.query``), and ``-`` for standard input.
    options : TableOptions

    Returns
    -------
    Tables
        ``Run.values`` has shape (n_rows, n_sensors): float64, or float32 where the table holds
        nothing else or is larger than ``SINGLE_FROM`` cells; missing cells are NaN. ``Run.time`` is
        datetime64[ns] (UTC where a time zone is known), float64 seconds, or None.

    Raises
    ------
    InputError
        The table is missing, empty, damaged, or cannot be understood: one line that says what came,
        what is needed and what to do.
    ParameterError
        An option does not fit the format.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "pump.csv"
    ...     _ = file.write_text("stamp;flow;level\n;m3/h;%\n9.3.2020 10:14;32,5;70\n"
    ...                         "9.3.2020 10:15;31,5;71\n")
    ...     tables = read_tables(file)
    >>> pump = tables.runs["pump"]
    >>> pump.columns, pump.units, pump.values.tolist()
    (('flow', 'level'), ('m3/h', '%'), [[32.5, 70.0], [31.5, 71.0]])
    >>> str(pump.time[0])[:16], tables.summaries[0].interval
    ('2020-03-09T10:14', 60.0)
    """
    from dccad.tables.files.sources import expand_sources
    from dccad.tables.guards import file_stamp
    from dccad.tables.opening import open_sources

    options = options or TableOptions()
    single = replace(options, resample=None) if options.join else options
    sources = expand_sources([inputs] if isinstance(inputs, str | os.PathLike) else list(inputs))
    stamps = [
        file_stamp(source.path)
        if source.kind == "file" and source.path is not None and source.path.exists()
        else None  # a link to nowhere is refused with the others when it is opened
        for source in sources
    ]
    runs: dict[str, Run] = {}
    summaries = []
    tables = open_sources(sources, options)
    for source, stamp in zip(sources, stamps, strict=True):
        found, summary = _read_next(tables, source.path, stamp, single)
        summaries.append(summary)
        for run in found:
            name, count = run.name, 2
            while name in runs:
                name, count = f"{run.name} ({count})", count + 1
            runs[name] = replace(run, name=name)
    if options.join and len(runs) > 1:
        run, notes = _join(list(runs.values()), options)
        runs = {run.name: run}
        summaries[-1] = replace(summaries[-1], notes=summaries[-1].notes + notes)
    return Tables(runs, tuple(summaries))


def read_table(
    path: str | os.PathLike[str],
    *,
    time: str | None = None,
    run: str | None = None,
    drop: Sequence[str] = (),
) -> list[Run]:
    r"""Read one table with its most common options; see :func:`read_tables` for all of them.

    Parameters
    ----------
    path : str or path
    time : str, optional
        Column of time stamps.
    run : str, optional
        Column whose values separate runs; the rows of a run follow each other.
    drop : sequence of str
        Columns to leave out.

    Returns
    -------
    list of Run
        In the order of the file, named after the value in column ``run`` or the file.

    Raises
    ------
    InputError

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "pump.csv"
    ...     _ = file.write_text("datetime;flow;note\n2020-03-09 10:14:33;32.0;ok\n")
    ...     [log] = read_table(file, drop=["note"])
    >>> log.name, log.columns, log.values.tolist(), str(log.time[0])[:19]
    ('pump', ('flow',), [[32.0]], '2020-03-09T10:14:33')
    """
    return list(read_tables(path, TableOptions(time=time, run=run, drop=tuple(drop))).runs.values())


def _read_next(
    tables: Iterator[OpenedTable], path: Path | None, stamp: FileStamp | None, options: TableOptions
) -> tuple[list[Run], TableSummary]:
    """Open the next table, read its runs, and make sure that its file stayed the same meanwhile."""
    from dccad.tables.guards import refuse_damage, refuse_if_changed
    from dccad.tables.runs import read_opened

    format_ = ""
    try:
        opened = next(tables)
        format_ = opened.format
        with refuse_damage(opened.source, opened.format):
            return read_opened(opened, options)
    finally:
        # a file that something writes meanwhile is not damaged, and not half right either; SQLite
        # itself lets nobody read between two states
        if stamp is not None and path is not None and format_ != "SQLite":
            refuse_if_changed(path, stamp)


def _join(runs: Sequence[Run], options: TableOptions) -> tuple[Run, tuple[str, ...]]:
    """Runs as parts of one log, in their order, brought into the order of time."""
    first, last = runs[0], runs[-1]
    for run in runs[1:]:
        if run.columns != first.columns:
            raise InputError(
                f"--join: {run.name!r} has other columns than {first.name!r}: "
                + describe_column_difference(first.columns, run.columns)
            )
        if (run.time is None) != (first.time is None) or (
            run.time is not None and first.time is not None and run.time.dtype != first.time.dtype
        ):
            raise InputError(
                f"--join: {run.name!r} and {first.name!r} do not both have time stamps of one "
                "kind; leave --join out, or name the time column with --time"
            )
    labelled = all(run.row_labels is not None for run in runs)
    joined = replace(
        first,
        name=f"{first.name} … {last.name}",
        values=np.concatenate([run.values for run in runs]),
        time=None if first.time is None else np.concatenate([run.time for run in runs]),
        row_labels=np.concatenate([run.row_labels for run in runs]) if labelled else None,
    )
    from dccad.tables.runs import arrange_run

    joined, line = arrange_run(joined, options, "--join")
    notes: tuple[str, ...] = (f"{len(runs)} runs joined to one",)
    if not labelled and any(run.row_labels is not None for run in runs):
        notes += ("the labels are not used: not every run has them",)
    return joined, notes + (line.notes if line is not None else ())
