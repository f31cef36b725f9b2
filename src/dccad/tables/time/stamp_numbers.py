"""Time stamps that are numbers: seconds, counts since 1970, and digits that spell a date."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError
from dccad.tables.time.stamp_text import form_of

if TYPE_CHECKING:
    import polars as pl

UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
"""Nanoseconds in the units that ``time_format`` knows."""

EPOCH = {"s": 10**9, "ms": 10**12, "us": 10**15, "ns": 10**18}
"""What an instant of September 2001 counts since 1970; four times that is in October 2096."""

_COMPACT = (19000101000000, 22000101000000)
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")


def count_since_1970(
    column: pl.Series, unit: str | None, label: str
) -> tuple[NDArray[np.int64] | None, list[str]]:
    """Nanoseconds since 1970; None where the numbers are too small or too mixed to be that.

    Parameters
    ----------
    column : polars.Series of numbers
    unit : {"s", "ms", "us", "ns"} or None
        None: that in which all numbers lie between the years 2001 and 2096, if there is one.
    label : str
        How messages begin: file and column.

    Raises
    ------
    InputError
        A number is no instant of the years that 64 bits of nanoseconds hold.

    Examples
    --------
    >>> import polars as pl
    >>> counts, notes = count_since_1970(pl.Series([1583748873.1, 1583748873.2]), None, "log.csv")
    >>> (counts % 10**9).tolist(), notes
    ([100000000, 200000000], ['time stamps are numbers since 1970 in s, UTC'])
    """
    import polars as pl

    notes: list[str] = []
    if unit is None and len(column):
        low, high = float(column.min()), float(column.max())  # type: ignore[arg-type]  # numbers
        unit = next((u for u, one in EPOCH.items() if one <= low and high < 4 * one), None)
        if unit is not None:
            notes.append(f"time stamps are numbers since 1970 in {unit}, UTC")
    if unit is None:
        return None, notes
    one = UNITS[unit]
    if column.dtype.is_integer():
        counts = column.cast(pl.Int64, strict=False)
        limit = 9 * 10**18 // one
        outside = ~counts.is_between(-limit, limit).fill_null(value=False)
        whole = counts.set(outside, 0).to_numpy() * one
    else:
        numbers = column.cast(pl.Float64).to_numpy()
        outside = pl.Series(np.abs(numbers) > 9e18 / one)
        numbers = np.where(outside, 0.0, numbers)
        # a double of today's seconds is exact to a quarter of a microsecond
        floor = np.floor(numbers)
        part = np.rint((numbers - floor) * (one / 1000)).astype(np.int64) * 1000
        whole = floor.astype(np.int64) * one + part
    if outside.any():
        row = int(outside.arg_max() or 0)
        raise InputError(
            f"{label} holds {column[row]} in row {row}, counted from 0, which is not between the "
            f"years 1701 and 2249 in {unit}; correct --time-format"
        )
    return whole.astype(np.int64), notes


def is_number(cell: str) -> bool:
    """Whether text is a plain number, with a decimal point or comma.

    Examples
    --------
    >>> is_number("-12,5e3"), is_number("12:30")
    (True, False)
    """
    return _NUMBER.fullmatch(cell) is not None


def holds_numbers(cell: str, time_format: str | None) -> bool:
    """Whether text is to be taken for numbers, by its first cell."""
    if time_format is not None:
        return time_format in UNITS
    return is_number(cell) and form_of(cell) is None


def to_numbers(column: pl.Series, unit: str | None, label: str) -> pl.Series:
    """Numbers that are written as text, whole ones to the last digit."""
    import polars as pl

    for dtype in (pl.Int64, pl.Float64):
        numbers: pl.Series = column.str.replace(",", ".", literal=True).cast(dtype, strict=False)
        if not numbers.null_count():
            return numbers
    row = int(numbers.is_null().arg_max() or 0)
    what = "as in the rows before" if unit is None else f"of {unit}"
    raise InputError(
        f"{label} holds {column[row][:40]!r} in row {row}, counted from 0, which is no number "
        f"{what}; correct the stamp" + ("" if unit is None else " or --time-format")
    )


def compact(column: pl.Series) -> bool:
    """Whole numbers such as 20200309101433."""
    import polars as pl

    digits = column.cast(pl.Float64)  # exact up to 9e15
    if not len(digits) or not digits.is_between(*_COMPACT).all():
        return False
    return bool((digits % 100 < 60).all() and (digits // 100 % 100 < 60).all())


def whole_numbers(column: pl.Series, label: str) -> pl.Series:
    """Numbers of digits that stand for a date, without a fraction."""
    import polars as pl

    whole: pl.Series = column.cast(pl.Int64, strict=False)
    odd = (whole.cast(pl.Float64) != column.cast(pl.Float64)).fill_null(value=True)
    if odd.any():
        row = int(odd.arg_max() or 0)
        raise InputError(
            f"{label} holds {column[row]} in row {row}, counted from 0, which is no date of "
            "digits; correct --time-format"
        )
    return whole
