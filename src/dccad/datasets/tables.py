"""Read a table file as runs of sensor rows, write results as a table file.

One row is one instant. A file may hold the time in one column and, where it holds several runs,
the run in another; every other column is a sensor.
"""

from __future__ import annotations

import difflib
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dccad.datasets.csv_files import first_line, read_csv
from dccad.datasets.files import replace_files
from dccad.errors import InputError
from dccad.runs import Run

if TYPE_CHECKING:
    import polars as pl

SUFFIXES = (".csv", ".tsv", ".parquet")


def read_table(
    path: str | os.PathLike[str],
    *,
    time: str | None = None,
    run: str | None = None,
    drop: Sequence[str] = (),
) -> list[Run]:
    r"""Read one CSV or Parquet file.

    CSV is UTF-8 text with column names in the first line, separated by comma, semicolon or tab
    (which of them, the first line tells). Dates are read as year-month-day or day-month-year.

    Parameters
    ----------
    path : str or path
        The suffix tells the format: .csv, .tsv or .parquet.
    time : str, optional
        Column of time stamps: dates, or numbers in seconds. Default: the only column of dates, if
        there is one.
    run : str, optional
        Column whose values separate runs; the rows of a run follow each other.
    drop : sequence of str
        Columns to leave out.

    Returns
    -------
    list of Run
        In the order of the file, named after the value in column ``run`` or the file. ``values``
        has shape (n_rows, n_sensors): float32 if the file holds nothing else, float64 otherwise;
        missing cells are NaN. ``time`` is datetime64[ns] (UTC where the file names a time zone),
        float64 seconds, or None.

    Raises
    ------
    InputError
        The file is missing, empty, damaged or of another format; a column is missing, named
        twice, or holds text; the rows of a run are scattered.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "pump.csv"
    ...     _ = file.write_text("datetime;flow;note\n2020-03-09 10:14:33;32.0;ok\n")
    ...     [log] = read_table(file, drop=["note"])
    >>> log.name, log.columns, log.values.tolist(), str(log.time[0])[:19]
    ('pump', ('flow',), [[32.0]], '2020-03-09T10:14:33')
    """
    source = Path(path)
    frame = _read_frame(source, text_columns=[run] if run is not None else [])
    if not frame.height:
        raise InputError(f"{source}: no rows below the column names; pass a file with sensor rows")
    for name in drop:
        _require_column(source, frame, name, "drop")
    frame = frame.drop(list(drop))
    stamps = _time_column(source, frame, time)
    if run is not None:
        _require_column(source, frame, run, "run")
    sensors = [name for name in frame.columns if name not in (stamps, run)]
    values = _sensor_values(source, frame.select(sensors))
    instants = None if stamps is None else _instants(source, frame[stamps])
    columns = tuple(sensors)
    if run is None:
        return [Run(values, columns, source.stem, instants)]
    return [
        Run(
            values[start:stop],
            columns,
            name,
            None if instants is None else instants[start:stop],
        )
        for name, start, stop in _run_bounds(source, frame[run])
    ]


def write_scores(path: str | os.PathLike[str], columns: Mapping[str, ArrayLike]) -> None:
    r"""Write columns of equal length as CSV or Parquet, whole or not at all.

    Parameters
    ----------
    path : str or path
        The suffix tells the format: .csv or .parquet. An existing file is replaced.
    columns : mapping of str to array-like of shape (n_rows,)
        Numbers, datetime64 or str. NaN is written as ``NaN``.

    Raises
    ------
    InputError
        The suffix is another one, or the columns differ in length.
    OSError
        The disk is full, the folder is missing or not writable; nothing is left behind.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "scores.csv"
    ...     write_scores(file, {"row": [0, 1], "score": [float("nan"), 0.25]})
    ...     file.read_text()
    'row,score\n0,NaN\n1,0.25\n'
    """
    import polars as pl

    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise InputError(
            f"{target}: scores are written as .csv or .parquet, not {suffix!r}; "
            "give the output one of these suffixes"
        )
    arrays = {name: np.asarray(column) for name, column in columns.items()}
    if len({array.shape for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{name!r} {array.shape}" for name, array in arrays.items())
        raise InputError(f"{target}: the columns differ in length: {lengths}; pass one value a row")
    frame = pl.DataFrame({name: pl.Series(name, array) for name, array in arrays.items()})
    content = io.BytesIO()
    # the bytes go to disk through Python, which reports a full disk as OSError
    if suffix == ".csv":
        frame.write_csv(content, datetime_format="%Y-%m-%dT%H:%M:%S%.f")
    else:
        frame.write_parquet(content)
    replace_files({target: content.getvalue()})


def _read_frame(source: Path, text_columns: Sequence[str]) -> pl.DataFrame:
    if not source.exists():
        raise InputError(f"{source}: no such file; check the path")
    if source.is_dir():
        raise InputError(f"{source} is a folder; pass one file ({', '.join(SUFFIXES)})")
    suffix = source.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            f"{source}: files with suffix {suffix!r} are not read; convert it to one of "
            + ", ".join(SUFFIXES)
        )
    if source.stat().st_size == 0:
        raise InputError(f"{source}: the file is empty (0 bytes); pass a file with sensor rows")
    if suffix == ".parquet":
        return _read_parquet(source)
    return read_csv(source, text_columns)


def _read_parquet(source: Path) -> pl.DataFrame:
    import polars as pl

    try:
        return pl.read_parquet(source, glob=False)
    except pl.exceptions.DuplicateError as error:
        raise InputError(
            f"{source}: {first_line(error)}; give every column its own name"
        ) from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise InputError(
            f"{source}: not a readable Parquet file ({first_line(error)}); export it again"
        ) from error


def _time_column(source: Path, frame: pl.DataFrame, time: str | None) -> str | None:
    if time is not None:
        _require_column(source, frame, time, "time")
    dates = [name for name, dtype in frame.schema.items() if dtype.is_temporal()]
    others = [name for name in dates if name != time]
    if len(others) > (1 if time is None else 0):
        if time is not None:
            raise InputError(
                f"{source}: besides the time column {time!r} there are other columns of dates: "
                f"{_quote(others)}; leave them out with --drop"
            )
        raise InputError(
            f"{source}: several columns hold times: {_quote(dates)}; name the one that counts "
            "with --time and leave the others out with --drop"
        )
    return time if time is not None else dates[0] if dates else None


def _instants(source: Path, column: pl.Series) -> NDArray[Any]:
    import polars as pl

    if column.dtype in (pl.Datetime, pl.Date):
        if getattr(column.dtype, "time_zone", None) is not None:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        instants: NDArray[Any] = column.cast(pl.Datetime("ns")).to_numpy()
        return instants.astype("datetime64[ns]")
    if column.dtype.is_numeric():
        seconds: NDArray[Any] = column.cast(pl.Float64).to_numpy()
        return seconds.astype(np.float64)
    raise InputError(
        f"{source}: time column {column.name!r} holds {_example(column)}, which is no date and "
        "time; write it as 2020-03-09 10:14:33, or as a number of seconds"
    )


def _run_bounds(source: Path, column: pl.Series) -> list[tuple[str, int, int]]:
    """Name, first row and row after the last of each run."""
    if column.null_count():
        row = int(column.is_null().arg_true()[0])
        raise InputError(
            f"{source}: run column {column.name!r} is blank in row {row} (counted from 0); "
            "fill it in every row"
        )
    starts = [0, *(np.flatnonzero(np.diff(column.rle_id().to_numpy())) + 1).tolist()]
    names = [str(column[start]) for start in starts]
    seen: set[str] = set()
    for name, start in zip(names, starts, strict=True):
        if name in seen:
            raise InputError(
                f"{source}: run {name!r} starts again at row {start} (counted from 0); the rows "
                f"of a run need to follow each other: sort the file by {column.name!r} and time"
            )
        seen.add(name)
    stops = [*starts[1:], len(column)]
    return list(zip(names, starts, stops, strict=True))


def _sensor_values(source: Path, frame: pl.DataFrame) -> NDArray[np.floating[Any]]:
    import polars as pl

    kinds = set(frame.dtypes)
    text = [
        frame[name]
        for name, dtype in frame.schema.items()
        if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.Null))
    ]
    if text:
        shown = ", ".join(f"{column.name!r} ({_example(column)})" for column in text[:5])
        more = f" and {len(text) - 5} more" if len(text) > 5 else ""
        comma = any(_decimal_comma(column) for column in text)
        raise InputError(
            f"{source}: columns that hold no numbers: {shown}{more}; "
            + ("write numbers with a decimal point" if comma else "leave them out with --drop")
        )
    if not frame.width:
        raise InputError(f"{source}: no sensor column is left; keep at least one column of numbers")
    dtype = pl.Float32 if kinds == {pl.Float32} else pl.Float64
    table = frame.select(pl.all().cast(dtype).fill_null(float("nan")))
    return np.ascontiguousarray(table.to_numpy(writable=True))


def _require_column(source: Path, frame: pl.DataFrame, name: str, option: str) -> None:
    if name in frame.columns:
        return
    near = difflib.get_close_matches(name, frame.columns, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}?" if near else f"it has {_quote(frame.columns)}"
    raise InputError(f"{source}: no column {name!r} for --{option}; {hint}")


def _example(column: pl.Series) -> str:
    """First cell that is no number, and where."""
    import polars as pl

    bad = column.is_not_null()
    if column.dtype == pl.String:
        bad &= column.str.strip_chars().cast(pl.Float64, strict=False).is_null()
    rows = bad.arg_true()
    if rows.is_empty():
        return f"type {column.dtype}"
    row = int(rows[0])
    return f"{str(column[row])[:40]!r} in row {row}, counted from 0"


def _decimal_comma(column: pl.Series) -> bool:
    import polars as pl

    return column.dtype == pl.String and bool(
        column.drop_nulls().str.contains(r"^\s*[+-]?\d+,\d+\s*$").all()
    )


def _quote(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(map(repr, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
