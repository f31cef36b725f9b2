"""Read the result of a query: SQLite through the standard library, PostgreSQL through psycopg."""

from __future__ import annotations

import difflib
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

from dccad.errors import InputError
from dccad.support.extras import require
from dccad.tables.files.sniffing import POSTGRESQL, SQLITE
from dccad.tables.files.sources import sqlite_path, without_password
from dccad.tables.opened import OpenedTable
from dccad.tables.options import TableOptions

if TYPE_CHECKING:
    import polars as pl

# of the values of one batch of rows, so that few Python objects live at a time
_BATCH_CELLS = 500_000
_CONNECT_SECONDS = 10
_CHANGES = "--query would change the database, which is only read; give one SELECT"
_SUPPORTED = "sqlite:///file.db, postgresql://user:password@host:5432/database"


def open_query(
    url_or_path: str | Path,
    options: TableOptions,
    *,
    source: str | None = None,
    name: str | None = None,
) -> OpenedTable:
    """Read what a query gives; the database is opened for reading only.

    Parameters
    ----------
    url_or_path : str or Path
        A SQLite file, or an address: sqlite:///relative.db, sqlite:////absolute.db,
        postgresql://user:password@host:port/database (the password may also come from
        ``PGPASSWORD`` or ``~/.pgpass``).
    options : TableOptions
        ``query`` is read: one SELECT.
    source, name : str, optional
        What messages call the database; name of its run. Default: the address without password,
        the name of the database.

    Returns
    -------
    OpenedTable
        In memory, rows in the order of the query. Whole numbers are Int64, others Float64 (also
        NUMERIC), times with a zone Datetime in UTC. A SQLite column that holds numbers and texts
        is text.

    Raises
    ------
    InputError
        The database cannot be reached or read, or the query is missing, wrong, gives no rows or
        something that is no table of numbers, texts and times.
    MissingExtraError
        PostgreSQL without the extra "postgresql".

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "plant.db")
    ...     with closing(sqlite3.connect(file)) as database:
    ...         _ = database.execute("create table log (t integer, flow real)")
    ...         _ = database.execute("insert into log values (0, 1.5), (60, 2.5)")
    ...         database.commit()
    ...     table = open_query(file, TableOptions(query="select * from log order by t"))
    >>> table.name, table.frame.collect().to_dict(as_series=False)
    ('plant', {'t': [0, 60], 'flow': [1.5, 2.5]})
    """
    if isinstance(url_or_path, Path):
        return _open_sqlite(url_or_path, options, source or str(url_or_path), name)
    scheme = url_or_path.partition("://")[0].lower()
    label = source or without_password(url_or_path)
    if scheme == "sqlite":
        return _open_sqlite(sqlite_path(url_or_path), options, label, name)
    if scheme in ("postgresql", "postgres"):
        return _open_postgresql(url_or_path, options, label, name)
    raise InputError(f"{label}: databases of kind {scheme!r} are not read; needed is {_SUPPORTED}")


def _open_sqlite(path: Path, options: TableOptions, label: str, name: str | None) -> OpenedTable:
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "no such file"
        raise InputError(f"{label}: {what}; check the path")
    tables: list[str] = []
    address = f"file:{quote(str(path.absolute()))}?mode=ro"  # a wrong path creates nothing
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            tables = [
                row[0]
                for row in connection.execute(
                    "select name from sqlite_master where type in ('table', 'view') "
                    "and name not like 'sqlite\\_%' escape '\\' order by name"
                )
            ]
            query = _checked(options.query, tables, label)
            cursor = connection.execute(query)
            columns = [column[0] for column in cursor.description or ()]
            frame = _frame(cursor, columns, label, tables)
    # several statements are a Warning until Python 3.11, an error since
    except (sqlite3.Error, sqlite3.Warning) as error:
        _refuse_sqlite(label, error, tables)
    except UnicodeDecodeError as error:  # sqlite3 could not even say what is wrong
        raise InputError(
            f"{label}: a damaged SQLite file (its text is not UTF-8); copy it again"
        ) from error
    return _opened(frame, label, name or path.stem, SQLITE, query)


def _refuse_sqlite(label: str, error: Exception, tables: Sequence[str]) -> NoReturn:
    text = _line(error)
    if "one statement at a time" in text:
        raise InputError(f"{label}: --query holds several statements; give one SELECT") from error
    if "not a database" in text:
        raise InputError(
            f"{label}: no SQLite database, or a damaged one; pass another file, or copy it again"
        ) from error
    if "malformed" in text or "disk image" in text:
        raise InputError(f"{label}: a damaged SQLite file ({text}); copy it again") from error
    missing = re.match(r"no such table: (?:\w+\.)?(.*)", text)
    if missing:
        raise InputError(f"{label}: {text}; {_near(missing[1], tables)}") from error
    if "readonly database" in text:
        raise InputError(f"{label}: {_CHANGES}") from error
    if "unable to open" in text or "locked" in text:
        raise InputError(
            f"{label}: {text}; check that nothing else writes it, or copy it and read the copy"
        ) from error
    raise InputError(f"{label}: the query fails ({text}); correct --query") from error


def _open_postgresql(url: str, options: TableOptions, label: str, name: str | None) -> OpenedTable:
    psycopg = require("psycopg", extra="postgresql")
    numeric = require("psycopg.types.numeric", extra="postgresql")
    try:
        parameters = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        parameters = {}
    if not parameters or "@" in str(parameters.get("host", "")):
        # the error, or the host, holds a piece of the password: nothing of it is shown
        raise InputError(
            f"{label}: not an address of the form postgresql://user:password@host:5432/database; "
            "write signs such as / @ : # in the password as %2F %40 %3A %23"
        ) from None
    parameters.setdefault("connect_timeout", _CONNECT_SECONDS)
    secret = str(parameters.get("password") or "")
    tables: list[str] = []
    try:
        with closing(psycopg.connect(**parameters, client_encoding="utf8")) as connection:
            connection.read_only = True
            connection.adapters.register_loader("numeric", numeric.FloatLoader)
            connection.execute("set time zone 'UTC'")
            tables = [row[0] for row in connection.execute(_POSTGRESQL_TABLES)]
            query = _checked(options.query, tables, label)
            # a named cursor leaves the result on the server and takes it in batches
            with connection.cursor(name="dccad") as cursor:
                cursor.execute(query.encode())
                columns = [column.name for column in cursor.description or ()]
                frame = _frame(cursor, columns, label, tables)
    except psycopg.Error as error:
        text = _line(error)
        if secret:
            text = text.replace(secret, "***")
        # from None: the cause would show in a traceback what the text hides
        _refuse_postgresql(psycopg, label, error, text, tables)
    except (OverflowError, UnicodeError) as error:
        raise InputError(f"{label}: a value cannot be read ({_line(error)})") from error
    return _opened(
        frame, label, name or str(parameters.get("dbname") or "postgresql"), POSTGRESQL, query
    )


_POSTGRESQL_TABLES = """
select case when table_schema = 'public' then table_name
            else table_schema || '.' || table_name end
from information_schema.tables
where table_schema not in ('pg_catalog', 'information_schema')
order by 1
"""


def _refuse_postgresql(
    psycopg: Any, label: str, error: Any, text: str, tables: Sequence[str]
) -> NoReturn:
    errors = psycopg.errors
    if isinstance(error, errors.UndefinedTable):
        missing = re.search(r'"([^"]*)"', text)
        hint = _near(missing[1] if missing else "", tables)
        raise InputError(f"{label}: {text}; {hint}") from None
    if isinstance(error, errors.InsufficientPrivilege):
        raise InputError(f"{label}: {text}; ask for the right to read it") from None
    if error.sqlstate is None and isinstance(error, psycopg.OperationalError):
        raise InputError(
            f"{label}: no connection ({text}); check host, port, user and password"
        ) from None
    writes = (errors.ReadOnlySqlTransaction, errors.FeatureNotSupported)
    # "DECLARE CURSOR must not contain data-modifying statements", "… can not specify INTO"
    if isinstance(error, writes) or "DECLARE CURSOR" in text:
        raise InputError(f"{label}: {_CHANGES}") from None
    if isinstance(error, errors.SyntaxError) and "multiple commands" in text:
        raise InputError(f"{label}: --query holds several statements; give one SELECT") from None
    raise InputError(f"{label}: the query fails ({text}); correct --query") from None


def _checked(query: str | None, tables: Sequence[str], label: str) -> str:
    """Refuse a query that is missing or asks for something else than a table."""
    if query is None or not query.strip():
        if not tables:
            raise InputError(f"{label}: the database holds no tables; pass another one")
        table = tables[0] if re.fullmatch(r"[\w.]+", tables[0]) else f'\\"{tables[0]}\\"'
        raise InputError(
            f'{label}: a database needs a query, as --query "select * from {table}"; it holds '
            f"{_listed(tables)}"
        )
    words = re.sub(r"--[^\n]*|/\*.*?\*/", " ", query, flags=re.DOTALL)
    if not re.match(r"[\s(;]*(select|with|values|table)\b", words, flags=re.IGNORECASE):
        begin = " ".join(words.split())[:20]
        raise InputError(
            f"{label}: --query begins with {begin!r}, which gives no table; give one SELECT"
        )
    return query


def _opened(frame: pl.DataFrame, label: str, name: str, format_: str, query: str) -> OpenedTable:
    note = "rows in the order of the query"
    if not re.search(r"\border\s+by\b", query, flags=re.IGNORECASE):
        note = "the query has no ORDER BY: rows in the order in which the database gives them"
    return OpenedTable(frame.lazy(), label, name, format_, notes=(note,), sliceable=True)


def _frame(cursor: Any, columns: Sequence[str], label: str, tables: Sequence[str]) -> pl.DataFrame:
    """Result of a query, batch by batch."""
    import polars as pl

    if not columns:
        raise InputError(f"{label}: --query gives no table; give one SELECT")
    twice = [name for name in dict.fromkeys(columns) if columns.count(name) > 1]
    if twice:
        raise InputError(
            f"{label}: the query gives column names more than once: {_listed(twice)}; name them "
            "with AS"
        )
    parts: list[list[pl.Series]] = [[] for _ in columns]
    rows = 0
    for batch in _batches(cursor, max(1, _BATCH_CELLS // len(columns))):
        for part, name, values in zip(parts, columns, zip(*batch, strict=True), strict=True):
            part.append(_series(name, values, rows, label))
        rows += len(batch)
    if not rows:
        raise InputError(f"{label}: the query gives no rows; it holds {_listed(tables)}")
    return pl.DataFrame([_joined(part) for part in parts])


def _batches(cursor: Any, size: int) -> Iterator[list[tuple[Any, ...]]]:
    while batch := cursor.fetchmany(size):
        yield batch


def _series(name: str, values: Sequence[Any], first_row: int, label: str) -> pl.Series:
    """Values of one column, by what they are."""
    import datetime as dt
    import uuid

    import polars as pl

    kinds = {type(value) for value in values} - {type(None)}
    known = {bool, int, float, str, dt.datetime, dt.date, dt.time, dt.timedelta, uuid.UUID}
    if kinds - known:
        row, value = next((i, v) for i, v in enumerate(values) if type(v) in kinds - known)
        what = "binary data" if isinstance(value, bytes) else f"a {type(value).__name__}"
        raise InputError(
            f"{label}: column {name!r} holds {what} in row {first_row + row} (counted from 0); "
            "leave it out of the query"
        )
    if (len(kinds) > 1 and kinds != {int, float}) or kinds == {uuid.UUID}:
        values = [None if value is None else str(value) for value in values]
    elif kinds == {int, float}:
        values = [None if value is None else float(value) for value in values]
    return pl.Series(name, values, dtype=None if kinds else pl.Null)


def _joined(parts: Sequence[pl.Series]) -> pl.Series:
    """One column from its batches, which SQLite may give different types."""
    import polars as pl

    kinds = {part.dtype for part in parts} - {pl.Null()}
    if len(kinds) == 1:
        [kind] = kinds
    else:
        kind = pl.Float64() if kinds <= {pl.Int64(), pl.Float64()} else pl.String()
    joined: pl.Series = pl.concat([part.cast(kind) for part in parts])
    return joined


def _near(name: str, tables: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, tables, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else f"it holds {_listed(tables)}"


def _line(error: BaseException) -> str:
    """First line of an error that says something."""
    lines = [line.strip("- \t") for line in str(error).splitlines()]
    # "Multiple connection attempts failed. All failures were:" is followed by the reasons
    return next((line for line in lines if line and not line.endswith(":")), type(error).__name__)


def _listed(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(map(repr, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
