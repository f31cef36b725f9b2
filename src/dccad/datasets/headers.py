"""Find the column names of a table: what stands above them, the units below, the first data row.

Works on rows of text, whether they come from a text file or from a sheet of a workbook.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from dccad.datasets.cells import (
    Kind,
    bare_unit,
    is_status,
    is_time_format,
    is_unit,
    kind_of,
)
from dccad.errors import InputError

LOOK_AT = 200
"""Rows from the start of a table among which its column names are looked for."""

_Row: TypeAlias = tuple[str, ...]
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
    shape = _Shape(table, table_width(table))
    first = shape.first_data() if shape.typed or given is None else _first_written(table)
    named = None if given == 0 else _name_row(shape, first, numbers, words)
    return _header(shape, named, first, numbers)


def _stripped(row: Sequence[str]) -> _Row:
    """Cells without outer blanks and line ends; none of a blank line."""
    cells = tuple(" ".join(cell.strip().splitlines()) for cell in row)
    return () if len(cells) <= 1 and not any(cells) else cells


class _Shape:
    """Rows of a table with its number of fields and the kind of each column."""

    def __init__(self, table: Sequence[_Row], width: int, start: int = 0) -> None:
        self.table = table
        self.width = width
        self.start = start
        full = [i for i in range(start, len(table)) if len(table[i]) == width]
        rows = [table[i] for i in _lower(full)]
        lower = [row for row in rows if _has_data(row)] or rows
        self.kinds = [_column_kind([kind_of(row[c]) for row in lower]) for c in range(width)]
        self.typed = [c for c, kind in enumerate(self.kinds) if kind in _DATA]
        self.dates = [c for c, kind in enumerate(self.kinds) if kind is Kind.DATE]

    def first_data(self) -> int:
        """Index of the first row of data; the number of rows where there is none."""
        table, width = self.table, self.width
        if not self.typed:
            return self._first_text()
        first = next((i for i in range(self.start, len(table)) if self.is_data(i)), len(table))
        # rows without any value belong to the data; blank lines have no cells
        while first > self.start and len(table[first - 1]) == width and not any(table[first - 1]):
            first -= 1
        return first

    def is_data(self, i: int) -> bool:
        """Whether a row holds what its columns hold below."""
        row = self.table[i]
        if len(row) != self.width:
            return self._is_ragged(row)
        kinds = {c: kind_of(row[c]) for c in self.typed}
        fits = [c for c in self.typed if kinds[c] is self.kinds[c]]
        other = [c for c in self.typed if kinds[c] not in (Kind.BLANK, Kind.MISSING, self.kinds[c])]
        if not other:
            return bool(fits) or Kind.MISSING in kinds.values()
        if self.dates:
            if any(c in fits for c in self.dates):
                return True
            if any(c in other for c in self.dates):
                return False
        if any(len(above) == self.width for above in self.table[:i]):
            text = [c for c in other if not is_status(row[c])]
            return len(text) <= len(fits)
        # a first row such as t, 0, 1, 2: columns that are numbered
        cells = [row[c] for c in fits]
        numbered = all(map(str.isdigit, cells)) and len(set(cells)) == len(cells)
        return 0 in fits or not numbered

    def _is_ragged(self, row: _Row) -> bool:
        """A row of data with too few or too many fields: it is no title, and is refused later."""
        return len(row) > 1 and all(kind_of(cell) is not Kind.TEXT for cell in row) and any(row)

    def _first_text(self) -> int:
        """Of a table without numbers: below the first row with a text in each column."""
        full = (i for i, row in enumerate(self.table) if i >= self.start and self.can_name(row))
        return next(full, self.start - 1) + 1

    def names_of(self, row: _Row) -> _Row:
        """Cells of a row of names, one a column, where separators at line ends may differ."""
        if len(row) > self.width and not any(row[self.width :]):
            return row[: self.width]
        if len(row) == self.width - 1 and self.kinds[-1] is Kind.BLANK:
            return (*row, "")
        return row

    def can_name(self, row: _Row) -> bool:
        """Whether a row can hold the names: mostly text, and in most columns."""
        cells = self.names_of(row)
        if len(cells) != self.width or (row[0].startswith("#") and row[0] != "#"):
            return False
        named = [cell for cell in cells if cell]
        text = [cell for cell in named if kind_of(cell) in (Kind.TEXT, Kind.MISSING)]
        columns = len([kind for kind in self.kinds if kind is not Kind.BLANK]) or self.width
        return 2 * len(named) >= columns and (2 * len(text) >= len(named) or row[0] in text)

    def is_full(self, row: _Row) -> bool:
        """Whether a row names every column once, but for a first one of dates and blank ones."""
        cells = self.names_of(row)
        named = [cell for cell in cells if cell]
        unnamed = [c for c, cell in enumerate(cells) if not cell]
        may_lack = {c for c, kind in enumerate(self.kinds) if kind is Kind.BLANK}
        may_lack |= {0} if 0 in self.dates else set()
        return len(set(named)) == len(named) and may_lack.issuperset(unnamed)


def _first_written(table: Sequence[_Row]) -> int:
    return next(i for i, row in enumerate(table) if row)


def _lower(full: Sequence[int]) -> Sequence[int]:
    """The last 60 of 100 rows, at least 3: titles stand above."""
    return full[-max(3, -(-len(full) * 3 // 5)) :]


def _has_data(row: _Row) -> bool:
    return any(kind_of(cell) in _DATA for cell in row)


def _column_kind(kinds: Sequence[Kind]) -> Kind:
    """Number, date, text, or blank, after most of the cells."""
    counts = Counter(kind for kind in kinds if kind not in (Kind.BLANK, Kind.MISSING))
    if not counts:
        return Kind.MISSING if Kind.MISSING in kinds else Kind.BLANK
    return max(counts, key=lambda kind: (counts[kind], kind is not Kind.TEXT))


def table_width(table: Sequence[tuple[str, ...]]) -> int:
    """Fields of a row: of most rows with numbers or dates in the lower part of the table.

    Parameters
    ----------
    table : sequence of tuple of str
        Cells without outer blanks; blank lines have none. At least one row has cells.

    Examples
    --------
    >>> table_width([("Export",), (), ("t", "flow"), ("1", "0.5")])
    2
    """
    written = [row for row in table if row]
    lower = _lower(range(len(written)))
    data: Counter[int] = Counter()
    for row in (written[i] for i in lower):
        # by their share of numbers and dates, because titles may hold one, too
        data[len(row)] += 1000 * sum(kind_of(cell) in _DATA for cell in row) // len(row)
    other = Counter(len(row) for row in written if not _has_data(row))
    widths = +data or Counter(len(written[i]) for i in lower)
    return max(widths, key=lambda width: (widths[width], min(other[width], 1), width))


def _name_row(shape: _Shape, first: int, numbers: Sequence[int], words: bool) -> int | None:
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


def _uncommented(row: _Row, width: int) -> _Row:
    """Names behind a comment sign, which may stand alone."""
    bare = row[0].lstrip("#").strip()
    if not bare and len(row) > width:
        return row[1:]
    return (bare, *row[1:])


def _refuse_other_width(
    shape: _Shape, row: _Row, above: int, first: int, numbers: Sequence[int]
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


def _below_given(table: Sequence[_Row], given: int, numbers: Sequence[int]) -> Header:
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
    shape = _Shape(table, width, start=row + 1)
    first = shape.first_data() if shape.typed else row + 1
    if len(shape.names_of(table[row])) != width and len(_uncommented(table[row], width)) != width:
        data_line = numbers[min(first, len(table) - 1)]
        _refuse_width(len(table[row]), given, width, data_line)
    return _header(shape, row, first, numbers)


def _header(shape: _Shape, row: int | None, first: int, numbers: Sequence[int]) -> Header:
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


def _names(shape: _Shape, row: int, notes: list[str]) -> tuple[str, ...]:
    """Names of the columns, checked."""
    cells = list(shape.names_of(shape.table[row]))
    if shape.table[row][0].startswith("#") and not shape.can_name(shape.table[row]):
        cells = list(_uncommented(shape.table[row], shape.width))
        notes.append("the column names stand behind a #")
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


def _units_row(shape: _Shape, below: Sequence[int]) -> int | None:
    """Of the rows between names and data, the one that looks most like units."""
    shares = {i: _unit_share(shape, shape.table[i]) for i in below}
    best = max(shares, key=lambda i: shares[i], default=None)
    return best if best is not None and shares[best] > 0.5 else None


def _unit_share(shape: _Shape, row: _Row) -> float:
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


def _units(shape: _Shape, names: Sequence[str], row: _Row) -> dict[str, str]:
    pairs = [(c, name, row[c]) for c, name in enumerate(names) if c < len(row)]
    return {name: bare_unit(unit) for c, name, unit in pairs if unit and c not in shape.dates}


def _count(lines: int) -> str:
    return "1 line" if lines == 1 else f"{lines} lines"


def _shown(row: _Row, most: int = 40) -> str:
    """Start of a row, for a note."""
    text = " ".join(cell for cell in row if cell)
    return repr(text if len(text) <= most else text[: most - 1] + "…")
