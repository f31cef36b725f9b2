"""Grids that hit their points in spite of rounding, and values on them that invent nothing."""

import numpy as np
import pytest

from dccad.errors import InputError, ParameterError
from dccad.tables.time.grid import (
    Grid,
    Samples,
    Targets,
    fill_points,
    places_of,
    refuse_huge,
    stretches_of,
)

NAN = np.nan


def fill(times, values, points, kind, limit=None, cut=None):
    """Values of one series on the grid of whole seconds, cut before sample number ``cut``."""
    times = np.array(times)
    cuts = np.array([] if cut is None else [cut], dtype=np.int64)
    below, above = Grid(1.0, datetimes=False).neighbours(times)
    stretch = np.searchsorted(cuts, np.arange(len(times)), side="right")
    samples = Samples(below, above, times, stretch)
    index = np.array(points)
    begins = times[cuts]
    targets = Targets(index, index * 1.0, np.searchsorted(begins, index, side="right"))
    found = fill_points(
        np.array(values), samples, places_of(samples, targets), targets, kind, limit
    )
    return found.tolist()


@pytest.mark.parametrize("interval", [0.1, 0.3, 1 / 3, 60.0])
def test_points_of_a_grid_lie_on_it_and_nowhere_between(interval):
    grid, index = Grid(interval, datetimes=False), np.arange(-1000, 1000)
    below, above = grid.neighbours(grid.instants(index))
    np.testing.assert_array_equal(below, index)
    np.testing.assert_array_equal(above, index)


def test_stamps_of_a_decimal_interval_are_the_decimals_that_one_writes():
    assert Grid(0.1, datetimes=False).instants(np.array([3, 6, 7])).tolist() == [0.3, 0.6, 0.7]


def test_datetimes_before_and_after_1970_lie_between_their_neighbours():
    stamps = np.array(["1969-12-31T23:59:59.5", "1970-01-01", "1970-01-01T00:00:05"], "M8[ns]")
    grid = Grid(2.0, datetimes=True)
    below, above = grid.neighbours(stamps)
    assert (below.tolist(), above.tolist()) == ([-1, 0, 2], [0, 0, 3])
    assert grid.instants(above)[2] == np.datetime64("1970-01-01T00:00:06", "ns")


@pytest.mark.parametrize("interval", [0.0, -1.0, NAN, np.inf])
@pytest.mark.parametrize("datetimes", [False, True])
def test_an_interval_that_is_no_time_is_refused_with_what_it_is(interval, datetimes):
    with pytest.raises(ParameterError, match=r"needs to be a number of seconds above 0"):
        Grid(interval, datetimes)


def test_an_interval_below_a_nanosecond_is_refused_for_dates_alone():
    assert Grid(1e-10, datetimes=False).interval == 1e-10
    with pytest.raises(ParameterError, match=r"is 1e-10 s; .*, for dates from 1e-9 to 9e9$"):
        Grid(1e-10, datetimes=True)


def test_an_interval_that_stamps_cannot_tell_apart_is_refused():
    with pytest.raises(
        InputError, match=r"an interval of 1e-08 s is too short for stamps of 1000000000 s"
    ):
        Grid(1e-8, datetimes=False).neighbours(np.array([0.0, 1e9]))


def test_every_stretch_has_its_own_points_and_no_point_belongs_to_two():
    # samples at 0.5, 2.5 | 2.7, 5.0: the cut lies within a cell of the grid
    below, above = Grid(1.0, datetimes=False).neighbours(np.array([0.5, 2.5, 2.7, 5.0]))
    spans, stretch = stretches_of(below, above, np.array([2]))
    assert spans == [(1, 3), (3, 6)]
    assert stretch.tolist() == [0, 0, 1, 1]
    # both sides touch point 2: it belongs to the first
    below, above = Grid(1.0, datetimes=False).neighbours(np.array([1.0, 2.0, 2.0, 3.0]))
    assert stretches_of(below, above, np.array([2]))[0] == [(1, 3), (3, 4)]


def test_a_stretch_between_two_points_has_none():
    below, above = Grid(1.0, datetimes=False).neighbours(np.array([0.2, 0.6]))
    assert stretches_of(below, above, np.array([], dtype=np.int64))[0] == [(1, 1)]


def test_values_are_held_on_a_line_or_averaged_as_worked_by_hand():
    times, values = [0.0, 0.5, 2.5, 3.0], [1.0, 3.0, 7.0, 11.0]
    assert fill(times, values, [0, 1, 2, 3], "hold") == [1, 3, 3, 11]
    # from (0.5, 3) to (2.5, 7) a value rises by 2 a second
    assert fill(times, values, [0, 1, 2, 3], "linear") == [1, 4, 6, 11]
    assert fill(times, values, [0, 1, 2, 3], "mean") == [1, 3, 3, 9]


def test_what_is_older_than_the_limit_is_not_used():
    times, values = [0.0, 4.0], [1.0, 5.0]
    assert fill(times, values, [0, 1, 2, 3, 4], "hold", limit=2.0)[:3] == [1, 1, 1]
    assert np.isnan(fill(times, values, [3], "hold", limit=2.0)).all()
    assert np.isnan(fill(times, values, [1, 2, 3], "linear", limit=3.0)).all()
    assert fill(times, values, [0, 2, 4], "linear", limit=4.0) == [1, 3, 5]


@pytest.mark.parametrize("kind", ["hold", "linear", "mean"])
def test_no_value_comes_from_the_other_side_of_a_cut(kind):
    found = fill([0.0, 1.0, 1.5, 3.0], [1.0, 2.0, 8.0, 9.0], [0, 1], kind, cut=2)
    assert found == [1, 2]
    [second] = fill([0.0, 1.0, 1.5, 3.0], [1.0, 2.0, 8.0, 9.0], [2], kind, cut=2)
    assert second == (8.0 + 1 / 3 if kind == "linear" else 8.0)


def test_a_mean_after_a_cut_leaves_out_what_lies_before_it_in_the_same_cell():
    assert fill([0.5, 1.2, 1.6, 2.0], [1.0, 2.0, 8.0, 10.0], [2], "mean", cut=2) == [9]


def test_a_series_without_values_stays_without():
    assert np.isnan(fill([], [], [0, 1], "mean")).all()


def test_samples_that_are_left_out_leave_the_others_at_their_places():
    times = np.array([0.0, 0.5, 1.5, 2.0])
    samples = Samples(*Grid(1.0, datetimes=False).neighbours(times), times, np.zeros(4, np.int64))
    targets = Targets(np.arange(3), np.arange(3.0), np.zeros(3, np.int64))
    kept = np.array([True, False, True, False])
    found, direct = places_of(samples, targets).keep(kept), places_of(samples.keep(kept), targets)
    for name in ("last", "next", "first"):
        assert getattr(found, name).tolist() == getattr(direct, name).tolist()
    assert found.last.tolist() == [0, 0, 1]


def test_a_grid_is_refused_when_it_is_a_hundred_times_what_is_known():
    refuse_huge(10**7, 10, 10, 0.5)  # a gigabyte is taken, however little is known
    refuse_huge(10**8, 10, 10**7, 0.5)
    with pytest.raises(InputError) as caught:
        refuse_huge(10**8 + 1, 1, 10, 0.5, "log.csv")
    assert str(caught.value) == (
        "log.csv: a grid of 0.5 s has 100000001 rows × 1 sensors, made from 10 values; choose a "
        "longer interval with --resample"
    )
    with pytest.raises(InputError, match=r"^a grid of 0.5 s has"):
        refuse_huge(2 * 10**9 + 1, 1, 10**9, 0.5)
