"""How a table is to be read: what the user decided, as opposed to what is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Fill: TypeAlias = Literal["hold", "linear", "mean"]


@dataclass(frozen=True)
class TableOptions:
    r"""Options of :func:`dccad.datasets.read_tables`; what is None is found out and reported.

    Attributes
    ----------
    time : str, optional
        Column of time stamps.
    time_format : str, optional
        How stamps are written, in the form of ``strftime`` ("%d.%m.%Y %H:%M"), or "s", "ms", "us",
        "ns" for numbers counted from 1970-01-01 UTC.
    timezone : str, optional
        IANA name of the zone of stamps without one ("Europe/Berlin"); default: none, wall time.
    run : str, optional
        Column whose values separate runs.
    columns : tuple of str
        Sensors to read, in order: names, ranges ("xmeas_1:xmeas_41"), patterns ("flow*"); empty:
        all.
    drop : tuple of str
        Columns to leave out, in the same three forms.
    label : tuple of str
        Columns of labels: kept apart, never shown to a model.
    separator : str, optional
        Of CSV: ",", ";", "\t", "|" or " " (any number of blanks).
    decimal : {",", "."}, optional
        Decimal sign of CSV.
    encoding : str, optional
        Of CSV, as Python names it ("utf-8", "cp1252", "utf-16").
    header : int, optional
        Line of the column names in CSV and spreadsheets, counted from 1; 0: there is none.
    sheet : str, optional
        Name or number (from 1) of a workbook's sheet; default: the first.
    query : str, optional
        SQL, for databases.
    long : bool, optional
        One row is one value of one tag, not one instant of all tags; None: found out.
    tag, value, quality : str, optional
        Columns of a long table.
    good : tuple of str
        Values of ``quality`` that are good; empty: "good" and 192 to 219 (OPC).
    resample : float, optional
        Bring the rows onto a regular grid of this many seconds.
    fill : {"hold", "linear", "mean"}
        How grid values come about: the last value seen, a line between neighbours, or the mean of
        the values since the grid point before.
    max_gap : float, optional
        Seconds; a longer step interrupts a run. Default: 5 times the median step.
    join : bool
        Files are parts of one log, in the order of their names, instead of one run each.
    """

    time: str | None = None
    time_format: str | None = None
    timezone: str | None = None
    run: str | None = None
    columns: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    header: int | None = None
    sheet: str | None = None
    query: str | None = None
    long: bool | None = None
    tag: str | None = None
    value: str | None = None
    quality: str | None = None
    good: tuple[str, ...] = ()
    resample: float | None = None
    fill: Fill = "hold"
    max_gap: float | None = None
    join: bool = False


REMEMBERED = (
    "time",
    "time_format",
    "timezone",
    "long",
    "tag",
    "value",
    "quality",
    "good",
    "resample",
    "fill",
    "max_gap",
)
"""Options that say what the rows mean; a model keeps them for the logs that it will score."""
