"""Find the column names of a table: what stands above them, the units below, the first data row.

Works on rows of text, whether they come from a text file or from a sheet of a workbook.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from dccad.errors import InputError
from dccad.tables.layout.cells import Kind, bare_unit, is_time_format, is_unit, kind_of
from dccad.tables.layout.shape import Row, TableShape, is_count, table_width

LOOK_AT = 200
"""Rows from the start of a table among which its column names are looked for."""

_DATA = (Kind.NUMBER, Kind.DATE)


@dataclass(frozen=True)
class Header:
    """Where a table begins and what its columns are called.

    Attributes
    ----------
    names : tuple of str
        One a column from the left, none blank, each once. Columns to the right of them are blank
        in the rows that were looked at: the rows end with separators.
    units : mapping of str to str
        Unit of a column, without brackets, where a row of units stands below the names.
    row : int or None
        Index of the row of names; None where there is none.
    first_data : int
        Index of the first row of data; the number of rows where there is none.
    width : int
        Cells of a row of data; more than there are names where the rows end with separators.
    notes : tuple of str
        What was decided, one short sentence each.
    """

    names: tuple[str, ...]
    units: Mapping[str, str]
    row: int | None
    first_data: int
    width: int
    notes: tuple[str, ...]


def find_header(
    rows: Sequence[Sequence[str]],
    given: int | None = None,
    *,
    lines: Sequence[int] | None = None,
    words: bool = False,
) -> Header:
    """Find the row of column names, the units below it and the first row of data.

    The columns of numbers and dates are told from the lower rows. The first row that holds numbers
    and dates in those columns is the first of the data; the names are the first row above it with
    one text a column (of tables with one or two columns the last such row, because there titles
    have as many). Below the names, a row of units is kept; other rows of text are ignored and
    noted.

    Parameters
    ----------
    rows : sequence of sequence of str
        The first rows as text, at least ``LOOK_AT`` of them or all. A blank line is a row without
        cells; a row of blank cells below the names is a row of data without values.
    given : int, optional
        Line of the names, counted from 1, from the user; 0: there are none.
    lines : sequence of int, optional
        Line number of each row, counted from 1, where it is not the index + 1: for ``given`` and
        for messages.
    words : bool
        Cells are what stands between blanks, so that titles may have as many as the table.

    Returns
    -------
    Header

    Raises
    ------
    InputError
        Names are missing, repeated, or of another number than the fields below. The message
        does not say which file: put that before it.

    Examples
    --------
    >>> header = find_header([
    ...     ["Export of line 3"], [], ["Time", "Flow", "p"], ["", "m³/h", "[bar]"],
    ...     ["2020-03-09 10:00", "1,5", "3"], ["2020-03-09 10:01", "1,6", "3"],
    ... ])
    >>> header.names, dict(header.units), header.row, header.first_data
    (('Time', 'Flow', 'p'), {'Flow': 'm³/h', 'p': 'bar'}, 2, 4)
    >>> header.notes
    ("column names in line 3; 1 line above ignored: 'Export of line 3'", 'units in line 4')
    """
    table = [_stripped(row) for row in rows]
    if not any(table):
        raise InputError("there is nothing but blank lines; pass a table with sensor rows")
    numbers = list(range(1, len(table) + 1)) if lines is None else list(lines)
    if given:
        return _below_given(table, given, numbers)
    shape = TableShape(table, table_width(table))
    first = shape.first_data() if shape.typed or given is None else _first_written(table)
    named = None if given == 0 else _name_row(shape, first, numbers, words)
    return _header(shape, named, first, numbers)


def _stripped(row: Sequence[str]) -> Row:
    """Cells without outer blanks and line ends; none of a blank line."""
    cells = tuple(" ".join(cell.strip().splitlines()) for cell in row)
    return () if len(cells) <= 1 and not any(cells) else cells


def _first_written(table: Sequence[Row]) -> int:
    return next(i for i, row in enumerate(table) if row)


def _name_row(shape: TableShape, first: int, numbers: Sequence[int], words: bool) -> int | None:
    """Index of the row of names above the first row of data, or None."""
    table = shape.table
    able = [i for i in range(shape.start, first) if table[i] and shape.can_name(table[i])]
    full = [i for i in able if shape.is_full(table[i])]
    if full and shape.width > 2 and not words:
        return full[0]
    if full:
        return next((i for i in reversed(full) if _unit_share(shape, table[i]) <= 0.5), full[0])
    if able:  # names are missing or repeated, and refused
        return max(able, key=lambda i: sum(map(bool, table[i])))
    above = next((i for i in reversed(range(shape.start, first)) if table[i]), None)
    if above is None:
        return None
    row = table[above]
    if row[0].startswith("#"):  # a comment, unless it names each column
        return above if len(_uncommented(row, shape.width)) == shape.width > 1 else None
    _refuse_other_width(shape, row, above, first, numbers)
    return None


def _uncommented(row: Row, width: int) -> Row:
    """Names behind a comment sign, which may stand alone."""
    bare = row[0].lstrip("#").strip()
    if not bare and len(row) > width:
        return row[1:]
    return (bare, *row[1:])


def _refuse_other_width(
    shape: TableShape, row: Row, above: int, first: int, numbers: Sequence[int]
) -> None:
    """Refuse names of another number than the columns; titles are fewer, or no names."""
    names = row[:-1] if not row[-1] else row
    unique = len(set(names)) == len(names) and all(names)
    text = all(kind_of(cell) is Kind.TEXT for cell in names)
    if (
        len(names) > 1
        and 2 * len(names) >= shape.width
        and unique
        and text
        and first < len(shape.table)
    ):
        _refuse_width(len(names), numbers[above], shape.width, numbers[first])


def _refuse_width(named: int, line: int, width: int, data_line: int) -> NoReturn:
    raise InputError(
        f"line {line} names {named} columns, but line {data_line} has {width} fields; correct the "
        "names, or say which line holds them with --header (0: none)"
    )


def _below_given(table: Sequence[Row], given: int, numbers: Sequence[int]) -> Header:
    """Take the names from the line that the user gave."""
    if given not in numbers:
        inside = [line for line in numbers if line < given]
        why = (
            f"there are only {numbers[-1]} lines"
            if given > numbers[-1]
            else f"it belongs to the one that begins in line {inside[-1]}"
        )
        raise InputError(f"--header {given}: no row begins in line {given}, {why}; check the line")
    row = numbers.index(given)
    if not table[row]:
        raise InputError(
            f"--header {given}: line {given} is blank; give the line of the column names"
        )
    below = table[row + 1 :]
    width = table_width(below) if any(below) else len(table[row])
    shape = TableShape(table, width, start=row + 1)
    first = shape.first_data() if shape.typed else row + 1
    if len(shape.names_of(table[row])) != width and len(_uncommented(table[row], width)) != width:
        data_line = numbers[min(first, len(table) - 1)]
        _refuse_width(len(table[row]), given, width, data_line)
    return _header(shape, row, first, numbers)


def _header(shape: TableShape, row: int | None, first: int, numbers: Sequence[int]) -> Header:
    """Put together what was found."""
    table = shape.table
    notes: list[str] = []
    above = [i for i in range(first if row is None else row) if table[i]]
    ignored = f"{_count(len(above))} above ignored: {_shown(table[above[0]])}" if above else ""
    units: dict[str, str] = {}
    if row is None:
        width = shape.width
        while width > 1 and shape.kinds[width - 1] is Kind.BLANK:
            width -= 1  # the lines end with separators
        names = tuple(f"column_{i}" for i in range(1, width + 1))
        shown = names[0] if width == 1 else f"{names[0]} … {names[-1]}"
        notes.append(f"no column names: {shown}" + (f"; {ignored}" if ignored else ""))
    else:
        names = _names(shape, row, notes)
        if row or ignored:
            line = f"column names in line {numbers[row]}"
            notes.insert(0, f"{line}; {ignored}" if ignored else line)
        below = [i for i in range(row + 1, first) if table[i]]
        units_row = _units_row(shape, below)
        if units_row is not None:
            units = _units(shape, names, table[units_row])
            notes.append(f"units in line {numbers[units_row]}")
        notes += [
            f"line {numbers[i]} below the column names ignored: {_shown(table[i])}"
            for i in below
            if i != units_row
        ]
    return Header(names, units, row, first, shape.width, tuple(notes))


def _names(shape: TableShape, row: int, notes: list[str]) -> tuple[str, ...]:
    """Names of the columns, checked."""
    cells = list(shape.names_of(shape.table[row]))
    if shape.table[row][0].startswith("#") and not shape.can_name(shape.table[row]):
        cells = list(_uncommented(shape.table[row], shape.width))
        notes.append("the column names stand behind a #")
    elif is_count(shape.table[row]):
        notes.append("the column names are numbers")
    while len(cells) > 1 and not cells[-1] and shape.kinds[len(cells) - 1] is Kind.BLANK:
        cells.pop()  # the lines end with separators
    if not cells[0] and 0 in shape.dates and "time" not in cells:
        cells[0] = "time"
        notes.append("the first column has no name and holds dates: called 'time'")
    if "" in cells:
        refuse_unnamed(cells.index(""))
    twice = [name for name, count in Counter(cells).items() if count > 1]
    if twice:
        shown = ", ".join(map(repr, twice[:8]))
        more = f" and {len(twice) - 8} more" if len(twice) > 8 else ""
        raise InputError(
            f"column names that occur more than once: {shown}{more}; give every column its own name"
        )
    return tuple(cells)


def refuse_unnamed(column: int) -> NoReturn:
    """Refuse a column without a name.

    Parameters
    ----------
    column : int
        Counted from 0; the message counts from 1.

    Raises
    ------
    InputError
        Always.
    """
    raise InputError(
        f"column {column + 1} (counted from 1) has no name; name it in the header, or export "
        "without row numbers (pandas: index=False)"
    )


def _units_row(shape: TableShape, below: Sequence[int]) -> int | None:
    """Of the rows between names and data, the one that looks most like units."""
    shares = {i: _unit_share(shape, shape.table[i]) for i in below}
    best = max(shares, key=lambda i: shares[i], default=None)
    return best if best is not None and shares[best] > 0.5 else None


def _unit_share(shape: TableShape, row: Row) -> float:
    """Share of units among the cells of a row, but for those that describe the time; 0 if other."""
    if len(row) > shape.width + 1 or not shape.typed:
        return 0.0
    cells = [
        cell
        for c, cell in enumerate(row)
        if cell and c not in shape.dates and not is_time_format(cell)
    ]
    if any(kind_of(cell) in _DATA for cell in cells):
        return 0.0
    return sum(map(is_unit, cells)) / len(cells) if cells else 0.0


def _units(shape: TableShape, names: Sequence[str], row: Row) -> dict[str, str]:
    pairs = [(c, name, row[c]) for c, name in enumerate(names) if c < len(row)]
    return {name: bare_unit(unit) for c, name, unit in pairs if unit and c not in shape.dates}


def _count(lines: int) -> str:
    return "1 line" if lines == 1 else f"{lines} lines"


def _shown(row: Row, most: int = 40) -> str:
    """Start of a row, for a note."""
    text = " ".join(cell for cell in row if cell)
    return repr(text if len(text) <= most else text[: most - 1] + "…")
