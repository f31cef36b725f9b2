"""Read CSV files: separator, column names, numbers and dates, and what is wrong with a line."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from dccad.errors import InputError

if TYPE_CHECKING:
    import polars as pl

SEPARATORS = ",;\t"
MISSING_MARKS = ["", "NA", "N/A", "#N/A", "null", "NULL"]
_UNNAMED = "(unnamed column) "


def read_csv(source: Path, text_columns: Sequence[str] = ()) -> pl.DataFrame:
    """Read a CSV file with column names in the first line.

    Parameters
    ----------
    source : Path
        UTF-8 text, with or without byte-order mark; separated by comma, semicolon or tab.
    text_columns : sequence of str
        Columns to keep as they are written ("007" stays "007").

    Returns
    -------
    polars.DataFrame
        Numbers, dates and, where a column is neither, text; blank cells are null.

    Raises
    ------
    InputError
        The names are missing or repeated, a line has too many fields, or the file is not UTF-8.
    """
    import polars as pl

    separator, names = _csv_header(source)
    try:
        frame = pl.read_csv(
            source,
            separator=separator,
            null_values=MISSING_MARKS,
            infer_schema_length=None,  # all rows: a column may turn from whole numbers to fractions
            try_parse_dates=True,
            schema_overrides={name: pl.String for name in text_columns if name in names},
            glob=False,
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        _refuse_csv(source, separator, len(names), error)
    if frame.width != len(names):
        _refuse_csv(source, separator, len(names), None)
    frame.columns = names
    # blank lines at the end of an export are no rows
    filled = frame.select(~pl.all_horizontal(pl.all().is_null())).to_series().arg_true()
    frame = frame.head(0 if filled.is_empty() else int(filled[-1]) + 1)
    frame = _without_trailing_separator(frame)
    _refuse_unnamed(source, frame)
    numbers = [
        number
        for name in frame.columns
        if name not in text_columns and (number := _as_numbers(frame[name])) is not None
    ]
    return frame.with_columns(numbers)


def _csv_header(source: Path) -> tuple[str, list[str]]:
    """Separator and column names, from the first line."""
    try:
        with source.open(encoding="utf-8-sig", newline="") as stream:
            first = stream.readline()
            unquoted = re.sub(r'"[^"]*"', "", first)
            separator = max(SEPARATORS, key=unquoted.count)
            header = csv.reader(itertools.chain([first], stream), delimiter=separator)
            names = [name.strip() for name in next(header, [])]
    except (UnicodeDecodeError, csv.Error) as error:
        _refuse_csv(source, ",", 0, error)
    if not any(names):
        raise InputError(f"{source}: the first line is blank; it needs to hold the column names")
    if all(_is_number(name) for name in names):
        raise InputError(
            f"{source}: the first line holds numbers ({names[0]!r} …), but it needs to hold the "
            "column names; add a line of names"
        )
    named = [name for name in names if name]
    twice = sorted({name for name in named if named.count(name) > 1}, key=named.index)
    if twice:
        raise InputError(
            f"{source}: column names that occur more than once: "
            f"{', '.join(map(repr, twice))}; give every column its own name"
        )
    # placeholders keep the names unique; those left are refused once the columns are read
    return separator, [name or f"{_UNNAMED}{i}" for i, name in enumerate(names, start=1)]


def _without_trailing_separator(frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out a last column without name and values: each line ends with a separator."""
    last = frame.columns[-1]
    if last.startswith(_UNNAMED) and frame[last].null_count() == frame.height:
        return frame.drop(last)
    return frame


def _refuse_unnamed(source: Path, frame: pl.DataFrame) -> None:
    """Refuse a column without name, unless it holds dates (an exported time index)."""
    for name in frame.columns:
        if name.startswith(_UNNAMED) and not frame.schema[name].is_temporal():
            raise InputError(
                f"{source}: column {name.removeprefix(_UNNAMED)} (counted from 1) has no name; "
                "name it in the first line, or export without row numbers (pandas: index=False)"
            )


def _as_numbers(column: pl.Series) -> pl.Series | None:
    """Read what the CSV reader left as text: blanks around numbers, "+1", ".5", "nan"."""
    import polars as pl

    if column.dtype != pl.String:
        return None
    numbers = column.str.strip_chars().cast(pl.Float64, strict=False)
    return numbers if numbers.null_count() == column.null_count() else None


def _refuse_csv(source: Path, separator: str, width: int, error: Exception | None) -> NoReturn:
    """Say why a CSV file could not be read, in terms of its lines."""
    try:
        with source.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, delimiter=separator)
            for cells in reader:
                if width and len(cells) > width:
                    raise InputError(
                        f"{source}: line {reader.line_num} has {len(cells)} fields, the first "
                        f"line names {width} columns; correct the line or export the file again"
                    ) from error
    except UnicodeDecodeError:
        raise InputError(
            f"{source}: not UTF-8 text; export it again as CSV in UTF-8 encoding"
        ) from error
    except csv.Error:
        pass  # the first error says more
    reason = "the lines do not match the column names" if error is None else first_line(error)
    raise InputError(f"{source}: not readable as CSV ({reason}); export it again") from error


def first_line(error: BaseException) -> str:
    r"""First line of an error's text, for messages of one line.

    Examples
    --------
    >>> first_line(ValueError("bad page\nbacktrace: ..."))
    'bad page'
    """
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
