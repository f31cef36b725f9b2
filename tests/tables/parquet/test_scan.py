"""What is told of a Parquet log before its rows are read: size, unit of time, runs and order."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dccad.errors import InputError, ParameterError
from dccad.tables.files.sources import expand_sources
from dccad.tables.layout.columns import Columns
from dccad.tables.opened import OpenedTable
from dccad.tables.options import TableOptions
from dccad.tables.parquet import scan
from dccad.tables.parquet.scan import (
    NotStreamedError,
    ParquetTable,
    find_runs,
    find_unit,
    is_large,
    median_of,
    refuse_disorder,
    refuse_other_formats,
)
from dccad.tables.time.stamps import read_instants

# no deadline: the first example pays for imports, and other work may slow the machine
patient = settings(deadline=None, max_examples=60)

DAYS = [dt.datetime(2020, 3, day, 10, 14, 33, 250_000) for day in (9, 10, 12)]


def table(unit=None, **columns):
    """A table with sensor ``x`` and, where there are such columns, a time and a run."""
    frame = pl.DataFrame(columns)
    times = tuple(name for name in ("date", "t") if name in columns)
    run = "batch" if "batch" in columns else None
    chosen = Columns(("x",), times, run, (), ())
    return ParquetTable(
        OpenedTable(frame.lazy(), "FILE", "log", "Parquet"), chosen, frame.height, True, unit
    )


def refusal(function, *arguments, error=InputError):
    with pytest.raises(error) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Times --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stamps", "unit"),
    [
        (pl.Series(DAYS), None),
        (pl.Series(DAYS, dtype=pl.Datetime("ns")), None),
        (pl.Series(DAYS).cast(pl.Date), None),
        (pl.Series(DAYS) - DAYS[0], None),
        (pl.Series([0, 5, 7]), ""),
        (pl.Series([0.5, 5.25, 7.0]), ""),
        (pl.Series([1583748873, 1583748874, 1583748875]), "s"),
        (pl.Series([1583748873.5, 1583748874.5, 1583748875.5]), "s"),
        (pl.Series([1583748873123, 1583748873124, 1583748873125]), "ms"),
    ],
)
def test_stamps_are_those_of_a_table_that_is_read_at_once(stamps, unit):
    whole = read_instants(stamps.alias("t"), time_format=None, timezone=None, source="FILE").values
    log = table(unit, t=stamps, x=[1.0, 2.0, 3.0])
    assert find_unit(log, None, None) == unit
    np.testing.assert_array_equal(log.instants(0, 3), whole, strict=True)
    np.testing.assert_array_equal(log.instants(1, 2), whole[1:2], strict=True)
    assert log.time_kind == whole.dtype.kind


def test_a_log_without_a_time_column_has_no_times():
    log = table(x=[1.0])
    assert (log.instants(0, 1), log.time_kind, find_unit(log, None, None)) == (None, "", None)


@pytest.mark.parametrize("blank", [None, float("nan"), float("inf")])
def test_a_blank_stamp_is_named_by_its_row_in_the_file(blank):
    log = table("", t=[0.0, 1.0, 2.0, blank], x=[1.0] * 4)
    assert refusal(log.instants, 2, 4) == (
        "FILE: time column 't' is blank in row 3, counted from 0; fill in the time or remove the "
        "row"
    )


@pytest.mark.parametrize(
    ("columns", "time_format", "timezone", "said"),
    [
        ({"t": ["9.3.2020"]}, None, None, "FILE: time column 't' is text, whose form is told by"),
        (
            {"date": [DAYS[0].date()], "t": [DAYS[0].time()]},
            *(None, None, "FILE: time column 'date' and 't' is text"),
        ),
        ({"t": [DAYS[0]]}, None, "Europe/Berlin", "FILE: --timezone moves time stamps by what"),
        ({"t": [20200309101433]}, None, None, "FILE: time column 't' spells dates in digits"),
        ({"t": [200309]}, "%y%m%d", None, "FILE: time column 't' spells dates in digits"),
        ({"t": [None]}, "s", None, "FILE: time column 't' is text"),
    ],
)
def test_times_that_only_all_rows_tell_are_not_read_in_pieces(columns, time_format, timezone, said):
    log = table(**columns, x=[1.0])
    assert refusal(find_unit, log, time_format, timezone, error=NotStreamedError).startswith(said)


def test_the_unit_that_the_user_gives_counts():
    assert find_unit(table(t=[5, 6], x=[1.0, 2.0]), "ms", None) == "ms"


# Runs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 2, 3, 100])
def test_runs_do_not_depend_on_how_many_rows_are_looked_at_together(monkeypatch, rows):
    monkeypatch.setattr(scan, "BLOCK_ROWS", rows)
    log = table(batch=["a", "a", "a", "b", "c", "c"], x=[1.0] * 6)
    assert find_runs(log, "batch") == [("a", 0, 3), ("b", 3, 4), ("c", 4, 6)]
    assert find_runs(log, None) == [("log", 0, 6)]


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_runs_that_are_blank_or_scattered_are_refused_by_their_row(monkeypatch, rows):
    monkeypatch.setattr(scan, "BLOCK_ROWS", rows)
    blank = table(batch=["a", "a", None], x=[1.0] * 3)
    assert "run column 'batch' is blank in row 2 (counted from 0)" in refusal(
        find_runs, blank, "batch"
    )
    scattered = table(batch=["a", "b", "b", "a"], x=[1.0] * 4)
    assert "run 'a' starts again at row 3 (counted from 0)" in refusal(
        find_runs, scattered, "batch"
    )


# Order --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 10])
@pytest.mark.parametrize(("stamps", "row"), [([0.0, 1.0, 2.0, 1.5, 3.0], 3), ([0.0, 0.0], 1)])
def test_rows_out_of_order_are_named_wherever_a_block_ends(size, stamps, row):
    blocks = (np.array(stamps[i : i + size]) for i in range(0, len(stamps), size))
    assert f"the time stamp of row {row} of run 'a' (counted from 0) is not later" in refusal(
        refuse_disorder, blocks, "a", "FILE", error=NotStreamedError
    )


@pytest.mark.parametrize("size", [1, 7, 48, 1000])
def test_a_spring_change_of_the_clock_is_seen_wherever_a_block_ends(size):
    stamps = np.arange("2020-03-28T02:00", "2020-03-30T02:00", 30, "M8[m]").astype("M8[ns]")
    stamps[stamps >= np.datetime64("2020-03-29T02:00")] += np.timedelta64(1, "h")
    blocks = [stamps[i : i + size] for i in range(0, len(stamps), size)]
    assert "time stamps of run 'a' show daylight saving" in refusal(
        refuse_disorder, iter(blocks), "a", "FILE", error=NotStreamedError
    )


def test_an_even_log_is_in_order():
    stamps = np.arange("2020-03-28", "2020-03-30", 30, "M8[m]").astype("M8[ns]")
    assert refuse_disorder(iter([stamps[:7], stamps[7:]]), "a", "FILE") is None


# Median -------------------------------------------------------------------------------------------


@patient
@given(
    st.lists(st.floats(1e-300, 1e300), min_size=1, max_size=40),
    st.integers(1, 40),
)
def test_the_median_in_passes_is_that_of_all_numbers_at_once(numbers, size):
    blocks = [np.array(numbers[i : i + size]) for i in range(0, len(numbers), size)]
    assert median_of(lambda: blocks) == np.median(numbers)


def test_nothing_has_no_median():
    assert np.isnan(median_of(lambda: [np.empty(0)]))


# Files --------------------------------------------------------------------------------------------


def test_a_log_is_large_by_its_values_in_double_precision(tmp_path):
    for day in (1, 2):
        pl.DataFrame({"a": [1.0] * 10, "b": [2.0] * 10}).write_parquet(tmp_path / f"{day}.parquet")
    assert is_large([str(tmp_path)], TableOptions(), 2 * 2 * 10 * 8)
    assert not is_large([str(tmp_path)], TableOptions(), 2 * 2 * 10 * 8 + 1)
    assert not is_large([str(tmp_path)], TableOptions(columns=("a",)), 2 * 10 * 8 + 1)
    assert not is_large([str(tmp_path)], TableOptions())


def test_what_is_no_parquet_is_never_large_and_nothing_is_refused_yet(tmp_path):
    (tmp_path / "a.csv").write_text("a\n1\n")
    (tmp_path / "b.parquet").write_bytes(b"PAR1\0damagedPAR1")
    for name in ("a.csv", "b.parquet", "missing.parquet"):
        assert not is_large([str(tmp_path / name)], TableOptions(), 0)
    assert not is_large(["-"], TableOptions(), 0)


def test_other_formats_are_not_read_in_pieces(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")
    assert refusal(
        refuse_other_formats, expand_sources([path]), TableOptions(), error=NotStreamedError
    ) == (
        f"{path} is of format CSV, and only Parquet is read in pieces: convert it, or leave "
        "--stream out"
    )
    pl.DataFrame({"a": [1.0]}).write_parquet(tmp_path / "a.parquet")
    sources = expand_sources([tmp_path / "a.parquet"])
    assert "--sheet is for spreadsheets" in refusal(
        refuse_other_formats, sources, TableOptions(sheet="1"), error=ParameterError
    )
