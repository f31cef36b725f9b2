"""Cells of a historian's export: which tags there are, which values are good, which are numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError

if TYPE_CHECKING:
    import polars as pl

_GOOD_TEXT = re.compile(r"(good([^a-z].*)?|ok|valid)", re.IGNORECASE)
_GOOD_OPC = (192, 219)
_COMMA = r"^[+-]?\d*,\d+([eE][+-]?\d+)?$"
_POINT = r"^[+-]?\d*\.\d"
_ERROR_CODE = re.compile(r"\[-?\d+\].*")  # "[-11059] No Good Data" of PI

NO_VALUE = frozenset(
    (
        *(
            "",
            "-",
            "--",
            "---",
            "?",
            "nan",
            "na",
            "n/a",
            "#n/a",
            "null",
            "none",
            "#value!",
            "#ref!",
        ),
        *("bad", "bad data", "bad input", "bad output", "bad value", "bad quality", "bad total"),
        *("no data", "nodata", "no good data", "no result", "no sample", "no value", "invalid"),
        *("invalid data", "invalid float", "sample bad", "error", "failed", "equip fail"),
        *("i/o timeout", "timeout", "scan timeout", "scan off", "comm fail", "comm error"),
        *("not connect", "not connected", "disconnected", "calc failed", "calc fail", "snap fail"),
        *("pt created", "point created", "configure", "not configured", "shutdown", "intf shut"),
        *("out of serv", "out of service", "under range", "over range", "inp outrange"),
        *("arc off-line", "arc offline", "archive error", "access denied", "dcs failed", "trace"),
        *("filter fail", "doubtful", "substituted", "unknown", "set to bad", "tag not found"),
    )
)
"""What stands in a value's place where there is none: states of historians, in lower case."""


@dataclass(frozen=True)
class Numbers:
    """Values of a column.

    Attributes
    ----------
    values : ndarray of shape (n_rows,), float64
        NaN where there is no number.
    text : ndarray of shape (n_rows,), bool
        Cells that hold text which is neither a number nor a mark of no value.
    notes : tuple of str
    """

    values: NDArray[np.float64]
    text: NDArray[np.bool_]
    notes: tuple[str, ...] = ()


def tag_codes(column: pl.Series, label: str) -> tuple[NDArray[np.uint32], list[str]]:
    """Number of the tag of each row, and the tags in natural order ("TI2" before "TI10").

    Raises
    ------
    InputError
        A row names no tag.

    Examples
    --------
    >>> import polars as pl
    >>> codes, tags = tag_codes(pl.Series(["TI10", "TI2 ", "TI10"]), "log.csv: tag column 'tag'")
    >>> codes.tolist(), tags
    ([1, 0, 1], ['TI2', 'TI10'])
    """
    import polars as pl

    text = column.cast(pl.String).str.strip_chars()
    blank = text.is_null() | (text == "")
    if blank.any():
        row = int(blank.arg_max() or 0)
        raise InputError(
            f"{label} is blank in row {row}, counted from 0; name the tag or remove the row"
        )
    tags = sorted(text.unique().to_list(), key=natural)
    codes = text.cast(pl.Enum(tags)).to_physical().to_numpy()
    return codes.astype(np.uint32), tags


def natural(name: str) -> list[tuple[int, str]]:
    """Sort key under which numbers within names count as numbers.

    Examples
    --------
    >>> sorted(["FI10", "FI9", "fi1"], key=natural)
    ['fi1', 'FI9', 'FI10']
    """
    parts = re.split(r"([0-9]+)", name)
    key = [(int(part), "") if i % 2 else (-1, part.lower()) for i, part in enumerate(parts)]
    return [*key, (-1, name)]  # names that differ in case alone keep one order


def good_rows(
    column: pl.Series, good: Sequence[str], label: str
) -> tuple[NDArray[np.bool_], pl.Series] | None:
    """Tell which rows are of good quality, and what the others hold.

    Parameters
    ----------
    column : polars.Series
        Text or numbers.
    good : sequence of str
        Values that are good, in any case; empty: good, ok, valid, and OPC's 192 to 219.
    label : str
        How messages begin.

    Returns
    -------
    (ndarray of shape (n_rows,), polars.Series) or None
        Flags, and the cells of the rows that are not good, in order; None: the column is blank
        throughout.

    Raises
    ------
    InputError
        None of the values is good.

    Examples
    --------
    >>> import polars as pl
    >>> flags, bad = good_rows(pl.Series(["Good", "Bad", "GOOD", None]), (), "log.csv")
    >>> flags.tolist(), bad.to_list()
    ([True, False, True, False], ['Bad', None])
    """
    import polars as pl

    text = column.cast(pl.String).str.strip_chars()
    found = text.value_counts(sort=True, name="n")
    values = [value for value in found.to_series(0).to_list() if value]
    if not values:
        return None
    accepted = [value for value in values if _is_good(value, good)]
    if not accepted:
        shown = ", ".join(
            f"{value!r} ({n} rows)" for value, n in found.head(5).iter_rows() if value is not None
        )
        known = " or ".join(map(repr, good)) if good else "good, ok, valid, 192 to 219"
        raise InputError(
            f"{label} holds none of the good values ({known}) but {shown}"
            + (f" and {len(values) - 5} more" if len(values) > 5 else "")
            + "; say which values are good with --good"
        )
    flags = text.is_in(accepted).fill_null(value=False)
    return flags.to_numpy(), text.filter(~flags)


def read_numbers(column: pl.Series, decimal: str | None, label: str) -> Numbers:
    """Read the value column.

    Parameters
    ----------
    column : polars.Series
        Numbers, or text.
    decimal : {",", "."} or None
        Decimal sign in text; None: a comma where no number has a point.
    label : str
        How messages begin.

    Raises
    ------
    InputError
        Points and commas, so that the comma may be one between thousands.

    Examples
    --------
    >>> import polars as pl
    >>> read = read_numbers(pl.Series(["1,5", "-2", "I/O Timeout", "ON"]), None, "log.csv")
    >>> read.values.tolist(), read.text.tolist(), read.notes
    ([1.5, -2.0, nan, nan], [False, False, False, True], ('values have a decimal comma',))
    """
    import polars as pl

    if column.dtype not in (pl.String, pl.Categorical, pl.Enum):
        try:
            numbers = column.cast(pl.Float64)
        except pl.exceptions.PolarsError as error:
            raise InputError(
                f"{label} is of type {column.dtype}, which is no number; name another with --value"
            ) from error
        values = numbers.fill_null(float("nan")).to_numpy(writable=True)
        return Numbers(values, np.zeros(len(column), dtype=np.bool_))
    text = column.cast(pl.String).str.strip_chars()
    notes = []
    left = _unread(text, text.cast(pl.Float64, strict=False))
    commas = text.gather(left).str.contains(_COMMA)
    if commas.any():
        example = text[int(left[commas.arg_max() or 0])]
        points = text.str.contains(_POINT).fill_null(value=False)
        if points.any() or decimal == ".":
            other = repr(text[int(points.arg_max() or 0)]) if points.any() else "--decimal ."
            raise InputError(
                f"{label} holds {example!r} beside {other}: a comma between thousands, or a "
                "decimal comma; write all numbers with a decimal point"
            )
        text = text.str.replace(",", ".", literal=True)
        if decimal is None:
            notes.append("values have a decimal comma")
    numbers = text.cast(pl.Float64, strict=False)
    left = _unread(text, numbers)
    values = numbers.fill_null(float("nan")).to_numpy(writable=True)
    flags = np.zeros(len(text), dtype=np.bool_)
    words = text.gather(left)
    states = [word for word in words.unique().to_list() if not _is_no_value(word)]
    flags[left[words.is_in(states).to_numpy()]] = True
    return Numbers(values, flags, tuple(notes))


def refuse_text(
    text: pl.Series,
    rows: NDArray[np.int64],
    codes: NDArray[np.integer],
    tags: Sequence[str],
    n_numbers: NDArray[np.int64],
    source: str,
) -> None:
    """Refuse tags whose values are text (digital states, or slips of the pen).

    Parameters
    ----------
    text : polars.Series of shape (n_text,)
        The cells.
    rows : ndarray of shape (n_text,), int64
        Their rows in the table.
    codes : ndarray of shape (n_text,)
        Their tags, as numbers.
    tags : sequence of str
    n_numbers : ndarray of shape (n_tags,), int64
        How many numbers each tag has.
    source : str

    Raises
    ------
    InputError
        If there is any.
    """
    if not rows.size:
        return
    found, first = np.unique(codes, return_index=True)
    shown = ", ".join(
        f"{tags[code]!r} ({str(text[int(at)])[:40]!r} in row {rows[at]}, counted from 0"
        + (", among numbers)" if n_numbers[code] else ")")
        for code, at in list(zip(found.tolist(), first.tolist(), strict=True))[:5]
    )
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    raise InputError(
        f"{source}: tags that hold text instead of numbers: {shown}{more}; leave "
        + ("it" if len(found) == 1 else "them")
        + " out with --drop"
    )


def _unread(text: pl.Series, numbers: pl.Series) -> NDArray[np.int64]:
    """Rows of cells that hold something which is no number."""
    left = (text.is_not_null() & (text != "") & numbers.is_null()).fill_null(value=False)
    return np.flatnonzero(left.to_numpy())


def _is_good(value: str, good: Sequence[str]) -> bool:
    number = _number(value)
    if not good:
        if number is None:
            return _GOOD_TEXT.fullmatch(value) is not None
        return _GOOD_OPC[0] <= number <= _GOOD_OPC[1]
    return any(
        value.casefold() == other.strip().casefold()
        or (number is not None and number == _number(other))
        for other in good
    )


def _is_no_value(word: str) -> bool:
    return word.lower() in NO_VALUE or _ERROR_CODE.fullmatch(word) is not None


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None
