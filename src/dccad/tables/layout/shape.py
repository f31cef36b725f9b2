"""The shape of a table: how many fields, what its columns hold, where its data begin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

from dccad.tables.layout.cells import Kind, is_status, kind_of

Row: TypeAlias = tuple[str, ...]
"""Cells without outer blanks; a blank line has none."""

_DATA = (Kind.NUMBER, Kind.DATE)


class TableShape:
    """Rows of a table, the number of its fields and the kind of each column.

    Parameters
    ----------
    table : sequence of tuple of str
        Cells without outer blanks; blank lines have none.
    width : int
        Fields of a row.
    start : int
        Index of the first row that may be data.

    Attributes
    ----------
    kinds : list of Kind
        Of most cells in the lower rows of each column.
    typed, dates : list of int
        Columns of numbers or dates; columns of dates.
    fractions : bool
        There are numbers that are not whole.
    """

    def __init__(self, table: Sequence[Row], width: int, start: int = 0) -> None:
        self.table = table
        self.width = width
        self.start = start
        full = [i for i in range(start, len(table)) if len(table[i]) == width]
        rows = [table[i] for i in _lower(full)]
        lower = [row for row in rows if has_data(row)] or rows
        self.kinds = [_column_kind([kind_of(row[c]) for row in lower]) for c in range(width)]
        self.typed = [c for c, kind in enumerate(self.kinds) if kind in _DATA]
        self.fractions = any(sign in cell for row in lower for cell in row for sign in ".,")
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
            return not self.is_counted(i) and (bool(fits) or Kind.MISSING in kinds.values())
        if self.dates:
            if any(c in fits for c in self.dates):
                return True
            if any(c in other for c in self.dates):
                return False
        if not self._is_first(i):
            text = [c for c in other if not is_status(row[c])]
            return len(text) <= len(fits)
        # a first row such as t, 0, 1, 2: columns that are numbered
        cells = [row[c] for c in fits]
        numbered = all(map(str.isdigit, cells)) and len(set(cells)) == len(cells)
        return 0 in fits or not numbered

    def is_counted(self, i: int) -> bool:
        """Whether a row counts the columns, above all others and above numbers unlike it."""
        return is_count(self.table[i]) and self.fractions and not any(self.table[:i])

    def _is_first(self, i: int) -> bool:
        return all(len(above) != self.width for above in self.table[:i])

    def _is_ragged(self, row: Row) -> bool:
        """A row of data with too few or too many fields: it is no title, and is refused later."""
        return len(row) > 1 and all(kind_of(cell) is not Kind.TEXT for cell in row) and any(row)

    def _first_text(self) -> int:
        """Of a table without numbers: below the first row with a text in each column."""
        full = (i for i, row in enumerate(self.table) if i >= self.start and self.can_name(row))
        return next(full, self.start - 1) + 1

    def names_of(self, row: Row) -> Row:
        """Cells of a row of names, one a column, where separators at line ends may differ."""
        if len(row) > self.width and not any(row[self.width :]):
            return row[: self.width]
        if len(row) == self.width - 1 and self.kinds[-1] is Kind.BLANK:
            return (*row, "")
        return row

    def can_name(self, row: Row) -> bool:
        """Whether a row can hold the names: mostly text, and in most columns."""
        cells = self.names_of(row)
        if len(cells) != self.width or (row[0].startswith("#") and row[0] != "#"):
            return False
        if is_count(row) and self.is_counted(self.table.index(row)):
            return True
        named = [cell for cell in cells if cell]
        text = [cell for cell in named if kind_of(cell) in (Kind.TEXT, Kind.MISSING)]
        columns = len([kind for kind in self.kinds if kind is not Kind.BLANK]) or self.width
        return 2 * len(named) >= columns and (2 * len(text) >= len(named) or row[0] in text)

    def is_full(self, row: Row) -> bool:
        """Whether a row names every column once, but for a first one of dates and blank ones."""
        cells = self.names_of(row)
        named = [cell for cell in cells if cell]
        unnamed = [c for c, cell in enumerate(cells) if not cell]
        may_lack = {c for c, kind in enumerate(self.kinds) if kind is Kind.BLANK}
        may_lack |= {0} if 0 in self.dates else set()
        return len(set(named)) == len(named) and may_lack.issuperset(unnamed)


def is_count(row: Row) -> bool:
    """Whether a row counts the columns, from 0 or 1, as data frames without names are written.

    Examples
    --------
    >>> is_count(("0", "1", "2")), is_count(("", "1", "2", "3")), is_count(("0", "1"))
    (True, True, False)
    """
    cells = row[1:] if row and not row[0] else row
    return len(cells) > 2 and any(
        all(cell == str(i) for i, cell in enumerate(cells, start)) for start in (0, 1)
    )


def _lower(full: Sequence[int]) -> Sequence[int]:
    """The last 60 of 100 rows, at least 3: titles stand above."""
    return full[-max(3, -(-len(full) * 3 // 5)) :]


def has_data(row: Row) -> bool:
    """Whether a row holds a number or a date."""
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
    other = Counter(len(row) for row in written if not has_data(row))
    widths = +data or Counter(len(written[i]) for i in lower)
    return max(widths, key=lambda width: (widths[width], min(other[width], 1), width))
