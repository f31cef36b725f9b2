"""What one cell of a text table looks like: number, date, no value, unit, or other text."""

from __future__ import annotations

import re
from enum import Enum

MISSING_MARKS = ("", "NA", "N/A", "#N/A", "null", "NULL")
"""Cells without a value; every other word is text."""

NUMBER = r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?"
"""A number with either decimal sign, as a regular expression."""

THOUSANDS = (
    r"^\s*[+-]?(?:[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?|[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?"
    r"|[1-9]\d{0,2}(?:['\x{2019}\x{a0}\x{202f} ]\d{3})+(?:[.,]\d*)?)\s*$"
)
"""A number in groups of three digits, for polars' regular expressions; may also be a fraction."""

_NUMBER = re.compile(rf"{NUMBER}|[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_THOUSANDS = re.compile(re.sub(r"\\x\{(\w+)\}", lambda m: chr(int(m[1], 16)), THOUSANDS))
_MONTH = r"(?i:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-z]{0,6}\.?"
_DAY = rf"(?:\d{{1,4}}[-/.]\d{{1,2}}[-/.]\d{{1,4}}|\d{{1,2}}[- /.]*{_MONTH}[- /.,]*\d{{2,4}})"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,:]\d+)?)?(?: ?[AaPp]\.?[Mm]\.?)?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}|\[?[A-Z][A-Za-z]+(?:/[A-Za-z_]+)?\]?))?"
_DATE = re.compile(
    rf"(?:{_DAY}(?:[T ,_:-]+{_CLOCK}{_ZONE})?|{_CLOCK}(?: {_DAY})?"
    rf"|\d{{8}}[T _-]?\d{{4,6}}(?:\.\d+)?{_ZONE}|{_MONTH} \d{{1,2}},? \d{{4}}(?: {_CLOCK})?)"
)

_STATUS_WORDS = """bad, good, uncertain, questionable, on, off, true, false, open, closed, run,
running, stop, stopped, shutdown, no data, no-data, nodata, overflow, underflow, n.a., none, ok,
missing, fault, failed, error, i/o timeout, pt created, bad input, calc failed, comm fail, no
result"""
_STATUS = frozenset(" ".join(word.split()) for word in _STATUS_WORDS.split(","))

_UNITS = """m g s A K mol cd rad sr Hz N Pa J W C V F Ω S Wb T H lm lx Bq Gy l L h min d day days a
t u bar bara barg barA barG atm at Torr eV cal Wh VA var VAR Nm B P St hr hrs sec secs hour hours
psi psia psig kPag ft in inch inches yd mi lb lbs lbf oz gal bbl BTU Btu btu hp HP gpm GPM scf scfh
scmh scfm SCFM cfm Nm3 Sm3 Nm³ Sm³ cSt rpm RPM rev U pH ppm ppb ppmv vol wt mol-% Vol-% vol% wt%
mol% dB degC degF deg grd ° °C °F % ‰ # NTU FNU pcs Stk count counts cycles a.u. ohm Ohm cP gauge
abs"""
_FACTOR = (
    r"(?:[YZEPTGMkhdcmµμunpf]|da)?(?:"
    + "|".join(sorted(map(re.escape, _UNITS.split()), key=len, reverse=True))
    + r")(?:\^?-?[1-4²³]|⁻[¹²³])?"
)
_UNIT = re.compile(rf"(?:1/)?{_FACTOR}(?: ?[/*·. ] ?(?:{_FACTOR}|\((?:{_FACTOR}[*·. ]?)+\)))*")
_FORMAT = re.compile(r"(?=.*[yYdDhHmM]{2})[yYmMdDhHsSfTZ%:./\- ]{4,}")
_BRACKETS = {"[": "]", "(": ")", "{": "}", "<": ">", "/": "/"}


class Kind(Enum):
    """What a cell holds."""

    BLANK = "blank"
    MISSING = "missing"
    NUMBER = "number"
    DATE = "date"
    TEXT = "text"


def kind_of(cell: str) -> Kind:
    """Tell what a cell without outer blanks holds; a number may have either decimal sign.

    Examples
    --------
    >>> [kind_of(cell).value for cell in ("-3,5e2", "09.03.2020 10:14", "NA", "", "Bad", "1.234,5")]
    ['number', 'date', 'missing', 'blank', 'text', 'number']
    """
    if not cell:
        return Kind.BLANK
    if _NUMBER.fullmatch(cell):
        return Kind.NUMBER
    if cell in MISSING_MARKS:
        return Kind.MISSING
    if cell[0].isdigit() or cell[-1].isdigit() or cell[-1] in "Mm":
        if _DATE.fullmatch(cell):
            return Kind.DATE
        if _THOUSANDS.match(cell):
            return Kind.NUMBER
    elif cell[0] in "+-" and _THOUSANDS.match(cell):
        return Kind.NUMBER
    return Kind.TEXT


def is_status(cell: str) -> bool:
    """Whether a cell holds a word that historians write in place of a value ("Bad", "No Data").

    Examples
    --------
    >>> is_status("No Data"), is_status("kg/h")
    (True, False)
    """
    return cell.casefold() in _STATUS


def is_unit(cell: str) -> bool:
    """Whether a cell without outer blanks can be a unit; "-" stands for none.

    Examples
    --------
    >>> [is_unit(cell) for cell in ("kg/h", "[°C]", "m³/h", "-", "Feed flow", "FIC101")]
    [True, True, True, True, False, False]
    """
    bare = bare_unit(cell)
    if bare != cell and len(bare) <= 12:  # brackets say so, whatever the unit
        return True
    return bare in ("-", "–", "--") or (len(bare) <= 16 and bool(_UNIT.fullmatch(bare)))


def bare_unit(cell: str) -> str:
    """Take the brackets off a unit.

    Examples
    --------
    >>> bare_unit("[bar]"), bare_unit("m/s")
    ('bar', 'm/s')
    """
    if len(cell) > 2 and _BRACKETS.get(cell[0]) == cell[-1]:
        return cell[1:-1].strip()
    return cell


def is_time_format(cell: str) -> bool:
    """Whether a cell says how time stamps are written, as a row of units may do.

    Examples
    --------
    >>> is_time_format("yyyy-MM-dd HH:mm:ss"), is_time_format("kg/h")
    (True, False)
    """
    return bool(_FORMAT.fullmatch(cell))
