"""Find out what a file holds from its first bytes, whatever it is named."""

from __future__ import annotations

import os
import re
import stat
import zipfile
from pathlib import Path

from dccad.errors import InputError
from dccad.tables.files.sources import Source
from dccad.tables.guards import reason, system_reason

CSV = "CSV"
PARQUET = "Parquet"
ARROW = "Arrow file"
ARROW_STREAM = "Arrow stream"
EXCEL = "Excel workbook"
OPEN_DOCUMENT = "OpenDocument spreadsheet"
SQLITE = "SQLite"
POSTGRESQL = "PostgreSQL"

_EXPORT = "export its table as CSV or Parquet"
_UNPACK = "unpack it first"

# first bytes of binary files that are not read: offset, bytes, what it is, what to do
_REFUSED = (
    (0, b"\x1f\x8b", "compressed (gzip)", _UNPACK),
    (0, b"BZh", "compressed (bzip2)", _UNPACK),
    (0, b"\xfd7zXZ\0", "compressed (xz)", _UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "compressed (zstd)", _UNPACK),
    (0, b"\x04\x22\x4d\x18", "compressed (lz4)", _UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (0, b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (257, b"ustar", "a tar archive", _UNPACK),
    (0, b"MATLAB ", "a MATLAB file", _EXPORT),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", _EXPORT),
    (0, b"CDF\x01", "a NetCDF file", _EXPORT),
    (0, b"CDF\x02", "a NetCDF file", _EXPORT),
    (0, b"RDX", "an R data file", _EXPORT),
    (0, b"X\n\0\0", "an R data file", _EXPORT),
    (0, b"\x93NUMPY", "a NumPy file", _EXPORT),
    (0, b"FEA1", "a Feather file of version 1", "write it again as version 2, or as Parquet"),
    (0, b"PARE", "an encrypted Parquet file", "export it without encryption"),
    (0, b"ORC", "an ORC file", _EXPORT),
    (0, b"Obj\x01", "an Avro file", _EXPORT),
    (8, b"DUCK", "a DuckDB database", _EXPORT),
    (4, b"Standard Jet DB", "an Access database", _EXPORT),
    (4, b"Standard ACE DB", "an Access database", _EXPORT),
    (0, b"TDSm", "a LabVIEW TDMS file", _EXPORT),
    (0, b"MDF     ", "an MDF measurement file", _EXPORT),
    (0, b"\x89PNG", "a PNG image", "pass the table it was drawn from"),
    (0, b"\xff\xd8\xff", "a JPEG image", "pass the table it was drawn from"),
    (0, b"\x7fELF", "a program", "pass a file with sensor rows"),
    *((0, bytes([0x80, protocol]), "a Python pickle", _EXPORT) for protocol in range(2, 6)),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_TEXT_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
_CONTROLS = bytes(set(range(1, 32)) - set(b"\t\n\v\f\r\x1a\x1b")) + b"\x7f"
_HEAD = 4096


def find_format(source: Source) -> str:
    """Name of the format that a log is stored in, from its first bytes.

    Raises
    ------
    InputError
        It is missing, empty, unreadable, or of a format that is not read.
    """
    if source.kind == "database":
        scheme = (source.url or "").partition("://")[0].lower()
        return SQLITE if scheme == "sqlite" else POSTGRESQL
    path = file_of(source)
    head = _first_bytes(source, path)
    label = source.label
    found = _binary_format(label, path, head)
    if found is not None:
        return found
    plain = _is_plain(head)
    if not plain and path.suffix.lower() in (".rdata", ".rda", ".rds"):  # these are compressed
        raise InputError(f"{label} is an R data file; {_EXPORT}")
    for offset, magic, what, remedy in _REFUSED:
        # a column may well be called "ORC"
        if head[offset:].startswith(magic) and not (
            plain and magic.decode("latin-1").isprintable()
        ):
            raise InputError(f"{label} is {what}; {remedy}")
    if not head.strip(b"\0"):
        raise InputError(
            f"{label} begins with nothing but NUL bytes, as a copy that was cut off does; export "
            "it again"
        )
    if not _is_text(head):
        raise InputError(f"{label} holds binary data of an unknown format; {_EXPORT}")
    _refuse_marked_text(label, path, head)
    return CSV


def file_of(source: Source) -> Path:
    """File of a source that is no server."""
    if source.path is None:
        raise ValueError(f"{source.label} has no file")  # a source not made by expand_sources
    return source.path


def _first_bytes(source: Source, path: Path) -> bytes:
    label = source.label
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"{label} is a folder; pass its files, or the folder by its name")
        if not stat.S_ISREG(mode):
            raise InputError(
                f"{label} is a pipe or a device, which is not read twice; pass - and redirect it "
                "to standard input"
            )
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except FileNotFoundError as error:
        what = "a link to a file that does not exist" if path.is_symlink() else "no such file"
        raise InputError(f"{label}: {what}; check the path") from error
    except PermissionError as error:
        raise InputError(f"{label}: no permission to read it; ask who owns it") from error
    except OSError as error:
        raise InputError(f"{label}: {system_reason(error)}; check the path") from error
    if not head:
        if source.kind == "stdin":
            raise InputError("standard input is empty (0 bytes); pipe a table into it")
        raise InputError(f"{label}: the file is empty (0 bytes); pass a file with sensor rows")
    return head


def _binary_format(label: str, path: Path, head: bytes) -> str | None:
    """One of the binary formats that are read, or None."""
    if head.startswith(b"SQLite format 3\0"):
        return SQLITE
    if head.startswith(b"ARROW1\0\0"):
        return ARROW
    if head.startswith(b"\xff\xff\xff\xff"):
        return ARROW_STREAM
    if head.startswith(_OLE):
        return EXCEL
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_format(label, path)
    if head.startswith(b"PAR1") and not _is_plain(head):
        with path.open("rb") as stream:
            stream.seek(-4, os.SEEK_END)
            if stream.read() not in (b"PAR1", b"PARE"):
                raise InputError(
                    f"{label}: the end of this Parquet file is missing, as after a copy that was "
                    "cut off; copy or export it again"
                )
        return PARQUET
    return None


def _zip_format(label: str, path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            kind = archive.read("mimetype")[:80] if "mimetype" in names else b""
    # zipfile has RuntimeError for an encrypted member, NotImplementedError for a rare compression
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError) as error:
        raise InputError(
            f"{label}: a damaged workbook or ZIP archive ({reason(error)}); copy or export it again"
        ) from error
    held = {name.lower() for name in names}
    if held & {"xl/workbook.xml", "xl/workbook.bin"}:
        return EXCEL
    if b"opendocument.spreadsheet" in kind:
        return OPEN_DOCUMENT
    if kind or held & {"word/document.xml", "ppt/presentation.xml"}:
        raise InputError(f"{label} is a document, but no spreadsheet; {_EXPORT}")
    if names and all(name.endswith(".npy") for name in names):
        raise InputError(f"{label} is a NumPy file; {_EXPORT}")
    shown = ", ".join(name if name.isprintable() else repr(name) for name in names[:3])
    shown = f" ({shown}{' …' if len(names) > 3 else ''})" if names else ""
    raise InputError(f"{label} is a ZIP archive{shown}; unpack it and pass the files in it")


def _is_plain(head: bytes) -> bool:
    """Text without any NUL byte, or marked as UTF-16 or UTF-32."""
    return head.startswith(_TEXT_MARKS) or (b"\0" not in head and _is_text(head))


def _is_text(head: bytes) -> bool:
    """Text, perhaps with NUL bytes: of UTF-16 without mark, or holes that a crash left in a log."""
    written = head.replace(b"\0", b"")
    controls = len(written) - len(written.translate(None, _CONTROLS))
    return head.startswith(_TEXT_MARKS) or controls <= len(written) // 50


def _refuse_marked_text(label: str, path: Path, head: bytes) -> None:
    """Refuse text that is no table: HTML, XML, JSON, PDF."""
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = head.decode("utf-16" if wide else "latin-1", errors="replace")
    text = text.removeprefix("\xef\xbb\xbf").removeprefix("\ufeff").lstrip().lower()
    suffix = path.suffix.lower()
    named = f" named {suffix}" if suffix else ""
    save = "open it in a spreadsheet programme and save it as .xlsx or CSV"
    if re.match(r"<(!doctype html|(html|head|meta|body|table|style|div|script)[\s>])", text):
        raise InputError(f"{label} is an HTML page{named}; {save}")
    if text.startswith("mime-version:"):
        raise InputError(f"{label} is a web archive{named}; {save}")
    if re.match(r"<(\?xml|!--|!doctype|[\w:.-]+\s[^>]*\bxmlns)", text):
        if "<html" in text or ("<table" in text and "schemas-microsoft-com" not in text):
            raise InputError(f"{label} is an HTML page{named}; {save}")
        if "urn:schemas-microsoft-com:office:spreadsheet" in text or "office:document" in text:
            raise InputError(f"{label} is a spreadsheet in XML{named}; {save}")
        raise InputError(f"{label} is an XML file; {_EXPORT}")
    if re.match(r"(\[|\{)\s*(\{|\[|\")", text) or suffix in (".json", ".jsonl", ".ndjson"):
        raise InputError(f"{label} is a JSON file; {_EXPORT}")
    if text.startswith("%pdf-"):
        raise InputError(f"{label} is a PDF document; pass the table it was made from")
    if text.startswith("{\\rtf"):
        raise InputError(f"{label} is a formatted text document; {_EXPORT}")
