"""What is remembered of the rows of a stream: order, gaps and held values, by loops and by hand."""

from dataclasses import replace
from datetime import datetime
from statistics import median

import numpy as np
import pandas as pd
import pytest

from dccad.errors import InputError
from dccad.logs.runs import GAP_STEPS
from dccad.streaming.arriving_rows import STEPS_REMEMBERED, ArrivingRows, StreamPolicy

POLICY = StreamPolicy(("flow", "level"), None, "hold", 2, "abc")
NAN = np.nan


def arriving(**changed):
    return ArrivingRows(replace(POLICY, **changed))


def take(rows, row):
    """Take a row as a stream does; what it is filled with."""
    filled, absent = rows.fill(rows.check(row), forget=False)
    if filled is not None:
        rows.last, rows.absent = filled, absent
    return None if filled is None else filled.tolist()


# -- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [[1, 2], (1.0, "2"), {"level": 2, "flow": 1}, np.array([1.0, 2.0])])
def test_a_row_is_read_in_the_order_of_the_sensors(row):
    found = arriving().check(row)
    assert found.tolist() == [1.0, 2.0]
    assert found.dtype == np.float64


def test_the_row_that_was_passed_is_not_changed_later():
    mine = np.array([1.0, 2.0])
    found = arriving().check(mine)
    found[0] = 9.0
    assert mine.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"flow": 1.0}, "missing: 'level'"),
        ({"flow": 1.0, "level": 2.0, "speed": 3.0}, "not expected: 'speed'"),
        ([1.0, 2.0, 3.0], r"shape \(3,\); needed are the 2 sensors of the fit \('flow', 'level'\)"),
        ([-np.inf, 0.0], "'flow' is -inf"),
        ([0.0, 3.5e38], r"'level' is 3\.5e\+38"),
        ("low", "the row is 'low'; needed are 2 numbers"),
    ],
)
def test_a_row_of_other_sensors_or_without_finite_numbers_is_refused(row, message):
    with pytest.raises(InputError, match=message):
        arriving().check(row)


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_values_are_held_for_as_many_rows_as_a_loop_allows(limit):
    rng = np.random.default_rng(limit)
    table = rng.normal(size=(200, 2))
    table[rng.random((200, 2)) < 0.4] = NAN
    rows, held, age, refused = arriving(fill_limit=limit), [None, None], [0, 0], 0
    for row in table:
        ages = [0 if value == value else age[i] + 1 for i, value in enumerate(row)]
        values = [value if value == value else held[i] for i, value in enumerate(row)]
        if None in values or max(ages) > limit:
            refused += 1
            with pytest.raises(InputError, match=f"fill_limit={limit}"):
                take(rows, row)
            continue  # a refused row changes nothing
        assert take(rows, row) == values
        held, age = values, ages
    assert 0 < refused < 200


def test_a_refused_row_leaves_what_was_held():
    rows = arriving()
    take(rows, [1.0, 2.0])
    assert take(rows, [NAN, 3.0]) == [1.0, 3.0]
    with pytest.raises(InputError, match="'speed'"):
        rows.check({"flow": 1.0, "level": 2.0, "speed": 3.0})
    assert (rows.last.tolist(), rows.absent.tolist()) == ([1.0, 3.0], [1, 0])


def test_nothing_is_held_over_a_gap_or_after_forgetting():
    rows = arriving()
    take(rows, [1.0, 2.0])
    with pytest.raises(InputError, match="'level' has had no value"):
        rows.fill(np.array([1.0, NAN]), forget=True)
    assert take(rows, [5.0, NAN]) == [5.0, 2.0]  # it was asked only: nothing is lost
    rows.forget()
    assert np.isnan(rows.last).all()
    assert rows.absent.tolist() == [0, 0]
    with pytest.raises(InputError, match="'flow' has had no value"):
        rows.fill(np.array([NAN, 1.0]), forget=False)


def test_a_policy_drops_or_refuses_rows_with_a_missing_value():
    assert take(arriving(on_missing="drop"), [1.0, NAN]) is None
    assert take(arriving(on_missing="drop"), [1.0, 2.0]) == [1.0, 2.0]
    rows = arriving(on_missing="error")
    take(rows, [1.0, 2.0])
    with pytest.raises(InputError, match="'flow', 'level' without a value"):
        take(rows, [NAN, NAN])


# -- time ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stamp",
    [
        datetime(2024, 1, 1, 0, 0, 1, 500_000),
        np.datetime64("2024-01-01T00:00:01.500"),
        pd.Timestamp("2024-01-01 00:00:01.5"),
        1_704_067_201.5,
    ],
)
def test_every_kind_of_stamp_gives_seconds(stamp):
    assert arriving().seconds(stamp) == 1_704_067_201.5


def test_stamps_come_with_every_row_in_order_or_with_none():
    rows = arriving()
    assert rows.seconds(None) is None
    rows.remember_time(5.0)
    for late in (5.0, 4.0):
        with pytest.raises(InputError, match=f"{late} is not later"):
            rows.seconds(late)
    with pytest.raises(InputError, match="with every row of a stream, or with none"):
        rows.seconds(None)
    with pytest.raises(InputError, match="no time stamp"):
        rows.seconds(np.datetime64("NaT"))
    assert rows.seconds(5.5) == 5.5
    bare = arriving()
    bare.remember_time(None)
    with pytest.raises(InputError, match="with every row of a stream, or with none"):
        bare.seconds(1.0)


def test_a_gap_is_a_step_far_above_the_median_of_the_remembered_ones():
    rng = np.random.default_rng(0)
    rows, steps, time = arriving(), [], 0.0
    assert not rows.is_gap(1e9)  # no row before
    rows.remember_time(time)
    assert not rows.is_gap(1e9)  # no step before
    sizes = np.concatenate((rng.uniform(0.5, 1.5, 150), rng.uniform(5, 15, 150)))
    for size in sizes:
        time += size
        rows.remember_time(time)
        steps.append(size)
        limit = GAP_STEPS * median(steps[-STEPS_REMEMBERED:])
        assert rows.is_gap(time + 1.001 * limit)
        assert not rows.is_gap(time + 0.999 * limit)
    assert limit > 25  # the first steps, of about 1 s, are forgotten
    assert not rows.is_gap(None)


def test_max_gap_replaces_the_usual_step():
    rows = arriving(max_gap=3.0)
    rows.remember_time(10.0)
    assert not rows.is_gap(13.0)
    assert rows.is_gap(13.1)
    rows.remember_time(11.0)
    assert not rows.is_gap(14.0)
