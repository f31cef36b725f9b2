"""Order, duplicates, interval and gaps of rows, and regular grids that invent nothing."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dccad.errors import InputError, ParameterError
from dccad.tables.time.timeline import Gap, arrange, resample
from naive_timeline import naive_resample

# no deadline: the first example pays for imports, and other work may slow the machine
patient = settings(deadline=None, max_examples=80)

FILLS = ["hold", "linear", "mean"]
NAN = np.nan
START = np.datetime64("2020-03-09T10:00:00", "ns")


def seconds(*numbers):
    return np.array(numbers, dtype=np.float64)


def datetimes(*numbers):
    return START + (np.array(numbers) * 1e9).astype("timedelta64[ns]")


BOTH = pytest.mark.parametrize("stamps", [seconds, datetimes], ids=["seconds", "datetimes"])


# Order and duplicates -----------------------------------------------------------------------------


@BOTH
def test_rows_in_order_are_left_alone(stamps):
    instants = stamps(0, 5, 10, 15)
    timeline = arrange(instants, max_gap=None, source="FILE")
    assert timeline.order is None
    assert timeline.instants is instants
    assert (timeline.interval, timeline.gaps, timeline.notes) == (5.0, (), ())


@BOTH
def test_rows_out_of_order_are_sorted_and_counted(stamps):
    timeline = arrange(stamps(0, 15, 5, 10, 20), max_gap=None, source="FILE")
    assert timeline.order.tolist() == [0, 2, 3, 1, 4]
    np.testing.assert_array_equal(timeline.instants, stamps(0, 5, 10, 15, 20))
    assert timeline.notes == (
        "2 rows are earlier than a row above them (first: row 2): all rows are sorted by time",
    )


@BOTH
def test_of_equal_stamps_the_last_row_counts(stamps):
    timeline = arrange(stamps(0, 5, 5, 10, 10, 10, 15), max_gap=None, source="FILE")
    assert timeline.order.tolist() == [0, 2, 5, 6]
    assert timeline.notes == (
        "3 rows repeat the stamp of another: the last one in the file counts",
    )


def test_a_correction_far_below_overwrites():
    timeline = arrange(seconds(0, 5, 10, 5), max_gap=None, source="FILE")
    assert timeline.order.tolist() == [0, 3, 2]
    assert timeline.notes == (
        "1 row is earlier than a row above it (first: row 3): all rows are sorted by time",
        "1 row repeats the stamp of another: the last one in the file counts",
    )


def test_newest_first_is_turned_round():
    timeline = arrange(seconds(3, 2, 1, 0), max_gap=None, source="FILE")
    assert timeline.order.tolist() == [3, 2, 1, 0]
    assert timeline.notes == ("the newest row comes first: all rows are sorted by time",)


@patient
@given(st.lists(st.integers(0, 12), min_size=1, max_size=30))
def test_order_is_what_a_dictionary_would_keep(stamps):
    last = {stamp: row for row, stamp in enumerate(stamps)}
    expected = [last[stamp] for stamp in sorted(last)]
    timeline = arrange(seconds(*stamps), max_gap=None, source="FILE")
    order = np.arange(len(stamps)) if timeline.order is None else timeline.order
    assert order.tolist() == expected
    notes = " ".join(timeline.notes)
    n_duplicates = len(stamps) - len(last)
    n_unsorted = sum(stamp < max(stamps[: i + 1]) for i, stamp in enumerate(stamps))
    newest_first = all(a >= b for a, b in itertools.pairwise(stamps))
    assert [int(n) for n in re.findall(r"(\d+) rows? repeats? the stamp", notes)] == (
        [n_duplicates] if n_duplicates else []
    )
    assert [int(n) for n in re.findall(r"(\d+) rows? (?:is|are) earlier", notes)] == (
        [n_unsorted] if n_unsorted and not newest_first else []
    )
    assert timeline.instants.tolist() == sorted(last)
    assert (timeline.order is None) == (stamps == sorted(last))


def test_the_callers_stamps_are_left_alone():
    instants = seconds(2, 1, 1, 0)
    instants.setflags(write=False)
    assert arrange(instants, max_gap=None, source="FILE").order.tolist() == [3, 2, 0]


# Interval and gaps --------------------------------------------------------------------------------


@BOTH
def test_interval_is_the_median_step_and_small_jitter_is_regular(stamps):
    timeline = arrange(stamps(0, 60.2, 120, 180.1, 240), max_gap=None, source="FILE")
    assert timeline.interval == pytest.approx(60.0, abs=0.1)
    assert timeline.notes == ()
    timeline = arrange(stamps(0, 60, 125, 180, 240), max_gap=None, source="FILE")
    assert timeline.notes == ("steps are irregular: 50 % are within 1 % of the median, 60 s",)


@BOTH
def test_gaps_are_steps_longer_than_five_median_steps(stamps):
    timeline = arrange(stamps(0, 1, 2, 7, 8, 14, 15, 16, 17), max_gap=None, source="FILE")
    assert timeline.gaps == (Gap(5, stamps(8)[0], stamps(14)[0], 6.0),)
    start, end = (
        ("8", "14") if stamps is seconds else ("2020-03-09 10:00:08", "2020-03-09 10:00:14")
    )
    assert timeline.notes[0] == (
        f"1 gap longer than 5 s (5 times the median step): 6 s, from {start} to {end}"
    )


def test_max_gap_decides_where_given():
    timeline = arrange(seconds(0, 1, 3, 4, 8), max_gap=1.5, source="FILE")
    assert [(gap.row, gap.seconds) for gap in timeline.gaps] == [(2, 2.0), (4, 4.0)]
    assert timeline.notes[0] == "2 gaps longer than 1.5 s; the longest lasts 4 s, from 4 to 8"


def test_gap_rows_count_in_the_order_of_time():
    timeline = arrange(seconds(100, 0, 1, 1, 2, 3), max_gap=None, source="FILE")
    [gap] = timeline.gaps
    assert (gap.row, timeline.instants[gap.row], gap.start) == (4, 100.0, 3.0)


@pytest.mark.parametrize("instants", [seconds(), seconds(5), datetimes(5), datetimes()])
def test_fewer_than_two_rows_have_no_interval(instants):
    timeline = arrange(instants, max_gap=None, source="FILE")
    assert (timeline.interval, timeline.gaps) == (None, ())
    assert timeline.order is None


def test_two_rows_with_one_stamp_are_one_row():
    timeline = arrange(seconds(5, 5), max_gap=None, source="FILE")
    assert (timeline.order.tolist(), timeline.interval) == ([1], None)


@pytest.mark.parametrize(
    "instants",
    [seconds(0, NAN, 2), seconds(0, np.inf, 2), np.array(["2020-01-01", "NaT"], dtype="M8[ns]")],
)
def test_rows_without_a_stamp_are_refused(instants):
    with pytest.raises(InputError, match=r"^FILE: row 1 \(counted from 0\) has no time stamp; "):
        arrange(instants, max_gap=None, source="FILE")


@pytest.mark.parametrize("max_gap", [0, -1, NAN, np.inf])
def test_max_gap_that_is_no_time_is_refused(max_gap):
    with pytest.raises(ParameterError, match="; it needs to be a number of seconds"):
        arrange(seconds(0, 1), max_gap=max_gap, source="FILE")
    with pytest.raises(ParameterError, match="max_gap is"):
        resample(np.zeros((2, 1)), seconds(0, 1), interval=1, fill="hold", max_gap=max_gap)


# Resampling ---------------------------------------------------------------------------------------


def column(*numbers):
    return np.array(numbers, dtype=np.float64)[:, None]


def grid_of(numbers, instants, **options):
    options = {"interval": 1.0, "fill": "hold", "max_gap": None, **options}
    values, stamps, _ = resample(column(*numbers), instants, **options)
    return values[:, 0].tolist(), stamps


@BOTH
def test_hold_takes_the_last_value_at_or_before_the_grid_point(stamps):
    values, instants = grid_of([1, 2, 3, 4], stamps(0.5, 1.0, 1.9, 4.2))
    assert values == [2, 3, 3, 3]
    np.testing.assert_array_equal(instants, stamps(1, 2, 3, 4))


@BOTH
def test_linear_takes_the_line_between_neighbours(stamps):
    values, instants = grid_of([0, 4, 5, 9], stamps(0.5, 2.5, 3.0, 5.0), fill="linear")
    assert values == [1, 3, 5, 7, 9]
    np.testing.assert_array_equal(instants, stamps(1, 2, 3, 4, 5))


@BOTH
def test_mean_takes_what_came_since_the_grid_point_before(stamps):
    values, instants = grid_of(
        [1, 2, 6, 10, 20, 3], stamps(0.5, 1.0, 1.5, 2.0, 2.5, 4.5), fill="mean"
    )
    assert values == [1.5, 8, 20, 20]  # nothing came in (3, 4]: the last value is held
    np.testing.assert_array_equal(instants, stamps(1, 2, 3, 4))


@pytest.mark.parametrize("fill", FILLS)
def test_datetimes_are_anchored_at_the_full_hour(fill):
    instants = np.array(
        ["2020-03-09T10:07", "2020-03-09T11:10", "2020-03-09T12:13"], dtype="M8[ns]"
    )
    _, stamps, _ = resample(np.ones((3, 1)), instants, interval=900, fill=fill, max_gap=None)
    assert stamps[0] == np.datetime64("2020-03-09T10:15")
    assert stamps[-1] == np.datetime64("2020-03-09T12:00")
    assert set(np.diff(stamps)) == {np.timedelta64(900, "s")}


@pytest.mark.parametrize("fill", FILLS)
def test_nothing_is_filled_across_a_gap(fill):
    instants = seconds(0, 1, 2, 3, 9, 10, 11)
    values, stamps, notes = resample(
        np.arange(7.0)[:, None], instants, interval=0.5, fill=fill, max_gap=None
    )
    assert stamps.tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3, 9, 9.5, 10, 10.5, 11]
    assert values[7, 0] == 4
    assert notes[1] == "nothing is filled across 1 gap longer than 5 s"
    assert notes[0].startswith("resampled to 12 rows every 0.5 s, ")


@pytest.mark.parametrize("fill", FILLS)
def test_a_gap_within_one_grid_cell_does_not_mix_its_sides(fill):
    instants = seconds(0, 1, 1.25, 1.75, 2)
    values, stamps, _ = resample(
        column(0, 0, 0, 8, 8), instants, interval=1.0, fill=fill, max_gap=0.4
    )
    # steps of 1 s are gaps here: only the last two rows lie in one stretch with a grid point
    assert stamps.tolist() == [0, 1, 2]
    assert values[:, 0].tolist() == [0, 0, 8]


def test_default_limit_grows_with_the_interval():
    instants = seconds(*range(10), *range(40, 50))
    _, stamps, _ = resample(np.ones((20, 1)), instants, interval=10, fill="hold", max_gap=None)
    assert stamps.tolist() == [0, 10, 20, 30, 40]
    _, stamps, _ = resample(np.ones((20, 1)), instants, interval=5, fill="hold", max_gap=None)
    assert stamps.tolist() == [0, 5, 40, 45]


@pytest.mark.parametrize(
    ("fill", "expected"),
    [
        ("hold", [[NAN, 1], [2, 2], [2, 3], [2, 4], [NAN, 5], [7, 6]]),
        ("linear", [[NAN, 1], [2, 2], [NAN, 3], [NAN, 4], [NAN, 5], [7, 6]]),
        ("mean", [[NAN, 1], [2, 2], [2, 3], [2, 4], [NAN, 5], [7, 6]]),
    ],
)
def test_nan_is_no_value_of_that_sensor(fill, expected):
    rows = np.array([[NAN, 1], [2, 2], [NAN, 3], [NAN, 4], [NAN, 5], [7, 6]])
    values, _, _ = resample(rows, seconds(*range(6)), interval=1, fill=fill, max_gap=2)
    np.testing.assert_array_equal(values, expected)


def test_linear_bridges_nan_no_longer_than_max_gap():
    rows = column(0, NAN, 2, NAN, NAN, 5)
    values, _, _ = resample(rows, seconds(*range(6)), interval=1, fill="linear", max_gap=2)
    np.testing.assert_array_equal(values[:, 0], [0, 1, 2, NAN, NAN, 5])


@pytest.mark.parametrize("fill", FILLS)
def test_a_sensor_without_any_value_stays_without(fill):
    rows = np.column_stack([np.full(4, NAN), np.arange(4.0)])
    values, _, _ = resample(rows, seconds(*range(4)), interval=0.5, fill=fill, max_gap=None)
    assert np.isnan(values[:, 0]).all()
    assert not np.isnan(values[:, 1]).any()


def test_single_precision_stays_single_and_the_callers_rows_stay_as_they_are():
    rows = np.array([[0.1], [NAN], [0.3]], dtype=np.float32)
    rows.setflags(write=False)
    values, _, _ = resample(rows, seconds(0, 1, 2), interval=1, fill="hold", max_gap=None)
    assert values.dtype == np.float32
    assert values[:, 0].tolist() == rows[[0, 0, 2], 0].tolist()


# Laws ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("interval", [60.0, 1.0, 0.1, 0.04, 1 / 3, 1 / 60, 0.7, 1e-6])
def test_a_regular_series_at_its_own_interval_comes_back(fill, interval):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(5000, 2))
    for first in (0, 777_777):
        instants = np.arange(first, first + 5000) * interval
        values, stamps, _ = resample(rows, instants, interval=interval, fill=fill, max_gap=None)
        np.testing.assert_array_equal(values, rows)
        np.testing.assert_allclose(stamps, instants, rtol=1e-14)
    if (interval * 1e9) % 1 == 0:
        instants = np.arange(5000) * np.timedelta64(int(interval * 1e9), "ns") + np.datetime64(
            "2020-01-01", "ns"
        )
        steps_off = int(instants[0].astype(np.int64) % int(interval * 1e9))
        instants = instants - np.timedelta64(steps_off, "ns")
        values, stamps, _ = resample(rows, instants, interval=interval, fill=fill, max_gap=None)
        np.testing.assert_array_equal(values, rows)
        np.testing.assert_array_equal(stamps, instants)


def test_decimal_stamps_in_seconds_meet_decimal_grid_points():
    instants = np.array([float(f"{k / 10:.1f}") for k in range(2000)])
    values, stamps, _ = resample(
        np.arange(2000.0)[:, None], instants, interval=0.1, fill="hold", max_gap=None
    )
    assert stamps.tolist() == instants.tolist()
    assert values[:, 0].tolist() == list(range(2000))


@st.composite
def logs(draw):
    """Rows with quarter-second stamps, gaps, and NaN; all numbers are exact in binary."""
    steps = draw(st.lists(st.sampled_from([1, 1, 2, 3, 4, 6, 15, 40]), min_size=0, max_size=25))
    start = draw(st.integers(-40, 40))
    stamps = [(start + step) / 4 for step in np.cumsum([0, *steps]).tolist()]
    cell = st.one_of(st.just(NAN), st.integers(-8, 8).map(float))
    n_sensors = draw(st.integers(1, 3))
    row = st.lists(cell, min_size=n_sensors, max_size=n_sensors)
    rows = draw(st.lists(row, min_size=len(stamps), max_size=len(stamps)))
    return rows, stamps


options = {
    "interval": st.sampled_from([0.25, 0.5, 0.75, 1.0, 2.5, 6.0]),
    "fill": st.sampled_from(FILLS),
    "max_gap": st.sampled_from([0.25, 1.0, 2.0, 5.0, 1000.0]),
}


def resample_or_nothing(rows, instants, **chosen):
    try:
        return resample(np.array(rows), instants, **chosen)[:2]
    except InputError:
        return np.empty((0, np.array(rows).shape[1])), instants[:0]


@patient
@given(log=logs(), **options)
@pytest.mark.parametrize("as_datetimes", [False, True])
def test_resampling_is_what_the_naive_version_gives(as_datetimes, log, interval, fill, max_gap):
    rows, stamps = log
    expected, points = naive_resample(rows, stamps, interval, fill, max_gap)
    instants = seconds(*stamps)
    if as_datetimes:
        instants = (instants * 1e9).astype("datetime64[ns]")
    values, found = resample_or_nothing(
        rows, instants, interval=interval, fill=fill, max_gap=max_gap
    )
    if as_datetimes:
        assert found.dtype == "datetime64[ns]"
        found = found.astype(np.int64) / 1e9
    assert found.tolist() == points
    np.testing.assert_allclose(
        values, np.array(expected).reshape(-1, len(rows[0])), rtol=1e-12, atol=1e-12
    )


@patient
@given(log=logs(), steps=st.integers(-50, 50), **options)
def test_moving_all_stamps_by_grid_steps_moves_the_result(log, steps, interval, fill, max_gap):
    rows, stamps = log
    chosen = {"interval": interval, "fill": fill, "max_gap": max_gap}
    values, found = resample_or_nothing(rows, seconds(*stamps), **chosen)
    moved, later = resample_or_nothing(rows, seconds(*stamps) + steps * interval, **chosen)
    np.testing.assert_array_equal(moved, values)
    np.testing.assert_array_equal(later, found + steps * interval)


@patient
@given(logs(), st.integers(0, 25), st.sampled_from(["hold", "mean"]), options["interval"])
def test_hold_and_mean_see_no_future(log, row, fill, interval):
    rows, stamps = log
    chosen = {"interval": interval, "fill": fill, "max_gap": 2.0}
    values, found = resample_or_nothing(rows, seconds(*stamps), **chosen)
    changed = np.array(rows)
    changed[row:] = 1e6
    other, _ = resample_or_nothing(changed, seconds(*stamps), **chosen)
    earlier = found < (stamps[row] if row < len(stamps) else np.inf)
    np.testing.assert_array_equal(other[earlier], values[earlier])
    # rows that come later do not change what was there before either
    cut = stamps[: row + 1]
    part, until = resample_or_nothing(rows[: row + 1], seconds(*cut), **chosen)
    np.testing.assert_array_equal(part, values[: len(part)])
    np.testing.assert_array_equal(until, found[: len(until)])


def test_a_mean_of_many_values_is_exact_to_rounding():
    rng = np.random.default_rng(0)
    rows = 1e6 + rng.normal(size=(100_000, 1))
    values, _, _ = resample(rows, np.arange(100_000.0) + 1, interval=100, fill="mean", max_gap=None)
    np.testing.assert_allclose(values, rows.reshape(-1, 100).mean(axis=1)[:, None], rtol=1e-15)


# Refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("interval", [0, -1.0, NAN, np.inf])
@BOTH
def test_an_interval_that_is_no_time_is_refused(stamps, interval):
    with pytest.raises(ParameterError, match="it needs to be a number of seconds above 0"):
        resample(np.ones((2, 1)), stamps(0, 1), interval=interval, fill="hold", max_gap=None)


def test_an_unknown_fill_is_refused():
    with pytest.raises(ParameterError, match="fill is 'zero'; it needs to be one of hold, linear"):
        resample(np.ones((2, 1)), seconds(0, 1), interval=1, fill="zero", max_gap=None)


def test_a_log_shorter_than_the_interval_is_refused():
    with pytest.raises(InputError) as caught:
        resample(np.ones((3, 1)), seconds(1, 11, 21), interval=60, fill="hold", max_gap=None)
    assert str(caught.value) == (
        "resampling to 60 s leaves no row of a log of 3 rows over 20 s; choose a shorter interval"
    )


@pytest.mark.parametrize("interval", [1e-9, 1e-6])
@BOTH
def test_a_grid_far_larger_than_the_log_is_refused_before_it_is_made(stamps, interval):
    rows = np.ones((100, 2))
    with pytest.raises(
        InputError, match=r"rows × 2 sensors, made from 200 values; choose a longer"
    ):
        resample(rows, stamps(*range(100)), interval=interval, fill="hold", max_gap=None)


def test_an_interval_beyond_the_precision_of_the_stamps_is_refused():
    with pytest.raises(InputError, match=r"an interval of 1e-300 s is too short for stamps of 1 s"):
        resample(np.ones((2, 1)), seconds(0, 1), interval=1e-300, fill="hold", max_gap=None)
    with pytest.raises(ParameterError, match="1e-12 s; it needs to be"):
        resample(np.ones((2, 1)), datetimes(0, 1), interval=1e-12, fill="hold", max_gap=None)
    with pytest.raises(ParameterError, match=r"10000000000\.0 s; it needs to be"):
        resample(np.ones((2, 1)), datetimes(0, 1), interval=1e10, fill="hold", max_gap=None)
