"""What the values of a workbook's sheet do not show: errors, formulas, merged cells.

Only .xlsx and .xlsm are looked into; they are ZIP archives of XML.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

from dccad.tables.workbooks.parts import UNREADABLE, sheet_part, waits_for_calculation

# a sheet without any of these has nothing to remark; most have not, and are not parsed twice
_MARKS = (b"<f>", b"<f ", b"<f/", b":f>", b":f ", b":f/", b'"e"', b"'e'", b"mergeCell")


@dataclass
class SheetRemarks:
    """What stands in a sheet besides its values.

    Attributes
    ----------
    errors : Counter of str
        Cells below the column names that hold an error, by its text.
    formulas, uncalculated : int
        Formulas below the column names; those of them that were saved without a value.
    placeholders : bool
        The workbook asks to be calculated when it is opened: a program wrote it that does not
        calculate, and gave every formula the same value.
    merged : list of str
        Merged cells that reach the row of column names or below it, as "B4:C9".
    """

    errors: Counter[str] = field(default_factory=Counter)
    formulas: int = 0
    uncalculated: int = 0
    placeholders: bool = False
    merged: list[str] = field(default_factory=list)

    def notes(self) -> tuple[str, ...]:
        """Sentences for the summary."""
        notes = []
        if self.errors:
            often = sorted(self.errors.items(), key=lambda item: (-item[1], item[0]))
            kinds = ", ".join(f"{text} {count}" for text, count in often)
            cells = _count(sum(self.errors.values()), "cell")
            notes.append(f"{cells} with an error count as blank ({kinds})")
        if self.uncalculated:
            notes.append(
                f"{_count(self.uncalculated, 'formula')} without a stored value count as blank; "
                "open the workbook in a spreadsheet programme and save it"
            )
        elif self.placeholders and self.formulas:
            notes.append(
                f"the stored values of {_count(self.formulas, 'formula')} may be placeholders, as "
                "the workbook asks to be calculated; open it in a spreadsheet programme and save it"
            )
        if self.merged:
            shown = ", ".join(self.merged[:3]) + (", …" if len(self.merged) > 3 else "")
            notes.append(
                f"{_count(len(self.merged), 'group')} of merged cells ({shown}): only the first "
                "cell of each holds the value, the others are blank"
            )
        return tuple(notes)


def read_remarks(content: bytes, sheet: str, header_row: int, first_data: int) -> SheetRemarks:
    """Look for what is odd in one sheet.

    Parameters
    ----------
    content : bytes
        The workbook; nothing is remarked on other formats than .xlsx.
    sheet : str
        Name of the sheet.
    header_row, first_data : int
        Rows of the column names and of the first values, counted from 0.
    """
    remarks = SheetRemarks()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            part = sheet_part(archive, sheet)
            remarks.placeholders = waits_for_calculation(archive)
            with archive.open(part) as stream:
                odd = _holds_marks(stream)
            if odd:
                with archive.open(part) as stream:
                    _Scan(remarks, header_row + 1, first_data + 1).parse(stream)
    except UNREADABLE:  # no .xlsx, or a writer's liberty: the values have been read all the same
        return SheetRemarks()
    return remarks


def _holds_marks(stream: IO[bytes]) -> bool:
    end = b""
    while chunk := stream.read(1 << 20):
        window = end + chunk
        if any(mark in window for mark in _MARKS):
            return True
        end = window[-16:]
    return False


class _Scan:
    """One pass over the XML of a sheet."""

    def __init__(self, remarks: SheetRemarks, header_row: int, first_data: int):
        self.remarks = remarks
        self.header_row = header_row  # from here on rows are counted from 1, as in the file
        self.first_data = first_data
        self.row = 0
        self.kind = ""
        self.formula = False
        self.value: list[str] | None = None
        self.inside = False

    def parse(self, stream: IO[bytes]) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.text
        parser.ParseFile(stream)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(" ")[2]
        if tag == "c":
            self.kind = attributes.get("t", "n")
            self.formula, self.value = False, None
        elif tag == "v":
            self.value, self.inside = [], True
        elif tag == "f":
            self.formula = True
        elif tag == "row":
            self.row = int(attributes.get("r", self.row + 1))
        elif tag == "mergeCell":
            cells = attributes.get("ref", "")
            rows = [int(digits) for digits in re.findall(r"\d+", cells)]
            if rows and rows[-1] >= self.header_row:
                self.remarks.merged.append(cells)

    def text(self, text: str) -> None:
        if self.inside and self.value is not None:
            self.value.append(text)

    def end(self, name: str) -> None:
        tag = name.rpartition(" ")[2]
        if tag == "v":
            self.inside = False
        elif tag == "c" and self.row >= self.first_data:
            value = "".join(self.value or ())
            if self.kind == "e":
                self.remarks.errors[value] += 1
            if self.formula:
                self.remarks.formulas += 1
                # a formula may well give an empty text
                self.remarks.uncalculated += not value and self.kind != "str"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("s" if number != 1 else "")
