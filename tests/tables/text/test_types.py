"""Numbers, truth values and words of text columns, however they are written."""

import math

import numpy as np
import polars as pl
import pytest

from dccad.tables.options import TableOptions
from dccad.tables.text.reader import as_numbers, open_csv
from text_tables import notes_of, refusal, rows_of

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


def test_hundreds_of_columns_of_several_kinds(csv_file):
    n = 450  # more than are looked at in one pass
    names = [f"c{i}" for i in range(n)]
    lines = [";".join(names), *[";".join("1" * n)] * 250, ";".join(f"{i}.5" for i in range(n))]
    columns, rows = rows_of(csv_file("\n".join(lines)))
    assert columns == names
    assert rows[-1] == tuple(i + 0.5 for i in range(n))
