"""What a file holds decides how it is read; what cannot be read is named, in one line."""

import datetime as dt
import gzip
import io
import os
import pickle
import random
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import closing
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
from dccad.tables.guards import file_stamp, refuse_damage, refuse_if_changed
from dccad.tables.opening import check_options_fit, open_source, open_sources
from dccad.tables.options import TableOptions
from workbooks import compound_file, damaged, write_ods, write_xls, write_xlsb

T0 = dt.datetime(2020, 3, 9, 10, 14, 33)
FRAME = pl.DataFrame({"when": [T0, T0], "flow": [1.5, None], "state": ["run", "stop"]})


def opened(path, **options):
    [source] = expand_sources([path])
    return open_source(source, TableOptions(**options))


def message_of(path, error=InputError, **options):
    with pytest.raises(error) as caught:
        opened(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def refusal(path, error=InputError, **options):
    return message_of(path, error, **options).replace(str(path), "FILE")


@pytest.fixture
def file(tmp_path):
    def write(content, name="log.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


# Read ---------------------------------------------------------------------------------------------


def write_parquet(path):
    FRAME.write_parquet(path)


def write_arrow(path):
    FRAME.write_ipc(path, compression="zstd")


def write_stream(path):
    FRAME.write_ipc_stream(path)


def write_xlsx(path):
    FRAME.write_excel(path.with_suffix(".xlsx"))
    path.with_suffix(".xlsx").rename(path)


def write_csv(path):
    FRAME.write_csv(path)


@pytest.mark.parametrize(
    ("write", "suffix", "format_"),
    [
        (write_parquet, "parquet", "Parquet"),
        (write_arrow, "feather", "Arrow file"),
        (write_stream, "arrow", "Arrow stream"),
        (write_xlsx, "xlsx", "Excel workbook"),
        (write_csv, "txt", "CSV"),
    ],
)
def test_content_decides_and_a_wrong_suffix_is_remarked(tmp_path, write, suffix, format_):
    for name in (f"log.{suffix}", f"log.{suffix.upper()}", "log", "log.ods"):
        path = tmp_path / name
        write(path)
        table = opened(path)
        frame = table.frame.collect()
        assert frame["flow"].to_list() == [1.5, None]
        assert frame["state"].to_list() == ["run", "stop"]
        if format_ != "CSV":
            assert frame["when"].to_list() == [T0, T0]
            assert table.sliceable
        assert (table.name, table.source, table.format) == ("log", str(path), format_)
        read = f"read as {format_}"
        misnamed = [note for note in table.notes if read in note]
        holds = "text" if format_ == "CSV" else format_
        assert misnamed == ([f"named .ods but holds {holds}: {read}"] if name == "log.ods" else [])


def test_other_workbooks_are_known_by_their_content(tmp_path):
    rows = [["a", "b"], [1.5, "x"], [2.5, "y"]]
    for name, write, format_ in (
        ("ods", write_ods, "OpenDocument spreadsheet"),
        ("xls", write_xls, "Excel workbook"),
        ("xlsb", write_xlsb, "Excel workbook"),
    ):
        table = opened(write(tmp_path / f"a.{name}", rows))
        assert table.frame.collect().rows() == [(1.5, "x"), (2.5, "y")]
        assert (table.format, table.notes) == (format_, ())


def test_tab_separated_text_named_xls_is_read_and_remarked(file):
    table = opened(file("flow\tp\n1.5\t2\n2.5\t3\n", "export.xls"))
    assert table.frame.collect().rows() == [(1.5, 2), (2.5, 3)]
    assert table.notes[0] == "named .xls but holds text: read as CSV"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_text_is_text_in_every_encoding(file, encoding):
    content = "Temperatur °C;Menge\n1,5;2\n2,5;3\n".encode(encoding)
    assert opened(file(content)).frame.collect().rows() == [(1.5, 2), (2.5, 3)]


@pytest.mark.parametrize("name", ["ORC", "MDF     ", "PAR1", "<TIME>", "[Data]", "{x}", "RDX"])
def test_column_names_that_look_like_another_format_are_column_names(file, name):
    table = opened(file(f"{name},b\n1,2\n3,4\n"))
    assert table.frame.collect().to_dict(as_series=False) == {name.strip(): [1, 3], "b": [2, 4]}


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


@pytest.mark.parametrize("kind", ["file", "stream"])
def test_arrow_column_that_would_unpack_to_more_than_there_is_is_refused(tmp_path, kind):
    path = tmp_path / "a.arrow"
    frame = pl.DataFrame({"a": np.arange(1000.0)})
    write = frame.write_ipc if kind == "file" else frame.write_ipc_stream
    write(path, compression="zstd")
    assert opened(path).frame.collect().equals(frame)
    content = bytearray(path.read_bytes())
    size = content.index(b"\x28\xb5\x2f\xfd") - 8  # before the compressed data
    assert int.from_bytes(content[size : size + 8], "little") == 8000
    content[size + 6] = 60  # the reader would ask for this many bytes, and the process end
    path.write_bytes(content)
    assert f"a damaged Arrow {kind} (a column of " in refusal(path)
    assert " unpacks to 16888498602647360); copy or export it again" in refusal(path)


def test_sqlite_file_is_a_database_under_any_name(tmp_path):
    with closing(sqlite3.connect(tmp_path / "log.dat")) as database:
        database.execute("create table log (a real)")
        database.execute("insert into log values (1.5)")
        database.commit()
    table = opened(tmp_path / "log.dat", query="select * from log")
    assert table.frame.collect()["a"].to_list() == [1.5]
    assert table.notes[0] == "named .dat but holds SQLite: read as SQLite"
    url = f"sqlite:///{tmp_path}/log.dat"
    assert opened(url, query="select * from log").frame.collect()["a"].to_list() == [1.5]
    assert "a database needs a query" in refusal(tmp_path / "log.dat")


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


# Refused ------------------------------------------------------------------------------------------

HTML = "<html><body><table><tr><td>1</td></tr></table></body></html>"
SAVE = "open it in a spreadsheet programme and save it as .xlsx or CSV"
EXPORT = "export its table as CSV or Parquet"


@pytest.mark.parametrize(
    "content",
    [
        HTML,
        "\ufeff \n" + HTML.upper(),
        "<!DOCTYPE HTML>" + HTML,
        "<table border=1><tr><td>1</td></tr></table>",
        '<html xmlns:x="urn:schemas-microsoft-com:office:excel">',
        "<?xml version='1.0'?><!DOCTYPE html><html>",
        '<meta http-equiv="Content-Type" content="text/html; charset=utf-8"><table>',
        HTML.encode("utf-16"),
    ],
)
def test_html_named_xls_is_refused_with_the_way_out(file, content):
    assert refusal(file(content, "export.xls")) == f"FILE is an HTML page named .xls; {SAVE}"


def test_other_pages_and_spreadsheets_of_xml_are_refused(file):
    sheet = '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">'
    assert refusal(file(sheet, "a.xls")) == f"FILE is a spreadsheet in XML named .xls; {SAVE}"
    assert refusal(file("MIME-Version: 1.0\nX: y\n", "a.xls")) == (
        f"FILE is a web archive named .xls; {SAVE}"
    )
    assert refusal(file("<?xml version='1.0'?><log/>", "a.csv")) == f"FILE is an XML file; {EXPORT}"
    assert refusal(file('<log xmlns="urn:x"/>', "a.csv")) == f"FILE is an XML file; {EXPORT}"


def h5_like_mat():
    return b"MATLAB 7.3 MAT-file".ljust(512, b" ") + b"\x89HDF\r\n\x1a\n" + bytes(200)


def mat():
    return (
        b"MATLAB 5.0 MAT-file, Platform: GLNXA64".ljust(124, b" ") + b"\0\1IM" + bytes(range(256))
    )


def zipped(**members):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, member in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), member)
    return content.getvalue()


def numpy_archive():
    content = io.BytesIO()
    np.savez(content, a=np.arange(3))
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.mat", mat(), f"a MATLAB file; {EXPORT}"),
        ("a.mat", h5_like_mat(), f"a MATLAB file; {EXPORT}"),
        ("a.h5", b"\x89HDF\r\n\x1a\n" + bytes(100), f"an HDF5 file; {EXPORT}"),
        ("a.RData", gzip.compress(b"RDX3\nX"), f"an R data file; {EXPORT}"),
        ("a.pkl", pickle.dumps({"a": np.arange(3)}), f"a Python pickle; {EXPORT}"),
        ("a.npz", numpy_archive(), f"a NumPy file; {EXPORT}"),
        ("a.tdms", b"TDSm\x0e\0\0\0" + bytes(30), f"a LabVIEW TDMS file; {EXPORT}"),
        ("a.feather", b"FEA1" + bytes(64), "a Feather file of version 1; write it again as version "
         "2, or as Parquet"),
        ("a.csv.gz", gzip.compress(b"a\n1\n"), "compressed (gzip); unpack it first"),
        ("a.csv.zst", b"\x28\xb5\x2f\xfd\4\0", "compressed (zstd); unpack it first"),
        ("a.zip", zipped(log_csv="a\n1\n", b="x"), "a ZIP archive (log.csv, b); unpack it and pass "
         "the files in it"),
        ("a.docx", zipped(word__document_xml="x"), f"a document, but no spreadsheet; {EXPORT}"),
        ("a.odt", zipped(mimetype="application/vnd.oasis.opendocument.text"), "a document, but no "
         f"spreadsheet; {EXPORT}"),
        ("a.pdf", b"%PDF-1.4\n%\xe2\xe3\n", "a PDF document; pass the table it was made from"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(9), "a PNG image; pass the table it was drawn from"),
        ("a.csv", '{"a": 1}', f"a JSON file; {EXPORT}"),
        ("a.json", "[1, 2]", f"a JSON file; {EXPORT}"),
    ],
)  # fmt: skip
def test_files_of_other_kinds_are_named(file, name, content, expected):
    assert refusal(file(content, name)) == f"FILE is {expected}"


def test_unknown_binary_files_are_refused(file):
    content = random.Random(1).randbytes(3000)
    assert refusal(file(b"\x01" + content)) == (
        f"FILE holds binary data of an unknown format; {EXPORT}"
    )
    assert refusal(file(bytes(5000))) == (
        "FILE begins with nothing but NUL bytes, as a copy that was cut off does; export it again"
    )
    assert "no workbook" in refusal(file(compound_file({"WordDocument": b"x" * 5000}), "a.xls"))


def test_what_is_no_file_is_refused(file, tmp_path):
    assert refusal(file("", "a.parquet")) == (
        "FILE: the file is empty (0 bytes); pass a file with sensor rows"
    )
    link = tmp_path / "link.csv"
    link.symlink_to("gone.csv")
    assert refusal(link) == "FILE: a link to a file that does not exist; check the path"
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    assert refusal(pipe) == (
        "FILE is a pipe or a device, which is not read twice; pass - and redirect it to standard "
        "input"
    )
    assert "is a pipe or a device" in refusal("/dev/null")


def test_file_without_permission_is_refused(file, monkeypatch):
    path = file("a\n1\n")
    [source] = expand_sources([path])

    def refuse(*_, **__):  # root may read every file
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(InputError, match="no permission to read it; ask who owns it"):
        open_source(source, TableOptions())


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


# Damage -------------------------------------------------------------------------------------------


def test_parquet_whose_end_is_missing_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    FRAME.write_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    assert refusal(path) == (
        "FILE: the end of this Parquet file is missing, as after a copy that was cut off; copy or "
        "export it again"
    )


def test_workbook_whose_end_is_missing_is_refused(tmp_path):
    path = tmp_path / "a.xlsx"
    FRAME.write_excel(path)
    path.write_bytes(path.read_bytes()[:-50])
    assert refusal(path) == (
        "FILE: a damaged workbook or ZIP archive (File is not a zip file); copy or export it again"
    )


@pytest.mark.parametrize("write", [write_parquet, write_arrow, write_stream])
def test_damaged_files_end_in_a_table_or_one_line(tmp_path, monkeypatch, capfd, write):
    frame = pl.DataFrame({"a": np.arange(300.0), "s": [f"text {i % 7}" for i in range(300)]})
    frame = frame.with_columns(n=pl.when(pl.col("a") % 5 > 0).then(pl.col("a").cast(pl.Int32)))
    monkeypatch.setattr(f"{__name__}.FRAME", frame)
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


def test_other_errors_and_what_others_print_pass_through(capfd):
    def mistake():
        os.write(2, b"a warning of another library\n")
        raise KeyError("a mistake of ours")

    with pytest.raises(KeyError), refuse_damage("a.parquet", "Parquet"):
        mistake()
    assert capfd.readouterr().err == "a warning of another library\n"
    with pytest.raises(KeyboardInterrupt), refuse_damage("a.parquet", "Parquet"):
        raise KeyboardInterrupt


# Changing files -----------------------------------------------------------------------------------


def changed(path, stamp):
    with pytest.raises(InputError) as caught:
        refuse_if_changed(path, stamp)
    return str(caught.value).replace(str(path), "FILE")


def test_file_that_is_written_while_it_is_read_is_refused(file, tmp_path):
    path = file("a\n1\n")
    stamp = file_stamp(path)
    refuse_if_changed(path, stamp)
    with path.open("a") as stream:
        stream.write("2\n")
    assert changed(path, stamp) == (
        "FILE changed while it was read (4 bytes before, 6 after); copy it and read the copy"
    )
    stamp = file_stamp(path)
    os.utime(path, ns=(0, 0))
    assert changed(path, stamp) == (
        "FILE changed while it was read (it was written again); copy it and read the copy"
    )
    stamp = file_stamp(path)
    other = tmp_path / "other.csv"
    other.write_text(path.read_text())
    os.utime(other, ns=(0, 0))
    other.replace(path)
    assert "it was written again" in changed(path, stamp)
    path.unlink()
    assert changed(path, stamp) == (
        "FILE changed while it was read (it is gone); copy it and read the copy"
    )


@pytest.mark.parametrize("write", [write_parquet, write_arrow])
def test_file_that_shrinks_while_it_is_read_does_not_end_the_process(
    tmp_path, monkeypatch, capfd, write
):
    monkeypatch.setattr(f"{__name__}.FRAME", pl.DataFrame({c: np.arange(2e5) for c in "abcd"}))
    path = tmp_path / "a.dat"
    for delay in (0.0, 0.001, 0.004):
        write(path)
        stamp = file_stamp(path)
        table = opened(path)
        thread = threading.Thread(target=lambda: (time.sleep(delay), os.truncate(path, 1000)))  # noqa: B023  # joined below, within the loop
        thread.start()
        try:
            with refuse_damage(table.source, table.format):
                table.frame.collect()
        except InputError as error:
            message = str(error)
        else:
            message = str(path)
        thread.join()
        assert message.startswith(str(path))
        assert "changed while it was read" in changed(path, stamp)
    assert "panicked" not in capfd.readouterr().err


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
