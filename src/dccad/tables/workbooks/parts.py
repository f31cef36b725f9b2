"""Where the XML of a sheet stands in an .xlsx workbook."""

from __future__ import annotations

import zipfile
import zlib
from posixpath import join, normpath
from xml.etree import ElementTree
from xml.parsers import expat

UNREADABLE = (
    *(LookupError, ValueError, EOFError, StopIteration, RuntimeError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error, expat.ExpatError, ElementTree.ParseError),
)
"""What looking into an archive can raise that is no .xlsx workbook, or takes liberties: zipfile has
RuntimeError for an encrypted member, NotImplementedError for a rare compression."""


def sheet_part(archive: zipfile.ZipFile, sheet: str) -> str:
    """Name of the member that holds a sheet.

    Raises
    ------
    one of UNREADABLE
        There is no such sheet or member.
    """
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    for element in book.findall("{*}sheets/{*}sheet"):
        if element.get("name") == sheet:
            # two namespaces are in use for the same attribute
            link = next(value for key, value in element.items() if key.endswith("}id"))
            return normpath(join("/xl", targets[link])).lstrip("/")
    raise KeyError(sheet)


def waits_for_calculation(archive: zipfile.ZipFile) -> bool:
    """Whether the workbook asks to be calculated by the next programme that opens it."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    return any(
        element.get("fullCalcOnLoad") in ("1", "true") for element in book.findall("{*}calcPr")
    )
