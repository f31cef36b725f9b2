"""Every line of a text table is a row of its width, or named."""

import pytest

from text_tables import notes_of, refusal, rows_of


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
