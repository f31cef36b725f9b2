"""Tables written in any form, and what a reader must make of them: plain Python, no dccad.

``Table`` is what was measured, ``Form`` how it is written. ``write`` writes it, ``can_hold`` says
whether that form keeps every number, ``expected`` is the run a reader must find, and ``decisions``
what it must say that it decided.
"""

import csv
import datetime as dt
import io
import math
import re
import sqlite3
import struct
from contextlib import closing
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape

import numpy as np

from workbooks import write_ods, write_xls, write_xlsb

NAN = math.nan
SEPARATORS = (",", ";", "\t", "|", " ")
ENCODINGS = ("utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
LINE_ENDS = ("\n", "\r\n", "\r", "\r\r\n")
QUOTES = ("needed", "all", "names")
MISSING = ("", "NA", "N/A", "#N/A", "null", "NULL", "nan", "NaN")
TITLES = (
    "Export of line 3",
    "",
    "# recorded by DCS 2",
    "Created 2020-03-09 10:00",
    "Site: Plant 7",
)
UNITS = ("m³/h", "°C", "bar", "%", "[kg/h]", "rpm", "(mm)", "kW")
NAMES = (
    *("FIC101.PV", "Feed flow", "Druck Kessel", "Température", "xmeas_1", "T/°C", "level, left"),
    *('say "hi"', "a;b", "p|q", "Größe", "L1:A", "x*", "[7]", "torque", "TI-4711", "'q'"),
)
TIMES = ("time", "Timestamp", "Date Time", "Zeitstempel", "recorded at")
LABELS = ("label", "Anomaly", "target")
STAMPS = {  # of text: pattern, and what the notes say of it
    "iso": "%Y-%m-%d %H:%M:%S",
    "T": "%Y-%m-%dT%H:%M:%S",
    "slashes": "%Y/%m/%d %H:%M:%S",
    "dots": "%d.%m.%Y %H:%M:%S",
    "day first": "%d/%m/%Y %H:%M:%S",
    "month first": "%m/%d/%Y %I:%M:%S %p",
    "month name": "%d-%b-%Y %H:%M:%S",
    "offset": "%Y-%m-%dT%H:%M:%S+01:00",
    "Z": "%Y-%m-%d %H:%M:%SZ",
    "split": "%d.%m.%Y",
    "epoch s": "",
    "epoch ms": "",
}
BOOKS = ("xlsx", "ods", "xls", "xlsb")
KINDS = ("text", "parquet", "arrow", "stream", *BOOKS, "sqlite", "long")
SUFFIXES = {
    "text": ".csv", "parquet": ".parquet", "arrow": ".arrow", "stream": ".arrows", "xlsx": ".xlsx",
    "ods": ".ods", "xls": ".xls", "xlsb": ".xlsb", "sqlite": ".db", "long": ".csv",
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """What was measured, in the order of the file; stamps are datetimes, or seconds as floats."""

    names: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]
    stamps: tuple | None = None
    labels: tuple[int, ...] | None = None
    units: tuple[str, ...] = ()
    time_name: str = "time"
    label_name: str = "label"


@dataclass(frozen=True)
class Form:
    """How a table is written; what a kind of file has not is ignored."""

    kind: str = "text"
    separator: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    end: str = "\n"
    quotes: str = "needed"
    missing: str = ""
    titles: tuple[str, ...] = ()
    named: bool = True
    stamp: str = "iso"
    blank_after: tuple[int, ...] = ()  # blank lines after these rows
    last_end: bool = True
    ends_with_separator: bool = False
    single: bool = False  # float32, where a format knows it
    nulls: bool = True  # missing as null, where a format also knows NaN

    @property
    def suffix(self):
        return SUFFIXES[self.kind]

    @property
    def titled(self):
        """Titles and units stand around the names."""
        return self.kind in ("text", *BOOKS)


# Random tables and forms --------------------------------------------------------------------------


def random_case(rng):
    """A random table and a form; nine in ten times the form can hold the table."""
    form, table = random_form(rng), random_table(rng)
    if form.kind in (*BOOKS, "long"):
        rows = [[bookable(v) for v in row] for row in table.rows]
        table = replace(table, rows=tuple(map(tuple, rows)))
    if form.kind == "xlsb" and isinstance((table.stamps or (0,))[0], dt.datetime):
        table = replace(table, stamps=None)
    if form.kind == "long":
        rows = [[0.5 if math.isnan(v) else v for v in row] for row in (*table.rows, table.rows[0])]
        start, step = dt.datetime(2026, 1, 13), dt.timedelta(seconds=rng.choice([1, 60, 900]))
        places = rng.sample(range(2 * len(rows)), len(rows))
        table = replace(
            table,
            rows=tuple(map(tuple, rows)),
            stamps=tuple(start + place * step for place in places),
            labels=None,
        )
    return table, form


def bookable(value):
    """A number with the digits that writers of workbooks keep."""
    return 0.5 if math.isinf(value) else float(f"{value:.15G}")


def random_table(rng, max_rows=8):
    """A small table of random numbers, holes and stamps; rng is a ``random.Random``."""
    n_rows = rng.randint(1, max_rows)
    names = rng.sample(NAMES, rng.randint(1, 5))
    rows = [[_random_number(rng) for _ in names] for _ in range(n_rows)]
    if rng.random() < 0.05:  # more rows than the first that are looked at
        rows *= 250 // n_rows
        n_rows = len(rows)
    labels = None
    if rng.random() < 0.25:
        labels = tuple(rng.randint(0, 1) for _ in range(n_rows))
    return Table(
        tuple(names),
        tuple(map(tuple, with_holes(rng, rows))),
        _random_stamps(rng, n_rows),
        labels,
        tuple(rng.choice(UNITS) for _ in names) if rng.random() < 0.4 else (),
        rng.choice(TIMES),
        rng.choice(LABELS),
    )


def with_holes(rng, rows):
    """Missing cells: none, some, a whole row, a whole column, a stretch of one, or all."""
    n_rows, width = len(rows), len(rows[0])
    row, column = rng.randrange(n_rows), rng.randrange(width)
    stop = rng.randint(row, n_rows)
    kind = rng.choice(["none", "none", "first", "some", "row", "column", "stretch", "all"])

    def missing(i, j):
        return {
            "none": False,
            "first": (i, j) == (0, column),
            "some": kind == "some" and rng.random() < 0.3,
            "row": i == row,
            "column": j == column,
            "stretch": j == column and row <= i < stop,
            "all": True,
        }[kind]

    return [[NAN if missing(i, j) else v for j, v in enumerate(r)] for i, r in enumerate(rows)]


def random_form(rng):
    """A random form: text in half of all cases."""
    kind = rng.choice(["text", "other"])
    titles = rng.choice([(), (), rng.sample(TITLES, 1), rng.sample(TITLES, 3)])
    return Form(
        "text" if kind == "text" else rng.choice(KINDS[1:]),
        rng.choice(SEPARATORS),
        rng.choice(".,"),
        rng.choice(ENCODINGS),
        rng.choice(LINE_ENDS),
        rng.choice(QUOTES),
        rng.choice(MISSING),
        tuple(titles),
        named=rng.random() < 0.8,
        stamp=rng.choice(list(STAMPS)),
        blank_after=tuple(rng.choices(range(8), k=rng.choice([0, 0, 1, 3]))),
        last_end=rng.random() < 0.7,
        ends_with_separator=rng.random() < 0.2,
        single=rng.random() < 0.5,
        nulls=rng.random() < 0.5,
    )


def _random_number(rng):
    kind = rng.randrange(8)
    if kind == 0:
        return float(rng.randint(-9, 9))
    if kind == 1:
        return rng.choice([0.0, -0.0, 1e-300, 0.1 + 0.2, 5e-324, 1e15, 1e16, math.inf, -math.inf])
    if kind == 2:
        return struct.unpack("f", struct.pack("f", rng.uniform(-1e3, 1e3)))[0]
    if kind == 3:
        return rng.uniform(-1, 1) * 10.0 ** rng.randint(-40, 40)
    return rng.randint(-999_999, 999_999) / 1000


def _random_stamps(rng, n_rows):
    """None, dates or seconds: regular, at any place, or the newest first."""
    kind = rng.choice(["none", "dates", "dates", "seconds"])
    if kind == "none":
        return None
    step = rng.choice([1, 60, 900])
    places = list(range(n_rows))
    order = rng.choice(["regular", "regular", "any", "newest first"])
    if order == "any":
        places = [rng.randint(0, 2 * n_rows) for _ in places]
    elif order == "newest first":
        places.reverse()
    if kind == "seconds":
        return tuple(float(place * step) for place in places)
    # after the 12th, so that day and month cannot be taken for each other
    start = dt.datetime(2026, 1, rng.randint(13, 18), rng.randint(0, 23), 7, 30)
    return tuple(start + dt.timedelta(seconds=step * place) for place in places)


# What a reader must find --------------------------------------------------------------------------


def order_of(table):
    """Rows in the order of time; of those with one stamp the last in the file."""
    rows = range(len(table.rows))
    if table.stamps is None:
        return list(rows)
    last = {}
    for row in rows:
        last[table.stamps[row]] = row
    return [last[stamp] for stamp in sorted(last)]


def expected(table, form):
    """Values, columns, time, units and labels as a reader must give them."""
    order = order_of(table)
    values = np.array([table.rows[row] for row in order], dtype=np.float64)
    values = values.reshape(len(order), len(table.names))
    time = None
    if table.stamps is not None:
        stamps = [table.stamps[row] for row in order]
        if isinstance(stamps[0], dt.datetime):
            if style_of(table, form) == "offset":
                stamps = [stamp - dt.timedelta(hours=1) for stamp in stamps]
            time = np.array(stamps, dtype="datetime64[ns]")
        else:
            time = np.array(stamps, dtype=np.float64)
    labels = None if table.labels is None else [table.labels[row] for row in order]
    names = table.names
    if form.titled and not form.named:
        first = len(_stamp_names(table, form))
        names = tuple(f"column_{i + first + 1}" for i in range(len(table.names)))
    units = tuple(unit.strip("[]()") for unit in table.units) if form.titled and form.named else ()
    return values, names, time, units if any(units) else (), labels


def options_for(table, form):
    """What a user has to say, because the file cannot; as keywords of TableOptions."""
    options = {}
    if form.kind == "sqlite":
        options["query"] = "select * from log"
    if form.kind == "long":
        options["columns"] = table.names
    elif table.stamps is not None and not _shows_time(table, form):
        named = form.named or not form.titled
        options["time"] = _stamp_names(table, form)[0] if named else "column_1"
    return options


def style_of(table, form):
    """How the stamps are written: one of ``STAMPS``, "dates" or "seconds"; "" without stamps."""
    if table.stamps is None:
        return ""
    if not isinstance(table.stamps[0], dt.datetime):
        return "seconds"
    if form.kind == "long":
        return "T" if form.separator == " " else "iso"
    return form.stamp if form.kind in ("text", "sqlite") else "dates"


def _shows_time(table, form):
    """A column of dates, or of rising numbers that is called time."""
    if style_of(table, form) not in ("seconds", "epoch s", "epoch ms"):
        return True
    pairs = zip(table.stamps, table.stamps[1:], strict=False)
    rising = len(table.stamps) > 1 and all(a < b for a, b in pairs)
    return rising and table.time_name in TIMES[:-1] and (form.named or not form.titled)


def decisions(table, form):
    """What the notes must say, by name; the values are what they must hold."""
    said = {}
    titled = form.titled
    if form.kind in ("text", "long"):
        lone = len(table.names) + (table.stamps is not None) + (table.labels is not None) == 1
        lone = lone and form.kind == "text" and not form.ends_with_separator
        shown = {"\t": "tab", " ": "blanks"}.get(form.separator, repr(form.separator))
        said["separator"] = "one column" if lone else f"separator {shown} "
        if form.decimal == "," and any("." in _number(v) for row in table.rows for v in row):
            said["decimal"] = "decimal comma"
        encoding = _encoding_note(table, form)
        if encoding:
            said["encoding"] = encoding
        blank = len([row for row in form.blank_after if row < len(table.rows) - 1])
        blank *= form.kind == "text"
        if blank and not lone:
            said["blank lines"] = f"{blank} blank line"
    if titled and form.titles and form.named:
        said["header"] = f"column names in line {len(form.titles) + 1}"
    if titled and not form.named:
        said["no names"] = "no column names: column_1"
    if titled and form.named and any(table.units):
        said["units"] = f"units in line {len(form.titles) + 2}"
    if form.kind == "long":
        said["long"] = "long table: tag 'Tag', value 'Value', time 'Timestamp'"
        said["rows"] = "the tags report at common times"
        late = "sorted" in _order_decisions(table.stamps)
        return {**said, **({"sorted": "all are sorted by time"} if late else {})}
    if table.stamps is not None:
        names = _stamp_names(table, form) if form.named or not titled else ("column_1",)
        if not options_for(table, form).get("time"):
            said["time"] = "time is column " + " and ".join(map(repr, names))
        style = style_of(table, form)
        if style in ("dots", "day first", "split"):
            said["day first"] = "day first"
        if style == "month first":
            said["day first"] = "month first"
        if style in ("offset", "Z"):
            said["zone"] = "brought to UTC"
        if style.startswith("epoch"):
            said["epoch"] = f"numbers since 1970 in {style.partition(' ')[2]}, UTC"
        said.update(_order_decisions(table.stamps))
    if table.labels is not None:
        said["labels"] = f"kept apart as labels: {table.label_name!r}"
    if form.kind == "sqlite":
        said["query"] = "no ORDER BY"
    return said


def _order_decisions(stamps):
    said = {}
    late = [row for row in range(1, len(stamps)) if stamps[row] < max(stamps[:row])]
    if late:
        backwards = all(stamps[row] <= stamps[row - 1] for row in range(1, len(stamps)))
        said["sorted"] = (
            "the newest row comes first"
            if backwards
            else f"{len(late)} row{'s are' if len(late) > 1 else ' is'} earlier"
        )
    repeated = len(stamps) - len(set(stamps))
    if repeated:
        said["duplicates"] = f"{repeated} row{'s repeat' if repeated > 1 else ' repeats'} the stamp"
    return said


def _encoding_note(table, form):
    if form.encoding == "cp1252":
        return "" if text_of(table, form).isascii() else "Windows-1252"
    return {"utf-16": "UTF-16 (byte-order mark)", "utf-32": "UTF-32 (byte-order mark)",
            "utf-16-le": "UTF-16-LE", "utf-16-be": "UTF-16-BE"}.get(form.encoding, "")  # fmt: skip


# What a form can hold -----------------------------------------------------------------------------


def can_hold(table, form):
    """Whether every number, name and stamp can be told from what this form writes."""
    if not table.rows:
        return False
    rules = {"text": _text_holds, "long": _long_holds, "sqlite": _sqlite_holds}
    rule = _book_holds if form.kind in BOOKS else rules.get(form.kind, _columns_hold)
    return rule(table, form)


def _columns_hold(table, form):
    return not form.single or all(_as_single(v) for row in table.rows for v in row)


def _as_single(value):
    try:
        return math.isnan(value) or struct.unpack("f", struct.pack("f", value))[0] == value
    except OverflowError:
        return False


def _sqlite_holds(table, form):
    folded = [name.lower() for name in _all_names(table, form)]
    nothing = all(all(map(math.isnan, row)) for row in table.rows) and table.stamps is None
    split = style_of(table, form) == "split"
    return len(set(folded)) == len(folded) and not split and not nothing


def _long_holds(table, form):
    names = {name.strip() for name in table.names}
    return (
        table.stamps is not None
        and isinstance(table.stamps[0], dt.datetime)
        and table.labels is None
        and len(names) == len(table.names)
        and len(set(table.stamps)) > 1
        and len(set(table.stamps)) == len(table.stamps)
        and not any(math.isnan(v) or math.isinf(v) for row in table.rows for v in row)
        and form.encoding in ("utf-8", "utf-8-sig")
        and form.decimal == "."
        and form.separator != " "
    )


def _seen_at_end(table, form, blank):
    """Rows without any value at the end of a sheet or text are no rows."""
    return (
        table.stamps is not None
        or table.labels is not None
        or not (blank and all(map(math.isnan, table.rows[-1])))
    )


def _typed(table):
    """Some column shows numbers or dates, so that text above is no data."""
    return table.stamps is not None or any(not math.isnan(v) for row in table.rows for v in row)


def _names_told(table, form):
    """Names can be told from titles, units and data."""
    if not form.named:
        # nothing says which columns are labels, or that blank ones are columns
        if style_of(table, form) == "split":
            return False  # the columns are told by their names
        seen = [any(not math.isnan(v) for v in column) for column in zip(*table.rows, strict=True)]
        if table.labels is not None or (form.titles and len(_all_names(table, form)) == 1):
            return False
        return (all(seen) and not form.titles) if form.kind in BOOKS else seen[-1]
    columns = len(table.names) + (table.stamps is not None) + (table.labels is not None)
    if columns <= 2 and form.titles and {"T/°C", "[7]"} & set(table.names):
        return False  # a title may be the name, and one of these its unit
    return _typed(table) or not (form.titles or any(table.units))


def _book_holds(table, form):
    numbers = [v for row in table.rows for v in row]
    if any(map(math.isinf, numbers)) or not _seen_at_end(table, form, blank=True):
        return False
    if table.stamps is None and table.labels is None and all(map(math.isnan, table.rows[0])):
        return False  # a blank row below the names parts them from the table
    if not _typed(table) or not _names_told(table, form):
        return False
    if form.kind == "xlsx" and any(v == v and float(f"{v:.16G}") != v for v in numbers):
        return False  # as its writer rounds
    if form.kind == "xls":
        text = "".join((*_all_names(table, form), *table.units, *form.titles))
        text.encode("latin-1")  # as all of NAMES and UNITS
        return len(table.rows) * (len(table.names) + 2) < 800
    dated = table.stamps is not None and isinstance(table.stamps[0], dt.datetime)
    return form.kind != "xlsb" or not dated


def _text_holds(table, form):
    if form.decimal == form.separator or (form.decimal == "," and form.separator == ","):
        return False
    columns = len(table.names) + (table.stamps is not None) + (table.labels is not None)
    blank = form.missing == ""
    if form.separator == " ":
        # blanks merge, and words of a title are fields
        if blank or form.ends_with_separator or any(" " in title for title in form.titles):
            return False
        if form.quotes == "all" and form.decimal == ",":
            return False  # a comma is within each cell and a blank between them
        # what is no number may be a sentence
        filled = sum(v == v for row in table.rows for v in row)
        filled += sum(table.labels is not None or table.stamps is not None for _ in table.rows)
        if 2 * filled < columns * (len(table.rows) + 2):
            return False
        if any(re.search(r'[\s"]', name) for name in _all_names(table, form)):
            return False
        if table.stamps is not None and " " in _stamp(table.stamps[0], style_of(table, form)):
            return False
        if any(table.units) and table.stamps is not None:
            return False  # the stamps have no unit
    if len(table.rows) < 2 and any(" " in title for title in form.titles):
        return False  # one row does not outweigh words that blanks separate
    if columns == 1:
        # without a separator nothing says where a line of several marks ends
        if form.decimal == "," and not form.named:
            return False
        if (
            form.blank_after
            or form.ends_with_separator
            or (blank and table.rows[0][0] != table.rows[0][0])
        ):
            return False
        if form.quotes == "needed" and any(sign in table.names[0] for sign in SEPARATORS[:-1]):
            return False
    if not _seen_at_end(table, form, blank) or not _names_told(table, form):
        return False
    if form.ends_with_separator and not form.named and blank:
        return all(not math.isnan(row[-1]) for row in table.rows)
    try:
        text_of(table, form).encode(form.encoding)
    except UnicodeEncodeError:
        return False
    return True


# Writing ------------------------------------------------------------------------------------------


def write(path, table, form):
    """Write a table; returns the path."""
    if form.kind == "text":
        path.write_bytes(text_of(table, form).encode(form.encoding))
    elif form.kind == "long":
        path.write_bytes(_long_text(table, form).encode(form.encoding))
    elif form.kind in ("parquet", "arrow", "stream"):
        _write_columns(path, table, form)
    elif form.kind == "sqlite":
        _write_sqlite(path, table, form)
    else:
        write_book(path, _sheet(table, form), form.kind)
    return path


def write_book(path, rows, kind):
    """Write rows of cells (None: blank) as a workbook with one sheet."""
    if kind == "xlsx":
        import xlsxwriter

        book = xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd hh:mm:ss"})
        book.set_properties({"created": dt.datetime(2026, 1, 13)})  # not now
        sheet = book.add_worksheet("Log")
        for i, row in enumerate(rows):
            for j, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(i, j, cell)
                elif cell is not None:
                    sheet.write(i, j, cell)
        book.close()
    elif kind == "ods":
        write_ods(path, [[escape(c) if isinstance(c, str) else c for c in row] for row in rows])
    elif kind == "xls":
        write_xls(path, rows)
    else:
        write_xlsb(path, [[*row] for row in rows])


def _number(value):
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


def _stamp(stamp, style):
    if style == "seconds":
        return _number(stamp)
    if style.startswith("epoch"):
        seconds = (stamp - dt.datetime(1970, 1, 1)) // dt.timedelta(seconds=1)
        return str(seconds * (1000 if style == "epoch ms" else 1))
    return stamp.strftime(STAMPS[style])


def _stamp_names(table, form):
    if table.stamps is None:
        return ()
    return ("Date", "Time") if style_of(table, form) == "split" else (table.time_name,)


def _all_names(table, form):
    labels = () if table.labels is None else (table.label_name,)
    return (*_stamp_names(table, form), *table.names, *labels)


def _cells(table, form):
    """Cells of each row as text; "" where there is none."""
    style = style_of(table, form)
    for i, row in enumerate(table.rows):
        cells = []
        if table.stamps is not None:
            cells.append(_stamp(table.stamps[i], style))
            cells += [table.stamps[i].strftime("%H:%M:%S")] if style == "split" else []
        cells += [_number(v).replace(".", form.decimal) if v == v else form.missing for v in row]
        if table.labels is not None:
            cells.append(str(table.labels[i]))
        yield cells


def _quoted(cell, form, name=False):
    needed = any(sign in cell for sign in (form.separator, '"', "\n", "\r"))
    needed |= form.separator == " " and bool(re.search(r"\s", cell))
    if needed or form.quotes == "all" or (name and form.quotes == "names"):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def text_of(table, form):
    lines = list(form.titles)
    tail = form.separator if form.ends_with_separator else ""
    if form.named:
        names = _all_names(table, form)
        lines.append(form.separator.join(_quoted(n, form, name=True) for n in names) + tail)
        if any(table.units):
            before = [""] * len(_stamp_names(table, form))
            after = [""] if table.labels is not None else []
            lines.append(form.separator.join([*before, *table.units, *after]) + tail)
    for i, cells in enumerate(_cells(table, form)):
        lines.append(form.separator.join(_quoted(cell, form) for cell in cells) + tail)
        lines += [""] * form.blank_after.count(i)
    return form.end.join(lines) + (form.end if form.last_end else "")


def _long_text(table, form):
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=form.separator, lineterminator=form.end)
    writer.writerow(["Timestamp", "Tag", "Value"])
    style = style_of(table, form)
    for i, row in enumerate(table.rows):
        for name, value in zip(table.names, row, strict=True):
            writer.writerow([_stamp(table.stamps[i], style), name, _number(value)])
    return stream.getvalue()


def _sheet(table, form):
    rows = [[title or None] for title in form.titles]
    if form.named:
        rows.append(list(_all_names(table, form)))
        if any(table.units):
            before = [None] * len(_stamp_names(table, form))
            after = [None] if table.labels is not None else []
            rows.append([*before, *(unit or None for unit in table.units), *after])
    for i, row in enumerate(table.rows):
        cells = [] if table.stamps is None else [table.stamps[i]]
        cells += [None if math.isnan(v) else float(v) for v in row]
        if table.labels is not None:
            cells.append(float(table.labels[i]))
        rows.append(cells)
    width = max(map(len, rows))
    return [[*row, *[None] * (width - len(row))] for row in rows]


def _write_columns(path, table, form):
    import polars as pl

    columns = []
    if table.stamps is not None:
        columns.append(pl.Series(table.time_name, table.stamps))
    for column, name in enumerate(table.names):
        values = [row[column] for row in table.rows]
        cells = [None if form.nulls and math.isnan(v) else v for v in values]
        columns.append(pl.Series(name, cells, dtype=pl.Float32 if form.single else pl.Float64))
    if table.labels is not None:
        columns.append(pl.Series(table.label_name, table.labels, dtype=pl.Int8))
    frame = pl.DataFrame(columns)
    if form.kind == "parquet":
        frame.write_parquet(path)
    elif form.kind == "arrow":
        frame.write_ipc(path)
    else:
        frame.write_ipc_stream(path)


def _write_sqlite(path, table, form):
    def name(text):
        return '"' + text.replace('"', '""') + '"'

    style = style_of(table, form)
    with closing(sqlite3.connect(path)) as database:
        names = ", ".join(map(name, _all_names(table, form)))
        database.execute(f"create table log ({names})")
        marks = ", ".join("?" * len(_all_names(table, form)))
        for i, row in enumerate(table.rows):
            cells = []
            if table.stamps is not None:
                stamp = _stamp(table.stamps[i], style)
                numeric = {"seconds": float, "epoch s": int, "epoch ms": int}
                cells.append(numeric.get(style, str)(stamp))
            cells += [None if math.isnan(v) else v for v in row]
            if table.labels is not None:
                cells.append(table.labels[i])
            database.execute(f"insert into log values ({marks})", cells)
        database.commit()
