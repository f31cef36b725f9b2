"""The shape of a table: how many fields a row has, what columns hold, where the data begin."""

import pytest

from dccad.tables.layout.cells import Kind
from dccad.tables.layout.shape import TableShape, has_data, is_count, table_width

PUMP = [
    ("Export of line 3",),
    (),
    ("t", "flow", "state"),
    ("s", "m3/h", ""),
    ("2020-03-09 10:14", "0.5", "run"),
    ("2020-03-09 10:15", "NA", "run"),
    ("2020-03-09 10:16", "0.7", "stop"),
]


@pytest.mark.parametrize(
    ("row", "counts"),
    [
        (("0", "1", "2"), True),
        (("1", "2", "3"), True),
        (("", "0", "1", "2"), True),  # above an index without name
        (("2", "3", "4"), False),
        (("0", "1"), False),  # two values, as likely as two numbers of columns
        (("0", "2", "1"), False),
        (("0", "1.0", "2"), False),
        ((), False),
    ],
)
def test_numbered_columns_are_told_from_values(row, counts):
    assert is_count(row) is counts


@pytest.mark.parametrize(
    ("row", "holds"),
    [(("a", "1"), True), (("2020-03-09", "x"), True), (("a", "NA", ""), False), ((), False)],
)
def test_a_row_holds_data_where_one_cell_is_a_number_or_a_date(row, holds):
    assert has_data(row) is holds


def test_the_width_is_that_of_the_data_and_not_of_titles_however_many():
    assert table_width(PUMP) == 3
    assert table_width([("Plant", "7", "x", "y")] * 2 + [("1", "2")] * 5) == 2
    # without any number, what is most frequent below
    assert table_width([("title",), ("a", "b"), ("on", "off"), ("off", "on")]) == 2


def test_columns_are_what_most_of_their_lower_cells_are():
    shape = TableShape(PUMP, 3)
    assert shape.kinds == [Kind.DATE, Kind.NUMBER, Kind.TEXT]
    assert (shape.typed, shape.dates, shape.fractions) == ([0, 1], [0], True)


def test_columns_without_a_value_are_blank_or_missing():
    shape = TableShape([("1", "", "NA"), ("2", "", ""), ("3", "", "NA")], 3)
    assert shape.kinds == [Kind.NUMBER, Kind.BLANK, Kind.MISSING]
    assert not shape.fractions


def test_data_begin_below_titles_names_and_units():
    shape = TableShape(PUMP, 3)
    assert shape.first_data() == 4
    assert [shape.is_data(i) for i in (2, 3, 4, 5)] == [False, False, True, True]


def test_rows_without_a_value_right_above_the_data_are_data():
    assert TableShape([("a", "b"), ("", ""), ("1", "2"), ("3", "4")], 2).first_data() == 1
    assert TableShape([("a", "b"), (), ("1", "2"), ("3", "4")], 2).first_data() == 2


def test_a_table_of_words_begins_below_its_first_full_row():
    shape = TableShape([("state", "mode"), ("run", "auto"), ("stop", "hand")], 2)
    assert shape.typed == []
    assert shape.first_data() == 1


def test_a_row_of_numbers_that_counts_columns_above_fractions_is_no_data():
    counted = [("0", "1", "2"), ("0.5", "1.5", "2.5"), ("0.1", "0.2", "0.3"), ("7.5", "8.5", "9.5")]
    assert TableShape(counted, 3).first_data() == 1
    whole = [("0", "1", "2"), ("5", "6", "7"), ("8", "9", "1"), ("4", "4", "4")]
    assert TableShape(whole, 3).first_data() == 0


def test_a_row_of_names_may_differ_from_the_data_by_separators_at_its_end():
    shape = TableShape([("a", "b", "", ""), ("1", "2", ""), ("3", "4", "")], 3)
    assert shape.names_of(("a", "b", "", "")) == ("a", "b", "")
    assert shape.names_of(("a", "b")) == ("a", "b", "")
    assert shape.names_of(("a",)) == ("a",)


@pytest.mark.parametrize(
    ("row", "can"),
    [
        (("t", "flow", "state"), True),
        (("", "flow", "state"), True),
        (("t", "", "state"), True),
        (("t", "flow"), False),
        (("#t", "flow", "state"), False),  # a comment
        (("2020-03-09", "0.5", "run"), False),  # a row of data
    ],
)
def test_names_are_told_from_other_rows(row, can):
    assert TableShape(PUMP, 3).can_name(row) is can


@pytest.mark.parametrize(
    ("row", "full"),
    [
        (("t", "flow", "state"), True),
        (("", "flow", "state"), True),  # the first column holds dates, as an index does
        (("t", "", "state"), False),
        (("t", "flow", "flow"), False),
    ],
)
def test_names_are_full_where_each_column_has_its_own(row, full):
    assert TableShape(PUMP, 3).is_full(row) is full


def test_what_a_sensor_wrote_before_it_was_connected_does_not_make_it_text():
    shape = TableShape([("1", "Bad")] * 5 + [("1", "2")] * 4, 2)
    assert shape.kinds == [Kind.NUMBER, Kind.NUMBER]
