"""The encoding of a text file, and its text as UTF-8 with line ends that every reader knows.

A file of up to ``MEMORY_BYTES`` is read once and stays in memory, so that nothing that is written
to it meanwhile can mix two states of it. A larger one is read where it lies; if it is no UTF-8 its
text is written to a temporary file, which goes when the process ends.
"""

from __future__ import annotations

import codecs
import io
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, NoReturn

from dccad.errors import InputError, ParameterError

MEMORY_BYTES = 1 << 28
"""Size (256 MiB) up to which a text file is held in memory."""

CHUNK = 1 << 20
_HEAD = 1 << 12
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", ""),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),  # begins like the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_LONE_RETURN = re.compile(r"\r+\n|\r")
_folders: list[tempfile.TemporaryDirectory[str]] = []  # a frame may be read until the end


@dataclass(frozen=True)
class Utf8Text:
    """UTF-8 text, in memory or in a file.

    Attributes
    ----------
    content : bytes or Path
    source : str
        What messages call it.
    notes : tuple of str
        How it came to be UTF-8.
    """

    content: bytes | Path
    source: str
    notes: tuple[str, ...] = ()

    def open(self) -> IO[bytes]:
        """Open the text for reading."""
        if isinstance(self.content, bytes):
            return io.BytesIO(self.content)
        return self.content.open("rb")

    def rewrite(self, parts: Callable[[IO[bytes]], Iterator[bytes]]) -> Utf8Text:
        """Text made from this one part by part; in memory if this one is."""
        with self.open() as stream:
            return replace(self, content=_write(parts(stream), isinstance(self.content, bytes)))


def read_text(path: Path, source: str, given: str | None = None) -> Utf8Text:
    r"""Text of a file, whatever its encoding.

    The byte-order mark tells the encoding. Without one it is UTF-8 if the whole file is; UTF-16 if
    every second byte of its start is NUL; else Windows-1252, which is noted.

    Parameters
    ----------
    path : Path
    source : str
        What messages call the file.
    given : str, optional
        The encoding, as Python names it.

    Returns
    -------
    Utf8Text
        Without NUL; lines end with "\n" or "\r\n".

    Raises
    ------
    InputError
        The file is empty, binary, or not in the encoding that was given.
    ParameterError
        There is no such encoding.
    OSError
        It cannot be read.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "pump.csv"
    ...     _ = file.write_bytes("Druck;T/°C\r\n".encode("cp1252"))
    ...     text = read_text(file, "pump.csv")
    >>> text.content.decode(), text.notes
    ('Druck;T/°C\n', ('encoding Windows-1252 (not UTF-8)',))
    """
    size = path.stat().st_size
    text = Utf8Text(path.read_bytes() if size <= MEMORY_BYTES else path, source)
    with text.open() as stream:
        head = stream.read(_HEAD)
    if not head:
        raise InputError(f"{source}: the file is empty (0 bytes); pass a file with sensor rows")
    if given is not None:
        codec, note = _checked_codec(given), f"encoding {given} (as given)"
        plain = codecs.lookup(codec).name in ("utf-8", "utf-8-sig")
        if plain:
            codec, note = "utf-8-sig", ""
    else:
        codec, note = _marked(head) or _unmarked(head) or ("utf-8-sig", "")
        plain = codec == "utf-8-sig"
    lone_return = False
    if plain:
        try:
            lone_return = _check_utf8(text)
        except UnicodeDecodeError:
            if given is not None or head.startswith(codecs.BOM_UTF8):
                _refuse_undecodable(text, codec, "not UTF-8 text", given)
            _refuse_binary(text, head)
            codec, note = "cp1252", "encoding Windows-1252 (not UTF-8)"
    notes = (note,) if note else ()
    if lone_return:
        notes = (*notes, "carriage returns taken as line ends")
    if codec != "utf-8-sig" or lone_return:
        try:
            text = text.rewrite(lambda stream: _as_utf8(stream, codec))
        except UnicodeError:
            guessed = given is None and codec == "cp1252"
            what = "neither UTF-8 nor Windows-1252" if guessed else f"not {given or codec}"
            _refuse_undecodable(text, codec, f"{what} text", given)
    _refuse_nul(text)
    return replace(text, notes=notes)


def _checked_codec(name: str) -> str:
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=name)  # refuses codecs that do not give text
        codecs.getincrementaldecoder(name)
        codec: str = codecs.lookup(name).name
    except (LookupError, ValueError) as error:
        raise ParameterError(
            f"encoding {name!r} is not known; name it as Python does: utf-8, cp1252, utf-16 …"
        ) from error
    return codec


def _marked(head: bytes) -> tuple[str, str] | None:
    """Codec and note, from the byte-order mark."""
    for mark, codec, name in _MARKS:
        if head.startswith(mark):
            return codec, f"encoding {name} (byte-order mark)" if name else ""
    return None


def _unmarked(head: bytes) -> tuple[str, str] | None:
    """Codec and note of UTF-16 without a mark: NUL stands beside each Latin letter."""
    pairs = len(head) // 2
    even, odd = head[: 2 * pairs : 2].count(0), head[1 : 2 * pairs : 2].count(0)
    for codec, sparse, dense in (("utf-16-le", even, odd), ("utf-16-be", odd, even)):
        if dense > 0.3 * pairs and sparse < 0.02 * pairs + 1:
            return codec, f"encoding {codec.upper()} (without byte-order mark)"
    return None


def _check_utf8(text: Utf8Text) -> bool:
    """Decode the whole text, and tell whether some returns end lines without a line feed."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    returns = pairs = 0
    last = b""
    with text.open() as stream:
        while chunk := stream.read(CHUNK):
            if not chunk.isascii() or decoder.getstate()[0]:
                decoder.decode(chunk)
            if b"\r" in chunk or last == b"\r":
                returns += chunk.count(b"\r")
                pairs += chunk.count(b"\r\n") + (last == b"\r" and chunk[:1] == b"\n")
            last = chunk[-1:]
        decoder.decode(b"", final=True)
    return returns != pairs


def _as_utf8(stream: IO[bytes], codec: str) -> Iterator[bytes]:
    r"""Decode with any codec, encode as UTF-8, end lines with "\n" where a return does."""
    decoder = codecs.getincrementaldecoder(codec)()
    held = ""
    while True:
        chunk = stream.read(CHUNK)
        part = held + decoder.decode(chunk, final=not chunk)
        # returns at the end of a part may belong to the line feed that begins the next; two before
        # one line feed come from converting line ends twice
        kept = part.rstrip("\r") if chunk else part
        held = part[len(kept) :]
        yield _LONE_RETURN.sub("\n", kept).encode("utf-8")
        if not chunk:
            return


def _write(parts: Iterator[bytes], in_memory: bool) -> bytes | Path:
    if in_memory:
        return b"".join(parts)
    folder = tempfile.TemporaryDirectory(prefix="dccad-")
    path = Path(folder.name) / "text.csv"
    with path.open("wb") as copy:
        for part in parts:
            copy.write(part)
    _folders.append(folder)
    return path


def _refuse_binary(text: Utf8Text, head: bytes) -> None:
    """Refuse what is neither UTF-8 nor, by its control characters, text at all."""
    controls = sum(byte < 32 and byte not in b"\t\n\v\f\r\x1a\x1b" for byte in head)
    if controls > len(head) // 50:
        raise InputError(
            f"{text.source} is not text: {controls} of its first {len(head)} bytes are control "
            "characters; export it as CSV"
        )


def _refuse_nul(text: Utf8Text) -> None:
    lines = 0
    with text.open() as stream:
        while chunk := stream.read(CHUNK):
            if (place := chunk.find(b"\0")) >= 0:
                line = lines + chunk.count(b"\n", 0, place) + 1
                raise InputError(
                    f"{text.source} is not text: line {line} holds a NUL byte; export it as CSV, "
                    "or cut the damaged lines out"
                )
            lines += chunk.count(b"\n")


def _refuse_undecodable(text: Utf8Text, codec: str, what: str, given: str | None) -> NoReturn:
    """Name the line with the first byte that does not decode."""
    remedy = (
        "name its encoding with --encoding"
        if given is None
        else "name another --encoding, or leave it out to have it found"
    )
    decoder = codecs.getincrementaldecoder(codec)()
    lines = 0
    chunk = b"\n"
    with text.open() as stream:
        while chunk:
            chunk = stream.read(CHUNK)
            try:
                lines += decoder.decode(chunk, final=not chunk).count("\n")
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(codec, errors="ignore")
                line = lines + before.count("\n") + 1
                byte = error.object[error.start]
                raise InputError(
                    f"{text.source}: line {line} is {what} (byte 0x{byte:02x}); {remedy}"
                ) from error
            except UnicodeError:  # some codecs know no place
                break
    raise InputError(f"{text.source} is {what}; {remedy}")
