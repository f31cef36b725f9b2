"""What separates the fields of a text table, and how wide a table may be."""

import pytest

from dccad.errors import ParameterError
from dccad.tables.text import dialect as csv_dialect
from dccad.tables.text import reader as csv_files
from text_tables import notes_of, refusal, rows_of


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
