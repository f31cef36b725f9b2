"""Changes of the clock make no gap, no duplicate and no wrong hour."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dccad.errors import ParameterError
from stamp_columns import read, refusal

# no deadline: the first example pays for imports, and other work may slow the machine
patient = settings(deadline=None, max_examples=60)


HOUR = np.timedelta64(1, "h")


MINUTE = np.timedelta64(1, "m")


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
