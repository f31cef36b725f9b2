"""The first lines of a text table, and how they tell what separates its fields."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from dccad.errors import InputError, ParameterError
from dccad.tables.layout.cells import Kind, kind_of
from dccad.tables.layout.headers import LOOK_AT, find_header
from dccad.tables.layout.shape import table_width
from dccad.tables.text.encodings import Utf8Text

MAX_COLUMNS = 20_000
"""Columns of the widest table that is read."""

BLANKS = " "
"""Stands for any number of blanks as separator."""

NONE = "\x1f"
"""Separator of a table with one column: a sign that does not occur in text."""

_CANDIDATES = (",", ";", "\t", "|", BLANKS)
_DATA = (Kind.NUMBER, Kind.DATE)
_SAMPLE_BYTES = 1 << 22
_LINE_BYTES = 1 << 24
_DETECT_LINES = 50
_DETECT_BYTES = 1 << 18
_RECORD_LINES = 20  # a cell with more line ends than this is a quote that does not close


@dataclass(frozen=True)
class Sample:
    """The first lines of a text.

    Attributes
    ----------
    lines : tuple of str
        Without line ends.
    offsets : tuple of int
        Byte at which each line begins, and the one after the last.
    """

    lines: tuple[str, ...]
    offsets: tuple[int, ...]


def read_sample(text: Utf8Text, least: int = LOOK_AT) -> Sample:
    """Read the first lines.

    Parameters
    ----------
    text : Utf8Text
    least : int
        Lines to read, where they are there and not very long.

    Raises
    ------
    InputError
        There is nothing but blank lines, or a line is far too long or has far too many fields.
    """
    lines: list[str] = []
    offsets = [0]
    with text.open() as stream:
        while len(lines) < least and (offsets[-1] < _SAMPLE_BYTES or len(lines) < 3):
            raw = stream.readline(_LINE_BYTES)
            if not raw:
                break
            cut = len(raw) == _LINE_BYTES and not raw.endswith(b"\n")
            line = raw.decode("utf-8", errors="replace")  # the cut may go through a character
            _refuse_wide(line, len(lines) + 1, text.source)
            if cut:
                raise InputError(
                    f"{text.source}: line {len(lines) + 1} is longer than "
                    f"{_LINE_BYTES >> 20} MiB; a table has one row a line: export it again as CSV"
                )
            lines.append(line.rstrip("\r\n"))
            offsets.append(offsets[-1] + len(raw))
    if lines:
        lines[0] = lines[0].removeprefix("\ufeff")
    if not any(line.strip() for line in lines):
        raise InputError(
            f"{text.source}: the file begins with nothing but blank lines; pass a file with sensor "
            "rows"
        )
    return Sample(tuple(lines), tuple(offsets))


def _refuse_wide(line: str, number: int, source: str) -> None:
    fields = max(line.count(separator) for separator in _CANDIDATES[:-1]) + 1
    if fields == 1 and len(line) > 2 * MAX_COLUMNS:
        fields = len(line.split())
    # as many commas may be decimal ones
    if fields > MAX_COLUMNS + 1:
        refuse_width(fields, f"line {number}", source)


def refuse_width(fields: int, where: str, source: str) -> NoReturn:
    """Refuse a table that is too wide.

    Raises
    ------
    InputError
        Always.
    """
    raise InputError(
        f"{source}: {where} has {fields} columns; at most {MAX_COLUMNS} are read: is the table "
        "transposed? write one row an instant and one column a sensor"
    )


def split_lines(lines: Sequence[str], separator: str) -> tuple[list[list[str]], list[int]]:
    r"""Fields of each row, and the index of the line in which the row begins.

    Examples
    --------
    >>> split_lines(["a;b", '"1', '2";3', "", '5" pipe;4'], ";")
    ([['a', 'b'], ['1\n2', '3'], [], ['5" pipe', '4']], [0, 1, 3, 4])
    """
    rows: list[list[str]] = []
    starts: list[int] = []
    i = 0
    while i < len(lines):
        starts.append(i)
        used = 1
        line = lines[i]
        if separator == BLANKS:
            rows.append([cell.strip('"') for cell in re.findall(r'"[^"]*"|[^ \t]+', line)])
        elif '"' not in line:
            rows.append(line.split(separator) if line.strip(" ") else [])
        else:
            cells, used = _quoted(lines[i : i + _RECORD_LINES], separator)
            rows.append(cells)
        i += used
    return rows, starts


def _quoted(lines: Sequence[str], separator: str) -> tuple[list[str], int]:
    """Fields of the first row of lines, and how many lines it takes."""
    reader = csv.reader((line + "\n" for line in lines), delimiter=separator, strict=True)
    try:
        return next(reader), reader.line_num
    except csv.Error:  # quotes that enclose nothing: they are signs like others
        return lines[0].split(separator), 1


def given_separator(text: str) -> str:
    r"""Separator as the user writes it: also "tab", "\\t", "space".

    Raises
    ------
    ParameterError
        It is not one ASCII character that can separate.

    Examples
    --------
    >>> given_separator("tab"), given_separator(r"\t"), given_separator(";")
    ('\t', '\t', ';')
    """
    named = {"\\t": "\t", "tab": "\t", "space": BLANKS, "blank": BLANKS, "blanks": BLANKS}
    separator = named.get(text.lower(), text)
    sign = len(separator) == 1 and separator.isascii() and not separator.isalnum()
    if not sign or separator in '".+-\r\n\0':
        raise ParameterError(
            f"separator {text!r} is not usable; give one sign (, ; |), tab, or a blank for any "
            "number of blanks"
        )
    return separator


def find_separator(lines: Sequence[str], decimal: str | None) -> str:
    """Separator with which the lower lines have equally many fields that look like cells.

    Parameters
    ----------
    lines : sequence of str
        The first ones.
    decimal : str or None
        Decimal sign that the user gave.

    Returns
    -------
    str
        ``BLANKS`` for any number of blanks, ``NONE`` for a table with one column.
    """
    size = 0
    lower: list[str] = []
    for line in reversed(lines):
        size += len(line)
        if len(lower) >= 3 and (len(lower) >= _DETECT_LINES or size > _DETECT_BYTES):
            break
        lower.insert(0, line)
    comma = decimal != "," or any('"' in line for line in lower)
    scores = {
        candidate: _score(lower, candidate)
        for candidate in _CANDIDATES
        if candidate != "," or comma
    }
    best = max(scores, key=lambda candidate: scores[candidate])
    if not scores[best] or (best in (",", BLANKS) and _is_one_column(lines, best)):
        return NONE
    return best


def _score(lines: Sequence[str], separator: str) -> float:
    """Share of rows with the number of fields of the table, times the share of possible cells."""
    rows = [row for row in map(_bare, split_lines(lines, separator)[0]) if any(row)]
    width = table_width(rows) if rows else 0
    if width < 2:
        return 0.0
    kinds = [[kind_of(cell) for cell in row] for row in rows]
    # titles and names hold few numbers, if any, and count little
    shares = [sum(kind in _DATA for kind in row) / len(row) for row in kinds]
    shares = shares if any(shares) else [1.0] * len(rows)
    fitting = [i for i, row in enumerate(rows) if len(row) == width and shares[i]]
    cells = [cell for i in fitting for cell in rows[i]]
    text = [
        cell
        for i in fitting
        for cell, kind in zip(rows[i], kinds[i], strict=True)
        if kind is Kind.TEXT
    ]
    if not cells or (separator == BLANKS and 2 * len(text) > len(cells)):  # words of a sentence
        return 0.0
    others = [sign for sign in _CANDIDATES[:-1] if sign != separator]
    uncut = [
        cell
        for cell in text
        if any(sign in cell for sign in others)
        or (" " in cell and all(kind_of(part) in _DATA for part in cell.split()))
    ]
    return sum(shares[i] for i in fitting) / sum(shares) * (1 - len(uncut) / len(cells))


def _bare(row: Sequence[str]) -> tuple[str, ...]:
    return tuple(cell.strip(" ") for cell in row)  # a tab may be a sign that did not cut


def _is_one_column(lines: Sequence[str], separator: str) -> bool:
    """Whether two fields a line are one: 12,5 or date and time below a single name."""
    lines = [line for line in lines if line.strip()][:20]
    rows = split_lines(lines, separator)[0]
    quoted = any('"' in line for line in lines[1:])  # what is quoted below the names is one cell
    if table_width([_bare(row) for row in rows]) != 2 or quoted:
        return False
    name = _name_row([[line] for line in lines])
    return _name_row(rows) is None and name is not None and len(rows[name]) == 1


def _name_row(rows: Sequence[Sequence[str]]) -> int | None:
    try:
        return find_header(rows).row
    except InputError:
        return None
