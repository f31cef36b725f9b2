"""Open a file after what it holds, whatever it is named; Parquet and Arrow are opened here."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dccad.errors import InputError, ParameterError
from dccad.tables.files.arrow_damage import arrow_damage
from dccad.tables.files.sniffing import (
    ARROW,
    ARROW_STREAM,
    CSV,
    EXCEL,
    OPEN_DOCUMENT,
    PARQUET,
    POSTGRESQL,
    SQLITE,
    file_of,
    find_format,
)
from dccad.tables.files.sources import Source
from dccad.tables.guards import reason, refuse_damage, system_reason
from dccad.tables.opened import OpenedTable
from dccad.tables.options import TableOptions

if TYPE_CHECKING:
    import polars as pl

_WORKBOOKS = (EXCEL, OPEN_DOCUMENT)
_DATABASES = (SQLITE, POSTGRESQL)

# options that only some formats have: what an option is for, and the formats
_OPTIONS_OF = {
    "separator": ("CSV", (CSV,)),
    "decimal": ("CSV", (CSV,)),
    "encoding": ("CSV", (CSV,)),
    "header": ("CSV and spreadsheets", (CSV, *_WORKBOOKS)),
    "sheet": ("spreadsheets", _WORKBOOKS),
    "query": ("databases", _DATABASES),
}

_SUFFIXES = {
    PARQUET: (".parquet", ".pq"),
    ARROW: (".arrow", ".feather", ".ipc"),
    ARROW_STREAM: (".arrow", ".arrows", ".ipc"),
    EXCEL: (".xlsx", ".xlsm", ".xlsb", ".xls", ".xltx"),
    OPEN_DOCUMENT: (".ods", ".ots"),
    SQLITE: (".db", ".db3", ".sqlite", ".sqlite3", ".s3db"),
}

# an Arrow file up to this size is read as it is: polars maps larger ones into memory, where a file
# that shrinks meanwhile ends the process
_ARROW_BYTES = 1 << 30


def open_source(source: Source, options: TableOptions) -> OpenedTable:
    """Open one log after what it holds.

    Parameters
    ----------
    source : Source
    options : TableOptions
        Every option needs to fit the log's format.

    Raises
    ------
    InputError, ParameterError
        As in :func:`open_sources`.
    """
    [table] = open_sources([source], options)
    return table


def open_sources(sources: Sequence[Source], options: TableOptions) -> Iterator[OpenedTable]:
    """Open logs after what they hold: the content decides, not the suffix.

    Parameters
    ----------
    sources : sequence of Source
        From :func:`dccad.tables.files.sources.expand_sources`.
    options : TableOptions
        An option that only some formats have must fit at least one of the logs.

    Returns
    -------
    iterator of OpenedTable
        In the order of ``sources``, each opened when it is asked for. Parquet is not read yet;
        workbooks and query results are in memory.

    Raises
    ------
    InputError
        A log cannot be read or is of another format; the message names it.
    ParameterError
        An option fits none of the logs.

    Examples
    --------
    >>> import polars as pl
    >>> from dccad.tables.files.sources import expand_sources
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pl.DataFrame({"flow": [1.5, 2.5]}).write_parquet(Path(folder, "pump.csv"))
    ...     [table] = open_sources(expand_sources([folder]), TableOptions())
    ...     table.format, table.frame.collect()["flow"].to_list(), table.notes
    ('Parquet', [1.5, 2.5], ('named .csv but holds Parquet: read as Parquet',))
    """
    # standard input is read once, here, and looked at like a file
    located = [_spooled(source) if source.kind == "stdin" else source for source in sources]
    formats = [find_format(source) for source in located]
    check_options_fit(zip([source.label for source in located], formats, strict=True), options)
    pairs = list(zip(located, formats, strict=True))
    return (_open(source, format_, options) for source, format_ in pairs)


def check_options_fit(formats: Iterable[tuple[str, str]], options: TableOptions) -> None:
    """Refuse an option that none of the logs can use.

    Parameters
    ----------
    formats : iterable of (label, format)
        Every log: what messages call it, and its ``OpenedTable.format``.
    options : TableOptions

    Raises
    ------
    ParameterError
        All options that fit no log, in one line.

    Examples
    --------
    >>> check_options_fit([("a.csv", "CSV"), ("b.xlsx", "Excel workbook")], TableOptions(sheet="2"))
    """
    logs = list(formats)
    used = {format_ for _, format_ in logs}
    problems = [
        f"--{option} is for {purpose}"
        for option, (purpose, fitting) in _OPTIONS_OF.items()
        if getattr(options, option) is not None and not used & set(fitting)
    ]
    if not problems or not logs:
        return
    if len(logs) == 1:
        what = f"{logs[0][0]} is of format {logs[0][1]}"
    else:
        what = f"the {len(logs)} logs are of format {', '.join(sorted(used))}"
    raise ParameterError(f"{'; '.join(problems)}; {what}: leave the option out")


def _open(source: Source, format_: str, options: TableOptions) -> OpenedTable:
    if source.kind == "database":
        from dccad.tables.databases import open_query

        table = open_query(source.url or "", options, source=source.label, name=source.name)
        return replace(table, notes=(*source.notes, *table.notes))
    path = file_of(source)
    if format_ == SQLITE:
        from dccad.tables.databases import open_query

        table = open_query(path, options, source=source.label, name=source.name)
    elif format_ in _WORKBOOKS:
        from dccad.tables.workbooks.reader import open_spreadsheet

        table = open_spreadsheet(path, options, source=source.label, name=source.name)
    elif format_ == CSV:
        from dccad.tables.text.reader import open_csv

        with refuse_damage(source.label, CSV):
            table = open_csv(path, options, source=source.label, name=source.name)
    else:
        table = _open_columns(path, format_, source.label, source.name)
    notes = (*source.notes, *_misnamed(source, format_), *table.notes)
    return replace(table, format=format_, notes=notes)


def _open_columns(path: Path, format_: str, label: str, name: str) -> OpenedTable:
    """Open a file that knows its columns: nothing but its metadata is read."""
    import polars as pl

    try:
        with refuse_damage(label, format_):
            frame = _scan(path, format_, label)
            width = len(frame.collect_schema())
            rows = frame.select(pl.len()).collect().item()
    except InputError as error:
        if isinstance(error.__cause__, pl.exceptions.DuplicateError):
            raise InputError(
                f"{label}: {reason(error.__cause__)}; give every column its own name"
            ) from error
        raise
    if not width or not rows:
        raise InputError(f"{label}: no rows below the column names; pass a file with sensor rows")
    return OpenedTable(frame, label, name, format_, sliceable=True)


def _scan(path: Path, format_: str, label: str) -> pl.LazyFrame:
    import polars as pl

    if format_ == PARQUET:
        return pl.scan_parquet(path, glob=False, hive_partitioning=False)
    with path.open("rb") as stream:
        damage = arrow_damage(stream)
    if damage is not None:
        raise InputError(f"{label}: a damaged {format_} ({damage}); copy or export it again")
    if format_ == ARROW_STREAM:
        return pl.read_ipc_stream(path).lazy()
    if path.stat().st_size <= _ARROW_BYTES:
        return pl.scan_ipc(path.read_bytes())
    return pl.scan_ipc(path, glob=False, hive_partitioning=False)


def _misnamed(source: Source, format_: str) -> tuple[str, ...]:
    """Note on a suffix that promises another format."""
    suffix = "" if source.kind == "stdin" or source.path is None else source.path.suffix.lower()
    promised = [name for name, suffixes in _SUFFIXES.items() if suffix in suffixes]
    if format_ == CSV:
        return (f"named {suffix} but holds text: read as CSV",) if promised else ()
    if not suffix or suffix in _SUFFIXES[format_]:
        return ()
    return (f"named {suffix} but holds {format_}: read as {format_}",)


def _spooled(source: Source) -> Source:
    """Copy standard input to a temporary file, which goes when the process ends."""
    import atexit
    import shutil

    stream = getattr(sys.stdin, "buffer", None)
    if stream is None or sys.stdin.isatty():
        raise InputError(
            "standard input is a terminal; pipe a table into it (… | dccad fit -), or name a file"
        )
    handle, name = tempfile.mkstemp(prefix="dccad-stdin-")
    path = Path(name)
    atexit.register(path.unlink, missing_ok=True)
    try:
        with os.fdopen(handle, "wb") as copy:
            shutil.copyfileobj(stream, copy, 1 << 20)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise InputError(
            f"standard input could not be copied to {path.parent} ({system_reason(error)}); set "
            "TMPDIR to a folder with more room"
        ) from error
    return replace(source, path=path)
