"""Numbers as time stamps: seconds, counts since 1970, and digits of a date."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from stamp_columns import instants, read, refusal

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


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(number):
    assert "has no finite number in row 1" in refusal([0.0, number, 2.0])
    assert "row 1" in refusal(pl.Series([0.0, None, 2.0]))
    assert "is blank in row 1" in refusal(pl.Series([dt.datetime(2020, 1, 1), None]))
