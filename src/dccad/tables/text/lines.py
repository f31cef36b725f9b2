"""Check every line of a separated text file before it is parsed: fields, quotes, blank lines.

A parser fills short lines with blanks and stops somewhere after a long one. Counting separators
costs little beside parsing and finds the line that is wrong.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import IO, NoReturn

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError
from dccad.tables.layout.cells import MISSING_MARKS
from dccad.tables.text.encodings import CHUNK, Utf8Text

_FEED = ord("\n")
_QUOTE = ord('"')


@dataclass(frozen=True)
class Lines:
    """What stands below the header.

    Attributes
    ----------
    rows : int
        Rows, blank lines among them included; without the blank ones at the end.
    blank : tuple of int
        Those of the rows that are blank lines, counted from 0; of a table with one column none,
        because there they are rows without a value.
    quoted : bool
        Quotes enclose cells. If not, a quote is a sign like any other (3" for 3 inches).
    marks : tuple of str
        Those of ``MISSING_MARKS`` that occur, perhaps within other text.
    dots : bool
        There are full stops.
    """

    rows: int
    blank: tuple[int, ...]
    quoted: bool
    marks: tuple[str, ...]
    dots: bool


def check_lines(
    text: Utf8Text, start: int, line: int, separator: str, width: int, expected: str
) -> Lines:
    r"""Count the rows of a table, each of which has ``width`` fields.

    Parameters
    ----------
    text : Utf8Text
    start : int
        Byte at which the first row begins.
    line : int
        Its line, counted from 1.
    separator : str
        One ASCII character.
    width : int
        Fields of a row.
    expected : str
        Where that number is from, for the message: "line 1 names 2 columns".

    Returns
    -------
    Lines

    Raises
    ------
    InputError
        A line has another number of fields, or a quote is not closed: gives the line.

    Examples
    --------
    >>> text = Utf8Text(b'a,b\n1,"2\n3"\n4,5\n,\n', "pump.csv")
    >>> check_lines(text, 4, 2, ",", 2, "line 1 names 2 columns").rows
    2
    """
    with text.open() as stream:
        quotes, quoted, marks, dots = _features(stream, start, separator)
        counter = _Counter(text.source, line, separator, width, expected, quoted)
        stream.seek(start)
        while chunk := stream.read(CHUNK):
            counter.feed(chunk, quotes)
        if counter.inside:
            _refuse_open_quote(stream, text.source, start, line)
        counter.finish()
        rows = max(0, counter.rows - _blank_rows_at_end(stream, start, separator))
    blank = tuple(row for row in counter.blank if row < rows)
    return Lines(rows, blank, quoted, marks, dots)


def _features(
    stream: IO[bytes], start: int, separator: str
) -> tuple[bool, bool, tuple[str, ...], bool]:
    """Whether there are quotes, whether they begin cells, which missing marks and full stops."""
    missing = {mark for mark in MISSING_MARKS if mark}
    found: set[str] = set()
    quotes = quoted = dots = False
    openings = (b'\n"', separator.encode() + b'"')
    before = b"\n"
    stream.seek(start)
    while chunk := stream.read(CHUNK):
        joined = before + chunk  # what a border of chunks divides is in one of them
        if b"N" in joined or b"n" in joined:  # as in every mark; one letter is found much faster
            found |= {mark for mark in missing - found if mark.encode() in joined}
        if not quoted and b'"' in joined:
            quotes = True
            quoted = any(opening in joined for opening in openings)
        dots = dots or b"." in chunk
        before = joined[-8:]
    return quotes, quoted, tuple(mark for mark in MISSING_MARKS if mark in found), dots


class _Counter:
    """Counts the fields of rows that come in pieces."""

    def __init__(
        self, source: str, line: int, separator: str, width: int, expected: str, quoted: bool
    ) -> None:
        self.source = source
        self.separator = ord(separator)
        self.width = width
        self.expected = expected
        self.quoted = quoted
        self.rows = 0
        self.blank: list[int] = []
        self.inside = 0  # 1: within quotes
        self.line = line  # of the next byte
        self.row_line = line  # where the row that is not complete began
        self.row_fields = 0  # separators of that row so far
        self.row_size = 0  # bytes of it
        self.row_blank = True

    def feed(self, chunk: bytes, quotes: bool) -> None:
        """Count the rows that end in a chunk."""
        codes = np.frombuffer(chunk, dtype=np.uint8)
        feeds = codes == _FEED
        signs = feeds | (codes == self.separator)
        if self.quoted and quotes and b'"' in chunk:
            within = (np.cumsum(codes == _QUOTE) + self.inside) & 1
            signs &= within == 0
            self.inside = int(within[-1])
        elif self.inside:
            signs[:] = False
        places = np.flatnonzero(signs)
        ends = np.flatnonzero(codes[places] == _FEED)
        if not len(ends):
            self._keep(chunk, len(places), new_row=False)
        else:
            fields = np.diff(ends, prepend=-1)
            fields[0] += self.row_fields
            for row in np.flatnonzero(fields != self.width).tolist():
                self._check(row, int(fields[row]), places[ends], chunk, feeds)
            last = int(places[ends[-1]])
            self.rows += len(ends)
            self.row_line = self.line + int(np.count_nonzero(feeds[: last + 1]))
            self._keep(chunk[last + 1 :], len(places) - int(ends[-1]) - 1, new_row=True)
        self.line += int(np.count_nonzero(feeds))

    def _keep(self, rest: bytes, fields: int, new_row: bool) -> None:
        """Remember the part of a row at the end of a chunk."""
        self.row_fields = fields + (0 if new_row else self.row_fields)
        self.row_size = len(rest) + (0 if new_row else self.row_size)
        self.row_blank = not rest.strip() and (new_row or self.row_blank)

    def _check(
        self, row: int, fields: int, ends: NDArray[np.intp], chunk: bytes, feeds: NDArray[np.bool_]
    ) -> None:
        """Pass over a blank line; refuse any other row with a wrong number of fields."""
        begin = 0 if row == 0 else int(ends[row - 1]) + 1
        blank = not chunk[begin : ends[row]].strip() and (row > 0 or self.row_blank)
        if fields == 1 and blank:
            self.blank.append(self.rows + row)
            return
        line = self.row_line if row == 0 else self.line + int(np.count_nonzero(feeds[:begin]))
        self._refuse(fields, line)

    def finish(self) -> None:
        """Check the last row, where no line feed ends it."""
        fields = self.row_fields + 1
        if not self.row_size:
            return
        if fields < self.width and not self.row_blank:
            raise InputError(
                f"{self.source}: the file ends in the middle of line {self.row_line}, after "
                f"{fields} of {self.width} fields; it was cut off or is still being written: "
                "export it again, or delete that line"
            )
        if fields != self.width and not self.row_blank:
            self._refuse(fields, self.row_line)
        self.rows += 1

    def _refuse(self, fields: int, line: int) -> NoReturn:
        found = "1 field" if fields == 1 else f"{fields} fields"
        raise InputError(
            f"{self.source}: line {line} has {found}, but {self.expected}; correct the line or "
            "export the file again"
        )


def _refuse_open_quote(stream: IO[bytes], source: str, start: int, line: int) -> NoReturn:
    stream.seek(start)
    odd = next((i for i, row in enumerate(stream) if row.count(b'"') % 2), 0)
    raise InputError(
        f"{source}: not readable as CSV (a quote in line {line + odd} is never closed); correct "
        "the line or export the file again"
    )


def _blank_rows_at_end(stream: IO[bytes], start: int, separator: str) -> int:
    """Rows at the end that hold nothing but separators and blanks."""
    nothing = b' \t\r\n"' + separator.encode()
    end = stream.seek(0, io.SEEK_END)
    unfinished = False
    if end > start:
        stream.seek(end - 1)
        unfinished = stream.read(1) != b"\n"
    feeds = 0
    while end > start:
        begin = max(start, end - CHUNK)
        stream.seek(begin)
        block = stream.read(end - begin)
        left = block.rstrip(nothing)
        feeds += block.count(b"\n", len(left))
        if left:
            return feeds if unfinished else feeds - 1
        end = begin
    return feeds + unfinished
