"""A Parquet log read in pieces holds what the same files give when they are read at once."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from dccad.errors import InputError
from dccad.logs.runs import split_at_gaps
from dccad.tables import read_tables
from dccad.tables.options import TableOptions
from dccad.tables.parquet import log as parquet_log
from dccad.tables.parquet.log import ParquetLog
from dccad.tables.parquet.scan import NotStreamedError

T0 = dt.datetime(2020, 3, 9, 10, 14, 33)


@pytest.fixture
def day(folder):
    """Write a day of rows, a minute apart but for the gaps before the rows that are named."""

    def write(number, n_rows=20, gaps=(), **columns):
        minutes = np.arange(n_rows) + 100 * np.isin(np.arange(n_rows), gaps).cumsum()
        rng = np.random.default_rng(number)
        frame = {
            "time": [T0 + dt.timedelta(days=number, minutes=int(minute)) for minute in minutes],
            "flow": rng.normal(size=n_rows),
            "count": [None if i % 7 == 3 else i for i in range(n_rows)],
            "on": rng.random(n_rows) > 0.5,
            **columns,
        }
        pl.DataFrame(frame).write_parquet(f"day{number}.parquet", row_group_size=6)

    return write


def refusal(options=TableOptions(), error=InputError):  # noqa: B008  # frozen
    with pytest.raises(error) as caught:
        ParquetLog(".", options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("join", [False, True])
@pytest.mark.parametrize("rows", [5, 1000])
def test_runs_rows_and_gaps_are_those_of_the_files_read_at_once(day, monkeypatch, join, rows):
    monkeypatch.setattr(parquet_log, "BLOCK_ROWS", rows)
    day(1, gaps=(4, 15))
    day(2, n_rows=13)
    day(10)
    options = TableOptions(join=join)
    log, whole = ParquetLog(".", options), read_tables(".", options).runs
    assert log.run_names == tuple(whole)
    assert log.run_lengths == tuple(map(len, whole.values()))
    assert (log.n_rows, log.columns, log.has_time) == (53, ("flow", "count", "on"), True)
    for number, run in enumerate(whole.values()):
        read = log.read(number, 0, len(run))
        np.testing.assert_array_equal(read.values, run.values, strict=True)
        np.testing.assert_array_equal(read.time, run.time, strict=True)
        np.testing.assert_array_equal(log.read(number, 7, 12).values, run.values[7:12])
    for max_gap in (None, 59.0, 7000.0):
        cut = [len(part) for run in whole.values() for part in split_at_gaps(run, max_gap)]
        assert [part.stop - part.start for part in log.segments(max_gap)] == cut


def test_a_gap_begins_a_segment_at_the_row_after_it(day):
    day(1, gaps=(4, 15))
    [first, second, third] = ParquetLog(".").segments()
    assert (first.run, first.start, first.stop) == (0, 0, 4)
    assert (second.start, second.stop, third.start, third.stop) == (4, 15, 15, 20)


def test_rows_of_two_files_are_read_across_their_border(day):
    day(1)
    day(2)
    log = ParquetLog(".", TableOptions(join=True))
    assert log.run_names == ("day1 … day2",)
    assert log.read(0, 18, 22).values[:, 1].tolist()[0:1] == [18.0]
    assert log.read(0, 19, 22).values[:, 1].tolist() == [19.0, 0.0, 1.0]


def test_runs_of_one_name_are_told_apart_by_a_number(day):
    for number in (1, 2):
        day(number, batch=["a"] * 12 + ["b"] * 8)
    log = ParquetLog(".", TableOptions(run="batch"))
    assert log.run_names == ("a", "b", "a (2)", "b (2)")
    assert log.run_lengths == (12, 8, 12, 8)


def test_single_precision_stays_single(folder):
    values = np.array([0.1, 0.3, np.nan], dtype=np.float32)
    pl.DataFrame({"a": values, "b": values[::-1]}).write_parquet("log.parquet")
    log = ParquetLog("log.parquet")
    assert not log.has_time
    read = log.read(0, 1, 3)
    assert (read.values.dtype, read.time) == (np.float32, None)
    np.testing.assert_array_equal(read.values, np.column_stack((values, values[::-1]))[1:])
    assert [(part.start, part.stop) for part in log.segments(1.0)] == [(0, 3)]


def test_a_summary_says_where_the_log_begins_and_that_it_is_read_in_pieces(day):
    day(1)
    day(2, n_rows=13)
    log = ParquetLog(".")
    log.segments()
    first, second = log.summaries()
    assert (first.rows, second.rows, first.runs, second.runs) == (20, 13, ("day1",), ("day2",))
    assert (first.start, first.end) == ("2020-03-10T10:14:33", "2020-03-10T10:33:33")
    assert (first.interval, first.format, first.sensors) == (60.0, "Parquet", log.columns)
    assert "read in pieces: the log is not kept in memory" in first.notes
    assert not any("pieces" in note for note in second.notes)


def test_a_file_that_is_written_meanwhile_is_refused(day, folder):
    day(1)
    log = ParquetLog(".")
    log.refuse_if_changed()
    [identity] = log.identity()
    path = folder / "day1.parquet"
    assert (identity["path"], identity["size"]) == (str(path.resolve()), path.stat().st_size)
    day(1, n_rows=30)
    with pytest.raises(InputError, match=r"^day1.parquet changed while it was read \("):
        log.refuse_if_changed()


def test_what_takes_all_rows_at_once_is_refused_with_the_way_out(day):
    day(1)
    assert refusal(TableOptions(resample=60), NotStreamedError) == (
        "day1.parquet: --resample takes the whole log; leave it out, or resample it beforehand"
    )
    day(1, state=["run"] * 20)
    assert refusal(error=NotStreamedError) == (
        "day1.parquet: columns that are not stored as numbers: 'state'; write them as numbers, or "
        "leave them out with --drop"
    )
    assert ParquetLog(".", TableOptions(drop=("state",))).columns == ("flow", "count", "on")


def test_a_long_table_is_refused(folder):
    pl.DataFrame({"time": [0.0, 1.0], "tag": ["a", "a"], "value": [1.0, 2.0]}).write_parquet("a.pq")
    assert refusal(error=NotStreamedError) == (
        "a.pq: a long table (one row per value) is made wide as a whole; write one column per tag"
    )


def test_files_of_other_columns_or_other_times_are_refused(day, folder):
    day(1)
    day(2, level=[1.0] * 20)
    assert refusal().startswith("run 'day2' has other columns than run 'day1': ")
    day(2, time=np.arange(20.0))
    assert refusal(TableOptions(join=True)) == (
        "--join: 'day1' and 'day2' do not both have time stamps of one kind; leave --join out, or "
        "name the time column with --time"
    )


def test_rows_that_would_have_to_be_sorted_are_refused(day):
    day(1, time=[0.0, 2.0, 1.0, *np.arange(3.0, 20.0)])
    assert refusal(TableOptions(time="time"), NotStreamedError).startswith(
        "day1.parquet: the time stamp of row 2 of run 'day1' (counted from 0) is not later"
    )
