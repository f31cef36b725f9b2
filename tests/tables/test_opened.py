"""An opened table is asked for columns by their very names."""

import polars as pl
import pytest

from dccad.tables.opened import OpenedTable, exactly

ODD = pl.LazyFrame({"*": [1], "^a.*$": [2], "a": [3], "ab": [4]})


@pytest.mark.parametrize("name", ["*", "^a.*$", "a"])
def test_a_name_that_is_a_pattern_elsewhere_gives_that_column_alone(name):
    assert ODD.select(exactly(name)).collect_schema().names() == [name]


def test_a_column_that_is_not_there_is_an_error_and_no_empty_table():
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        ODD.select(exactly("a", "b")).collect()


def test_a_table_of_which_nothing_is_known_is_read_as_a_whole():
    table = OpenedTable(ODD, "log.csv", "log", "CSV")
    assert (table.sliceable, table.notes, table.units) == (False, (), {})


def test_units_of_one_table_are_not_those_of_another():
    one, other = (OpenedTable(ODD, "log.csv", name, "CSV") for name in ("one", "other"))
    one.units["a"] = "bar"
    assert other.units == {}
