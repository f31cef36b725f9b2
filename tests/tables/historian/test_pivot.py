"""Long exports of historians: recognised, cleaned with a count, and made wide without invention."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dccad.errors import InputError, ParameterError
from dccad.tables.historian.pivot import LongColumns, pivot_long
from dccad.tables.options import TableOptions
from long_tables import COLUMNS, REAL, TEXT, pivot, refusal
from naive_timeline import naive_pivot

# no deadline: the first example pays for imports, and other work may slow the machine
patient = settings(deadline=None, max_examples=100)


def test_tags_come_in_natural_order_or_as_chosen():
    rows = [(t, tag, float(i)) for t in (0, 1) for i, tag in enumerate(["TI10", "TI2", "ti1"])]
    assert pivot(rows).tags == ("ti1", "TI2", "TI10")
    asked = []
    wide = pivot(rows, choose=lambda tags: asked.extend(tags) or ["TI10", "ti1", "TI10"])
    assert asked == ["ti1", "TI2", "TI10"]
    assert wide.tags == ("TI10", "ti1")
    assert wide.values.tolist() == [[0, 2], [0, 2]]
    with pytest.raises(InputError, match="FILE: no tag is left; keep at least one of 'ti1', 'TI2'"):
        pivot(rows, choose=lambda _: [])


def test_tags_may_be_numbers_and_have_blanks_around():
    wide = pivot([(t, tag, 1.0) for t in (0, 1) for tag in (101, 20)])
    assert wide.tags == ("20", "101")
    assert pivot([(0, " a", 1.0), (1, "a ", 2.0)]).tags == ("a",)


def test_rows_may_come_in_any_order():
    rows = [(10.0 * t, tag, float(t)) for t in range(12) for tag in "abc"]
    expected = pivot(rows, resample=10.0)
    by_tag = pivot(sorted(rows, key=lambda row: row[1]), resample=10.0)
    np.testing.assert_array_equal(by_tag.values, expected.values)
    assert by_tag.notes == expected.notes
    mixed = [rows[i] for i in np.random.default_rng(2).permutation(len(rows))]
    wide = pivot(mixed, resample=10.0)
    np.testing.assert_array_equal(wide.values, expected.values)
    assert "values are earlier than one of the same tag further up: all are sorted" in wide.notes[0]


def test_of_several_values_at_one_instant_the_last_in_the_file_counts():
    rows = [(0, "a", 1.0), (1, "a", 2.0), (1, "a", 3.0), (2, "a", 4.0), (0, "a", 9.0)]
    wide = pivot(rows)
    assert wide.values[:, 0].tolist() == [9, 3, 4]
    assert (
        "2 values have the tag and stamp of another: the last one in the file counts" in wide.notes
    )


def test_units_are_taken_from_their_column():
    columns = LongColumns("time", "tag", "value", None, "quality", ("comment",))
    rows = [
        (t, tag, 1.0, unit)
        for t in (0, 1)
        for tag, unit in (("a", " bar "), ("b", "°C"), ("c", None))
    ]
    wide = pivot([*rows, (2, "b", 1.0, "K")], columns)
    assert wide.units == {"a": "bar"}
    assert wide.notes[0] == "columns that are not read: 'comment'"
    assert wide.notes[1] == (
        "tags whose unit changes: 'b' (K and °C); their values are taken as they are"
    )


def test_tags_that_hardly_report_are_left_out_by_name():
    rows = [(t, "a", 1.0) for t in range(5)]
    wide = pivot(
        [*rows, (0, "once", 1.0), (2, "twice at one time", 1.0), (2, "twice at one time", 2.0)]
    )
    assert wide.tags == ("a",)
    assert (
        "tags with fewer than 2 good values are left out: 'once', 'twice at one time'" in wide.notes
    )


@pytest.mark.parametrize("options", [{"fill": "zero"}, {"max_gap": 0.0}, {"resample": -1.0}])
def test_options_that_there_are_not_are_refused(options):
    refusal([(0, "a", 1.0), (1, "a", 1.0)], error=ParameterError, **options)


# Time ---------------------------------------------------------------------------------------------


def test_stamps_are_read_as_those_of_any_table():
    rows = [(f"0{day}-Mar-20 10:00:00", tag, 1.0) for day in (7, 8, 9) for tag in "ab"]
    wide = pivot(rows)
    np.testing.assert_array_equal(
        wide.instants,
        np.array(["2020-03-07T10", "2020-03-08T10", "2020-03-09T10"], dtype="datetime64[ns]"),
    )
    np.testing.assert_array_equal(
        pivot(rows, timezone="Europe/Berlin").instants, wide.instants - np.timedelta64(1, "h")
    )


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("by_tag", [False, True])
@pytest.mark.parametrize(("start", "minutes"), [("2020-10-24T20:00", 15), ("2020-03-28T20:00", 60)])
def test_changes_of_the_clock_make_no_gap(zone, by_tag, start, minutes):
    utc = np.datetime64(start, "us") + np.arange(60) * np.timedelta64(minutes, "m")
    local = pl.Series(utc).dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin")
    rows = [
        (stamp, tag, float(i))
        for i, stamp in enumerate(local.dt.replace_time_zone(None).to_list())
        for tag in "abc"
    ]
    rows = sorted(rows, key=lambda row: row[1]) if by_tag else rows
    wide = pivot(rows, timezone=zone)
    np.testing.assert_array_equal(np.diff(wide.instants), np.diff(utc))
    assert wide.values.tolist() == [[float(i)] * 3 for i in range(60)]
    assert not any("stamp of another" in note for note in wide.notes)
    if zone:
        np.testing.assert_array_equal(wide.instants, utc)


def test_blank_stamps_and_tags_are_refused():
    assert "time column 'time' is blank in row 1" in refusal(
        [("2020-01-01", "a", 1.0), (None, "a", 1.0)]
    )
    expected = (
        "FILE: tag column 'tag' is blank in row 1, counted from 0; name the tag or remove the row"
    )
    assert refusal([(0, "a", 1.0), (1, None, 1.0)]) == expected
    assert refusal([(0, "a", 1.0), (1, "  ", 1.0)]) == expected


def test_tables_without_rows_or_repeats_are_refused():
    empty = pl.LazyFrame(schema={"time": REAL, "tag": TEXT, "value": REAL})
    with pytest.raises(InputError, match="FILE: the table has no rows; pass one with values"):
        pivot_long(empty, COLUMNS, TableOptions(), "FILE")
    message = "FILE: no tag has 2 good values at different times; pass a longer export"
    assert refusal([(0, "a", 1.0), (0, "b", 1.0)]) == message


def test_a_frame_that_cannot_be_read_is_refused(tmp_path):
    path = tmp_path / "damaged.parquet"
    pl.DataFrame({"time": [0.0], "tag": ["a"], "value": [1.0]}).write_parquet(path)
    frame = pl.scan_parquet(path, schema={"time": REAL, "tag": TEXT, "value": REAL})
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(InputError, match="FILE: cannot be read "):
        pivot_long(frame, COLUMNS, TableOptions(), "FILE")


# Against the naive version ------------------------------------------------------------------------

reports = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 60), st.integers(200, 240)).map(lambda quarter: quarter / 4),
        st.sampled_from(["a", "b", "c"]),
        st.integers(-8, 8).map(float),
    ),
    min_size=1,
    max_size=50,
)


@patient
@given(
    reports=reports,
    interval=st.sampled_from([0.25, 0.5, 0.75, 1.0, 2.5]),
    fill=st.sampled_from(["hold", "linear", "mean"]),
    max_gap=st.sampled_from([None, 1.0, 5.0, 1000.0]),
    as_datetimes=st.booleans(),
)
def test_pivot_is_what_the_naive_version_gives(reports, interval, fill, max_gap, as_datetimes):
    limit = 10 * interval if max_gap is None else max_gap
    tags, expected, points = naive_pivot(reports, interval, fill, limit)
    rows = reports
    if as_datetimes:
        start = dt.datetime(1970, 1, 1)
        rows = [(start + dt.timedelta(seconds=t), tag, value) for t, tag, value in reports]
    try:
        wide = pivot(rows, resample=interval, fill=fill, max_gap=max_gap)
    except InputError:
        assert not points
        return
    found = wide.instants
    if as_datetimes:
        found = found.astype(np.int64) / 1e9
    assert (list(wide.tags), found.tolist()) == (tags, points)
    np.testing.assert_allclose(wide.values, expected, rtol=1e-12, atol=1e-12)


def pivot_or_refusal(rows):
    try:
        return pivot(rows)
    except InputError as error:
        return str(error)


@patient
@given(reports=reports, seed=st.integers(0, 2**32 - 1))
def test_the_order_of_the_rows_does_not_matter_where_none_repeats(reports, seed):
    unique = list({(stamp, tag): (stamp, tag, value) for stamp, tag, value in reports}.values())
    mixed = [unique[i] for i in np.random.default_rng(seed).permutation(len(unique))]
    wide, expected = pivot_or_refusal(mixed), pivot_or_refusal(unique)
    if isinstance(expected, str):
        assert wide == expected
        return
    np.testing.assert_array_equal(wide.values, expected.values)
    np.testing.assert_array_equal(wide.instants, expected.instants)
    assert wide.tags == expected.tags
