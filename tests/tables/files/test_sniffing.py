"""What a file holds is told by its first bytes; what is not read is named."""

import gzip
import io
import os
import pickle
import random
import sqlite3
import zipfile
from contextlib import closing

import numpy as np
import pytest

from dccad.errors import InputError
from dccad.tables.files.sources import expand_sources
from dccad.tables.opening import open_source
from dccad.tables.options import TableOptions
from opened_files import (
    FRAME,
    T0,
    opened,
    refusal,
    write_arrow,
    write_csv,
    write_parquet,
    write_stream,
    write_xlsx,
)
from workbooks import compound_file, write_ods, write_xls, write_xlsb


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
