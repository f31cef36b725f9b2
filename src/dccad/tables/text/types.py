"""Types of the columns of a CSV file: a guess from the first rows, checked against all of them.

The parser reads guessed columns straight as numbers. Where a later cell does not fit, the columns
are read as text and every cell is looked at: whole numbers, numbers with a decimal point or comma,
truth values, or text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from dccad.errors import InputError
from dccad.tables.layout.cells import MISSING_MARKS, NUMBER, THOUSANDS

if TYPE_CHECKING:
    import polars as pl

_WHOLE = re.compile(r"[+-]?(?:\d{1,18}|[1-8]\d{18})")  # what Int64 holds
_POINT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:nan|NaN|inf)")
_COMMA = re.compile(r"[+-]?(?:\d+,\d*|,\d+)(?:[eE][+-]?\d+)?")
_TRUTH = re.compile(r"true|false", re.IGNORECASE)
_PERHAPS = re.compile(
    rf"{NUMBER}|[+-]?[\d., '\u2019\u00a0\u202f]*\d[.,]?|[+-]?(?:nan|inf)", re.IGNORECASE
)
_COLUMNS_A_PASS = 200
_Counts: TypeAlias = "Callable[[pl.Expr], Mapping[str, pl.Expr]]"


@dataclass(frozen=True)
class Guess:
    """Kinds of the columns in the first rows.

    Attributes
    ----------
    types : mapping of str to type or None
        What the parser shall read; None: numbers that it does not read, as with blanks after them.
    commas : frozenset of str
        Columns with decimal commas.
    point : str or None
        A cell with a decimal point, and where.
    """

    types: Mapping[str, Any]
    commas: frozenset[str]
    point: str | None


def guess_types(names: Sequence[str], rows: Sequence[Sequence[str]], decimal: str | None) -> Guess:
    """Guess the types of columns.

    Parameters
    ----------
    names : sequence of str
    rows : sequence of sequence of str
        The first rows of data, as they are written; shorter rows are passed over.
    decimal : str or None
        Decimal sign, if the user gave it.

    Examples
    --------
    >>> guess = guess_types(["n", "p", "state"], [["1", "0,5", "on"], ["2", "", "off"]], None)
    >>> guess.types["n"], guess.types["p"], guess.types["state"], set(guess.commas)
    (Int64, Float64, String, {'p'})
    """
    import polars as pl

    types: dict[str, Any] = {}
    commas = set()
    point = None
    full = [row for row in rows if len(row) >= len(names)]
    for column, name in enumerate(names):
        cells = [row[column].lstrip() for row in full]  # which the parser does, too
        cells = [cell for cell in cells if cell.rstrip() not in MISSING_MARKS]
        if all(map(_WHOLE.fullmatch, cells)):
            # a column without values is read as numbers until a cell says otherwise
            types[name] = pl.Int64 if cells else pl.Float64
        elif all(map(_POINT.fullmatch, cells)):
            types[name] = pl.Float64
            example = next((cell for cell in cells if "." in cell), None)
            if point is None and example:
                point = f"{example!r} in column {name!r}"
        elif all(_COMMA.fullmatch(cell) or _WHOLE.fullmatch(cell) for cell in cells):
            types[name] = pl.String if decimal == "." else pl.Float64
            commas.add(name)
        elif all(map(_TRUTH.fullmatch, cells)):
            types[name] = pl.Boolean
        else:
            perhaps = all(_PERHAPS.fullmatch(cell.rstrip()) for cell in cells)
            types[name] = None if perhaps else pl.String
    return Guess(types, frozenset(commas), point)


def as_numbers(column: pl.Series, decimal: str = ".") -> pl.Series | None:
    """Read a column of text as numbers, if it holds nothing else.

    Parameters
    ----------
    column : polars.Series
    decimal : {".", ","}
        With a comma, cells that hold a full stop are no numbers: it may separate thousands.

    Returns
    -------
    polars.Series or None
        Float64, blank cells and ``MISSING_MARKS`` null; None where a cell holds other text, or
        where the column is no text.

    Examples
    --------
    >>> import polars as pl
    >>> as_numbers(pl.Series([" +1", ".5 ", "NA", "nan"])).to_list()
    [1.0, 0.5, None, nan]
    >>> as_numbers(pl.Series(["1,5", "-2"]), decimal=",").to_list()
    [1.5, -2.0]
    >>> as_numbers(pl.Series(["1", "Bad"]))
    """
    import polars as pl

    if column.dtype != pl.String:
        return None
    cells = _cleaned(pl.col("text"))
    convert = _comma if decimal == "," else _point
    frame = (
        column.alias("text")
        .to_frame()
        .select(cells.alias("cells"), convert(cells).alias("numbers"))
    )
    numbers = frame["numbers"]
    return numbers.alias(column.name) if numbers.count() == frame["cells"].count() else None


def settle_types(
    text: pl.LazyFrame, fields: Mapping[str, str], guess: Guess, decimal: str | None, separator: str
) -> tuple[list[pl.Expr], bool]:
    """Look at every cell of columns of text.

    Parameters
    ----------
    text : polars.LazyFrame
        The columns as text.
    fields : mapping of str to str
        For each column to look at, what the frame calls it.
    guess : Guess
        Of all columns.
    decimal : str or None
        Decimal sign, if the user gave it.
    separator : str
        Of the file: between commas, a comma within quotes separates thousands more often.

    Returns
    -------
    (columns, comma) : list of polars.Expr and bool
        What makes numbers and truth values of the columns that hold them; whether a decimal comma
        was found.

    Raises
    ------
    InputError
        Numbers are grouped by thousands, or have both decimal signs. The message does not say
        which file: put that before it.
    """
    import polars as pl

    def measured(names: Sequence[str], counts: _Counts) -> dict[str, dict[str, Any]]:
        return _measure(text, {name: fields[name] for name in names}, counts)

    # few columns come as far as the costly questions
    number = measured(list(fields), _number_counts)
    left = [
        name
        for name, found in number.items()
        if found["point"] < found["cells"] or (found["points"] and decimal == ",")
    ]
    other = measured(left, _other_counts)
    commas = [name for name in left if other[name]["comma"] == number[name]["cells"]]
    commas = [] if decimal == "." else commas
    sure = set(commas if decimal == "," or separator != "," else ())
    groups = measured([name for name in left if name not in sure], _group_counts)
    converted: dict[Callable[[pl.Expr], pl.Expr], list[str]] = {}
    comma, point = None, guess.point
    for name, field in fields.items():
        n = number[name]["cells"]
        convert: Callable[[pl.Expr], pl.Expr] | None = None
        if name not in other:
            convert = _whole if number[name]["whole"] == n and n else _point
            if number[name]["points"] and point is None:
                point = f"{_example(text, field, '[.]')} in column {name!r}"
        elif other[name]["truth"] == n:
            convert = _truth
        elif other[name]["comma"] == n and decimal != ".":
            if name in groups and groups[name]["groups"] == groups[name]["commas"]:
                _refuse_groups(name, _example(text, field, THOUSANDS))
            convert = _comma
            comma = comma or f"{_example(text, field, ',')} in column {name!r}"
        elif groups[name]["groups"] and groups[name]["numbers"] == n:
            _refuse_groups(name, _example(text, field, THOUSANDS))
        if convert is not None:
            converted.setdefault(convert, []).append(field)
    if comma and point and decimal is None:
        raise InputError(
            f"decimal commas and decimal points are mixed: {comma}, {point}; say which one it is "
            "with --decimal, and leave the other columns out"
        )
    columns = [
        convert(_cleaned(pl.col(part)))
        for convert, names in converted.items()
        for part in _parts(names)
    ]
    return columns, comma is not None


def _measure(
    text: pl.LazyFrame,
    fields: Mapping[str, str],
    counts_of: _Counts,
) -> dict[str, dict[str, Any]]:
    """Counts of what the cells of each column are."""
    import polars as pl

    measured: dict[str, dict[str, Any]] = {}
    for part in _parts(list(fields)):
        cells = text.select(fields[name] for name in part).select(_cleaned(pl.all()))
        counts = counts_of(pl.all())
        query = cells.select(count.name.prefix(f"{key} ") for key, count in counts.items())
        found = query.collect(engine="streaming").row(0, named=True)
        for name in part:
            measured[name] = {key: found[f"{key} {fields[name]}"] for key in counts}
    return measured


def _parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Names in groups: planning an expression for very many columns takes polars very long."""
    for start in range(0, len(names), _COLUMNS_A_PASS):
        yield names[start : start + _COLUMNS_A_PASS]


def _number_counts(cells: pl.Expr) -> dict[str, pl.Expr]:
    return {
        "cells": cells.count(),
        "whole": _whole(cells).count(),
        "point": _point(cells).count(),
        "points": cells.str.contains(".", literal=True).any(),
    }


def _other_counts(cells: pl.Expr) -> dict[str, pl.Expr]:
    return {"truth": _truth(cells).count(), "comma": _comma(cells).count()}


def _group_counts(cells: pl.Expr) -> dict[str, pl.Expr]:
    groups = cells.str.contains(THOUSANDS)
    return {
        "groups": groups.sum(),
        "commas": cells.str.contains(",", literal=True).sum(),
        "numbers": (groups | cells.str.contains(rf"^{NUMBER}$")).sum(),
    }


def _example(text: pl.LazyFrame, field: str, pattern: str) -> str:
    """First cell that matches, in quotes."""
    import polars as pl

    cells = text.select(_cleaned(pl.col(field)).alias("cell"))
    found = cells.filter(pl.col("cell").str.contains(pattern)).head(1).collect()
    return repr(found.item())


def _refuse_groups(name: str, cell: str) -> NoReturn:
    raise InputError(
        f"column {name!r} holds {cell}: numbers with a sign between thousands are not read, as "
        "that sign may be the decimal one; export them without it, or name that one by --decimal"
    )


def _cleaned(cells: pl.Expr) -> pl.Expr:
    """Cells without outer blanks; null where there is no value."""
    import polars as pl

    stripped = cells.str.strip_chars()
    return pl.when(~stripped.is_in(list(MISSING_MARKS))).then(stripped)


def _whole(cells: pl.Expr) -> pl.Expr:
    import polars as pl

    return cells.cast(pl.Int64, strict=False)


def _truth(cells: pl.Expr) -> pl.Expr:
    import polars as pl

    lower = cells.str.to_lowercase()
    return pl.when(lower.is_in(["true", "false"])).then(lower == "true")


def _point(cells: pl.Expr) -> pl.Expr:
    import polars as pl

    return cells.cast(pl.Float64, strict=False)


def _comma(cells: pl.Expr) -> pl.Expr:
    import polars as pl

    pointless = pl.when(~cells.str.contains(".", literal=True)).then(cells)
    return pointless.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
