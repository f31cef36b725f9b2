"""Write RData files as R's ``save`` does, from the format's description alone.

Independent of the package that reads them, so that both cannot share a mistake. The format is the
chapter "Serialization Formats" of the manual "R Internals".
"""

import gzip
import struct
from dataclasses import dataclass, field

import numpy as np

SYMBOL, PAIRLIST, CHARACTERS, LOGICAL, INTEGER, DOUBLE, TEXT, VECTOR = 1, 2, 9, 10, 13, 14, 16, 19
ALTERNATIVE, END, REFERENCE = 238, 254, 255
HAS_CLASS, HAS_ATTRIBUTES, HAS_TAG, ASCII = 1 << 8, 1 << 9, 1 << 10, 64 << 12
MISSING_INTEGER = -(2**31)


@dataclass
class Factor:
    """A column of categories: whole numbers that count from 1, and their names."""

    codes: list
    levels: list

    def __len__(self):
        return len(self.codes)


@dataclass
class Sequence:
    """Whole numbers 1 … n in R's short form ("ALTREP")."""

    n: int

    def __len__(self):
        return self.n


@dataclass
class Wrapped:
    """Doubles in R's wrapper for unchanged vectors ("ALTREP" too)."""

    values: np.ndarray

    def __len__(self):
        return len(self.values)


def _fast_gzip(content):
    return gzip.compress(content, compresslevel=1)


def write_rdata(path, objects, version=2, pack=_fast_gzip):
    """Write named objects: a dict of columns is a data frame, anything else a vector."""
    path.write_bytes(pack(_Writer(version).file(objects)))


@dataclass
class _Writer:
    version: int
    symbols: list = field(default_factory=list)

    def file(self, objects):
        written = {2: (2, 0x30402, 0x20300), 3: (3, 0x40301, 0x30500)}[self.version]
        head = b"RDX%d\nX\n" % self.version + struct.pack(">3i", *written)
        if self.version == 3:
            head += _counted(b"UTF-8")
        pairs = [
            (name, self.frame(thing) if isinstance(thing, dict) else lambda t=thing: self.column(t))
            for name, thing in objects.items()
        ]
        return head + self.pairlist(pairs)

    def frame(self, columns):
        def write():
            body = _int(VECTOR | HAS_CLASS | HAS_ATTRIBUTES) + _int(len(columns))
            body += b"".join(self.column(column) for column in columns.values())
            n_rows = len(next(iter(columns.values()), []))
            attributes = {
                "names": list(columns),
                "row.names": np.array([MISSING_INTEGER, -n_rows]),
                "class": ["data.frame"],
            }
            return body + self.attributes(attributes)

        return write

    def attributes(self, attributes):
        return self.pairlist([(name, lambda v=v: self.column(v)) for name, v in attributes.items()])

    def pairlist(self, pairs):
        body = b""
        for name, write in pairs:  # in this order, because symbols are counted as they come
            body += _int(PAIRLIST | HAS_TAG) + self.symbol(name)
            body += write()
        return body + _int(END)

    def symbol(self, name):
        if name in self.symbols:
            return _int(REFERENCE | (self.symbols.index(name) + 1) << 8)
        self.symbols.append(name)
        return _int(SYMBOL) + _characters(name)

    def column(self, column):
        if isinstance(column, Factor):
            body = _int(INTEGER | HAS_CLASS | HAS_ATTRIBUTES) + _numbers(column.codes, ">i4")
            return body + self.attributes({"levels": column.levels, "class": ["factor"]})
        if isinstance(column, Sequence):
            state = _int(DOUBLE) + _numbers([column.n, 1, 1], ">f8")
            return self.alternative("compact_intseq", INTEGER, state)
        if isinstance(column, Wrapped):
            state = _int(PAIRLIST) + self.column(column.values) + self.column(np.array([0, 0]))
            return self.alternative("wrap_real", DOUBLE, state)
        if isinstance(column, list):
            return _int(TEXT) + _int(len(column)) + b"".join(map(_characters, column))
        kind, code = {"b": (LOGICAL, ">i4"), "i": (INTEGER, ">i4"), "f": (DOUBLE, ">f8")}[
            column.dtype.kind
        ]
        return _int(kind) + _numbers(column, code)

    def alternative(self, name, kind, state):
        info = [self.symbol(name), self.symbol("base"), _int(INTEGER) + _numbers([kind], ">i4")]
        listed = b"".join(_int(PAIRLIST) + entry for entry in info) + _int(END)
        return _int(ALTERNATIVE) + listed + state + _int(END)


def _int(number):
    return struct.pack(">i", number)


def _counted(text):
    return _int(len(text)) + text


def _characters(text):
    return _int(CHARACTERS | ASCII) + _counted(text.encode("ascii"))


def _numbers(values, code):
    array = np.asarray(values)
    return _int(len(array)) + array.astype(code).tobytes()
