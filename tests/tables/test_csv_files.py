"""Text tables as plants export them: every number as it was written, every doubt in one line."""

import csv
import io
import math
import os
import re
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import CLASSIC
from dccad.errors import InputError, ParameterError
from dccad.tables.options import TableOptions
from dccad.tables.text import dialect as csv_dialect
from dccad.tables.text import encodings
from dccad.tables.text import lines as csv_lines
from dccad.tables.text import reader as csv_files
from dccad.tables.text.reader import as_numbers, explain_csv_error, first_line, open_csv


@pytest.fixture
def csv_file(tmp_path):
    def write(content, encoding="utf-8"):
        path = tmp_path / "pump.csv"
        path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture(params=["in memory", "in pieces"])
def both_ways(request, monkeypatch):
    """Read as large files are read, too: from disk, in pieces that end anywhere in a line."""
    if request.param == "in pieces":
        monkeypatch.setattr(encodings, "MEMORY_BYTES", 0)
        for module in (encodings, csv_files, csv_lines):
            monkeypatch.setattr(module, "CHUNK", 7)


def rows_of(path, **options):
    table = open_csv(path, TableOptions(**options))
    frame = table.frame.collect()
    return frame.columns, frame.rows()


def refusal(path, error=InputError, **options):
    with pytest.raises(error) as caught:
        open_csv(path, TableOptions(**options))
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(path), "FILE")


def notes_of(path, **options):
    return open_csv(path, TableOptions(**options)).notes


# Separators ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "  "])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_separator_line_end_and_mark_do_not_matter(csv_file, both_ways, separator, end, mark):
    lines = [["flow", "T[°C]"], ["1", "2.5"], ["-3e2", "4"], ["-7", "NA"]]
    text = end.join(separator.join(line) for line in lines) + end
    path = csv_file(mark + text.encode())
    assert rows_of(path) == (["flow", "T[°C]"], [(1.0, 2.5), (-300.0, 4.0), (-7.0, None)])
    shown = {"\t": "tab", "  ": "blanks"}.get(separator, repr(separator))
    assert f"separator {shown} (from the first 4 lines)" in notes_of(path)


def test_plain_file_has_no_note_but_on_its_separator(csv_file):
    table = open_csv(csv_file("a,b\n1,2\n"), TableOptions())
    assert (table.name, table.format, table.units) == ("pump", "CSV", {})
    assert table.notes == ("separator ',' (from the first 2 lines)",)


@pytest.mark.parametrize(
    ("text", "names", "first"),
    [
        ("t;a\n01.02.2020 10:00;12,5\n01.02.2020 10:01;3,5\n", "t a", ("01.02.2020 10:00", 12.5)),
        ("t\ta\n10:00\t12,5\n10:01\t3,5\n", "t a", ("10:00", 12.5)),
        ("t a\n1 12,5\n2 3,5\n", "t a", (1, 12.5)),
        ("t,note\n1,one; two; three\n2,four; five; six\n", "t note", (1, "one; two; three")),
        ('t;note\n1;"a,b"\n2;"c,d"\n', "t note", (1, "a,b")),
        ("a, b, c\n1, 2, 3\n4, 5, 6\n", "a b c", (1, 2, 3)),
        ("t\n2020-01-01 10:00:00\n2020-01-01 10:00:01\n", "t", ("2020-01-01 10:00:00",)),
        ("feed flow\n1\n2\n", "feed flow", (1,)),
        ("sep=;\na;b\n1;2\n", "a b", (1, 2)),
    ],
)
def test_the_sign_that_gives_equal_lines_of_cells_separates(csv_file, text, names, first):
    columns, rows = rows_of(csv_file(text))
    assert (" ".join(columns), rows[0]) == (names, first)


def test_numbers_below_one_name_are_one_column(csv_file):
    path = csv_file("torque\n12,5\n13,75\n")
    assert rows_of(path) == (["torque"], [(12.5,), (13.75,)])
    assert notes_of(path) == ("no separator: one column", "decimal comma")
    assert rows_of(csv_file("12,5\n13,75\n")) == (["column_1", "column_2"], [(12, 5), (13, 75)])
    assert rows_of(csv_file("12,5\n13,75\n"), decimal=",") == (["column_1"], [(12.5,), (13.75,)])


@pytest.mark.parametrize("given", ["\t", "\\t", "tab", "TAB"])
def test_given_separator_is_taken(csv_file, given):
    path = csv_file("a;x\tb;y\n1\t2\n")
    assert rows_of(path, separator=given) == (["a;x", "b;y"], [(1, 2)])
    assert "separator tab (as given)" in notes_of(path, separator=given)


@pytest.mark.parametrize("given", ["", ",,", "§", "a", "1", '"', "\n", "."])
def test_unusable_separator_is_refused(csv_file, given):
    assert refusal(csv_file("a\n1\n"), ParameterError, separator=given) == (
        f"separator {given!r} is not usable; give one sign (, ; |), tab, or a blank for any number "
        "of blanks"
    )


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


def test_table_aligned_with_blanks(csv_file, both_ways):
    text = "  1.0000e+00   -2.5  3\n -4.0E-01\t 5  6  \n   7 8    9"
    expected = [(1.0, -2.5, 3), (-0.4, 5.0, 6), (7.0, 8.0, 9)]
    assert rows_of(csv_file(text)) == (["column_1", "column_2", "column_3"], expected)
    named = '# made by simulator\n t  "feed flow"   p\n' + text
    assert rows_of(csv_file(named)) == (["t", "feed flow", "p"], expected)
    ragged = csv_file(text + "\n 1 2\n 1 2 3\n")
    assert refusal(ragged) == (
        "FILE: line 4 has 2 fields, but the table has 3 columns; correct the line or export the "
        "file again"
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


# Types --------------------------------------------------------------------------------------------


def kinds_of(path, **options):
    schema = open_csv(path, TableOptions(**options)).frame.collect_schema()
    return {name: str(kind) for name, kind in schema.items()}


def test_types_of_columns(csv_file, both_ways):
    path = csv_file("n,x,flag,s,none\n1,1.5,true,on,\n-2,nan,FALSE,NA,NA\n+3,1e3,,off,\n")
    assert kinds_of(path) == {
        "n": "Int64", "x": "Float64", "flag": "Boolean", "s": "String", "none": "Float64"
    }  # fmt: skip
    _, rows = rows_of(path)
    assert [row[:1] + row[2:] for row in rows] == [
        (1, True, "on", None), (-2, False, None, None), (3, None, "off", None)
    ]  # fmt: skip
    np.testing.assert_array_equal([row[1] for row in rows], [1.5, math.nan, 1000.0])


@pytest.mark.parametrize("place", [1, 250, 599])
def test_a_late_cell_decides_as_an_early_one_does(csv_file, both_ways, place):
    for cell, kind in [
        ("1.5", "Float64"), (" 5 ", "Int64"), ("5 ", "Int64"), ("nan", "Float64"),
        ("Bad", "String"), ("", "Int64"), ("  ", "Int64"), (" NA ", "Int64"), ("-", "String"),
        ("99999999999999999999", "Float64"),
    ]:  # fmt: skip
        cells = ["1"] * 600
        cells[place] = cell
        path = csv_file("a,b\n" + "".join(f"{cell},{i}\n" for i, cell in enumerate(cells)))
        assert kinds_of(path) == {"a": kind, "b": "Int64"}, cell
        values = open_csv(path, TableOptions()).frame.collect()["a"]
        if kind == "String":
            assert values[place] == cell
        elif not cell.strip() or "NA" in cell:
            assert values[place] is None
        else:
            np.testing.assert_equal(values[place], float(cell))
        assert values[place - 1] == ("1" if kind == "String" else 1)


def test_long_whole_numbers_keep_every_digit(csv_file):
    path = csv_file("t,a\n1583748873123456789,1\n1583748873123456790,2\n")
    assert [row[0] for row in rows_of(path)[1]] == [1583748873123456789, 1583748873123456790]


def test_only_these_marks_are_missing_values(csv_file):
    marks = ["", "NA", "N/A", "#N/A", "null", "NULL"]
    words = ["Bad", "No Data", "-", "none", "n.a.", "Null", "NAN?"]
    path = csv_file("a,b\n" + "".join(f"{mark},1\n" for mark in marks) + "5,1\n")
    assert rows_of(path)[1] == [(None, 1)] * 6 + [(5, 1)]
    path = csv_file("a,b\n1,1\n" + "".join(f"{word},1\n" for word in words))
    assert [row[0] for row in rows_of(path)[1]] == ["1", *words]


def test_time_stamps_stay_as_they_are_written(csv_file):
    stamps = ["2020-03-09 10:14:33", "09.03.2020", "2020-03-09T10:14:33+01:00", "10:14:33,250"]
    for stamp in stamps:
        assert rows_of(csv_file(f"t;a\n{stamp};1\n{stamp};2\n"))[1][0] == (stamp, 1)


def test_columns_whose_digits_are_no_number_stay_as_they_are_written(csv_file):
    path = csv_file("batch;tag;t;a\n007;0101;01022020;1\n007;0102;02022020;2\n")
    assert rows_of(path)[1][0] == (7, 101, 1022020, 1)
    assert rows_of(path, run="batch", tag="tag", time="t", time_format="%d%m%Y")[1][0] == (
        "007", "0101", "01022020", 1
    )  # fmt: skip
    assert rows_of(path, time="t", time_format="s")[1][0][2] == 1022020


def test_as_numbers_reads_unusual_spelling_and_nothing_else():
    cells = pl.Series("x", [" +1", "-.5 ", "1e-3", "", "  ", "#N/A", None])
    assert as_numbers(cells).to_list() == [1.0, -0.5, 0.001, None, None, None, None]
    assert as_numbers(pl.Series("x", ["1"])).name == "x"
    assert as_numbers(pl.Series(["1", "Bad"])) is None
    assert as_numbers(pl.Series(["1,5"])) is None
    assert as_numbers(pl.Series([1.5])) is None
    assert as_numbers(pl.Series(["1,5", "-,5", "3", "2,5E+01"]), decimal=",").to_list() == [
        1.5, -0.5, 3.0, 25.0
    ]  # fmt: skip
    assert as_numbers(pl.Series(["1,5", "1.5"]), decimal=",") is None
    assert as_numbers(pl.Series([None, ""], dtype=pl.String)).to_list() == [None, None]


# Decimal signs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [2, 400])
@pytest.mark.parametrize("stamp", ["2020-01-01 10:00", "01.02.2020 10:00"])
def test_decimal_comma_is_found_wherever_it_is(csv_file, both_ways, rows, stamp):
    whole = f"{stamp};1;2\n" * rows
    path = csv_file(f"t;a;b\n{whole}{stamp};-12,5;1,5E-02\n")
    columns, found = rows_of(path)
    assert columns == ["t", "a", "b"]
    assert found[0] == (stamp, 1.0, 2.0)
    assert found[-1] == (stamp, -12.5, 0.015)
    assert notes_of(path)[-1] == "decimal comma"


def test_given_decimal_sign_is_taken(csv_file):
    path = csv_file("a;b\n1,5;2\n2,5;3\n")
    assert rows_of(path, decimal=".")[1][0] == ("1,5", 2)
    assert rows_of(path, decimal=",")[1][0] == (1.5, 2)
    path = csv_file("a;b;c\n1,5;2.5;1\n2,5;3.5;2\n")
    assert rows_of(path, decimal=",")[1][0] == (1.5, "2.5", 1)
    assert rows_of(path, decimal=".")[1][0] == ("1,5", 2.5, 1)


def test_decimal_commas_between_commas_need_quotes(csv_file):
    path = csv_file('a,b\n"1,5","2"\n"0,25",3\n')
    assert rows_of(path) == (["a", "b"], [(1.5, 2), (0.25, 3)])
    assert rows_of(path, decimal=",") == (["a", "b"], [(1.5, 2), (0.25, 3)])


@pytest.mark.parametrize("rows", [0, 300])
def test_mixed_decimal_signs_are_refused(csv_file, rows):
    message = refusal(csv_file("a;b\n" + "1;2\n" * rows + "1,5;2.5\n2,5;3.5\n"))
    assert message == (
        "FILE: decimal commas and decimal points are mixed: '1,5' in column 'a', '2.5' in column "
        "'b'; say which one it is with --decimal, and leave the other columns out"
    )


@pytest.mark.parametrize("rows", [1, 300])
@pytest.mark.parametrize(
    ("separator", "cell", "other"),
    [
        (";", "1.234,5", "2,5"), (";", "1.234.567", "2"), (";", "1'234", "2"), (";", "1 234", "2"),
        (",", '"1,234.5"', "2.5"), (",", '"1,234"', "2"), ("\t", "1,234,567", "2"),
    ],
)  # fmt: skip
def test_signs_between_thousands_are_refused(csv_file, both_ways, rows, separator, cell, other):
    lines = [f"n{separator}a", *[f"1{separator}{other}"] * rows, f"1{separator}{cell}"]
    bare = cell.strip('"')
    assert refusal(csv_file("\n".join(lines))) == (
        f"FILE: column 'a' holds {bare!r}: numbers with a sign between thousands are not read, as "
        "that sign may be the decimal one; export them without it, or name that one by --decimal"
    )


def test_three_digits_after_a_comma_between_semicolons_are_decimals(csv_file):
    path = csv_file("a;b\n1,234;2\n0,125;3\n")
    assert rows_of(path)[1] == [(1.234, 2), (0.125, 3)]
    assert rows_of(csv_file('a,b\n"1,234",2\n"0,125",3\n'))[1] == [(1.234, 2), (0.125, 3)]
    assert rows_of(csv_file('a,b\n"1,234",2\n"2,125",3\n'), decimal=",")[1][0] == (1.234, 2)


# Lines --------------------------------------------------------------------------------------------


def test_blank_lines_are_no_rows(csv_file, both_ways):
    path = csv_file("\n\na,b\n\n1,2\n\n  \n3,4\n\n\n")
    assert rows_of(path) == (["a", "b"], [(1, 2), (3, 4)])
    assert "2 blank lines ignored" in notes_of(path)
    assert "1 blank line ignored" in notes_of(csv_file("a,b\n1,2\n\n3,4"))


def test_blank_lines_of_one_column_are_rows_without_value(csv_file, both_ways):
    path = csv_file("torque\n0\n\n7\n\n\n")
    assert rows_of(path) == (["torque"], [(0,), (None,), (7,)])


def test_rows_of_blanks_are_rows_but_not_at_the_end(csv_file, both_ways):
    for end in ["", "\n", ";\n", ";", " ; \n;\n\n", '"";""\n']:
        path = csv_file("a;b\n;\n1;2\n;\n3;\n" + end)
        assert rows_of(path)[1] == [(None, None), (1, 2), (None, None), (3, None)], end


@pytest.mark.parametrize("row", [1, 2, 300, 599])
@pytest.mark.parametrize(("fields", "found"), [("1", "1 field"), ("1,2,3", "3 fields")])
def test_line_with_wrong_number_of_fields_is_named(csv_file, both_ways, row, fields, found):
    lines = ["title", "a,b", *["1,2"] * 600]
    lines[row + 2] = fields
    assert refusal(csv_file("\n".join(lines) + "\n")) == (
        f"FILE: line {row + 3} has {found}, but line 2 names 2 columns; correct the line or export "
        "the file again"
    )


def test_line_numbers_count_line_ends_within_quotes(csv_file, both_ways):
    path = csv_file('a,b\n1,"x\ny\nz"\n2,"x\ny"\n3,4,5\n')
    assert refusal(path).startswith("FILE: line 7 has 3 fields, but line 1 names 2 columns;")
    path = csv_file('a,b\n1,"x\ny\nz"\n2,"x\ny",7\n3,4\n')
    assert refusal(path).startswith("FILE: line 5 has 3 fields, but line 1 names 2 columns;")


def test_file_that_ends_in_the_middle_of_a_line_is_refused(csv_file, both_ways):
    assert refusal(csv_file("a,b,c\n1,2,3\n4,5")) == (
        "FILE: the file ends in the middle of line 3, after 2 of 3 fields; it was cut off or is "
        "still being written: export it again, or delete that line"
    )
    assert rows_of(csv_file("a,b,c\n1,2,3\n4,5,6"))[1] == [(1, 2, 3), (4, 5, 6)]


def test_quotes_within_cells(csv_file, both_ways):
    path = csv_file('a,b\n"1","x, ""y"""\n"2","x\n\ny"\n')
    assert rows_of(path)[1] == [(1, 'x, "y"'), (2, "x\n\ny")]
    path = csv_file('n,size\n1,3" pipe\n2,4"\n')
    assert rows_of(path)[1] == [(1, '3" pipe'), (2, '4"')]


def test_quote_that_never_closes_is_named(csv_file, both_ways):
    assert refusal(csv_file('a,b\n1,2\n1,"2\n3,4\n')) == (
        "FILE: not readable as CSV (a quote in line 3 is never closed); correct the line or export "
        "the file again"
    )


@pytest.mark.parametrize("text", ["a,b\n", "a,b", "a,b\n\n\n", "a,b\n,\n,\n", "\n\na;b\n;;\n"])
def test_table_without_rows_is_refused(csv_file, text):
    assert refusal(csv_file(text)) == (
        "FILE: no rows below the column names; pass a file with sensor rows"
    )


def test_empty_file_is_refused(csv_file, both_ways):
    assert refusal(csv_file("")) == (
        "FILE: the file is empty (0 bytes); pass a file with sensor rows"
    )
    assert "begins with nothing but blank lines" in refusal(csv_file("\n  \n\n"))
    assert "begins with nothing but blank lines" in refusal(csv_file("\ufeff\n"))


def test_one_row_is_a_table(csv_file):
    assert rows_of(csv_file("a,b\n1,2"))[1] == [(1, 2)]
    assert rows_of(csv_file("5"))[1] == [(5,)]


@pytest.mark.parametrize("separator", [",", ";", "\t", " "])
def test_a_million_columns_are_refused_at_once(csv_file, separator):
    line = separator.join(["1.5"] * 1_000_000)
    assert refusal(csv_file(f"{line}\n{line}\n")) == (
        "FILE: line 1 has 1000000 columns; at most 20000 are read: is the table transposed? write "
        "one row an instant and one column a sensor"
    )


def test_columns_beyond_the_limit_are_refused(csv_file, monkeypatch):
    monkeypatch.setattr(csv_files, "MAX_COLUMNS", 3)
    assert rows_of(csv_file("a,b,c\n1,2,3\n"))[1] == [(1, 2, 3)]
    assert "has 4 columns; at most" in refusal(csv_file("a,b,c,d\n1,2,3,4\n"))


def test_a_line_without_end_is_refused(csv_file, monkeypatch):
    monkeypatch.setattr(csv_dialect, "_LINE_BYTES", 1 << 10)
    assert refusal(csv_file("a,b\n1," + "x" * 2000)) == (
        "FILE: line 2 is longer than 0 MiB; a table has one row a line: export it again as CSV"
    )


def test_hundreds_of_columns_of_several_kinds(csv_file):
    n = 450  # more than are looked at in one pass
    names = [f"c{i}" for i in range(n)]
    lines = [";".join(names), *[";".join("1" * n)] * 250, ";".join(f"{i}.5" for i in range(n))]
    columns, rows = rows_of(csv_file("\n".join(lines)))
    assert columns == names
    assert rows[-1] == tuple(i + 0.5 for i in range(n))


# Encodings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-16", "encoding UTF-16 (byte-order mark)"),
        ("utf-16-le", "encoding UTF-16-LE (without byte-order mark)"),
        ("utf-16-be", "encoding UTF-16-BE (without byte-order mark)"),
        ("utf-32", "encoding UTF-32 (byte-order mark)"),
        ("cp1252", "encoding Windows-1252 (not UTF-8)"),
    ],
)
def test_encodings_are_found(csv_file, both_ways, encoding, note):
    path = csv_file("flow °C;Größe µ\r\n1;2,5\r\n3;4,5\r\n", encoding)
    assert rows_of(path) == (["flow °C", "Größe µ"], [(1, 2.5), (3, 4.5)])
    assert [text for text in notes_of(path) if "encoding" in text] == ([note] if note else [])


def test_given_encoding_is_taken(csv_file, both_ways):
    path = csv_file("Größe ж;b\n1;2\n")
    assert rows_of(path, encoding="UTF8")[0] == ["Größe ж", "b"]
    path = csv_file("поток;b\n1;2\n", "koi8-r")
    assert rows_of(path, encoding="koi8-r")[0] == ["поток", "b"]
    assert "encoding koi8-r (as given)" in notes_of(path, encoding="koi8-r")


def test_wrong_encoding_is_refused_with_the_line(csv_file, both_ways):
    path = csv_file("a,b\n1,2\n3,°\n", "latin-1")
    assert refusal(path, encoding="utf-8") == (
        "FILE: line 3 is not UTF-8 text (byte 0xb0); name another --encoding, or leave it out to "
        "have it found"
    )
    assert refusal(path, encoding="ascii").startswith("FILE: line 3 is not ascii text (byte 0xb0);")
    assert "is not utf-16 text" in refusal(csv_file("a,b\n1,2\n3,4"), encoding="utf-16")
    assert refusal(csv_file(b"a,b\n1,\x81\n")) == (
        "FILE: line 2 is neither UTF-8 nor Windows-1252 text (byte 0x81); name its encoding with "
        "--encoding"
    )


@pytest.mark.parametrize("name", ["klingon", "base64", "", "utf-8\0"])
def test_unknown_encoding_is_refused(csv_file, name):
    assert refusal(csv_file("a\n1\n"), ParameterError, encoding=name) == (
        f"encoding {name!r} is not known; name it as Python does: utf-8, cp1252, utf-16 …"
    )


def test_binary_files_are_refused(csv_file, both_ways):
    assert refusal(csv_file("a,b\n1,2\n3,\0\0\n4,5\n")) == (
        "FILE is not text: line 3 holds a NUL byte; export it as CSV, or cut the damaged lines out"
    )
    noise = np.random.default_rng(0).integers(1, 256, 5000, dtype=np.uint8).tobytes()
    assert "FILE is not text: " in refusal(csv_file(noise))


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


def test_temporary_copy_of_a_large_file_goes_with_the_process(csv_file, tmp_path):
    path = csv_file("a b\n" + "1 2.5\n" * 1000)
    code = (
        "import os, pathlib, tempfile\n"
        "from dccad.tables.text import encodings\n"
        "from dccad.tables.text.reader import open_csv\n"
        "from dccad.tables.options import TableOptions\n"
        "encodings.MEMORY_BYTES = 0\n"
        f"frame = open_csv(pathlib.Path({str(path)!r}), TableOptions()).frame\n"
        "print(len(os.listdir(tempfile.gettempdir())), frame.collect().height)\n"
    )
    folder = tmp_path / "temporary"
    folder.mkdir()
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == ["1", "1000"]
    assert list(folder.iterdir()) == []


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
