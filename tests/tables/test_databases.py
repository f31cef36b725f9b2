"""Queries: exact values, read-only, and every refusal in one line without the password."""

import datetime as dt
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dccad.errors import InputError, MissingExtraError
from dccad.tables import databases
from dccad.tables.databases import open_query
from dccad.tables.options import TableOptions
from workbooks import damaged

# no deadline: the first example pays for imports, and other work may slow the machine
patient = settings(deadline=None, max_examples=25)


@pytest.fixture
def plant(tmp_path):
    """A SQLite file with two tables and a view."""
    path = tmp_path / "plant 7%.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            """
            create table log (t integer, flow real, state text);
            insert into log values (60, 2.5, 'run'), (0, 1.5, null), (120, null, 'stop');
            create table mixed (a, b, c, d);
            insert into mixed values
                (1, 1, 'x', null), (2.5, 'x', 2, null), (null, 0.1, null, null);
            create view recent as select * from log where t > 0;
            """
        )
    return path


def opened(place, query=None, **names):
    return open_query(place, TableOptions(query=query), **names)


def refusal(place, query=None, **names):
    with pytest.raises(InputError) as caught:
        opened(place, query, **names)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(place), "FILE")


# SQLite -------------------------------------------------------------------------------------------


def test_result_comes_in_the_order_of_the_query(plant):
    table = opened(plant, "select t, flow, state from log order by t")
    frame = table.frame.collect()
    assert frame.rows() == [(0, 1.5, None), (60, 2.5, "run"), (120, None, "stop")]
    assert frame.dtypes == [pl.Int64, pl.Float64, pl.String]
    assert (table.source, table.name, table.format) == (str(plant), "plant 7%", "SQLite")
    assert table.notes == ("rows in the order of the query",)
    assert table.sliceable


def test_query_without_order_is_remarked(plant):
    assert opened(plant, "SELECT t FROM log").notes == (
        "the query has no ORDER BY: rows in the order in which the database gives them",
    )


def test_address_and_file_give_the_same(plant, monkeypatch):
    query = "select * from log order by t;"
    frame = opened(plant, query).frame.collect()
    assert opened(f"sqlite:///{plant}", query).frame.collect().equals(frame)
    monkeypatch.chdir(plant.parent)
    for url in ("sqlite:///plant 7%.db", "SQLITE:///plant%207%25.db"):
        table = opened(url, query)
        assert table.frame.collect().equals(frame)
        assert (table.name, table.source) == ("plant 7%", url)


@pytest.mark.parametrize("batch", [1, 4, 1000])
def test_columns_of_several_kinds_do_not_depend_on_batches(plant, monkeypatch, batch):
    monkeypatch.setattr(databases, "_BATCH_CELLS", batch)
    frame = opened(plant, "select * from mixed").frame.collect()
    assert frame.to_dict(as_series=False) == {
        "a": [1.0, 2.5, None],
        "b": ["1", "x", "0.1"],
        "c": ["x", "2", None],
        "d": [None, None, None],
    }
    assert frame.dtypes == [pl.Float64, pl.String, pl.String, pl.Float64]


values = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
)


@patient
@given(
    st.sampled_from([st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), values]).flatmap(
        lambda cell: st.lists(st.tuples(st.none() | cell, values), min_size=1, max_size=12)
    ),
    st.integers(1, 8),
)
def test_random_tables_come_back_exactly(tmp_path_factory, rows, batch):
    path = tmp_path_factory.mktemp("sqlite") / "a.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table log (a, b)")
        database.executemany("insert into log values (?, ?)", rows)
        database.commit()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(databases, "_BATCH_CELLS", batch)
        frame = opened(path, "select a, b from log order by rowid").frame.collect()
    for column, written in zip(frame, zip(*rows, strict=True), strict=True):
        kinds = {type(value) for value in written if value is not None}
        if str in kinds:
            assert column.dtype == pl.String
            for read, value in zip(column, written, strict=True):
                if isinstance(value, int | float):
                    assert float(read) == float(value)
                else:
                    assert read == value
        else:
            assert column.dtype == (pl.Int64 if kinds == {int} else pl.Float64)
            expected = [None if v is None else v if kinds == {int} else float(v) for v in written]
            assert column.to_list() == expected


def test_nothing_is_written_or_created(plant, tmp_path):
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    opened(plant, "select * from log")
    refusal(tmp_path / "no.db", "select 1")
    refusal(f"sqlite:///{tmp_path}/no.db", "select 1")
    for query in ("with x as (select 1) insert into log select 1, 2, 3", "delete from log"):
        refusal(plant, query)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_missing_query_lists_what_there_is(plant, tmp_path):
    expected = (
        "FILE: a database needs a query, as --query \"select * from log\"; it holds 'log', "
        "'mixed', 'recent'"
    )
    assert refusal(plant) == expected
    assert refusal(plant, "  ") == expected
    empty = tmp_path / "empty.db"
    with closing(sqlite3.connect(empty)) as database:
        database.execute("vacuum")
    assert refusal(empty) == "FILE: the database holds no tables; pass another one"


TWICE = "the query gives column names more than once"
NO_ROWS = "the query gives no rows"
NO_TABLE = "which gives no table; give one SELECT"
CHANGE = "--query would change the database, which is only read; give one SELECT"
LEAVE_OUT = "in row 0 (counted from 0); leave it out of the query"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select * form log", 'the query fails (near "form": syntax error); correct --query'),
        ("select * from lag", "no such table: lag; did you mean 'log'?"),
        ("select * from xyz", "no such table: xyz; it holds 'log', 'mixed', 'recent'"),
        ("select x from log", "the query fails (no such column: x); correct --query"),
        ("select t, t from log", f"{TWICE}: 't'; name them with AS"),
        ("select * from log where t < 0", f"{NO_ROWS}; it holds 'log', 'mixed', 'recent'"),
        ("select 1; select 2", "--query holds several statements; give one SELECT"),
        ("drop table log", f"--query begins with 'drop table log', {NO_TABLE}"),
        (
            "-- all\n/* of\n it */ delete from log",
            f"--query begins with 'delete from log', {NO_TABLE}",
        ),
        ("attach 'x.db' as x", f"--query begins with \"attach 'x.db' as x\", {NO_TABLE}"),
        (";", f"--query begins with ';', {NO_TABLE}"),
        ("with x as (select 1) insert into log select 1, 2, 3", CHANGE),
        ("select t, x'00ff' as blob from log", f"column 'blob' holds binary data {LEAVE_OUT}"),
        (
            "select cast(x'ff' as text) as s",
            "the query fails (Could not decode to UTF-8 column 's' with text '\ufffd'); correct "
            "--query",
        ),
    ],
)
def test_query_that_cannot_be_used_is_refused(plant, query, expected):
    assert refusal(plant, query) == f"FILE: {expected}"


@pytest.mark.parametrize(
    "query",
    [
        "/* all */ select t from log",
        "(select t from log)",
        "VALUES (0), (60), (120)",
        "with x as (select t from log) select * from x",
        "select t from log -- ; drop table log",
    ],
)
def test_every_form_of_a_table_is_taken(plant, query):
    if query.startswith("("):
        query = f"select * from {query}"
    assert sorted(opened(plant, query).frame.collect().to_series()) == [0, 60, 120]


def test_table_with_a_strange_name_is_quoted_in_the_hint(tmp_path):
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute('create table "line 3" (a)')
    assert '--query "select * from \\"line 3\\""' in refusal(path)


def test_wrong_addresses_are_refused():
    assert refusal("sqlite://plant.db", "select 1") == (
        "sqlite://plant.db: a SQLite file is addressed by three slashes and its path "
        "(sqlite:///relative.db), four if it is absolute (sqlite:////data/plant.db)"
    ).replace("sqlite://plant.db", "FILE", 1)
    assert refusal("mysql://ann:secret@host/db", "select 1") == (
        "mysql://ann@host/db: databases of kind 'mysql' are not read; needed is "
        "sqlite:///file.db, postgresql://user:password@host:5432/database"
    )
    assert refusal("sqlite:///no/such.db", "select 1").endswith(": no such file; check the path")
    assert refusal("sqlite:////", "select 1").endswith(": is a folder, not a file; check the path")


def test_address_of_another_file_is_refused(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("a,b\n" * 200)
    assert refusal(f"sqlite:///{path}", "select 1") == (
        "FILE: no SQLite database, or a damaged one; pass another file, or copy it again"
    )


def test_database_that_is_being_written_is_read(tmp_path):
    path = tmp_path / "live.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("pragma journal_mode = wal")
        database.execute("create table log (a integer)")
        database.execute("insert into log values (1)")
        database.commit()
        database.execute("insert into log values (2)")  # not committed: not seen
        assert opened(path, "select a from log").frame.collect()["a"].to_list() == [1]


def test_damaged_sqlite_files_end_in_a_table_or_one_line(tmp_path):
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table log (t integer, flow real, note text)")
        rows = [(i, i / 7, "text" * (i % 9)) for i in range(600)]
        database.executemany("insert into log values (?, ?, ?)", rows)
        database.commit()
    content, rng = path.read_bytes(), random.Random(5)
    outcomes = []
    for _ in range(150):
        path.write_bytes(damaged(content, rng))
        outcomes.append(outcome(path))
    assert sum(message is not None for message in outcomes) > 50
    assert any("a damaged SQLite file" in (message or "") for message in outcomes)


def outcome(path):
    """None where the table is read, else the message, which is one line about the file."""
    try:
        opened(path, "select * from log order by t")
    except InputError as error:
        message = str(error)
    else:
        return None
    assert "\n" not in message
    assert message.startswith(str(path))
    return message


# PostgreSQL ---------------------------------------------------------------------------------------

PASSWORD = "s/cr@t: p#ss%41"
ENCODED = "s%2Fcr%40t%3A%20p%23ss%2541"


def postgresql_program(name):
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name)
    )
    path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, reversed(folders))])
    program = shutil.which(name, path=path)
    if program is None:
        pytest.skip(f"PostgreSQL's {name} is not installed (Debian: apt install postgresql)")
    return program


def free_port():
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def server():
    """A real server of its own, asking for a password; gone after the tests of this file."""
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
    initdb, pg_ctl = postgresql_program("initdb"), postgresql_program("pg_ctl")
    owner = {}
    folder = Path(tempfile.mkdtemp(prefix="dccad-postgresql-"))
    data = folder / "data"
    try:
        if os.geteuid() == 0:  # the server refuses to run as root
            try:
                shutil.chown(folder, "postgres")
            except LookupError:
                pytest.skip("PostgreSQL does not run as root, and there is no user 'postgres'")
            owner = {"user": "postgres", "cwd": folder}
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        port = free_port()
        subprocess.run(
            [initdb, "-D", data, "-U", "ann", "--auth=scram-sha-256", "--no-sync",
             "-E", "UTF8", "--locale=C", f"--pwfile={folder / 'password'}"],
            check=True, capture_output=True, timeout=120, **owner,
        )  # fmt: skip
        arguments = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off "
        arguments += f"-c unix_socket_directories={folder}"
        subprocess.run(
            [pg_ctl, "-D", data, "-l", folder / "log", "-o", arguments, "-w", "-t", "60", "start"],
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=90, **owner,
        )  # fmt: skip
        try:
            url = f"postgresql://ann:{ENCODED}@127.0.0.1:{port}/postgres"
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("create database plant")
            with psycopg.connect(url.replace("/postgres", "/plant")) as connection:
                connection.execute(TABLES)
            yield url.replace("/postgres", "/plant")
        finally:
            subprocess.run(
                [pg_ctl, "-D", data, "-m", "immediate", "-w", "stop"],
                check=True, capture_output=True, timeout=60, **owner,
            )  # fmt: skip
    finally:
        shutil.rmtree(folder, ignore_errors=True)


TABLES = """
create table log (
    at timestamptz, wall timestamp, flow double precision, level real, price numeric(12, 4),
    n integer, big bigint, alarm boolean, state text, day date, code char(3), lasted interval
);
insert into log values
('2020-03-29 01:59:59.5+01', '2020-03-29 02:30', 1.5, 0.25, 12.3456, 1, 9007199254740993, true,
 'läuft', '2020-03-29', 'abc', '90 minutes'),
('2020-03-29 03:00:00+02', null, 'NaN', null, null, null, null, null, null, null, null, null);
create table wide as select i as t, i / 8.0::float as x, 'v' || i as s
    from generate_series(1, 5000) as i;
create sequence s;
create schema line3;
create table line3.log (a int);
create table odd (tags text[], raw bytea, doc jsonb, id uuid, big timestamptz);
insert into odd values ('{a,b}', '\\x00', '{"a": 1}',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'infinity');
create role reader login password 'reader-pw';
grant select on wide to reader;
"""


def test_table_of_a_server_is_read_by_type(server):
    table = opened(server, "select * from log order by at")
    frame = table.frame.collect()
    assert frame.schema == {
        "at": pl.Datetime("us", "UTC"),
        "wall": pl.Datetime("us"),
        "flow": pl.Float64,
        "level": pl.Float64,
        "price": pl.Float64,
        "n": pl.Int64,
        "big": pl.Int64,
        "alarm": pl.Boolean,
        "state": pl.String,
        "day": pl.Date,
        "code": pl.String,
        "lasted": pl.Duration("us"),
    }
    utc = dt.timezone.utc
    assert frame["at"].to_list() == [
        dt.datetime(2020, 3, 29, 0, 59, 59, 500000, utc),
        dt.datetime(2020, 3, 29, 1, 0, 0, tzinfo=utc),
    ]
    assert frame.row(0)[1:] == (
        *(dt.datetime(2020, 3, 29, 2, 30), 1.5, 0.25, 12.3456, 1, 9007199254740993, True),
        *("läuft", dt.date(2020, 3, 29), "abc", dt.timedelta(minutes=90)),
    )
    assert frame["flow"].is_nan().to_list() == [False, True]
    assert [frame[name][1] for name in ("price", "n", "alarm", "state")] == [None] * 4
    port = server.rpartition(":")[2]
    assert (table.source, table.name) == (f"postgresql://ann@127.0.0.1:{port}", "plant")
    assert table.format == "PostgreSQL"


def test_result_of_a_server_comes_in_batches_in_order(server, monkeypatch):
    monkeypatch.setattr(databases, "_BATCH_CELLS", 3 * 700)
    frame = opened(server, "select * from wide order by t desc").frame.collect()
    assert frame["t"].to_list() == list(range(5000, 0, -1))
    assert frame["x"].to_list() == [t / 8 for t in range(5000, 0, -1)]
    assert frame["s"][4999] == "v1"


def test_per_cent_signs_and_trailing_semicolons_are_part_of_the_query(server):
    frame = opened(server, "select t from wide where s like 'v499%' order by t;").frame.collect()
    assert frame["t"].to_list() == [499, *range(4990, 5000)]


def test_identifiers_are_text(server):
    frame = opened(server, "select id from odd").frame.collect()
    assert frame["id"].to_list() == ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]


def test_missing_query_lists_the_tables_of_a_server(server):
    assert refusal(server).endswith("it holds 'line3.log', 'log', 'odd', 'wide'")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select * form log", 'the query fails (syntax error at or near "form"); correct --query'),
        ("select * from lag", "relation \"lag\" does not exist; did you mean 'log'?"),
        ("select t as a, x as a from wide", f"{TWICE}: 'a'; name them with AS"),
        ("select * from log where n < 0", f"{NO_ROWS}; it holds 'line3.log', 'log', 'odd', 'wide'"),
        ("select 1; select 2", "--query holds several statements; give one SELECT"),
        ("delete from log", f"--query begins with 'delete from log', {NO_TABLE}"),
        ("select nextval('s')", CHANGE),
        ("select t / 0 from wide", "the query fails (division by zero); correct --query"),
        ("select tags from odd", f"column 'tags' holds a list {LEAVE_OUT}"),
        ("select raw from odd", f"column 'raw' holds binary data {LEAVE_OUT}"),
        ("select doc from odd", f"column 'doc' holds a dict {LEAVE_OUT}"),
        (
            "select big from odd",
            "the query fails (timestamp too large (after year 10K): 'infinity'); correct --query",
        ),
    ],
)
def test_query_that_a_server_refuses_is_one_line(server, query, expected):
    assert refusal(server, query).partition(f"{server.rpartition(':')[2]}: ")[2] == expected


@pytest.mark.parametrize(
    "query",
    [
        "with gone as (delete from log returning *) select * from gone",
        "select * into copy from log",
        "select t from wide; delete from log",
    ],
)
def test_nothing_on_a_server_is_changed(server, query):
    message = refusal(server, query)
    assert "give one SELECT" in message or "INTO is not allowed here" in message
    assert opened(server, "select * from log").frame.collect().height == 2


def test_missing_right_is_one_line(server):
    url = server.replace(f"ann:{ENCODED}", "reader:reader-pw")
    assert opened(url, "select count(*) as n from wide").frame.collect()["n"].to_list() == [5000]
    assert refusal(url, "select * from log").endswith(
        "permission denied for table log; ask for the right to read it"
    )


def test_no_connection_is_one_line_without_the_password(server):
    port = server.rpartition(":")[2].partition("/")[0]
    wrong = refusal(server.replace(ENCODED, "hunter2"), "select 1")
    assert 'password authentication failed for user "ann"' in wrong
    assert wrong.endswith("; check host, port, user and password")
    closed = refusal(server.replace(port, str(free_port())), "select 1")
    assert "no connection (" in closed
    assert "refused" in closed
    database = refusal(server.replace("/plant", "/plnat"), "select 1")
    assert 'database "plnat" does not exist' in database
    nowhere = refusal("postgresql://ann:hunter2@no-such-host.invalid/db", "select 1")
    assert "no connection (" in nowhere
    for message in (wrong, closed, database, nowhere):
        assert "hunter2" not in message
        assert PASSWORD not in message
        assert ENCODED not in message


@pytest.mark.parametrize("password", ["hun/ter2", "hun#ter2", "hun@ter2", "hun?ter2", "h[unter2"])
def test_password_that_breaks_the_address_is_not_shown(password):
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    url = f"postgresql://ann:{password}@127.0.0.1:1/db"
    message = refusal(url, "select 1")
    assert "ter2" not in message
    assert "hun" not in message


def test_missing_driver_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'dccad\[postgresql\]'"):
        opened("postgresql://ann@127.0.0.1/plant", "select 1")


def test_damage_that_sqlite_cannot_put_into_words_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "log.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table plant (flow real)")

    class Speechless:
        def execute(self, *_):
            b"\xd4".decode()

        def close(self):
            pass

    monkeypatch.setattr(sqlite3, "connect", lambda *_, **__: Speechless())
    with pytest.raises(InputError, match="a damaged SQLite file"):
        open_query(path, TableOptions(query="select * from plant"), source="log.db", name="log")
