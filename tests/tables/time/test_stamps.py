"""Time stamps as plants write them: every form to the exact instant, or one line that says why."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from dccad.errors import InputError
from dccad.tables.time.stamps import (
    is_time_name,
    join_date_and_time,
    looks_like_time,
    read_instants,
)
from stamp_columns import instants, read, refusal


def test_stamps_with_and_without_zone_need_the_zone_of_the_latter():
    cells = ["2020-07-01T12:00:00Z", "2020-07-01 14:15:00"]
    assert refusal(cells) == (
        "FILE: time column 't' holds '2020-07-01 14:15:00' in row 1, counted from 0, which names "
        "no time zone while others do; name the zone of such stamps with --timezone"
    )
    found = read(cells, timezone="Europe/Berlin")
    np.testing.assert_array_equal(found.values, instants("2020-07-01T12:00", "2020-07-01T12:15"))


def test_categorical_text_is_text():
    found = read(pl.Series(["2020-03-09", "2020-03-10"], dtype=pl.Categorical))
    np.testing.assert_array_equal(found.values, instants("2020-03-09", "2020-03-10"))


def test_dates_and_datetimes_of_any_unit_keep_their_instants():
    stamp = dt.datetime(2020, 3, 9, 10, 14, 33, 500_000)
    for unit in ("ms", "us", "ns"):
        found = read(pl.Series([stamp], dtype=pl.Datetime(unit)))
        np.testing.assert_array_equal(found.values, instants("2020-03-09T10:14:33.5"))
    exact = pl.Series([1583748873123456789]).cast(pl.Datetime("ns"))
    assert read(exact).values.astype(np.int64).tolist() == [1583748873123456789]
    np.testing.assert_array_equal(read([dt.date(2020, 3, 9)]).values, instants("2020-03-09"))
    zoned = pl.Series([stamp]).dt.replace_time_zone("America/New_York")
    found = read(zoned)
    np.testing.assert_array_equal(found.values, instants("2020-03-09T14:14:33.5"))


def test_an_empty_column_has_no_instants():
    for dtype in (pl.String, pl.Float64, pl.Datetime("us"), pl.Int64):
        assert read(pl.Series([], dtype=dtype)).values.shape == (0,)


def test_durations_are_seconds():
    found = read([dt.timedelta(seconds=1.5), dt.timedelta(days=1)])
    assert found.values.tolist() == [1.5, 86_400.0]


def test_time_format_for_dates_is_noted_as_not_needed():
    found = read([dt.datetime(2020, 3, 9)], time_format="%Y")
    assert found.notes == ("time_format '%Y' is not needed: the column holds dates",)


@pytest.mark.parametrize("blank", [None, "", "   "])
@pytest.mark.parametrize("row", [0, 2])
def test_blank_stamps_are_refused(blank, row):
    cells = ["2020-03-09", "2020-03-10", "2020-03-11"]
    cells[row] = blank
    assert refusal(pl.Series(cells, dtype=pl.String)) == (
        f"FILE: time column 't' is blank in row {row}, counted from 0; fill in the time or remove "
        "the row"
    )


def test_columns_that_are_no_time_are_refused_by_their_type():
    assert "is of type Time, which is no time; write" in refusal([dt.time(10, 0)])
    assert "is of type Boolean" in refusal([True, False])
    assert "is of type List" in refusal([[1], [2]])


def test_dates_beyond_the_range_of_nanoseconds_are_refused():
    assert "holds '9999-12-31 00:00:00' in row 1" in refusal(
        [dt.datetime(2020, 1, 1), dt.datetime(9999, 12, 31)]
    )


def test_a_zone_is_not_applied_to_stamps_that_name_one():
    found = read(["2020-07-01T12:00:00Z"], timezone="Europe/Berlin")
    np.testing.assert_array_equal(found.values, instants("2020-07-01T12:00"))
    assert found.notes[0].endswith("brought to UTC, Europe/Berlin is not needed")
    found = read([1_600_000_000], timezone="Europe/Berlin")
    assert found.values[0] == np.datetime64(1_600_000_000, "s")
    assert "Europe/Berlin is not needed" in found.notes[1]


def test_wall_time_of_a_parquet_file_is_brought_to_utc_too():
    found = read([dt.datetime(2020, 7, 1, 12)], timezone="Europe/Berlin")
    np.testing.assert_array_equal(found.values, instants("2020-07-01T10:00"))


# Finding the time column --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cells",
    [
        ["2020-03-09T10:14:33Z", None, ""],
        ["3/29/2020 2:14 PM", "3/30/2020 2:14 PM"],
        ["31.12.20", "30.12.20"],
        ["09-Mar-20 10:14:33"],
        ["2020-01-01"] * 15 + ["n/a"],
        [dt.date(2020, 1, 1)],
        [dt.datetime(2020, 1, 1)],
    ],
)
def test_columns_of_dates_look_like_time(cells):
    assert looks_like_time(pl.Series(cells))


@pytest.mark.parametrize(
    "cells",
    [
        *(["1", "2"], [1, 2], [1.5], ["1583748873"], ["20200309101433"], ["12.5", "1,5"]),
        *(["ON", "OFF"], ["10:14:33"], [None, None], [""], [True], ["FIC101"], [dt.time(10)]),
        *(["2020-01-01", "ON", "OFF"], ["31.02.2020"], [dt.timedelta(1)], []),
    ],
)
def test_other_columns_do_not_look_like_time(cells):
    column = pl.Series(cells, dtype=pl.String) if cells in ([None, None], []) else pl.Series(cells)
    assert not looks_like_time(column)


def test_time_far_below_a_blank_start_is_found():
    assert looks_like_time(pl.Series([None] * 20_000 + ["2020-01-01"]))


@pytest.mark.parametrize(
    "name",
    [
        *("time", "Timestamp", "DATETIME", "date_time", "Date Time", "ts", "Zeit", "Zeitstempel"),
        *("TIME_STAMP", "time-stamp", "Time [s]", "Timestamp (UTC)", " time "),
    ],
)
def test_names_of_time_columns_are_known(name):
    assert is_time_name(name)


@pytest.mark.parametrize("name", ["flow", "runtime", "time to failure", "ts1", "times", "", "t"])
def test_other_names_are_not(name):
    assert not is_time_name(name)


# Date and time in two columns ---------------------------------------------------------------------

EXPECTED = instants("2020-03-19T10:14:33", "2020-03-20T00:00:00")


@pytest.mark.parametrize(
    "date",
    [
        pl.Series("Date", ["19.03.2020", " 20.03.2020 "]),
        pl.Series("Date", ["2020-03-19 00:00:00", "2020-03-20 00:00:00"]),
        pl.Series("Date", [dt.date(2020, 3, 19), dt.date(2020, 3, 20)]),
        pl.Series("Date", [dt.datetime(2020, 3, 19), dt.datetime(2020, 3, 20)]),
    ],
)
@pytest.mark.parametrize(
    "time",
    [
        pl.Series("Time", ["10:14:33", "00:00:00"]),
        pl.Series("Time", ["10:14:33 AM", "12:00:00 AM"]),
        pl.Series("Time", [dt.time(10, 14, 33), dt.time(0)]),
        pl.Series("Time", [dt.datetime(1899, 12, 31, 10, 14, 33), dt.datetime(1899, 12, 31)]),
        pl.Series("Time", [dt.timedelta(hours=10, minutes=14, seconds=33), dt.timedelta(0)]),
    ],
)
def test_date_and_time_in_two_columns_are_one_stamp(date, time):
    joined = join_date_and_time(date, time)
    assert joined.name == "Date Time"
    np.testing.assert_array_equal(read(joined).values, EXPECTED)


def test_a_blank_date_or_time_leaves_a_blank_stamp():
    date = pl.Series("Date", ["2020-03-09", None, "2020-03-09", ""])
    time = pl.Series("Time", ["10:00", "10:00", " ", "10:00"])
    assert join_date_and_time(date, time).to_list() == ["2020-03-09 10:00", None, None, None]


def test_dates_before_the_year_one_are_refused_by_row():
    long_ago = pl.Series("t", [0, -80_000_000_000_000_000], dtype=pl.Int64).cast(pl.Datetime("us"))
    with pytest.raises(
        InputError, match="in row 1, counted from 0, which is not between the years"
    ):
        read_instants(long_ago, time_format=None, timezone=None, source="log")
