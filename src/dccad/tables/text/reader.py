"""Open separated text: encoding, separator, header, decimal sign and types are found and noted.

What may be wrong with a file is looked for when it is opened, in this order: its bytes are decoded
(:mod:`~dccad.tables.text.encodings`), the first lines tell separator and header, the fields of
every line are counted (:mod:`~dccad.tables.text.lines`), and every cell is parsed once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from dccad.errors import InputError, ParameterError
from dccad.tables.layout.headers import LOOK_AT, Header, find_header, refuse_unnamed
from dccad.tables.opened import OpenedTable
from dccad.tables.options import TableOptions
from dccad.tables.text.dialect import (
    BLANKS,
    MAX_COLUMNS,
    NONE,
    find_separator,
    given_separator,
    read_sample,
    refuse_width,
    split_lines,
)
from dccad.tables.text.encodings import CHUNK, Utf8Text, read_text
from dccad.tables.text.lines import Lines, check_lines
from dccad.tables.text.types import Guess, as_numbers, guess_types, settle_types

if TYPE_CHECKING:
    import polars as pl

__all__ = ["as_numbers", "explain_csv_error", "first_line", "open_csv"]


def open_csv(
    path: Path,
    options: TableOptions,
    *,
    source: str | None = None,
    name: str | None = None,
    only: Sequence[str] | None = None,
) -> OpenedTable:
    r"""Open a text table, whatever separates its fields.

    Parameters
    ----------
    path : Path
        Text of any encoding; fields separated by comma, semicolon, tab, bar or blanks; names in
        one line, perhaps below titles and above units, or no names.
    options : TableOptions
        ``separator``, ``decimal``, ``encoding`` and ``header`` replace what would be found. The
        columns ``run`` and ``tag``, and ``time`` with a ``time_format`` of signs such as %Y, are
        kept as they are written ("007" stays "007").
    source : str, optional
        What messages call the file. Default: its path.
    name : str, optional
        Name of its run. Default: the file name without suffix.
    only : sequence of str, optional
        Columns to open, in this order; the cells of others are not looked at. Default: all.

    Returns
    -------
    OpenedTable
        Int64, Float64 and Boolean where every cell of a column is one, else text; time stamps stay
        text. Cells that hold nothing or one of ``MISSING_MARKS`` are null. Blank lines are no rows,
        except in a table with one column; blank rows at the end never are. A file of up to 256 MiB
        is read here and now, a larger one when its frame is collected (see
        :func:`explain_csv_error`).

    Raises
    ------
    InputError
        It holds no rows or no text; names are missing or repeated; a line has too many or too few
        fields; there are more than 20,000 columns; numbers have signs between thousands.
    ParameterError
        An option is not usable, whatever the file holds.
    OSError
        The file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "pump.csv"
    ...     lines = ["Pump 7", "time;flow;state", ";m³/h;", "10:00;1,5;on", "10:01;;on"]
    ...     _ = file.write_text("\n".join(lines), encoding="utf-8")
    ...     table = open_csv(file, TableOptions())
    >>> table.frame.collect().rows(), table.units
    ([('10:00', 1.5, 'on'), ('10:01', None, 'on')], {'flow': 'm³/h'})
    >>> for note in table.notes:
    ...     print(note)
    separator ';' (from the first 5 lines)
    column names in line 2; 1 line above ignored: 'Pump 7'
    units in line 3
    decimal comma
    """
    source = str(path) if source is None else source
    given = _checked_options(options)
    text = read_text(path, source, options.encoding)
    try:
        layout, notes = _layout(text, options.header, given, options.decimal)
        names = _chosen(layout.header.names, only)
        frame, comma, kept = _typed_frame(layout, names, options)
    except InputError as error:
        message = str(error)
        if message.startswith(source):
            raise
        raise InputError(f"{source}: {message}") from error
    if comma:
        notes.append("decimal comma")
    units = {name: unit for name, unit in layout.header.units.items() if name in names}
    run = path.stem if name is None else name
    return OpenedTable(frame, source, run, "CSV", units, tuple(notes), sliceable=kept)


def explain_csv_error(source: str, error: Exception) -> InputError:
    """Say why a frame from :func:`open_csv` could not be collected.

    Every cell was parsed when the file was opened, so the file is another one now.

    Parameters
    ----------
    source : str
        ``OpenedTable.source``.
    error : Exception
        What polars raised.

    Examples
    --------
    >>> print(explain_csv_error("pump.csv", ValueError("found more fields than defined")))
    pump.csv: not readable as CSV any more (found more fields than defined); the file changed while
    it was read: copy it and read the copy
    """
    return InputError(
        f"{source}: not readable as CSV any more ({first_line(error)}); the file changed while it "
        "was read: copy it and read the copy"
    )


def _checked_options(options: TableOptions) -> str | None:
    """The separator, if it was given."""
    separator = None if options.separator is None else given_separator(options.separator)
    if options.decimal not in (None, ",", "."):
        raise ParameterError(f"decimal sign {options.decimal!r} is not usable; give , or .")
    if options.decimal is not None and options.decimal == separator:
        raise ParameterError(f"{separator!r} cannot both separate and be the decimal sign")
    if options.header is not None and options.header < 0:
        raise ParameterError(f"header {options.header} is no line: count from 1, or 0 for none")
    return separator


@dataclass(frozen=True)
class _Layout:
    """Text whose lines are checked, and where its rows begin."""

    text: Utf8Text
    header: Header
    separator: str
    start: int  # index of the line in which the first row begins
    rows: Sequence[Sequence[str]]  # the first rows
    lines: Lines


def _layout(
    text: Utf8Text, header_line: int | None, given: str | None, decimal: str | None
) -> tuple[_Layout, list[str]]:
    """Find separator and header, check the fields of each line."""
    least = LOOK_AT if header_line is None else LOOK_AT + header_line
    sample = read_sample(text, least)
    table = sample.lines[header_line - 1 :] if header_line else sample.lines
    separator, note = _separator(table or sample.lines, given, decimal)
    words = separator == BLANKS
    if words:
        text, separator = text.rewrite(_blanks_to_tabs), "\t"
        sample = read_sample(text, least)
    rows, begins = split_lines(sample.lines, separator)
    header = find_header(rows, header_line, lines=[begin + 1 for begin in begins], words=words)
    if header.width > MAX_COLUMNS:
        refuse_width(header.width, f"line {begins[-1] + 1}", text.source)
    if header.first_data == len(rows):
        if len(sample.lines) < least:
            raise InputError("no rows below the column names; pass a file with sensor rows")
        raise InputError(
            f"no rows of numbers or dates in the first {len(rows)} lines; say which line holds the "
            "column names with --header (0: none)"
        )
    start = begins[header.first_data]
    if header.row is not None and len(header.names) == header.width:
        expected = f"line {begins[header.row] + 1} names {header.width} columns"
    else:
        expected = f"the table has {header.width} columns"
    lines = check_lines(text, sample.offsets[start], start + 1, separator, header.width, expected)
    if not lines.rows:
        raise InputError("no rows below the column names; pass a file with sensor rows")
    notes = [*text.notes, note, *header.notes]
    if lines.blank:
        n = len(lines.blank)
        notes.append("1 blank line ignored" if n == 1 else f"{n} blank lines ignored")
    layout = _Layout(text, header, separator, start, rows[header.first_data :], lines)
    return layout, notes


def _separator(lines: Sequence[str], given: str | None, decimal: str | None) -> tuple[str, str]:
    """Separator, and the note on it."""

    def named(separator: str) -> str:
        return {"\t": "tab", BLANKS: "blanks"}.get(separator, repr(separator))

    if given is not None:
        return given, f"separator {named(given)} (as given)"
    told = re.fullmatch(r'"?sep=([,;|\t])"?', lines[0].strip(" "), re.IGNORECASE)
    if told:  # how spreadsheet programmes say it
        return told[1], f"separator {named(told[1])} (line 1 says so)"
    separator = find_separator(lines, decimal)
    if separator == NONE:
        return separator, "no separator: one column"
    return separator, f"separator {named(separator)} (from the first {len(lines)} lines)"


def _blanks_to_tabs(stream: IO[bytes]) -> Iterator[bytes]:
    """One tab in place of any number of blanks and tabs, none at the ends of a line."""
    rest = stream.read(3).removeprefix(b"\xef\xbb\xbf")
    while chunk := stream.read(CHUNK):
        chunk = rest + chunk
        end = chunk.rfind(b"\n") + 1
        yield _with_tabs(chunk[:end])
        rest = chunk[end:]
    yield _with_tabs(rest)


def _with_tabs(lines: bytes) -> bytes:
    if b'"' in lines:
        lines = re.sub(rb'("[^"\n]*")|[ \t]+', lambda found: found[1] or b"\t", lines)
        return re.sub(rb"(?m)^\t|\t(?=\r?$)", b"", lines)
    lines = lines.replace(b"\t", b" ")  # replacing is many times as fast as a pattern
    while b"  " in lines:
        lines = lines.replace(b"  ", b" ")
    lines = lines.replace(b"\n ", b"\n").replace(b" \n", b"\n").replace(b" \r\n", b"\r\n")
    return lines.strip(b" ").replace(b" ", b"\t")


def _chosen(names: Sequence[str], only: Sequence[str] | None) -> list[str]:
    if only is None:
        return list(names)
    for name in only:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
            shown = ", ".join(map(repr, names[:8])) + (" …" if len(names) > 8 else "")
            hint = f"did you mean {near[0]!r}?" if near else f"it has {shown}"
            raise InputError(f"no column {name!r}; {hint}")
    return list(dict.fromkeys(only))


def _typed_frame(
    layout: _Layout, names: list[str], options: TableOptions
) -> tuple[pl.LazyFrame, bool, bool]:
    """Frame of the chosen columns, whether there are decimal commas, whether it is in memory."""
    import polars as pl

    guess = guess_types(layout.header.names, layout.rows, options.decimal)
    types = dict(guess.types)
    as_written = {options.run, options.tag}
    if "%" in (options.time_format or ""):
        as_written.add(options.time)
    types.update({name: pl.String for name in as_written if name in types})
    comma = options.decimal == "," or (
        options.decimal is None and layout.separator != "," and bool(guess.commas)
    )
    # the parser would read 1.234 as a number with decimal point among those with a comma
    by_parser = comma and not layout.lines.dots
    if not by_parser:
        split = types if comma else guess.commas
        types.update({name: None for name in split if types[name] == pl.Float64})
    try:
        return _read(layout, names, types, guess, options.decimal, by_parser)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        # a cell below the first rows is of another kind than theirs
        types = {name: pl.String if kind == pl.String else None for name, kind in types.items()}
    try:
        return _read(layout, names, types, guess, options.decimal, by_parser=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise InputError(f"not readable as CSV ({first_line(error)}); export it again") from error


def _read(
    layout: _Layout,
    names: list[str],
    types: Mapping[str, Any],
    guess: Guess,
    decimal: str | None,
    by_parser: bool,
) -> tuple[pl.LazyFrame, bool, bool]:
    """Parse every cell once; columns without a type are looked at first."""
    import polars as pl

    fields = {name: f"{i}" for i, name in enumerate(layout.header.names)}  # "*" is no column
    unnamed = [f"{i}" for i in range(len(fields), layout.header.width)]
    frame = _scan(layout, [types[name] for name in fields], by_parser)
    frame = frame.select([*(fields[name] for name in names), *unnamed])
    kept = isinstance(layout.text.content, bytes)
    if kept:
        frame = frame.collect().lazy()
    comma = by_parser and not guess.commas.isdisjoint(names)
    loose = {name: fields[name] for name in names if types[name] is None}
    if loose:
        columns, comma = settle_types(frame, loose, guess, decimal, layout.separator)
        frame = frame.with_columns(columns)
        if kept:
            frame = frame.collect().lazy()
    _check_read(layout, frame, unnamed)
    return frame.select(pl.col(fields[name]).alias(name) for name in names), comma, kept


def _scan(layout: _Layout, types: Sequence[Any], by_parser: bool) -> pl.LazyFrame:
    """The rows with their columns called "0", "1" …; those without a type as text."""
    import polars as pl

    kinds = [*types, *[None] * (layout.header.width - len(types))]
    lines = layout.lines
    frame = pl.scan_csv(
        layout.text.content,
        has_header=False,
        skip_lines=layout.start,
        schema={f"{i}": pl.String if kind is None else kind for i, kind in enumerate(kinds)},
        separator=layout.separator,
        quote_char='"' if lines.quoted else None,
        null_values=list(lines.marks) or None,
        decimal_comma=by_parser,
        n_rows=lines.rows,
        glob=False,
    )
    if lines.blank:
        rows = frame.with_row_index("row")
        frame = rows.filter(~pl.col("row").is_in(list(lines.blank))).drop("row")
    return frame


def _check_read(layout: _Layout, frame: pl.LazyFrame, unnamed: Sequence[str]) -> None:
    """Parse what is not in memory; refuse values in columns without a name."""
    import polars as pl

    counts = frame.select(pl.len().alias("rows"), pl.all().null_count().name.prefix("null "))
    found = counts.collect(engine="streaming").row(0, named=True)
    expected = layout.lines.rows - len(layout.lines.blank)
    if found["rows"] != expected:
        raise InputError(
            f"not readable as CSV ({expected} rows were counted, {found['rows']} read); export it "
            "again"
        )
    for field, name in enumerate(unnamed, start=len(layout.header.names)):
        if found[f"null {name}"] != expected:
            refuse_unnamed(field)


def first_line(error: BaseException) -> str:
    r"""First line of an error's text, for messages of one line.

    Examples
    --------
    >>> first_line(ValueError("bad page\nbacktrace: ..."))
    'bad page'
    """
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
