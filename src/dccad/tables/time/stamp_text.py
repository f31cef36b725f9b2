"""Read columns of time stamps that are written as text, whatever form a plant writes them in.

The form is taken from the cells themselves, one cell per form; the rows are parsed by polars.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError, ParameterError

if TYPE_CHECKING:
    import polars as pl

NAT = int(np.iinfo(np.int64).min)
DAY = 86_400 * 10**9
EARLIEST, LATEST = -(10**6) * 86_400 * 98_000, 10**6 * 86_400 * 102_000
"""Years 1701 to 2249 in microseconds: what 64 bits of nanoseconds hold, with some room."""

ORDERS = {"dmy": "day first", "mdy": "month first", "ymd": "year first"}
"""Readings of dates such as 03/04/20, the preferred one first."""

_SAMPLED = 5000
_NUMERIC = {
    "dmy": ("%d", "%m", "year"),
    "mdy": ("%m", "%d", "year"),
    "ymd": ("%y", "%m", "%d"),
}
_STAMP = re.compile(
    r"""
    (?: (?P<year>\d{4}) (?P<s1>[-/.]) \d{1,2} (?P=s1) \d{1,2}
      | \d{1,2} (?P<s2>[-/.]) \d{1,2} (?P=s2) (?P<last>\d{4}|\d{2})
      | \d{1,2} (?P<s3>[-/.\s]) [A-Za-z]{3} (?P=s3) (?P<named>\d{4}|\d{2})
      | (?P<compact>\d{8}) (?=T?\d{6})
    )
    (?: (?P<between>T|t|\s+|(?<=\d{8}))
        (?: (?P<plain>\d{6}) | (?P<hour>\d{1,2}) :\d{2} (?P<second>:\d{2})? )
        (?P<fraction>[.,]\d+)?
        (?P<half>\s*[AaPp][Mm])?
        (?: (?P<zone>\s*(?:[Zz]|[+-]\d{2}(?::?\d{2})?)) | (?P<utc>\s*(?:UTC|GMT)) )?
    )?
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Form:
    """One way of writing a stamp, in terms of polars' (chrono's) format strings."""

    pattern: str
    comma: bool = False  # the fraction of a second follows a comma
    utc: bool = False
    next_day: bool = False  # 24:00 is the midnight that ends the day
    ambiguous: bool = False  # day and month are told apart by their order alone


@dataclass
class Parsed:
    """Stamps of a column: nanoseconds since 1970, ``NAT`` where a cell could not be read."""

    stamps: NDArray[np.int64]
    zoned: NDArray[np.bool_]
    forms: list[Form] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Every cell has been read."""
        return not bool((self.stamps == NAT).any())

    @property
    def ambiguous(self) -> bool:
        """Some form leaves open which number is the day."""
        return any(form.ambiguous for form in self.forms)


def read_text(text: pl.Series, label: str) -> tuple[Parsed, list[str]]:
    """Parse a column of text without blank cells; the forms are found out.

    Parameters
    ----------
    text : polars.Series of String
    label : str
        How messages begin: file and column.

    Returns
    -------
    Parsed
        Complete.
    list of str
        What was decided.

    Raises
    ------
    InputError
        The first cell that is no date.

    Examples
    --------
    >>> import polars as pl
    >>> parsed, notes = read_text(pl.Series(["09.03.2020 10:15", "13.03.2020 10:15"]), "log.csv")
    >>> parsed.stamps.astype("datetime64[ns]").astype("datetime64[m]").astype(str).tolist()
    ['2020-03-09T10:15', '2020-03-13T10:15']
    >>> notes
    ["dates such as '09.03.2020 10:15' are read day first: other readings are no dates"]
    """
    first = parse(text, "dmy")
    if first.complete and not first.ambiguous:
        return first, []
    sample = text.gather_every(max(1, len(text) // _SAMPLED))
    possible = {"dmy": first} if first.complete else {}
    failed = [first]
    for order in list(ORDERS)[1:]:
        if parse(sample, order).complete:
            parsed = parse(text, order)
            if parsed.complete:
                possible[order] = parsed
            else:
                failed.append(parsed)
    if not possible:
        best = max(failed, key=lambda parsed: int(np.argmax(parsed.stamps == NAT)))
        _refuse(text, best, label)
    order, reason = _most_even(possible)
    example = _ambiguous_example(text, possible[order])
    return possible[order], [f"dates such as {example!r} are read {ORDERS[order]}{reason}"]


def read_formatted(text: pl.Series, pattern: str, label: str) -> Parsed:
    """Parse a column of text in the form that the user gave.

    Parameters
    ----------
    text : polars.Series of String
        Without blank cells.
    pattern : str
        In the form of ``strftime``: ``%d.%m.%Y %H:%M:%S.%f``.
    label : str
        How messages begin: file and column.

    Raises
    ------
    ParameterError
        The format is no format.
    InputError
        The first cell that does not match it.
    """
    import polars as pl

    if "%" not in pattern:
        raise ParameterError(
            f"time_format {pattern!r} has no field; write it as %d.%m.%Y %H:%M:%S, or as s, ms, "
            "us, ns for numbers counted from 1970"
        )
    # Python's .%f is a fraction of a second; chrono's would be a number of nanoseconds
    comma = ",%f" in pattern
    chrono = re.sub(r"[.,]%f", "%.f", pattern).replace("%z", "%#z")
    form = Form(chrono, comma=comma)
    try:
        stamps, zoned = _parse_form(text, form)
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise ParameterError(f"time_format {pattern!r} cannot be used: {reason}") from error
    parsed = Parsed(stamps, np.full(len(text), zoned), [form])
    if not parsed.complete:
        row = int(np.argmax(stamps == NAT))
        raise InputError(
            f"{label} holds {text[row][:40]!r} in row {row}, counted from 0, which is no date and "
            f"time of the form {pattern!r}; correct the stamp or --time-format"
        )
    return parsed


def form_of(cell: str, order: str = "dmy") -> Form | None:
    """Tell how one stamp is written; None where it is none.

    Examples
    --------
    >>> form_of("2020-03-09T10:14:33,5Z").pattern
    '%Y-%m-%dT%H:%M:%S%.f%#z'
    >>> form_of("3/9/2020 2:00 PM", order="mdy").pattern
    '%m/%d/%Y %I:%M %p'
    >>> form_of("10:14:33") is None
    True
    """
    found = _STAMP.fullmatch(cell.strip())
    if found is None:
        return None
    part = found.groupdict(default="")
    date = _date_pattern(part, order)
    if date is None:
        return None
    time, next_day = "", False
    if found["between"] is not None:
        between = part["between"].strip() or ("" if part["compact"] else " ")
        clock, next_day = _clock_pattern(part, cell)
        time = between + clock
    return Form(
        date + time,
        comma=part["fraction"].startswith(","),
        utc=bool(part["utc"]),
        next_day=next_day,
        ambiguous=bool(part["s2"]),
    )


def parse(text: pl.Series, order: str) -> Parsed:
    """Parse rows form by form: the first row not yet read tells the next form.

    Stops at a row that no form reads; it and later rows of unknown form stay ``NAT``.
    """
    n_rows = len(text)
    parsed = Parsed(np.full(n_rows, NAT, dtype=np.int64), np.zeros(n_rows, dtype=np.bool_))
    left: NDArray[np.int64] | None = None  # None: all rows
    while left is None or left.size:
        cell = text[0 if left is None else int(left[0])] if n_rows else None
        form = None if cell is None else form_of(cell, order)
        if form is None or form in parsed.forms:
            break
        parsed.forms.append(form)
        stamps, zoned = _parse_form(text if left is None else text.gather(left), form)
        rows = stamps != NAT
        if left is None:
            parsed.stamps = stamps
            parsed.zoned[rows] = zoned
            left = np.flatnonzero(~rows)
        else:
            parsed.stamps[left[rows]] = stamps[rows]
            parsed.zoned[left[rows]] = zoned
            left = left[~rows]
    return parsed


def _date_pattern(part: Mapping[str, str], order: str) -> str | None:
    if part["year"]:
        return part["s1"].join(("%Y", "%m", "%d"))
    if part["compact"]:
        return "%Y%m%d"
    if part["named"]:
        return part["s3"].join(("%d", "%b", "%Y" if len(part["named"]) == 4 else "%y"))
    if order == "ymd" and len(part["last"]) == 4:
        return None
    year = "%Y" if len(part["last"]) == 4 else "%y"
    return part["s2"].join(year if field == "year" else field for field in _NUMERIC[order])


def _clock_pattern(part: Mapping[str, str], cell: str) -> tuple[str, bool]:
    """Pattern of the time of day, and whether it is the 24:00 that ends a day."""
    midnight = re.search(r"(?<!\d)24:00(?::00(?:[.,]0+)?)?", cell)
    if midnight and part["hour"] == "24":
        clock = midnight[0].replace(",", ".")
    else:
        hour = "%I" if part["half"] else "%H"
        clock = f"{hour}%M%S" if part["plain"] else f"{hour}:%M" + (":%S" if part["second"] else "")
        clock += "%.f" if part["fraction"] else ""
        midnight = None
    clock += " %p" if part["half"] else ""
    clock += "%#z" if part["zone"] else ""
    clock += f" {part['utc'].strip()}" if part["utc"] else ""
    return clock, midnight is not None


def _parse_form(text: pl.Series, form: Form) -> tuple[NDArray[np.int64], bool]:
    """Parse rows of one form, ``NAT`` elsewhere; whether the form names a zone."""
    if form.comma:
        text = text.str.replace(",", ".", literal=True)

    def read(unit: Literal["us", "ns"]) -> pl.Series:
        with warnings.catch_warnings():  # polars warns about formats of Python's strftime
            warnings.simplefilter("ignore")
            return text.str.to_datetime(
                form.pattern,
                time_unit=unit,
                strict=False,
                cache=False,  # stamps hardly repeat
            )

    column = read("us")
    zoned = form.utc or getattr(column.dtype, "time_zone", None) is not None
    micros = column.to_physical()
    # nanoseconds overflow without a word: years are checked in microseconds
    known = micros.is_between(EARLIEST, LATEST).fill_null(value=False).to_numpy()
    if "%.f" in form.pattern and bool(text.str.contains(r"\.\d{7}").any()):
        stamps = read("ns").to_physical().fill_null(0).to_numpy(writable=True)
    else:
        stamps = micros.fill_null(0).to_numpy(writable=True)
        stamps *= 1000
    if form.next_day:
        stamps += DAY
    stamps[~known] = NAT
    return stamps, zoned


def _most_even(possible: dict[str, Parsed]) -> tuple[str, str]:
    """The reading with the fewest breaks in its pace, and how it was chosen."""
    orders = list(possible)
    if len(orders) == 1:
        return orders[0], ": other readings are no dates"
    uneven = {order: _unevenness(possible[order].stamps) for order in orders}
    best = min(orders, key=lambda order: uneven[order])  # the first of equals
    others = " or ".join(ORDERS[order] for order in orders if order != best)
    if all(uneven[best] < uneven[order] for order in orders if order != best):
        return best, f", which gives more even steps than {others}"
    return best, f"; if they are {others}, give --time-format"


def _unevenness(stamps: NDArray[np.int64]) -> tuple[int, float]:
    """Breaks in the pace (steps back, long steps), then the share of steps off the median."""
    steps = np.diff(stamps)
    steps = steps[steps != 0]
    if not steps.size:
        return 0, 0.0
    if np.count_nonzero(steps < 0) > steps.size // 2:
        steps = -steps  # newest first
    median = float(np.median(np.abs(steps)))
    breaks = int(np.count_nonzero((steps < 0) | (steps > 5 * median)))
    return breaks, float(np.mean(np.abs(steps - median) > 0.01 * median))


def _ambiguous_example(text: pl.Series, parsed: Parsed) -> str:
    """The first cell of a form that leaves day and month open."""
    for cell in text.head(1000):
        form = form_of(cell)
        if form is not None and form.ambiguous:
            return str(cell).strip()
    return next(form.pattern for form in parsed.forms if form.ambiguous)


def _refuse(text: pl.Series, parsed: Parsed, label: str) -> NoReturn:
    row = int(np.argmax(parsed.stamps == NAT))
    cell = text[row]
    what = "no date and time"
    if form_of(cell) is not None:
        what = "no date and time that exists between the years 1701 and 2249"
    raise InputError(
        f"{label} holds {cell[:40]!r} in row {row}, counted from 0, which is {what}; write it as "
        "2020-03-09 10:14:33, or as a number of seconds"
    )


def readable(cells: Sequence[str]) -> bool:
    """Whether nearly all of some cells are dates, in one reading at least."""
    import polars as pl

    dates = [cell for cell in cells if form_of(cell) is not None]
    if not dates or len(dates) < 0.9 * len(cells):
        return False
    column = pl.Series(dates, dtype=pl.String)
    return any(parse(column, order).complete for order in ORDERS)
