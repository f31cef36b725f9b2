"""The numbers of an opened table, read into one array without a second copy of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError
from dccad.logs.runs import FloatArray
from dccad.logs.wording import shorten
from dccad.tables.opened import OpenedTable, exactly
from dccad.tables.text.reader import as_numbers

if TYPE_CHECKING:
    import polars as pl

SINGLE_FROM = 1 << 27
"""Cells (1 GiB in double precision) from which a table is kept in single precision."""

SLICE_CELLS = 1 << 23
"""Cells that are read at a time (64 MiB), where the format lets a part be read."""


def read_values(
    opened: OpenedTable, sensors: Sequence[str], n_rows: int
) -> tuple[FloatArray, tuple[str, ...]]:
    """Read columns as one array.

    Parameters
    ----------
    opened : OpenedTable
    sensors : sequence of str
        Columns to read; the others are not.
    n_rows : int
        Of the table.

    Returns
    -------
    (values, notes) : ndarray of shape (n_rows, n_sensors) and tuple of str
        float32 where every column is, or where there are more than ``SINGLE_FROM`` cells (noted);
        else float64. Blank cells are NaN.

    Raises
    ------
    InputError
        A column holds something other than numbers; gives an example with its row.
    """
    import polars as pl

    schema = opened.frame.select(exactly(*sensors)).collect_schema()
    kinds = set(schema.dtypes())
    notes: tuple[str, ...] = ()
    double = kinds != {pl.Float32}
    if double and n_rows * len(sensors) > SINGLE_FROM:
        double = False
        size = n_rows * len(sensors) * 8 / 2**30
        notes = (f"kept in single precision (7 digits): {size:.1f} GiB in double",)
    values = np.empty((n_rows, len(sensors)), dtype=np.float64 if double else np.float32)
    rows = max(1, SLICE_CELLS // len(sensors)) if opened.sliceable and _is_plain(schema) else n_rows
    start = 0
    while start < n_rows:
        part = opened.frame.slice(start, rows) if rows < n_rows else opened.frame
        frame = part.select(exactly(*sensors)).collect()
        if not frame.height:
            break
        numbers = _numbers(frame, opened)
        for column, name in enumerate(sensors):
            values[start : start + frame.height, column] = numbers[name].to_numpy()
        start += frame.height
    if start != n_rows:
        raise InputError(
            f"{opened.source}: {start} rows could be read where {n_rows} were counted; the file "
            "changed while it was read: copy it and read the copy"
        )
    return values, notes


def _is_plain(schema: pl.Schema) -> bool:
    """Only numbers: what text holds is told by the whole column."""
    import polars as pl

    return all(kind.is_numeric() or kind == pl.Boolean for kind in schema.dtypes())


def _numbers(frame: pl.DataFrame, opened: OpenedTable) -> dict[str, pl.Series]:
    """Each column as floating-point numbers, or the refusal that lists all that are none."""
    import polars as pl

    numbers: dict[str, pl.Series] = {}
    text: list[pl.Series] = []
    for column in frame.iter_columns():
        found: pl.Series | None = column
        if column.dtype in (pl.String, pl.Categorical, pl.Enum):
            found = as_numbers(column.cast(pl.String))
        elif not (column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null)):
            found = None
        if found is None:
            text.append(column)
            continue
        if found.dtype != pl.Float32:
            found = found.cast(pl.Float64)
        numbers[column.name] = found.fill_null(float("nan"))
    if text:
        refuse_text(opened, text)
    return numbers


def refuse_text(opened: OpenedTable, columns: Sequence[pl.Series]) -> None:
    """Refuse columns that hold no numbers, with a cell of each.

    Raises
    ------
    InputError
        Always.
    """
    shown = ", ".join(f"{shorten(column.name)!r} ({first_text(column)})" for column in columns[:5])
    more = f" and {len(columns) - 5} more" if len(columns) > 5 else ""
    remedy = "leave them out with --drop"
    if any(_has_decimal_comma(column) for column in columns):
        say = "say --decimal , or " if opened.format == "CSV" else ""
        remedy = f"{say}write a decimal point"
    raise InputError(f"{opened.source}: columns that hold no numbers: {shown}{more}; {remedy}")


def first_text(column: pl.Series) -> str:
    """First cell that is no number, and where, for messages."""
    import polars as pl

    bad = column.is_not_null()
    if column.dtype == pl.String:
        cells = column.str.strip_chars()
        wordy = (
            bad & cells.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False).is_null()
        )
        # 1,5 is the example only where nothing else is in the way
        bad = wordy if wordy.any() else bad & cells.cast(pl.Float64, strict=False).is_null()
    rows = bad.arg_true()
    if rows.is_empty():
        return f"type {column.dtype}"
    row = int(rows[0])
    return f"{str(column[row])[:40]!r} in row {row}, counted from 0"


def read_labels(opened: OpenedTable, name: str) -> NDArray[np.int8]:
    """A column of labels as 0 and 1.

    Raises
    ------
    InputError
        A cell holds something else.
    """
    import polars as pl

    column = opened.frame.select(exactly(name)).collect().to_series()
    cells = column.str.strip_chars() if column.dtype == pl.String else column
    try:
        flags = cells.cast(pl.Float64, strict=False).to_numpy()
    except pl.exceptions.PolarsError:  # a type that is nothing like a number
        flags = np.full(len(column), np.nan)
    known = np.isin(flags, (0.0, 1.0))
    if not known.all():
        bad = int(np.argmin(known))
        cell = "is blank" if column[bad] is None else f"holds {str(column[bad])[:40]!r}"
        raise InputError(
            f"{opened.source}: label column {name!r} {cell} in row {bad}, counted from 0; labels "
            "are 0 (normal) and 1 (anomalous): correct it, or leave the column out with --drop"
        )
    labels: NDArray[np.int8] = flags.astype(np.int8)
    return labels


def _has_decimal_comma(column: pl.Series) -> bool:
    import polars as pl

    cells = column.drop_nulls()
    return (
        column.dtype == pl.String
        and len(cells) > 0
        and bool(cells.str.contains(r"^\s*[+-]?\d+,\d+\s*$").all())
    )
