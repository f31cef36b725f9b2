"""Find damage that would make the reader of workbooks run on, or out of memory, before it starts.

The reader lays a sheet out as a full rectangle of cells. One cell far away, or one wrong byte in a
file without checksums, asks for more memory than there is, and the process ends without a word.
"""

from __future__ import annotations

import io
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO
from xml.parsers import expat

from dccad.tables.workbooks.parts import UNREADABLE, sheet_part

_TRIAL = """
import sys, fastexcel
book = fastexcel.read_excel(sys.stdin.buffer.read())
for sheet in range(len(book.sheet_names)):
    book.load_sheet(sheet, header_row=None)
"""

MOST_CELLS = 100_000_000
"""Largest rectangle of cells that is read: about 3 GB."""

_XLS_COLUMNS = 256
_ROWS, _COLUMNS = 1 << 20, 1 << 14
# records of a cell, all of which begin with row and column: formula, number, text, truth value …
_CELLS = {0x06, 0xBD, 0xBE, 0xD6, 0xFD, 0x201, 0x203, 0x204, 0x205, 0x206, 0x27E, 0x406}
_END = 0xFFFFFFFA  # sector numbers from here on are marks


def workbook_damage(content: bytes) -> str | None:
    """What is wrong with a workbook of any kind, or None; what the reader says itself is not here.

    Parameters
    ----------
    content : bytes
        An Excel or OpenDocument workbook.
    """
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        return xls_damage(content) or fatal_damage(content)
    if not content.startswith(b"PK"):
        return None
    broken = broken_member(content)
    if broken is not None:
        return broken
    if b"opendocument" in content[:128]:
        return ods_damage(content)
    damage = xlsb_damage(content)
    if damage is None and b"xl/workbook.bin" in content:
        return fatal_damage(content)
    return damage


def fatal_damage(content: bytes) -> str | None:
    """Whether reading a workbook ends the process, tried in a process of its own.

    Some damage to the two binary forms makes their reader abort, which nothing can catch. What the
    reader merely refuses is left to it.
    """
    tried = subprocess.run(
        [sys.executable, "-c", _TRIAL],
        input=content,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return "its parts contradict each other" if tried.returncode < 0 else None


def broken_member(content: bytes) -> str | None:
    """Name of the first member of a ZIP archive whose checksum is wrong, or what is wrong with all.

    Examples
    --------
    >>> archive = io.BytesIO()
    >>> with zipfile.ZipFile(archive, "w") as file:
    ...     file.writestr("xl/workbook.xml", "<workbook/>")
    >>> broken_member(archive.getvalue()) is None
    True
    >>> broken_member(archive.getvalue().replace(b"<workbook/>", b"<workbock/>"))
    'xl/workbook.xml'
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
        return str(error)
    except (NotImplementedError, RuntimeError):  # zipfile's: a rare compression, encryption
        return None


def ods_damage(content: bytes) -> str | None:
    """What is wrong with the XML of an OpenDocument spreadsheet.

    Examples
    --------
    >>> archive = io.BytesIO()
    >>> with zipfile.ZipFile(archive, "w") as file:
    ...     file.writestr("content.xml", "<office><table>")
    >>> ods_damage(archive.getvalue())
    'no element found: line 1, column 15'
    """
    try:
        with (
            zipfile.ZipFile(io.BytesIO(content)) as archive,
            archive.open("content.xml") as stream,
        ):
            expat.ParserCreate().ParseFile(stream)
    except UNREADABLE as error:
        return str(error)
    return None


def xlsb_damage(content: bytes) -> str | None:
    """What is wrong with the sheets of a binary workbook: a cell that cannot be, or is too far."""
    name = "the archive"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                if name.lower().startswith("xl/worksheets/") and name.lower().endswith(".bin"):
                    rows, columns = _xlsb_extent(archive.read(name))
                    if rows * columns > MOST_CELLS or rows > _ROWS or columns > _COLUMNS:
                        return f"a cell in row {rows} or column {columns} of {name}"
    except (IndexError, struct.error):
        return f"{name} is cut off"
    except UNREADABLE as error:
        return str(error)
    return None


def _xlsb_extent(sheet: bytes) -> tuple[int, int]:
    """Last row and column that hold a cell, counted from 1."""
    rows = columns = row = position = 0
    while position < len(sheet):
        kind = sheet[position]
        position += 1
        if kind & 0x80:
            kind |= sheet[position] << 8
            position += 1
        size = shift = 0
        more = True
        while more:
            size |= (sheet[position] & 0x7F) << shift
            more = sheet[position] >= 0x80
            shift += 7
            position += 1
        if kind <= 11:  # a row begins with its number, a cell with its column
            (number,) = struct.unpack_from("<I", sheet, position)
            if kind == 0:
                row = number + 1
            elif kind > 1:  # 1 is a cell without a value
                rows, columns = max(rows, row), max(columns, number + 1)
        position += size
    return rows, columns


def spanned_cells(content: bytes, sheet: str) -> tuple[str, int]:
    """Rectangle of an .xlsx sheet that holds its cells, and their number; "" and 0: not known.

    Where the sheet says how large it is and that is not too large, it is believed. Formatted cells
    without a value count in there, so else its cells are looked at.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            part = sheet_part(archive, sheet)
            with archive.open(part) as stream:
                said = re.search(rb"<(?:\w+:)?dimension\s+ref=[\"']([A-Z0-9:]+)", stream.read(2000))
            if said is not None:
                corners = said[1].decode().split(":")
                span = _Span()
                for corner in corners:
                    span.add(corner)
                if 0 < span.cells <= MOST_CELLS:
                    return said[1].decode(), span.cells
            span = _Span()
            with archive.open(part) as stream:
                span.parse(stream)
    except UNREADABLE:
        return "", 0
    return span.name, span.cells


class _Span:
    """Smallest rectangle around cells."""

    def __init__(self) -> None:
        self.top = self.left = 1 << 40
        self.bottom = self.right = 0
        self.cell = ""

    @property
    def cells(self) -> int:
        return max(0, self.bottom - self.top + 1) * max(0, self.right - self.left + 1)

    @property
    def name(self) -> str:
        return f"rows {self.top} to {self.bottom}, columns {self.left} to {self.right}"

    def add(self, reference: str) -> None:
        found = re.fullmatch(r"([A-Z]{1,6})([0-9]{1,9})", reference)
        if found is None:
            return
        column = 0
        for letter in found[1]:
            column = 26 * column + ord(letter) - ord("A") + 1
        row = int(found[2])
        self.top, self.bottom = min(self.top, row), max(self.bottom, row)
        self.left, self.right = min(self.left, column), max(self.right, column)

    def parse(self, stream: IO[bytes]) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self.start
        parser.ParseFile(stream)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(" ")[2]
        if tag == "c":
            self.cell = attributes.get("r", "")
        elif tag in ("v", "is"):  # only cells with a value are laid out
            self.add(self.cell)


def xls_damage(content: bytes) -> str | None:
    """What is wrong with an Excel 97 workbook: its chain of sectors, or a cell that cannot be.

    Returns None where nothing is wrong, or where this is no such workbook: that the reader says.
    """
    try:
        stream = _ole_stream(content, ("workbook", "book"))
    except (struct.error, IndexError):
        return "its table of contents is cut off"
    except ValueError as error:
        return str(error)
    if stream is None:
        return None
    for kind, start, size in _records(stream):
        if kind in _CELLS and size >= 4:
            row, column = struct.unpack_from("<HH", stream, start)
            if column >= _XLS_COLUMNS:
                return f"a cell in column {column + 1} of row {row + 1}, where there are 256"
    return None


def _records(stream: bytes) -> Iterator[tuple[int, int, int]]:
    """Kind, start and size of each record."""
    position = 0
    while position + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, position)
        yield kind, position + 4, min(size, len(stream) - position - 4)
        position += 4 + size


def _ole_stream(content: bytes, names: tuple[str, ...]) -> bytes | None:
    """One stream of an OLE container."""
    shift, mini_shift = struct.unpack_from("<HH", content, 30)
    if shift not in (9, 12) or mini_shift != 6:
        raise ValueError("sectors of an unknown size")
    size = 1 << shift
    (first_folder,) = struct.unpack_from("<I", content, 48)
    cutoff, first_mini, _, next_table, _ = struct.unpack_from("<5I", content, 56)
    tables = list(struct.unpack_from("<109I", content, 76))
    seen = set()
    while next_table < _END:  # more than 109 tables are listed in sectors of their own
        if next_table in seen:
            raise ValueError("its sectors form a circle")
        seen.add(next_table)
        entries = struct.unpack_from(f"<{size // 4}I", content, (next_table + 1) << shift)
        tables += entries[:-1]
        next_table = entries[-1]
    following: list[int] = []
    for table in tables:
        if table < _END:
            following += struct.unpack_from(f"<{size // 4}I", content, (table + 1) << shift)

    def chain(sector: int, links: list[int]) -> Iterator[int]:
        for _ in range(len(links) + 1):
            if sector >= _END:
                return
            yield sector
            sector = links[sector]
        raise ValueError("its sectors form a circle")

    def read(sector: int) -> bytes:
        return b"".join(
            content[(s + 1) << shift : (s + 2) << shift] for s in chain(sector, following)
        )

    folder = read(first_folder)
    for i in range(0, len(folder) - 127, 128):
        length, kind = struct.unpack_from("<HB", folder, i + 64)
        name = folder[i : i + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
        if kind == 2 and name.lower() in names:
            start, length = struct.unpack_from("<II", folder, i + 116)
            if length >= cutoff:
                return read(start)[:length]
            (root,) = struct.unpack_from("<I", folder, 116)
            small, mini = read(root), read(first_mini)
            links = list(struct.unpack(f"<{len(mini) // 4}I", mini))
            return b"".join(small[s << 6 : (s + 1) << 6] for s in chain(start, links))[:length]
    return None
