"""Read a column of time stamps: text, dates or numbers become instants.

Text in any usual form is read by :mod:`~dccad.tables.time.stamp_text`; zones and daylight
saving are treated in :mod:`~dccad.tables.time.daylight`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError
from dccad.tables.time.daylight import check_zone, continue_wall_time, localise
from dccad.tables.time.stamp_numbers import (
    UNITS,
    compact,
    count_since_1970,
    holds_numbers,
    is_number,
    to_numbers,
    whole_numbers,
)
from dccad.tables.time.stamp_text import EARLIEST, LATEST, read_formatted, read_text, readable

if TYPE_CHECKING:
    import polars as pl

TIME_NAMES = frozenset(
    (
        *("time", "timestamp", "datetime", "ts", "utc", "timeutc", "timestamputc", "datetimeutc"),
        *(
            "date_time",
            "time_stamp",
            "datetimestamp",
            "sampletime",
            "eventtime",
            "localtime",
            "epoch",
            "unixtime",
        ),
        *("zeit", "zeitstempel", "datumzeit", "datumuhrzeit"),
    )
)
"""Names of time columns in lower case; :func:`is_time_name` sees past blanks, dashes and units."""


@dataclass(frozen=True)
class Instants:
    """The time of each row.

    Attributes
    ----------
    values : ndarray of shape (n_rows,)
        datetime64[ns], in UTC or wall time of a zone that is not known (the notes say which), or
        float64 in seconds from a start that is not known.
    notes : tuple of str
        What was decided, one short sentence each.
    """

    values: NDArray[Any]
    notes: tuple[str, ...] = ()


def read_instants(
    column: pl.Series,
    *,
    time_format: str | None,
    timezone: str | None,
    source: str,
    groups: NDArray[np.integer] | None = None,
) -> Instants:
    """Bring a column of time stamps into one form.

    Text may be ISO 8601 (with T or a blank, fractions after a point or a comma, Z or offsets, also
    different ones in one column), ``dd.mm.yyyy HH:MM[:SS]``, ``dd/mm/yyyy`` or ``mm/dd/yyyy`` (with
    AM and PM), ``yyyy/mm/dd``, ``dd-Mon-yy HH:MM:SS``, ``yyyymmddHHMMSS``, or a date alone. Whether
    day or month comes first is decided over the whole column: a number above 12 decides; else the
    reading with the more even steps; else the day comes first.

    Numbers are seconds, unless all of them are seconds, milliseconds, microseconds or nanoseconds
    since 1970 of the years 2001 to 2096.

    Stamps that name a zone come out in UTC. Others are wall time of ``timezone``; where that is
    not given, visible daylight-saving steps are undone
    (:func:`dccad.tables.time.daylight.continue_wall_time`).

    Parameters
    ----------
    column : polars.Series of shape (n_rows,)
        Text, Datetime, Date, Duration or numbers; blank cells are refused.
    time_format : str, optional
        "s", "ms", "us", "ns" for numbers since 1970 in UTC, or a ``strftime`` pattern.
    timezone : str, optional
        IANA name of the zone of stamps that name none.
    source : str
        How messages begin: the file.
    groups : ndarray of shape (n_rows,), int, optional
        Rows follow each other in time only within a group (the tags of a long table).

    Returns
    -------
    Instants

    Raises
    ------
    InputError
        A cell that is blank or no stamp (row counted from 0, and content), or a time that the
        zone leaves out in spring.
    ParameterError
        An unknown zone or format.

    Examples
    --------
    >>> import polars as pl
    >>> stamps = pl.Series("t", ["2020-10-25T02:59:00+0200", "2020-10-25 02:00:00,5+01:00"])
    >>> read = read_instants(stamps, time_format=None, timezone=None, source="log.csv")
    >>> read.values.astype("datetime64[ms]").astype(str).tolist()
    ['2020-10-25T00:59:00.000', '2020-10-25T01:00:00.500']
    >>> read.notes
    ('time stamps name their zone: brought to UTC',)
    """
    import polars as pl

    if timezone is not None:
        check_zone(timezone)
    label = f"{source}: time column {column.name!r}"
    if not isinstance(column.dtype, pl.String) and column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if column.dtype == pl.String:
        column = column.str.strip_chars()
        column = column.set(column == "", None)
    _refuse_blank(column, label)
    dtype = column.dtype
    if dtype in (pl.Datetime, pl.Date):
        return _from_datetimes(column, time_format, timezone, label, groups)
    if dtype == pl.Duration:
        micros = column.dt.total_nanoseconds().to_numpy()
        return Instants(micros / 1e9, ("time stamps are durations: read as seconds",))
    notes: list[str] = []
    if dtype == pl.String and len(column) and holds_numbers(column[0], time_format):
        if column.str.contains(",", literal=True).any():
            notes.append("time stamps are numbers with a decimal comma")
        column = to_numbers(column, time_format, label)
    if column.dtype.is_numeric():
        if compact(column) or (time_format is not None and time_format not in UNITS):
            column = whole_numbers(column, label).cast(pl.String)
        else:
            return _from_numbers(column, time_format, timezone, label, notes)
    if column.dtype != pl.String:
        raise InputError(
            f"{label} is of type {column.dtype}, which is no time; write it as "
            "2020-03-09 10:14:33, or as a number of seconds"
        )
    return _from_text(column, time_format, timezone, label, groups)


def looks_like_time(column: pl.Series) -> bool:
    """Whether a column is one of dates, by its type or by its first 200 cells.

    Plain numbers never look like time.

    Examples
    --------
    >>> import polars as pl
    >>> looks_like_time(pl.Series(["9.3.2020 10:00", None, "10.3.2020 10:00"]))
    True
    >>> looks_like_time(pl.Series(["12.5", "13.1"])), looks_like_time(pl.Series(["10:14:33"]))
    (False, False)
    """
    import polars as pl

    if column.dtype in (pl.Datetime, pl.Date):
        return True
    if column.dtype not in (pl.String, pl.Categorical, pl.Enum):
        return False
    first = column.head(10_000).drop_nulls()
    if not len(first):
        first = column.drop_nulls()
    cells = [cell.strip() for cell in first.head(200).cast(pl.String)]
    cells = [cell for cell in cells if cell]
    return not any(is_number(cell) for cell in cells) and readable(cells)


def is_time_name(name: str) -> bool:
    """Whether a column is called like a time column.

    Examples
    --------
    >>> [name for name in ["Time Stamp", "date_time", "Zeitstempel", "dwell time"]
    ...  if is_time_name(name)]
    ['Time Stamp', 'date_time', 'Zeitstempel']
    """
    plain = re.sub(r"[\s_\-/.]+|[\[(].*", "", name.strip().lower())
    return plain in TIME_NAMES


def join_date_and_time(date: pl.Series, time: pl.Series) -> pl.Series:
    """Join a column of dates and one of times of day into one of text for :func:`read_instants`.

    Parameters
    ----------
    date : polars.Series
        Text, Date, or Datetime at midnight (as spreadsheets give it).
    time : polars.Series
        Text, Time, Duration since midnight, or Datetime whose date is of no account.

    Returns
    -------
    polars.Series of String
        Named after both; null where one of them is blank.

    Examples
    --------
    >>> import polars as pl
    >>> stamp = join_date_and_time(pl.Series("Date", ["9.3.2020"]), pl.Series("Time", ["10:14"]))
    >>> stamp.name, stamp.to_list()
    ('Date Time', ['9.3.2020 10:14'])
    """
    import polars as pl

    if date.dtype in (pl.Date, pl.Datetime):
        days = date.dt.strftime("%Y-%m-%d")
    else:
        days = date.cast(pl.String).str.strip_chars()
        days = days.str.replace(r"[ T]0{1,2}:00(:00([.,]0+)?)?$", "")  # a date as a spreadsheet's
    if time.dtype == pl.Duration:
        time = pl.Series(time.name, time.dt.total_nanoseconds()).cast(pl.Time)
    if time.dtype in (pl.Time, pl.Datetime):
        hours = time.dt.strftime("%H:%M:%S%.f")
    else:
        hours = time.cast(pl.String).str.strip_chars()
    blank = (days == "") | (hours == "")
    joined: pl.Series = (days + " " + hours).set(blank.fill_null(value=True), None)
    return joined.alias(f"{date.name} {time.name}")


def _refuse_blank(column: pl.Series, label: str) -> None:
    """Refuse cells without content: null, NaN, infinite."""
    bad = column.is_null()
    what = "is blank"
    if column.dtype.is_float():
        bad |= ~column.is_finite().fill_null(value=True)
        what = "has no finite number"
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise InputError(
            f"{label} {what} in row {row}, counted from 0; fill in the time or remove the row"
        )


def _written(column: pl.Series, row: int) -> str:
    """A cell of dates as text; Python has no dates before the year 1, so polars writes it."""
    import polars as pl

    try:
        return str(column[row])
    except (ValueError, OverflowError):
        return str(column.slice(row, 1).cast(pl.String)[0])


def _from_datetimes(
    column: pl.Series,
    time_format: str | None,
    timezone: str | None,
    label: str,
    groups: NDArray[np.integer] | None,
) -> Instants:
    import polars as pl

    zoned = getattr(column.dtype, "time_zone", None) is not None
    micros = column.cast(pl.Datetime("us", "UTC") if zoned else pl.Datetime("us"))
    inside = micros.to_physical().is_between(EARLIEST, LATEST)
    if not inside.all():
        row = int((~inside).arg_max() or 0)
        raise InputError(
            f"{label} holds {_written(column, row)!r} in row {row}, counted from 0, which is not "
            "between the years 1701 and 2249; correct the stamp"
        )
    exact = micros if column.dtype == pl.Date else column  # 100 ns are kept
    wall = exact.dt.cast_time_unit("ns").to_physical().to_numpy(writable=True)
    notes = []
    if time_format is not None:
        notes.append(f"time_format {time_format!r} is not needed: the column holds dates")
    return _settle(wall, zoned, timezone, label, groups, notes)


def _from_text(
    column: pl.Series,
    time_format: str | None,
    timezone: str | None,
    label: str,
    groups: NDArray[np.integer] | None,
) -> Instants:
    notes: list[str] = []
    if time_format is not None:
        parsed = read_formatted(column, time_format, label)
    else:
        parsed, notes = read_text(column, label)
    zoned = parsed.zoned
    if zoned.all() or not zoned.any():
        named = bool(len(zoned)) and bool(zoned[0])
        return _settle(parsed.stamps, named, timezone, label, groups, notes)
    rows = np.flatnonzero(~zoned)
    if timezone is None:
        row = int(rows[0])
        raise InputError(
            f"{label} holds {column[row][:40]!r} in row {row}, counted from 0, which names no "
            "time zone while others do; name the zone of such stamps with --timezone"
        )
    instants = parsed.stamps
    own = None if groups is None else groups[rows]
    instants[rows], more = localise(instants[rows], timezone, own, label)
    notes += [f"stamps that name no zone are taken in {timezone}: all brought to UTC", *more]
    return Instants(instants.view("datetime64[ns]"), tuple(notes))


def _settle(
    wall: NDArray[np.int64],
    zoned: bool,
    timezone: str | None,
    label: str,
    groups: NDArray[np.integer] | None,
    notes: list[str],
) -> Instants:
    """Instants from stamps that all name a zone, or all name none."""
    if zoned:
        text = "time stamps name their zone: brought to UTC"
        notes = [*notes, text if timezone is None else f"{text}, {timezone} is not needed"]
    elif timezone is not None:
        wall, more = localise(wall, timezone, groups, label)
        notes = [*notes, f"time stamps are taken in {timezone}: brought to UTC", *more]
    else:
        wall, more = continue_wall_time(wall, groups)
        notes = [*notes, *more]
    return Instants(wall.view("datetime64[ns]"), tuple(notes))


def _from_numbers(
    column: pl.Series, unit: str | None, timezone: str | None, label: str, notes: list[str]
) -> Instants:
    """Seconds, or counts since 1970."""
    import polars as pl

    counted, more = count_since_1970(column, unit, label)
    notes = [*notes, *more]
    if counted is None:
        return Instants(column.cast(pl.Float64).to_numpy(writable=True), tuple(notes))
    if timezone is not None:
        notes.append(f"time zone {timezone} is not needed: numbers since 1970 are in UTC")
    return Instants(counted.view("datetime64[ns]"), tuple(notes))
