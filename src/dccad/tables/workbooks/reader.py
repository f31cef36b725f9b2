"""Read a sheet of an Excel or OpenDocument workbook, and say what is odd about it."""

from __future__ import annotations

import difflib
import logging
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from dccad.errors import InputError
from dccad.tables.files.sniffing import EXCEL, OPEN_DOCUMENT
from dccad.tables.guards import refuse_damage, system_reason
from dccad.tables.opened import OpenedTable
from dccad.tables.options import TableOptions
from dccad.tables.workbooks.damage import MOST_CELLS, spanned_cells, workbook_damage
from dccad.tables.workbooks.remarks import read_remarks

if TYPE_CHECKING:
    import fastexcel
    import polars as pl

    from dccad.tables.layout.headers import Header

_HEAD_ROWS = 200
_ERRORS = ("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#GETTING_DATA")
# as the reader writes numbers; "007" is no number but a name
_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?(e-?[0-9]+)?$"
_OLE = b"\xd0\xcf\x11\xe0"


def open_spreadsheet(
    path: Path,
    options: TableOptions,
    *,
    source: str | None = None,
    name: str | None = None,
) -> OpenedTable:
    """Open one sheet of a workbook.

    Formulas give the values that were stored with them; nothing is calculated. Errors (#DIV/0!)
    are blank cells.

    Parameters
    ----------
    path : Path
        .xlsx, .xlsm, .xlsb, .xls or .ods, under any name.
    options : TableOptions
        ``sheet`` (default: the first that is not hidden and holds cells) and ``header`` are read.
    source, name : str, optional
        What messages call the file; name of its run. Default: the path, the file name.

    Returns
    -------
    OpenedTable
        Numbers are Float64, dates Datetime, durations Duration, truth values Boolean; a column of
        several kinds is text, as is a number that is stored as text. Blank columns without name
        and blank rows at the end are left out.

    Raises
    ------
    InputError
        The workbook is damaged or protected, the sheet is unknown or empty, column names are
        missing or repeated.

    Examples
    --------
    >>> import io, tempfile
    >>> import polars as pl
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "pump.xlsx")
    ...     _ = pl.DataFrame({"flow": [1.5, 2.5]}).write_excel(file)
    ...     table = open_spreadsheet(file, TableOptions())
    >>> table.name, table.format, table.frame.collect().to_dict(as_series=False)
    ('pump', 'Excel workbook', {'flow': [1.5, 2.5]})
    """
    workbook = _Workbook(path, str(path) if source is None else source)
    head, notes = workbook.choose(options.sheet, (options.header or 0) + _HEAD_ROWS)
    header, names = workbook.header(head, options.header)
    frame, errors = workbook.values(head, names, header.first_data)
    remarks = read_remarks(
        workbook.content,
        head.name,
        header.first_data if header.row is None else header.row,
        header.first_data,
    )
    remarks.errors.update(errors)
    return OpenedTable(
        frame.lazy(),
        workbook.label,
        path.stem if name is None else name,
        workbook.format,
        {column: unit for column, unit in header.units.items() if column in frame.columns},
        (*notes, *header.notes, *remarks.notes()),
        sliceable=True,
    )


def read_sheet(path: Path, sheet: str | None, names: Sequence[str], first_row: int) -> pl.DataFrame:
    """Read the values of a sheet whose columns are known.

    Parameters
    ----------
    path : Path
    sheet : str or None
        Name or number (from 1); None: the first that is not hidden and holds cells.
    names : sequence of str
        Of the columns, from the first that is not blank. A blank name, or none, leaves out a
        column without values.
    first_row : int
        First row of values, counted from 0 at the top of the sheet.

    Returns
    -------
    polars.DataFrame
        As in :func:`open_spreadsheet`; errors are null.

    Raises
    ------
    InputError
        As in :func:`open_spreadsheet`.
    """
    workbook = _Workbook(path, str(path))
    head, _ = workbook.choose(sheet, 1)
    return workbook.values(head, names, first_row)[0]


def read_sheet_rows(
    path: Path, sheet: str | None = None, rows: int = _HEAD_ROWS
) -> list[list[str]]:
    """Read the top rows of a sheet as text, to find out what its columns are.

    Parameters
    ----------
    path : Path
    sheet : str, optional
        Name or number (from 1); default: the first that is not hidden and holds cells.
    rows : int
        At most as many.

    Returns
    -------
    list of list of str
        From the top of the sheet, from the first column that is not blank; blank cells are "".

    Raises
    ------
    InputError
        As in :func:`open_spreadsheet`.
    """
    return _Workbook(path, str(path)).choose(sheet, rows)[0].rows


@dataclass(frozen=True)
class _Head:
    """Top of a sheet."""

    name: str
    rows: list[list[str]]
    height: int
    letters: list[str]
    hidden: bool


class _Workbook:
    """A workbook in memory: what changes on disk from here on does not matter."""

    def __init__(self, path: Path, label: str):
        import fastexcel

        for library in ("fastexcel", "calamine"):  # their remarks are for programmers
            logger = logging.getLogger(library)
            if not logger.handlers:
                logger.addHandler(logging.NullHandler())
        self.label = label
        try:
            self.content = path.read_bytes()
        except OSError as error:
            raise InputError(f"{label}: {system_reason(error)}; check the path") from error
        zipped = self.content.startswith(b"PK")
        ods = zipped and b"opendocument.spreadsheet" in self.content[:128]
        self.format = OPEN_DOCUMENT if ods else EXCEL
        damage = workbook_damage(self.content)
        if damage is not None:
            raise InputError(
                f"{label}: a damaged workbook ({damage}); copy it again, or save it again in a "
                "spreadsheet programme"
            )
        try:
            with refuse_damage(label, self.format):
                # given as bytes, the content decides what it is, not the suffix
                self.reader = fastexcel.read_excel(self.content)
                self.sheets = self.reader.sheet_names
        except InputError as error:
            self.refuse(error)
        if not self.sheets:
            raise InputError(f"{label}: the workbook has no sheets; pass one that has")

    def refuse(self, error: InputError) -> NoReturn:
        """Say more than the reader does, where the file shows it."""
        content = self.content
        marks = ["EncryptedPackage".encode("utf-16-le"), b"manifest:encryption-data"]
        if any(mark in content for mark in marks) or "password" in str(error.__cause__).lower():
            raise InputError(
                f"{self.label}: the workbook is protected by a password; save it without one"
            ) from error
        books = [name.encode("utf-16-le") for name in ("Workbook", "WORKBOOK", "Book", "BOOK")]
        if content.startswith(_OLE) and not any(name in content for name in books):
            raise InputError(
                f"{self.label}: an office document, but no workbook; export its table as CSV"
            ) from error
        raise error

    def choose(self, sheet: str | None, rows: int) -> tuple[_Head, tuple[str, ...]]:
        """Top of the sheet that is named, or of the first that can be meant."""
        if sheet is not None:
            head = self.head(self.named(sheet), rows)
            if not head.height:
                raise InputError(
                    f"{self.label}: sheet {head.name!r} holds no cells (it is empty, or a chart); "
                    f"it has {_listed(self.sheets)}"
                )
            return head, ()
        hidden = []
        for name in self.sheets:
            head = self.head(name, rows)
            if head.hidden:
                hidden.append(name)
            elif head.height:
                others = [other for other in self.sheets if other != name]
                note = f"sheet {name!r} is read, left out: {_listed(others)}"
                return head, (note,) if others else ()
        if hidden:
            raise InputError(
                f"{self.label}: every sheet with cells is hidden; name one with --sheet: "
                f"{_listed(hidden)}"
            )
        raise InputError(
            f"{self.label}: no sheet holds cells ({_listed(self.sheets)}); pass a workbook with "
            "sensor rows"
        )

    def named(self, sheet: str) -> str:
        """Name of the sheet that a user names, or numbers from 1."""
        for name in self.sheets:  # a name that is a number is a name
            if name == sheet:
                return name
        for name in self.sheets:  # a workbook has no two that differ by case alone
            if name.casefold() == sheet.strip().casefold():
                return name
        if re.fullmatch(r"\s*0*[1-9][0-9]{0,6}\s*", sheet) and int(sheet) <= len(self.sheets):
            return self.sheets[int(sheet) - 1]
        number = sheet.lstrip("-").isdigit()  # "did you mean '1'?" would be no help
        near = [] if number else difflib.get_close_matches(sheet, self.sheets, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {_listed(self.sheets)}"
        raise InputError(f"{self.label}: no sheet {sheet!r}; {hint}")

    def load(self, sheet: str, first_row: int, **options: Any) -> fastexcel.ExcelSheet:
        # with a number of rows to skip, even 0, rows count from the top of the sheet
        loaded: fastexcel.ExcelSheet = self.reader.load_sheet(
            sheet, header_row=None, skip_rows=first_row, **options
        )
        return loaded

    def head(self, sheet: str, rows: int) -> _Head:
        span, cells = spanned_cells(self.content, sheet)
        if cells > MOST_CELLS:
            raise InputError(
                f"{self.label}: the cells of sheet {sheet!r} lie too far apart ({span}); delete "
                "those far from the table, or save the sheet as CSV"
            )
        with refuse_damage(self.label, self.format):
            loaded = self.load(sheet, 0, n_rows=rows, dtypes="string")
            hidden = loaded.visible != "visible"
            if not loaded.height or not loaded.width:
                return _Head(sheet, [], 0, [], hidden)
            letters = [_letters(column.absolute_index) for column in loaded.selected_columns]
            table = loaded.to_polars()
        text = [[(cell or "").strip() for cell in row] for row in table.rows()]
        return _Head(sheet, text, loaded.total_height, letters, hidden)

    def header(self, head: _Head, given: int | None) -> tuple[Header, list[str]]:
        """Find the column names; one a column of the sheet, "" for blank columns."""
        from dccad.tables.layout.headers import find_header

        kept = [c for c in range(len(head.letters)) if any(row[c] for row in head.rows)]
        rows = [[row[c] for c in kept] if any(row) else [] for row in head.rows]
        try:
            header = find_header(rows, given)
        except InputError as error:
            # the number of a column is no use where blank ones stand before it
            text = re.sub(
                r"column (\d+) \(counted from 1\)",
                lambda found: f"column {head.letters[kept[int(found[1]) - 1]]}",
                str(error),
            )
            raise InputError(f"{self.label}: sheet {head.name!r}: {text}") from error
        names = [""] * len(head.letters)
        for column, name in zip(kept, header.names, strict=False):  # the last may have no name
            names[column] = name
        return header, names

    def values(
        self, head: _Head, names: Sequence[str], first_row: int
    ) -> tuple[pl.DataFrame, Counter[str]]:
        """Typed columns from a row on, and the errors that stood among their texts."""
        import polars as pl

        nothing = f"{self.label}: sheet {head.name!r} has no rows below the column names; pass one "
        if first_row >= head.height:
            raise InputError(nothing + "with sensor rows")
        with refuse_damage(self.label, self.format):
            frame = self.typed(head.name, first_row)
        errors: Counter[str] = Counter()
        for column in frame.select(pl.col(pl.String)):
            error = column.is_in(_ERRORS)
            errors.update(dict(column.filter(error).value_counts().iter_rows()))
            kept = column.set(error | column.str.contains(r"^\s*$"), None)
            # what made a column of numbers text is gone
            plain = kept.null_count() > column.null_count() and kept.str.contains(_NUMBER).all()
            frame = frame.with_columns(kept.cast(pl.Float64) if plain else kept)
        frame = frame.with_columns(pl.col(pl.Int64).cast(pl.Float64))
        filled = frame.select(~pl.all_horizontal(pl.all().is_null())).to_series().arg_true()
        if filled.is_empty():
            raise InputError(nothing + "with sensor rows")
        frame = frame.head(int(filled[-1]) + 1)
        blank = [name for name in frame.columns if frame[name].null_count() == frame.height]
        frame = frame.with_columns(pl.col(blank).cast(pl.Float64)) if blank else frame
        return self.name_columns(frame, head, names, blank), errors

    def typed(self, sheet: str, first_row: int) -> pl.DataFrame:
        import fastexcel

        kinds: dict[str | int, Literal["string"]] = {}
        while True:
            try:
                # every row is looked at: a column may turn from numbers to text at its end
                loaded = self.load(sheet, first_row, schema_sample_rows=None, dtypes=kinds)
                return loaded.to_polars()
            except fastexcel.UnsupportedColumnTypeCombinationError as error:
                # a mix that has no common type, as durations and numbers: read it as text
                mixed = re.search(r"for column __UNNAMED__(\d+)", str(error))
                if mixed is None or int(mixed[1]) in kinds:
                    raise
                kinds[int(mixed[1])] = "string"

    def name_columns(
        self, frame: pl.DataFrame, head: _Head, names: Sequence[str], blank: Sequence[str]
    ) -> pl.DataFrame:
        given = [*names, *[""] * (frame.width - len(names))][: frame.width]
        taken: dict[str, str] = {}
        for column, name, letter in zip(frame.columns, given, head.letters, strict=True):
            if name in taken.values():
                raise InputError(
                    f"{self.label}: column names that occur more than once: {name!r}; give every "
                    "column its own name"
                )
            if name:
                taken[column] = name
            elif column not in blank:
                raise InputError(
                    f"{self.label}: column {letter} of sheet {head.name!r} has values but no name; "
                    "name it in the row of column names"
                )
        return frame.select(list(taken)).rename(taken)


def _letters(index: int) -> str:
    """Excel's name of a column, counted from 0.

    >>> _letters(0), _letters(25), _letters(26), _letters(16383)
    ('A', 'Z', 'AA', 'XFD')
    """
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _listed(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(map(repr, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
