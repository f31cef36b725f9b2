"""Time stamps as plants write them: every form to the exact instant, or one line that says why."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dccad.errors import InputError, ParameterError
from dccad.tables.time.stamps import (
    is_time_name,
    join_date_and_time,
    looks_like_time,
    read_instants,
)

# no deadline: the first example pays for imports, and other work may slow the machine
patient = settings(deadline=None, max_examples=60)

HOUR = np.timedelta64(1, "h")
MINUTE = np.timedelta64(1, "m")


def read(cells, time_format=None, timezone=None, groups=None):
    column = cells if isinstance(cells, pl.Series) else pl.Series("t", cells)
    return read_instants(
        column.alias("t"),
        time_format=time_format,
        timezone=timezone,
        source="FILE",
        groups=None if groups is None else np.asarray(groups),
    )


def instants(*texts):
    return np.array(texts, dtype="datetime64[ns]")


def refusal(cells, error=InputError, **options):
    with pytest.raises(error) as caught:
        read(cells, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


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


# Numbers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("numbers", [[0, 1, 2], [0.0, 0.5, 1.0], [-3.5, 999_999_999.0, 1.6e9]])
def test_plain_numbers_are_seconds(numbers):
    found = read(numbers)
    assert found.values.dtype == np.float64
    assert found.values.tolist() == [float(number) for number in numbers]
    assert found.notes == ()


@pytest.mark.parametrize(
    ("unit", "numbers", "expected"),
    [
        ("s", [1_583_748_873, 1_583_748_874], ["2020-03-09T10:14:33", "2020-03-09T10:14:34"]),
        ("s", [1_583_748_873.1, 1_583_748_873.9], ["2020-03-09T10:14:33.1", None]),
        ("ms", [1_583_748_873_100, 1_583_748_873_101], ["2020-03-09T10:14:33.1", None]),
        ("ms", [1_583_748_873_100.5, 1_583_748_873_101.0], ["2020-03-09T10:14:33.1005", None]),
        (
            "us",
            [1_583_748_873_000_001, 1_583_748_873_000_002],
            ["2020-03-09T10:14:33.000001", None],
        ),
        ("ns", [1_583_748_873_000_000_007] * 2, ["2020-03-09T10:14:33.000000007", None]),
    ],
)
def test_numbers_since_1970_are_recognised_by_their_size(unit, numbers, expected):
    found = read(numbers)
    assert found.values[0] == np.datetime64(expected[0], "ns")
    assert found.notes == (f"time stamps are numbers since 1970 in {unit}, UTC",)


def test_written_numbers_are_numbers():
    assert read(["0", "0.5", " 1e1 "]).values.tolist() == [0.0, 0.5, 10.0]
    found = read(["0,25", "0,50"])
    assert found.values.tolist() == [0.25, 0.5]
    assert found.notes == ("time stamps are numbers with a decimal comma",)
    assert read(["1583748873000000007"] * 2).values.astype(np.int64)[0] == 1583748873000000007


def test_unsigned_and_small_integers_are_numbers():
    for dtype in (pl.Int8, pl.UInt8, pl.UInt32, pl.UInt64, pl.Float32):
        assert read(pl.Series([1, 2, 3], dtype=dtype)).values.tolist() == [1.0, 2.0, 3.0]
    found = read(pl.Series([1583748873], dtype=pl.UInt32))
    assert found.values[0] == np.datetime64("2020-03-09T10:14:33")


def test_digits_of_a_date_are_a_date():
    found = read([20200309101433, 20200309101434])
    np.testing.assert_array_equal(
        found.values, instants("2020-03-09T10:14:33", "2020-03-09T10:14:34")
    )


def test_durations_are_seconds():
    found = read([dt.timedelta(seconds=1.5), dt.timedelta(days=1)])
    assert found.values.tolist() == [1.5, 86_400.0]


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


def test_time_format_for_dates_is_noted_as_not_needed():
    found = read([dt.datetime(2020, 3, 9)], time_format="%Y")
    assert found.notes == ("time_format '%Y' is not needed: the column holds dates",)


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


@pytest.mark.parametrize("blank", [None, "", "   "])
@pytest.mark.parametrize("row", [0, 2])
def test_blank_stamps_are_refused(blank, row):
    cells = ["2020-03-09", "2020-03-10", "2020-03-11"]
    cells[row] = blank
    assert refusal(pl.Series(cells, dtype=pl.String)) == (
        f"FILE: time column 't' is blank in row {row}, counted from 0; fill in the time or remove "
        "the row"
    )


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(number):
    assert "has no finite number in row 1" in refusal([0.0, number, 2.0])
    assert "row 1" in refusal(pl.Series([0.0, None, 2.0]))
    assert "is blank in row 1" in refusal(pl.Series([dt.datetime(2020, 1, 1), None]))


def test_columns_that_are_no_time_are_refused_by_their_type():
    assert "is of type Time, which is no time; write" in refusal([dt.time(10, 0)])
    assert "is of type Boolean" in refusal([True, False])
    assert "is of type List" in refusal([[1], [2]])


def test_dates_beyond_the_range_of_nanoseconds_are_refused():
    assert "holds '9999-12-31 00:00:00' in row 1" in refusal(
        [dt.datetime(2020, 1, 1), dt.datetime(9999, 12, 31)]
    )


@pytest.mark.parametrize("zone", ["Europe/Berlim", "europe/berlin"])
def test_unknown_zones_are_refused_with_the_nearest(zone):
    message = refusal(["2020-01-01"], ParameterError, timezone=zone)
    assert message == f"timezone {zone!r} is not known; did you mean 'Europe/Berlin'?"


# Daylight saving, zone given ----------------------------------------------------------------------

STEPS = [
    ("Europe/Berlin", "2020-03-29T01:00", "2020-10-25T01:00"),
    ("America/New_York", "2020-03-08T07:00", "2020-11-01T06:00"),
]
"""Zones, and the UTC instants at which their clocks changed in 2020."""


def on_the_wall(utc, zone):
    """What clocks of a zone show, by Python's own time zones."""
    aware = [stamp.replace(tzinfo=dt.timezone.utc) for stamp in utc.astype("M8[us]").tolist()]
    return [stamp.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S") for stamp in aware]


def around(instant, minutes, hours=30):
    middle = np.datetime64(instant, "ns")
    return np.arange(middle - hours * HOUR, middle + hours * HOUR, minutes * MINUTE)


@pytest.mark.parametrize(("zone", "spring", "autumn"), STEPS)
@pytest.mark.parametrize("minutes", [1, 7, 15, 30, 45, 60, 120])
@pytest.mark.parametrize("newest_first", [False, True])
def test_a_zone_brings_both_changes_of_the_clock_to_utc(
    zone, spring, autumn, minutes, newest_first
):
    for change in (spring, autumn):
        utc = around(change, minutes)
        utc = utc[::-1] if newest_first else utc
        found = read(on_the_wall(utc, zone), timezone=zone)
        np.testing.assert_array_equal(found.values, utc)
        assert found.notes[0] == f"time stamps are taken in {zone}: brought to UTC"


@patient
@given(
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
    st.integers(0, 24 * 365 * 30),
    st.sampled_from([1, 5, 15, 20, 30, 60]),
    st.integers(2, 400),
)
def test_any_regular_stretch_of_local_time_comes_back(zone, hour, minutes, n_rows):
    start = np.datetime64("1996-01-01T00:00", "ns") + hour * HOUR
    utc = start + np.arange(n_rows) * minutes * MINUTE
    wall = on_the_wall(utc, zone)
    # a log that starts or ends within a repeated hour need not tell which of the two it is
    for end in (utc[0], utc[-1]):
        shown = on_the_wall(end + np.array([-60, -30, 0, 30, 60]) * MINUTE, zone)
        assume(shown.count(shown[2]) == 1)
    np.testing.assert_array_equal(read(wall, timezone=zone).values, utc)


def test_the_repeated_hour_is_noted_with_how_it_was_read():
    utc = around("2020-10-25T01:00", 15, hours=3)
    notes = read(on_the_wall(utc, "Europe/Berlin"), timezone="Europe/Berlin").notes
    assert notes[1] == (
        "the hour from 2020-10-25 02:00:00 occurs twice: by their order 4 rows are summer, 4 "
        "winter time in Europe/Berlin"
    )


@pytest.mark.parametrize(
    ("wall", "utc"),
    [
        # a log that begins in the second pass, and one that ends in the first
        (["02:30", "02:45", "03:00"], ["01:30", "01:45", "02:00"]),
        (["01:30", "01:45", "02:00", "02:15"], ["-1:30", "-1:45", "00:00", "00:15"]),
        # only one of the passes is there: summer time where both fit
        (["01:45", "02:00", "02:15", "02:30", "02:45", "03:00"], None),
    ],
)
def test_a_single_pass_of_the_repeated_hour_joins_the_neighbours_it_fits(wall, utc):
    cells = [f"2020-10-25 {time}:00" for time in wall]
    found = read(cells, timezone="Europe/Berlin")
    if utc is None:
        steps = np.diff(found.values) / MINUTE
        assert steps.tolist() == [15, 15, 15, 15, 75]
    else:
        np.testing.assert_array_equal(np.diff(found.values), np.full(len(wall) - 1, 15 * MINUTE))
    assert "as no row steps back" in found.notes[1]


def test_repeated_rows_within_the_repeated_hour_do_not_count_as_the_step_back():
    wall = [
        "01:45",
        "02:00",
        "02:00",
        "02:15",
        "02:30",
        "02:45",
        "02:00",
        "02:15",
        "02:30",
        "03:00",
    ]
    found = read([f"2020-10-25 {time}" for time in wall], timezone="Europe/Berlin")
    minutes = (found.values - np.datetime64("2020-10-25T00:00")) / MINUTE
    assert minutes.tolist() == [-15, 0, 0, 15, 30, 45, 60, 75, 90, 120]


def test_a_repeated_row_alone_is_no_second_pass():
    wall = ["01:45", "02:00", "02:15", "02:15", "02:30", "02:45", "03:00"]
    found = read([f"2020-10-25 {time}" for time in wall], timezone="Europe/Berlin")
    assert (np.diff(found.values) / MINUTE).tolist() == [15, 15, 0, 15, 15, 75]


def test_the_hour_that_spring_leaves_out_is_refused():
    cells = ["2020-03-29 01:45:00", "2020-03-29 02:15:00", "2020-03-29 03:00:00"]
    assert refusal(cells, timezone="Europe/Berlin") == (
        "FILE: time column 't' holds 2020-03-29 02:15:00 in row 1, counted from 0, which does not "
        "exist in Europe/Berlin: the clock was put forward; correct --timezone (a log in standard "
        "time all year needs a zone without daylight saving, such as Etc/GMT-1)"
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


# Daylight saving, zone not known ------------------------------------------------------------------


@pytest.mark.parametrize(("zone", "spring", "autumn"), STEPS)
@pytest.mark.parametrize("minutes", [1, 7, 15, 30, 60])
@pytest.mark.parametrize("newest_first", [False, True])
def test_changes_of_the_clock_make_no_gap_and_no_duplicate(
    zone, spring, autumn, minutes, newest_first
):
    for change, name in ((spring, "leaves one hour out"), (autumn, "goes back by one hour")):
        utc = around(change, minutes)
        utc = utc[::-1] if newest_first else utc
        wall = on_the_wall(utc, zone)
        found = read(wall)
        np.testing.assert_array_equal(np.diff(found.values), np.diff(utc))
        first = -1 if newest_first else 0
        assert found.values[first] == np.datetime64(wall[first])  # the first rows stay as written
        [note] = found.notes
        row = int(np.flatnonzero(utc >= np.datetime64(change))[first])
        assert note.startswith(f"row {row} ({wall[row]}) {name}")
        assert note.endswith("; name the zone with --timezone")


def test_several_years_of_changes_cancel_out():
    utc = np.arange("2015-06-01", "2019-06-01", 30 * MINUTE, dtype="datetime64[ns]")
    found = read(on_the_wall(utc, "Europe/Berlin"))
    np.testing.assert_array_equal(found.values, utc + 2 * HOUR)
    assert len(found.notes) == 6
    assert found.notes[-1] == "3 more steps of daylight saving were treated the same way"


@pytest.mark.parametrize(
    ("removed", "reason"),
    [
        (["2020-03-31T02:00"], "a Tuesday"),
        (["2020-03-22T02:00"], "no Sunday on which clocks change"),
        (["2020-03-29T14:00"], "not at night"),
        (["2020-03-29T02:00", "2020-03-29T03:00"], "two rows"),
        (["2020-07-26T02:00"], "July"),
    ],
)
def test_a_missing_hour_elsewhere_is_a_gap(removed, reason):
    hours = np.arange("2020-03-01", "2020-08-01", dtype="datetime64[h]")
    kept = hours[~np.isin(hours, np.array(removed, dtype="datetime64[h]"))]
    found = read(pl.Series(kept.astype("datetime64[us]")))
    assert found.notes == (), reason
    np.testing.assert_array_equal(found.values, kept)


@pytest.mark.parametrize("day", ["2020-10-24", "2020-06-28", "2020-10-18"])
def test_an_hour_repeated_on_another_day_is_left_as_it_is(day):
    hours = np.arange(f"{day}T00:00", f"{day}T12:00", 15, dtype="datetime64[m]")
    twice = np.concatenate([hours[:12], hours[8:]])
    found = read(pl.Series(twice.astype("datetime64[us]")))
    assert found.notes == ()
    np.testing.assert_array_equal(found.values, twice)


def test_rows_in_no_order_are_not_taken_for_daylight_saving():
    rng = np.random.default_rng(1)
    stamps = np.arange("2020-10-25T00:00", "2020-10-25T06:00", 15, dtype="datetime64[m]")
    for _ in range(20):
        mixed = rng.permutation(stamps)
        found = read(pl.Series(mixed.astype("datetime64[us]")))
        np.testing.assert_array_equal(found.values, mixed)


def test_an_hour_of_which_some_rows_exist_is_not_taken_out():
    minutes = np.arange("2020-03-29T00:00", "2020-03-29T08:00", 15, dtype="datetime64[m]")
    wall = np.concatenate([minutes[:8], minutes[12:], minutes[9:10]])  # 02:15 comes last
    found = read(pl.Series(wall.astype("datetime64[us]")))
    np.testing.assert_array_equal(found.values, wall)


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("by_tag", [False, True])
@pytest.mark.parametrize("minutes", [15, 60])
def test_tags_of_a_long_table_go_through_the_change_each_for_itself(zone, by_tag, minutes):
    n_tags = 3
    for change in ("2020-03-29T01:00", "2020-10-25T01:00"):
        utc = around(change, minutes)
        if by_tag:
            rows, tags = np.tile(utc, n_tags), np.repeat(np.arange(n_tags), len(utc))
        else:
            rows, tags = np.repeat(utc, n_tags), np.tile(np.arange(n_tags), len(utc))
        found = read(on_the_wall(rows, "Europe/Berlin"), timezone=zone, groups=tags)
        offset = found.values[0] - rows[0]
        assert offset == (0 if zone else HOUR if "-03-" in change else 2 * HOUR)
        np.testing.assert_array_equal(found.values - offset, rows)


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
