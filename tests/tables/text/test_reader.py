"""Text tables as plants export them: every number as it was written, every doubt in one line."""

import csv
import io
import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import CLASSIC
from dccad.errors import InputError, ParameterError
from dccad.tables.options import TableOptions
from dccad.tables.text import encodings
from dccad.tables.text.reader import explain_csv_error, first_line, open_csv
from text_tables import notes_of, refusal, rows_of


def test_plain_file_has_no_note_but_on_its_separator(csv_file):
    table = open_csv(csv_file("a,b\n1,2\n"), TableOptions())
    assert (table.name, table.format, table.units) == ("pump", "CSV", {})
    assert table.notes == ("separator ',' (from the first 2 lines)",)


def test_unusable_options_are_refused(csv_file):
    path = csv_file("a\n1\n")
    assert refusal(path, ParameterError, decimal="·") == (
        "decimal sign '·' is not usable; give , or ."
    )
    assert refusal(path, ParameterError, decimal=",", separator=",") == (
        "',' cannot both separate and be the decimal sign"
    )
    assert refusal(path, ParameterError, header=-1) == (
        "header -1 is no line: count from 1, or 0 for none"
    )


# Header -------------------------------------------------------------------------------------------


def test_historian_export_with_titles_units_and_decimal_comma(csv_file, both_ways):
    lines = [
        "Export Anlage 3",
        "Beginn;09.03.2020 10:00",
        "",
        "Zeit;Zulauf;Temperatur;",
        ";m³/h;[°C];",
        "09.03.2020 10:00;1,5;-3,25;",
        "09.03.2020 10:01;;1,0E+02;",
        "09.03.2020 10:02;NA;7;",
        ";;;",
    ]
    path = csv_file("\r\n".join(lines), "cp1252")
    table = open_csv(path, TableOptions(), source="export", name="line 3")
    assert (table.source, table.name, table.format) == ("export", "line 3", "CSV")
    assert table.frame.collect().to_dict(as_series=False) == {
        "Zeit": ["09.03.2020 10:00", "09.03.2020 10:01", "09.03.2020 10:02"],
        "Zulauf": [1.5, None, None],
        "Temperatur": [-3.25, 100.0, 7.0],
    }
    assert table.units == {"Zulauf": "m³/h", "Temperatur": "°C"}
    assert table.notes == (
        "encoding Windows-1252 (not UTF-8)",
        "separator ';' (from the first 9 lines)",
        "column names in line 4; 2 lines above ignored: 'Export Anlage 3'",
        "units in line 5",
        "decimal comma",
    )


def test_header_line_given_by_the_user(csv_file):
    path = csv_file("a,b\nc,d\n1,2\n")
    assert rows_of(path, header=2) == (["c", "d"], [(1, 2)])
    assert "line 2 below the column names ignored: 'c d'" in notes_of(path, header=1)
    path = csv_file("1,2\n3,4\n")
    assert rows_of(path, header=1) == (["1", "2"], [(3, 4)])
    assert rows_of(path, header=0) == (["column_1", "column_2"], [(1, 2), (3, 4)])
    assert refusal(path, header=7) == (
        "FILE: --header 7: no row begins in line 7, there are only 2 lines; check the line"
    )


def test_header_far_below_titles_needs_its_line(csv_file):
    titles = "".join(f"title {i}\n" for i in range(300))
    path = csv_file(f"{titles}a,b\n1,2\n3,4\n")
    assert rows_of(path, header=301) == (["a", "b"], [(1, 2), (3, 4)])


def test_names_with_line_ends_quotes_and_separators(csv_file, both_ways):
    path = csv_file('"flow\n[kg/h]";"a;b";"say ""hi""";5" pipe\n1;2;3;4\n5;6;7;8\n')
    assert rows_of(path) == (
        ["flow [kg/h]", "a;b", 'say "hi"', '5" pipe'],
        [(1, 2, 3, 4), (5, 6, 7, 8)],
    )


def test_names_that_are_patterns_elsewhere_are_names(csv_file):
    path = csv_file("*,^a$,ab\n1 ,2 ,3\n4,5,x\n")
    assert rows_of(path) == (["*", "^a$", "ab"], [(1, 2, "3"), (4, 5, "x")])
    table = open_csv(path, TableOptions(), only=["^a$", "*"])
    assert table.frame.collect().to_dict(as_series=False) == {"^a$": [2, 5], "*": [1, 4]}


def test_values_in_a_column_without_name_are_refused_wherever_they_are(csv_file, both_ways):
    path = csv_file("a;b;\n" + "1;2;\n" * 300 + "1;2;3\n")
    assert refusal(path).startswith("FILE: column 3 (counted from 1) has no name; name it in")
    assert rows_of(csv_file("a;b;\n" + "1;2;\n" * 300))[0] == ["a", "b"]


def test_refusals_of_the_header_name_the_file(csv_file):
    assert refusal(csv_file("a,a\n1,2\n")).startswith("FILE: column names that occur more than")
    assert refusal(csv_file(",a\n0,1\n1,2\n")).startswith("FILE: column 1 (counted from 1) has no")
    assert refusal(csv_file("a,b\n1,2,3\n")).startswith("FILE: line 1 names 2 columns, but line 2")


@pytest.mark.parametrize("text", ["a,b\n", "a,b", "a,b\n\n\n", "a,b\n,\n,\n", "\n\na;b\n;;\n"])
def test_table_without_rows_is_refused(csv_file, text):
    assert refusal(csv_file(text)) == (
        "FILE: no rows below the column names; pass a file with sensor rows"
    )


def test_one_row_is_a_table(csv_file):
    assert rows_of(csv_file("a,b\n1,2"))[1] == [(1, 2)]
    assert rows_of(csv_file("5"))[1] == [(5,)]


# Choosing columns, later errors -------------------------------------------------------------------


def test_only_some_columns(csv_file, both_ways):
    path = csv_file("t;a;b;c\ns;m;kg;h\n0;1;x;3\n1;2;y;4\n")
    table = open_csv(path, TableOptions(), only=["c", "a"])
    assert table.frame.collect().to_dict(as_series=False) == {"c": [3, 4], "a": [1, 2]}
    assert table.units == {"a": "m", "c": "h"}
    with pytest.raises(InputError) as caught:
        open_csv(path, TableOptions(), only=["aa"], source="FILE")
    assert str(caught.value) == "FILE: no column 'aa'; did you mean 'a'?"
    with pytest.raises(InputError, match="no column 'xyz'; it has 't', 'a', 'b', 'c'"):
        open_csv(path, TableOptions(), only=["xyz"])


def test_what_is_in_memory_does_not_change_with_the_file(csv_file):
    table = open_csv(csv_file("a,b\n1,2\n"), TableOptions())
    csv_file("something else")
    assert table.sliceable
    assert table.frame.collect().rows() == [(1, 2)]


def test_large_file_that_changes_ends_in_one_line(csv_file, monkeypatch):
    monkeypatch.setattr(encodings, "MEMORY_BYTES", 0)
    table = open_csv(csv_file("a,b\n1,2\n3,4\n"), TableOptions())
    assert not table.sliceable
    csv_file("a,b\nx,y\nz,w\n")
    with pytest.raises(pl.exceptions.PolarsError) as caught:
        table.frame.collect()
    message = str(explain_csv_error(table.source, caught.value))
    assert re.fullmatch(
        r".*pump.csv: not readable as CSV any more \(.*\); the file changed while it was read: "
        "copy it and read the copy",
        message,
    )


def test_missing_file_passes_the_systems_error_through(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_csv(tmp_path / "no.csv", TableOptions())


def test_file_name_is_taken_literally(tmp_path, monkeypatch):
    monkeypatch.setattr(encodings, "MEMORY_BYTES", 0)
    path = tmp_path / "log[1]*.csv"
    path.write_text("a\n1\n")
    table = open_csv(path, TableOptions())
    assert (table.name, table.frame.collect().rows()) == ("log[1]*", [(1,)])


def test_first_line_of_an_error_without_text_is_its_kind():
    assert first_line(ValueError("\nbad page\nbacktrace")) == "bad page"
    assert first_line(ValueError()) == "ValueError"


# Real files ---------------------------------------------------------------------------------------


def test_classic_files_are_read_without_options(classic_folder):
    table = open_csv(classic_folder / "d01_te.dat", TableOptions())
    values = table.frame.collect().to_numpy()
    np.testing.assert_array_equal(values, np.loadtxt(classic_folder / "d01_te.dat"))
    assert table.notes == (
        "separator blanks (from the first 200 lines)",
        "no column names: column_1 … column_52",
    )
    transposed = open_csv(classic_folder / "d00.dat", TableOptions()).frame.collect()
    np.testing.assert_array_equal(transposed.to_numpy(), np.loadtxt(classic_folder / "d00.dat"))


def test_skab_files_are_read_without_options():
    path = CLASSIC.parent / "skab" / "valve1" / "0.csv"
    if not path.is_file():
        pytest.skip(f"the SKAB files are not at {path.parent}")
    table = open_csv(path, TableOptions())
    frame = table.frame.collect()
    with path.open(newline="") as stream:
        lines = list(csv.reader(stream, delimiter=";"))
    assert frame.columns == lines[0]
    assert frame["datetime"].to_list() == [line[0] for line in lines[1:]]
    np.testing.assert_array_equal(
        frame.drop("datetime").to_numpy(), np.array([line[1:] for line in lines[1:]], dtype=float)
    )
    assert table.notes == ("separator ';' (from the first 200 lines)",)


# Any table ----------------------------------------------------------------------------------------

numbers = st.floats(allow_nan=False, allow_infinity=False)


# other signs are tested above; °° after ä in Windows-1252 would be a Chinese sign in UTF-8
names = st.text("abcXYZ_äé/ ", min_size=1, max_size=8).map(lambda name: f"N{name}".strip())


@st.composite
def written_tables(draw):
    """A table, how it is written, and its bytes."""
    separator = draw(st.sampled_from([",", ";", "\t", "|", " "]))
    decimal = draw(st.sampled_from([".", ","])) if separator != "," else "."
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    n_columns, n_rows = draw(st.integers(2, 5)), draw(st.integers(3, 12))
    columns = draw(st.lists(names, min_size=n_columns, max_size=n_columns, unique=True))
    if separator == " ":
        columns = [f"{name.replace(' ', '_')}{i}" for i, name in enumerate(columns)]
        quoting = csv.QUOTE_MINIMAL
    rows = draw(st.lists(st.tuples(*[numbers] * n_columns), min_size=n_rows, max_size=n_rows))
    if separator != " ":
        # rows of blanks at the end are no rows
        blank = st.tuples(st.integers(0, n_rows - 2), st.integers(0, n_columns - 1))
        blanks = draw(st.sets(blank, max_size=n_rows))
        rows = [
            tuple(None if (i, j) in blanks else cell for j, cell in enumerate(row))
            for i, row in enumerate(rows)
        ]
    # between blanks, titles are rows of words like others: they must be fewer than the data
    most = 2 if separator == " " else 6
    titles = draw(
        st.lists(st.sampled_from(["Export", "plant north: line 3", "# logger"]), max_size=most)
    )
    units = draw(st.booleans()) and separator != " "

    def shown(value):
        return "" if value is None else repr(value).replace(".", decimal)

    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=separator, quoting=quoting, lineterminator=end)
    stream.write("".join(title + end for title in titles))
    writer.writerow(columns)
    if units:
        writer.writerow(["kg/h", "°C", "bar", "-", "%"][:n_columns])
    writer.writerows([shown(value) for value in row] for row in rows)
    return columns, rows, units, stream.getvalue().encode(encoding)


@settings(deadline=None, max_examples=60)
@given(written_tables())
def test_any_written_table_reads_back_to_the_last_bit(tmp_path_factory, written):
    columns, rows, units, content = written
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(content)
    table = open_csv(path, TableOptions())
    frame = table.frame.collect()
    assert frame.columns == columns
    assert len(table.units) == (len(columns) if units else 0)
    assert frame.cast(pl.Float64).rows() == rows


@settings(deadline=None, max_examples=60)
@given(written_tables(), st.data())
def test_a_damaged_table_ends_in_a_table_or_in_one_line(tmp_path_factory, written, data):
    content = bytearray(written[-1])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content)))
        length = data.draw(st.integers(0, 20))
        content[place : place + length] = data.draw(st.binary(max_size=5))
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(content)
    message = None
    try:
        frame = open_csv(path, TableOptions()).frame.collect()
    except InputError as error:
        message = str(error)
    if message is None:
        assert min(frame.shape) >= 1
    else:
        assert message.startswith(str(path))
        assert len(message.splitlines()) == 1
