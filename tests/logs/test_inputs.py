"""What callers pass as a log becomes checked runs, or is refused in words that help."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from dccad.errors import ColumnNamesWarning, InputError
from dccad.logs.inputs import check_log, check_same_sensors, check_sensors_of_fit
from dccad.logs.runs import Reading, Run

ROWS = np.arange(8.0).reshape(4, 2)
STAMPS = np.datetime64("2024-01-01", "ns") + np.arange(4) * np.timedelta64(1, "s")


@pytest.mark.parametrize(
    ("log", "single", "keys", "names"),
    [
        (ROWS, True, None, ["log"]),
        (ROWS.tolist(), True, None, ["log"]),
        ([ROWS, ROWS + 1], False, None, ["run 0", "run 1"]),
        ({"pump": ROWS, 7: ROWS}, False, ("pump", 7), ["pump", "7"]),
        (Run(ROWS, ("a", "b"), "mill"), True, None, ["mill"]),
    ],
)
def test_every_form_of_a_log_is_understood_and_remembered(log, single, keys, names):
    checked = check_log(log)
    assert (checked.single, checked.keys) == (single, keys)
    assert [segment.name for segment in checked.segments] == names
    np.testing.assert_array_equal(checked.segments[0].values, ROWS)


def test_a_time_column_of_a_frame_or_index_is_the_time_and_no_sensor():
    data = {"a": ROWS[:, 0], "b": ROWS[:, 1]}
    frames = [
        pl.DataFrame({"when": STAMPS, **data}),
        pd.DataFrame({"when": STAMPS, **data}),
        pd.DataFrame(data, index=pd.DatetimeIndex(STAMPS)),
        pd.DataFrame(
            data, index=pd.DatetimeIndex(STAMPS).tz_localize("UTC").tz_convert("Asia/Tokyo")
        ),
    ]
    for frame in frames:
        checked = check_log(frame)
        assert checked.columns == ("a", "b")
        assert checked.named
        np.testing.assert_array_equal(checked.segments[0].time, STAMPS)
        np.testing.assert_array_equal(checked.segments[0].values, ROWS)


def test_single_precision_stays_and_other_numbers_become_double():
    for kind, expected in [("f4", "f4"), ("f8", "f8"), ("i8", "f8"), ("?", "f8"), ("f2", "f8")]:
        [segment] = check_log(np.ones((3, 2), dtype=kind)).segments
        assert segment.values.dtype == expected, kind


def test_a_log_is_cut_at_gaps_and_nothing_is_filled_across_them():
    values = np.array([[1.0], [2.0], [np.nan], [50.0], [51.0]])
    run = Run(values, ("a",), time=np.array([0.0, 1.0, 2.0, 60.0, 61.0]))
    checked = check_log(run, Reading(on_missing="interpolate"))
    filled = [segment.values.ravel().tolist() for segment in checked.segments]
    assert filled == [[1, 2, 2], [50, 51]]  # 2, and not a value between 2 and 50
    assert (checked.lengths, dict(checked.filled)) == ((5,), {"a": 1})
    assert np.isnan(values[2, 0])  # the caller's values stay


def test_a_checked_log_is_not_checked_again():
    checked = check_log(ROWS)
    assert check_log(checked) is checked


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ({}, "the log holds no run"),
        (np.zeros((0, 2)), "run 'log' is empty: 0 rows"),
        (np.zeros(4), r"shape \(4,\); needed is a table of rows"),
        (np.zeros((4, 0)), r"0 feature\(s\)"),
        (np.array([[1, 2], [3, "x"]], dtype=object), "text at row 1, column 1: 'x'"),
        ([[1, 2], [3]], "unlike items"),
        (ROWS + 1j, "Complex data not supported"),
        ("log.csv", "is a path, 'log.csv'"),
        ([Run(ROWS, ("a", "b")), Run(ROWS, ("b", "a"), "second")], "'second' has other columns"),
        (Run(ROWS, ("a",)), "names 1 columns but its rows have 2"),
        (Run(ROWS, ("a", "b"), time=np.arange(3.0)), r"stamps of shape \(3,\) .* for 4 rows"),
    ],
)
def test_what_is_no_log_is_refused_in_words_that_help(log, words):
    with pytest.raises(InputError, match=words):
        check_log(log)


def test_sensors_are_compared_by_name_only_where_both_logs_have_names():
    with pytest.raises(InputError, match="the order differs: 'b' stands where 'a' is expected"):
        check_same_sensors(("a", "b"), ("b", "a"), named=True)
    check_same_sensors(("a", "b"), ("b", "a"), named=False)
    with pytest.raises(InputError, match="X has 1 features, but DCCA is expecting 2 features"):
        check_same_sensors(("a", "b"), ("a",), named=False)


@pytest.mark.parametrize(
    ("fit_named", "log_named", "words"),
    [
        (True, False, "X does not have valid feature names"),
        (False, True, "X has feature names, but DCCA was fitted without"),
    ],
)
def test_names_on_one_side_only_warn_as_scikit_learn_does(fit_named, log_named, words):
    with pytest.warns(ColumnNamesWarning, match=words):
        check_sensors_of_fit(("a",), fit_named, ("x",), log_named)
