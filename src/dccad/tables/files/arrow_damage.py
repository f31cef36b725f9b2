"""Find damage in an Arrow file that would make its reader ask for more memory than there is.

A compressed buffer begins with the size that it unpacks to. The reader believes it, and a process
that is refused that much memory ends without a word; so sizes are looked at first. Only metadata
and those 8 bytes of each buffer are read.

References
----------
Arrow columnar format, "IPC file format"; the binary format of FlatBuffers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO

# no codec packs a run of equal values into less than 4 bytes for 128 KiB
_MOST_PACKED = 40_000
_SPARE = 1 << 20
_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3
_CONTINUES = 0xFFFFFFFF


def arrow_damage(stream: IO[bytes]) -> str | None:
    """Say what is wrong with the buffers of an Arrow file or stream, or None.

    Parameters
    ----------
    stream : binary file
        An Arrow file ("Feather version 2"), or an Arrow stream.
    """
    end = stream.seek(0, 2)
    try:
        whole = _read(stream, 0, 6) == b"ARROW1"
        for offset, length, body in _blocks(stream, end) if whole else _messages(stream, end):
            if offset < 0 or length < 8 or body < 0 or offset + length + body > end:
                return "a batch of rows lies outside of the file"
            metadata = _read(stream, offset, length)
            damage = _message_damage(stream, metadata, offset + length, body)
            if damage is not None:
                return damage
    except (struct.error, IndexError, EOFError):
        return "its table of contents is damaged"
    return None


def _blocks(stream: IO[bytes], end: int) -> Iterator[tuple[int, int, int]]:
    """Start, size of metadata and size of body of each batch, from the footer."""
    (size,) = struct.unpack("<i", _read(stream, end - 10, 4))
    if not 0 < size <= end - 18:
        raise EOFError
    footer = _Table(_read(stream, end - 10 - size, size))
    for field in (2, 3):  # dictionaries, batches of rows
        start, count = footer.vector(field)
        for i in range(count):
            yield struct.unpack_from("<qi4xq", footer.data, start + 24 * i)


def _messages(stream: IO[bytes], end: int) -> Iterator[tuple[int, int, int]]:
    """Start, size of metadata and size of body of each message of a stream but the schema."""
    position = 0
    while position < end:
        mark, size = struct.unpack("<Ii", _read(stream, position, 8))
        if size == 0:
            return
        if mark != _CONTINUES or size < 0:
            raise EOFError
        message = _Table(_read(stream, position + 8, size))
        place = message.place(3)
        body = 0 if place is None else message.number("<q", place)
        if message.byte(1) != _SCHEMA:
            yield position, 8 + size, body
        if body < 0:
            raise EOFError
        position += 8 + size + body


def _message_damage(stream: IO[bytes], metadata: bytes, start: int, size: int) -> str | None:
    prefix = 8 if metadata.startswith(b"\xff\xff\xff\xff") else 4
    message = _Table(metadata[prefix:])
    kind = message.byte(1)
    if kind not in (_DICTIONARY, _BATCH):
        return "a batch of rows is none"
    batch = message.table(2)
    batch = batch.table(1) if kind == _DICTIONARY else batch
    compressed = batch.place(3) is not None
    first, count = batch.vector(2)
    for i in range(count):
        offset, length = struct.unpack_from("<qq", batch.data, first + 16 * i)
        if min(offset, length) < 0 or offset + length > size:
            return "a column lies outside of its batch of rows"
        if compressed and length >= 8:
            (unpacked,) = struct.unpack("<q", _read(stream, start + offset, 8))
            if unpacked < -1 or unpacked > _MOST_PACKED * length + _SPARE:
                return f"a column of {length} bytes unpacks to {unpacked}"
    return None


def _read(stream: IO[bytes], offset: int, length: int) -> bytes:
    if offset < 0:
        raise EOFError
    stream.seek(offset)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


class _Table:
    """A table of FlatBuffers: fields by number, found through offsets."""

    def __init__(self, data: bytes, position: int | None = None):
        self.data = data
        self.position = self.number("<I", 0) if position is None else position

    def number(self, form: str, position: int) -> int:
        if position < 0:
            raise IndexError
        value: int = struct.unpack_from(form, self.data, position)[0]
        return value

    def place(self, field: int) -> int | None:
        """Where a field is, or None where it is left out."""
        index = self.position - self.number("<i", self.position)
        entry = 4 + 2 * field
        if entry + 2 > self.number("<H", index):
            return None
        offset = self.number("<H", index + entry)
        return self.position + offset if offset else None

    def byte(self, field: int) -> int:
        place = self.place(field)
        return 0 if place is None else self.number("<B", place)

    def table(self, field: int) -> _Table:
        place = self.place(field)
        if place is None:
            raise EOFError
        return _Table(self.data, place + self.number("<I", place))

    def vector(self, field: int) -> tuple[int, int]:
        """Start and number of the elements of a list."""
        place = self.place(field)
        if place is None:
            return 0, 0
        start = place + self.number("<I", place)
        return start + 4, self.number("<I", start)
