"""Stamps of text in every form come to the exact instant, or are named with their row."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dccad.errors import ParameterError
from stamp_columns import instants, read, refusal

# no deadline: the first example pays for imports, and other work may slow the machine
patient = settings(deadline=None, max_examples=60)


# Forms --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "instant"),
    [
        ("2020-03-09T10:14:33", "2020-03-09T10:14:33"),
        ("2020-03-09 10:14:33", "2020-03-09T10:14:33"),
        ("2020-03-09  10:14", "2020-03-09T10:14"),
        ("  2020-03-09 10:14:33\t", "2020-03-09T10:14:33"),
        ("2020-3-9 1:04:05", "2020-03-09T01:04:05"),
        ("2020-03-09 10:14:33.5", "2020-03-09T10:14:33.5"),
        ("2020-03-09T10:14:33,125", "2020-03-09T10:14:33.125"),
        ("2020-03-09T10:14:33.1234567", "2020-03-09T10:14:33.1234567"),
        ("2020-03-09T10:14:33.123456789", "2020-03-09T10:14:33.123456789"),
        ("2020-03-09", "2020-03-09"),
        ("2020/03/09 10:14:33", "2020-03-09T10:14:33"),
        ("2020.03.09 10:14", "2020-03-09T10:14"),
        ("20200309T101433", "2020-03-09T10:14:33"),
        ("20200309101433", "2020-03-09T10:14:33"),
        ("2020-03-09 24:00", "2020-03-10"),
        ("2020-12-31T24:00:00.000", "2021-01-01"),
        ("29.03.2020 10:14", "2020-03-29T10:14"),
        ("29.03.2020 10:14:33", "2020-03-29T10:14:33"),
        ("29.3.2020 7:14:33,250", "2020-03-29T07:14:33.25"),
        ("29.03.20 10:14", "2020-03-29T10:14"),
        ("29.03.2020", "2020-03-29"),
        ("29/03/2020 10:14:33", "2020-03-29T10:14:33"),
        ("03/29/2020 2:14:33 PM", "2020-03-29T14:14:33"),
        ("3/29/2020 12:00:00 AM", "2020-03-29"),
        ("3/29/2020 12:05 pm", "2020-03-29T12:05"),
        ("3/29/2020 2:14:33.5\u202fPM", "2020-03-29T14:14:33.5"),
        ("29-03-2020 10:14", "2020-03-29T10:14"),
        ("09-Mar-20 10:14:33", "2020-03-09T10:14:33"),
        ("09-MAR-2020 10:14:33.125", "2020-03-09T10:14:33.125"),
        ("9 Mar 2020 10:14", "2020-03-09T10:14"),
        ("31-Dec-99 23:59:59", "1999-12-31T23:59:59"),
    ],
)
def test_every_form_gives_the_exact_wall_time(cell, instant):
    found = read([cell])
    assert found.values.dtype == "datetime64[ns]"
    np.testing.assert_array_equal(found.values, instants(instant))


@pytest.mark.parametrize(
    ("cell", "instant"),
    [
        ("2020-03-09T10:14:33Z", "2020-03-09T10:14:33"),
        ("2020-03-09t10:14:33z", "2020-03-09T10:14:33"),
        ("2020-03-09 10:14:33 UTC", "2020-03-09T10:14:33"),
        ("2020-03-09T10:14:33+01:00", "2020-03-09T09:14:33"),
        ("2020-03-09T10:14:33.5-0330", "2020-03-09T13:44:33.5"),
        ("2020-03-09 10:14:33,5 +01", "2020-03-09T09:14:33.5"),
        ("2020-03-09T10:14+05:45", "2020-03-09T04:29"),
        ("29.03.2020 10:14:33 +02:00", "2020-03-29T08:14:33"),
    ],
)
def test_stamps_with_a_zone_come_out_in_utc(cell, instant):
    found = read([cell])
    np.testing.assert_array_equal(found.values, instants(instant))
    assert found.notes[-1] == "time stamps name their zone: brought to UTC"


def test_forms_may_differ_from_row_to_row():
    cells = ["2020-03-09 10:14", "2020-03-09T10:14:01.5", "9-Mar-20 10:14:02", "9.03.2020 10:15:00"]
    found = read([*cells, "13.03.2020", *cells])
    expected = instants(
        "2020-03-09T10:14", "2020-03-09T10:14:01.5", "2020-03-09T10:14:02", "2020-03-09T10:15"
    )
    np.testing.assert_array_equal(found.values[:4], expected)
    np.testing.assert_array_equal(found.values[5:], expected)


def test_offsets_may_change_as_at_a_daylight_saving_step():
    found = read(["2020-10-25T02:45:00+02:00", "2020-10-25T02:00:00+01:00", "2020-10-25T01:15:00Z"])
    np.testing.assert_array_equal(
        found.values, instants("2020-10-25T00:45", "2020-10-25T01:00", "2020-10-25T01:15")
    )


utc_stamps = st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2068, 12, 31))


@patient
@given(
    st.lists(utc_stamps, min_size=1, max_size=12),
    st.sampled_from(
        [
            ("%Y-%m-%dT%H:%M:%S.%f", 1),
            ("%Y/%m/%d %H:%M:%S,%f", 1),
            ("%d-%b-%Y %I:%M:%S.%f %p", 1),
            ("%d-%b-%y %H:%M:%S", 10**6),
            ("%Y%m%dT%H%M%S", 10**6),
            ("%Y.%m.%d %I:%M %p", 60 * 10**6),
        ]
    ),
)
def test_what_python_writes_is_read_to_its_last_digit(stamps, form):
    pattern, unit = form
    found = read([stamp.strftime(pattern) for stamp in stamps])
    micros = found.values.astype("datetime64[us]").astype(np.int64)
    expected = np.array(stamps, dtype="datetime64[us]").astype(np.int64)
    np.testing.assert_array_equal(micros, expected // unit * unit)


@patient
@given(
    st.lists(st.tuples(utc_stamps, st.integers(-56, 56)), min_size=1, max_size=12),
    st.sampled_from(["T", " "]),
)
def test_any_offset_gives_the_instant_it_stands_for(stamps, between):
    cells = [
        stamp.astimezone(dt.timezone(dt.timedelta(minutes=15 * quarters))).isoformat(between)
        for stamp, quarters in ((s.replace(tzinfo=dt.timezone.utc), q) for s, q in stamps)
    ]
    expected = np.array([stamp for stamp, _ in stamps], dtype="datetime64[ns]")
    np.testing.assert_array_equal(read(cells).values, expected)


# Day or month first -------------------------------------------------------------------------------


def test_a_number_above_twelve_decides_for_all_rows():
    found = read(["03/04/2020 10:00", "03/13/2020 10:00"])
    np.testing.assert_array_equal(found.values, instants("2020-03-04T10:00", "2020-03-13T10:00"))
    assert found.notes == (
        "dates such as '03/04/2020 10:00' are read month first: other readings are no dates",
    )
    found = read(["03/04/2020 10:00", "13/04/2020 10:00"])
    np.testing.assert_array_equal(found.values, instants("2020-04-03T10:00", "2020-04-13T10:00"))
    assert "are read day first: other readings" in found.notes[0]


def test_the_deciding_row_may_be_the_last_of_many():
    hours = np.arange("2020-01-01", "2020-01-12", dtype="datetime64[h]").astype(dt.datetime)
    cells = [hour.strftime("%m/%d/%Y %H:%M") for hour in hours] * 25 + ["01/13/2020 00:00"]
    found = read(cells)
    assert found.values[-1] == np.datetime64("2020-01-13")
    assert found.values[24] == np.datetime64("2020-01-02")


@pytest.mark.parametrize(
    ("pattern", "reading"),
    [
        ("%d.%m.%Y %H:%M", "day first"),
        ("%m/%d/%Y %H:%M", "month first"),
        ("%y-%m-%d %H:%M", "year first"),
        ("%m-%d-%y %I:%M %p", "month first"),
    ],
)
@pytest.mark.parametrize("newest_first", [False, True])
def test_else_the_reading_with_the_more_even_steps_counts(pattern, reading, newest_first):
    hours = np.arange("2005-03-01", "2005-03-12", dtype="datetime64[h]")
    hours = hours[::-1] if newest_first else hours
    found = read([hour.strftime(pattern) for hour in hours.astype(dt.datetime)])
    np.testing.assert_array_equal(found.values, hours.astype("datetime64[ns]"))
    assert f"are read {reading}, which gives more even steps than" in found.notes[0]


def test_uneven_stamps_of_a_long_table_are_still_told_apart():
    rng = np.random.default_rng(3)
    seconds = np.sort(rng.integers(0, 9 * 86_400, 3000)).repeat(4)
    stamps = np.datetime64("2020-02-01T00:00:00") + seconds
    found = read([stamp.strftime("%m/%d/%Y %H:%M:%S") for stamp in stamps.astype(dt.datetime)])
    np.testing.assert_array_equal(found.values, stamps)


def test_where_nothing_decides_the_day_comes_first_and_the_note_says_so():
    found = read(["03/04/2020 10:00", "03/04/2020 11:00"])
    np.testing.assert_array_equal(found.values, instants("2020-04-03T10:00", "2020-04-03T11:00"))
    assert found.notes == (
        "dates such as '03/04/2020 10:00' are read day first; if they are month first, give "
        "--time-format",
    )


def test_dates_that_fit_no_reading_are_refused_at_the_row_that_breaks_the_better_one():
    assert "'13/13/2020' in row 2" in refusal(["03/04/2020", "13/04/2020", "13/13/2020"])
    assert "'14.05.2020' in row 1" not in refusal(["05.13.2020", "05.14.2020", "14.05.2020"])


# time_format --------------------------------------------------------------------------------------


def test_time_format_wins_over_what_would_be_found():
    found = read(["03/04/2020", "03/13/2020"], time_format="%m/%d/%Y")
    np.testing.assert_array_equal(found.values, instants("2020-03-04", "2020-03-13"))
    found = read([0, 60], time_format="ms")
    np.testing.assert_array_equal(found.values, instants("1970-01-01", "1970-01-01T00:00:00.060"))
    found = read(["1583748873"], time_format="s")
    np.testing.assert_array_equal(found.values, instants("2020-03-09T10:14:33"))
    found = read([20200309, 20200310], time_format="%Y%m%d")
    np.testing.assert_array_equal(found.values, instants("2020-03-09", "2020-03-10"))


def test_time_format_understands_what_python_writes():
    stamp = dt.datetime(2020, 3, 9, 10, 14, 33, 250_000)
    for pattern in ("%d.%m.%Y %H:%M:%S.%f", "%A %d %B %Y %I:%M:%S,%f %p", "%Y-%jT%H:%M:%S.%f"):
        found = read([stamp.strftime(pattern)], time_format=pattern)
        np.testing.assert_array_equal(found.values, instants("2020-03-09T10:14:33.25"))
    found = read(["2020-03-09 10:00:00 +0100"], time_format="%Y-%m-%d %H:%M:%S %z")
    np.testing.assert_array_equal(found.values, instants("2020-03-09T09:00"))


def test_time_format_that_does_not_fit_names_the_row():
    assert refusal(["09.03.2020 10:00", "2020-03-09 10:00"], time_format="%d.%m.%Y %H:%M") == (
        "FILE: time column 't' holds '2020-03-09 10:00' in row 1, counted from 0, which is no date "
        "and time of the form '%d.%m.%Y %H:%M'; correct the stamp or --time-format"
    )
    assert "row 0, counted from 0, which is no number of ms" in refusal(["abc"], time_format="ms")
    assert "holds 1e+300 in row 0" in refusal([1e300], time_format="s")
    assert "holds 2020.5 in row 1" in refusal([2020.0, 2020.5], time_format="%Y")


@pytest.mark.parametrize("pattern", ["dd.mm.yyyy", "iso", ""])
def test_time_format_without_fields_is_refused(pattern):
    assert refusal(["09.03.2020"], ParameterError, time_format=pattern) == (
        f"time_format {pattern!r} has no field; write it as %d.%m.%Y %H:%M:%S, or as s, ms, us, ns "
        "for numbers counted from 1970"
    )


def test_time_format_that_polars_rejects_is_refused_in_one_line():
    message = refusal(["2020-03-09 10"], ParameterError, time_format="%Y-%m-%d %H")
    assert message.startswith("time_format '%Y-%m-%d %H' cannot be used: ")


# Refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell",
    [
        *("9 March 2020", "12:00:00", "2020-02-30 10:00:00", "2020-03-09 25:00:00", "yesterday"),
        *("2020-13-01", "31.02.2020", "2020-03-09 10:14:33 CET", "2020-03", "10:14 2020-03-09"),
        *("2020-03-09 14:00 PM", "2020-03-09 24:01", "31/31/2020", "2020-03-09T10", "NaT"),
        *("99999999999999", "20200309", "9999-12-31 00:00:00", "0001-01-01", "2300-01-01"),
    ],
)
@pytest.mark.parametrize("row", [0, 1, 2])
def test_a_cell_that_is_no_stamp_is_named_with_its_row(cell, row):
    cells = ["2020-03-09 10:14:33"] * 3
    cells[row] = cell
    message = refusal(cells)
    if row or not cell.isdigit() or len(cell) == 14:
        assert (
            f"FILE: time column 't' holds '{cell}' in row {row}, counted from 0, which" in message
        )
    else:  # a number first: then the dates are the odd ones
        assert (
            "holds '2020-03-09 10:14:33' in row 1, counted from 0, which is no number as in"
            in message
        )


def test_the_refusal_says_how_to_write_it():
    assert refusal(["2020-03-09", "soon"]) == (
        "FILE: time column 't' holds 'soon' in row 1, counted from 0, which is no date and time; "
        "write it as 2020-03-09 10:14:33, or as a number of seconds"
    )
    assert (
        "which is no date and time that exists between the years 1701 and 2249; write"
        in refusal(["2020-03-09", "9999-12-31"])
    )
