"""Files of every format are opened with their types, and options that fit none are refused."""

import datetime as dt
import io
import os
import random
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dccad.errors import InputError, ParameterError
from dccad.tables import opening as formats
from dccad.tables.files.sources import expand_sources
from dccad.tables.guards import refuse_damage
from dccad.tables.opening import check_options_fit, open_source, open_sources
from dccad.tables.options import TableOptions
from opened_files import (
    FRAME,
    T0,
    message_of,
    opened,
    refusal,
    write_arrow,
    write_csv,
    write_parquet,
    write_stream,
    write_xlsx,
)
from workbooks import damaged


def test_types_of_parquet_and_arrow_stay_as_they_are(tmp_path):
    frame = pl.DataFrame(
        {
            "half": pl.Series([1.5], dtype=pl.Float32),
            "kind": pl.Series(["a"], dtype=pl.Categorical),
            "money": pl.Series([Decimal("1.25")], dtype=pl.Decimal(10, 2)),
            "lasted": [dt.timedelta(hours=1)],
            "zoned": pl.Series([T0]).dt.replace_time_zone("Europe/Berlin"),
            "nested": [[1, 2]],
            "raw": [b"x"],
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ipc(tmp_path / "a.arrow")
    assert opened(tmp_path / "a.parquet").frame.collect().equals(frame)
    assert opened(tmp_path / "a.arrow").frame.collect().equals(frame)


def test_parquet_of_pandas_with_its_index_is_read(tmp_path):
    index = pd.date_range("2020-03-09", periods=2, freq="s")
    pd.DataFrame({"flow": [1.5, 2.5]}, index=index).to_parquet(tmp_path / "a.parquet")
    frame = opened(tmp_path / "a.parquet").frame.collect()
    assert frame["flow"].to_list() == [1.5, 2.5]
    assert frame["__index_level_0__"].dt.year().to_list() == [2020, 2020]


def test_parquet_rows_are_read_from_where_they_stand(tmp_path):
    folder = tmp_path / "year=2020"  # not a column
    folder.mkdir()
    FRAME.write_parquet(folder / "a[1].parquet")
    table = opened(folder / "a[1].parquet")
    assert table.frame.collect_schema().names() == FRAME.columns
    assert table.frame.slice(1, 1).collect().equals(FRAME.slice(1, 1))


def test_large_arrow_files_are_not_read_at_once(tmp_path, monkeypatch):
    FRAME.write_ipc(tmp_path / "a*.arrow")
    monkeypatch.setattr(formats, "_ARROW_BYTES", 10)
    assert opened(tmp_path / "a*.arrow").frame.collect().equals(FRAME)


def test_feather_of_pandas_is_read(tmp_path):
    frame = pd.DataFrame(
        {"flow": np.arange(3000) % 7 / 4, "kind": pd.Categorical(["a", "b"] * 1500)}
    )
    frame.loc[5, "flow"] = np.nan
    for compression in ("lz4", "zstd", "uncompressed"):
        frame.to_feather(tmp_path / "a.feather", compression=compression, chunksize=1000)
        table = opened(tmp_path / "a.feather")
        read = table.frame.collect()
        assert read["flow"].fill_null(-1).to_list() == frame["flow"].fillna(-1).to_list()
        assert read["kind"].cast(pl.String).to_list() == ["a", "b"] * 1500


def test_folder_is_opened_one_by_one_with_its_note_first(tmp_path):
    FRAME.write_parquet(tmp_path / "2.parquet")
    FRAME.write_csv(tmp_path / "10.csv")
    (tmp_path / "notes.docx").touch()
    first, second = open_sources(expand_sources([tmp_path]), TableOptions())
    assert (first.name, first.format, second.name, second.format) == ("2", "Parquet", "10", "CSV")
    assert first.notes == (f"folder {tmp_path}: 2 of 3 entries are read, left out: notes.docx",)


# Options ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"sheet": "2"},
            "--sheet is for spreadsheets; FILE is of format CSV: leave the option out",
        ),
        (
            {"query": "select 1"},
            "--query is for databases; FILE is of format CSV: leave the option out",
        ),
    ],
)
def test_options_that_a_csv_file_does_not_have_are_refused(file, options, expected):
    assert refusal(file("a\n1\n"), ParameterError, **options) == expected


def test_all_options_that_fit_nothing_are_named_at_once(tmp_path):
    FRAME.write_parquet(tmp_path / "a.parquet")
    options = {"separator": ";", "decimal": ",", "encoding": "utf-8", "header": 1}
    assert refusal(tmp_path / "a.parquet", ParameterError, **options) == (
        "--separator is for CSV; --decimal is for CSV; --encoding is for CSV; --header is for CSV "
        "and spreadsheets; FILE is of format Parquet: leave the option out"
    )


def test_option_needs_to_fit_one_of_several_logs(tmp_path):
    FRAME.write_parquet(tmp_path / "a.parquet")
    FRAME.write_csv(tmp_path / "b.csv")
    sources = expand_sources([tmp_path])
    tables = list(open_sources(sources, TableOptions(separator=",")))
    assert [table.format for table in tables] == ["Parquet", "CSV"]
    with pytest.raises(
        ParameterError, match="the 2 logs are of format CSV, Parquet: leave the option"
    ):
        open_sources(sources, TableOptions(sheet="1"))  # before anything is read


def test_every_option_is_for_some_format():
    every = [("x", name) for name in ("CSV", "Excel workbook", "PostgreSQL")]
    check_options_fit(every, TableOptions(separator=";", header=1, sheet="1", query="select 1"))


def test_file_that_goes_between_finding_and_opening_is_refused(file):
    path = file("a\n1\n")
    [source] = expand_sources([path])
    path.unlink()
    with pytest.raises(InputError, match="no such file; check the path"):
        open_source(source, TableOptions())
    path.mkdir()
    with pytest.raises(InputError, match="is a folder; pass its files"):
        open_source(source, TableOptions())


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_tables_without_rows_or_columns_are_refused(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    for frame in (FRAME.clear(), pl.DataFrame()):
        frame.write_parquet(path) if suffix == "parquet" else frame.write_ipc(path)
        assert refusal(path) == "FILE: no rows below the column names; pass a file with sensor rows"


def test_repeated_column_names_are_refused(tmp_path):
    table = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], names=["a", "a"])
    pq.write_table(table, tmp_path / "a.parquet")
    message = refusal(tmp_path / "a.parquet")
    assert message.endswith("; give every column its own name")
    assert "'a'" in message


@pytest.mark.parametrize("write", [write_parquet, write_arrow, write_stream])
def test_damaged_files_end_in_a_table_or_one_line(tmp_path, monkeypatch, capfd, write):
    frame = pl.DataFrame({"a": np.arange(300.0), "s": [f"text {i % 7}" for i in range(300)]})
    frame = frame.with_columns(n=pl.when(pl.col("a") % 5 > 0).then(pl.col("a").cast(pl.Int32)))
    monkeypatch.setattr("opened_files.FRAME", frame)
    path = tmp_path / "a.dat"
    write(path)
    content, rng = path.read_bytes(), random.Random(6)
    outcomes = []
    for _ in range(200):
        path.write_bytes(damaged(content, rng))
        outcomes.append(outcome(path))
    assert len([message for message in outcomes if message is not None]) > 100
    # native code prints its traces from threads of its own; the last word of one may come late
    assert capfd.readouterr().err.count("panicked at") <= 1


def outcome(path):
    """None where the table is read, else the message, which is one line about the file."""
    try:
        table = opened(path)
        with refuse_damage(table.source, table.format):
            table.frame.collect()
    except InputError as error:
        message = str(error)
    else:
        return None
    assert "\n" not in message
    assert message.startswith(str(path))
    return message


# Standard input -----------------------------------------------------------------------------------


class Stdin:
    def __init__(self, content, terminal=False):
        self.buffer = io.BytesIO(content)
        self.terminal = terminal

    def isatty(self):
        return self.terminal


@pytest.mark.parametrize("write", [write_csv, write_parquet, write_stream, write_xlsx])
def test_standard_input_is_read_as_what_it_is(tmp_path, monkeypatch, write):
    write(tmp_path / "a.dat")
    monkeypatch.setattr(sys, "stdin", Stdin((tmp_path / "a.dat").read_bytes()))
    table = opened("-")
    assert table.frame.collect()["flow"].to_list() == [1.5, None]
    assert (table.source, table.name) == ("standard input", "stdin")
    assert not any("named" in note for note in table.notes)


def test_standard_input_without_a_table_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "stdin", Stdin(b""))
    assert refusal("-") == "standard input is empty (0 bytes); pipe a table into it"
    terminal = (
        "standard input is a terminal; pipe a table into it (… | dccad fit -), or name a file"
    )
    for stream in (Stdin(b"a\n1\n", terminal=True), None, io.StringIO("a\n1\n")):
        monkeypatch.setattr(sys, "stdin", stream)
        assert message_of("-") == terminal
    monkeypatch.setattr(sys, "stdin", Stdin(b"PK\x03\x04"))
    assert refusal("-").startswith("standard input: a damaged workbook or ZIP archive (")


def test_full_disk_is_said_and_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "stdin", Stdin(b"a\n1\n"))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", full)
    assert message_of("-") == (
        f"standard input could not be copied to {tmp_path} (No space left on device); set TMPDIR "
        "to a folder with more room"
    )
    assert not list(tmp_path.iterdir())


def test_copy_of_standard_input_goes_with_the_process(tmp_path):
    code = (
        "from dccad.tables.opening import open_source\n"
        "from dccad.tables.options import TableOptions\n"
        "from dccad.tables.files.sources import expand_sources\n"
        "table = open_source(expand_sources(['-'])[0], TableOptions())\n"
        "print(table.frame.collect()['flow'].to_list(), end='')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=b"flow\n1.5\n2.5\n",
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"[1.5, 2.5]", b"")
    assert not list(tmp_path.iterdir())
