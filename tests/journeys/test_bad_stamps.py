"""Time stamps that are out of order, repeated, missing or interrupted."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

from command_line import CHEAP
from conftest import FAST
from dccad import DCCA
from dccad.cli.main import main
from dccad.errors import InputError
from refusals import as_frame, raised, says, stamps, write

pytestmark = pytest.mark.filterwarnings("ignore::dccad.errors.DccadWarning")


def swap(time):
    time[5], time[6] = time[6], time[5]


def repeat(time):
    time[6] = time[5]


DAMAGED_TIME = {
    "newest first": (
        list.reverse,
        ["row 1 is not later", "sort the rows"],
        "the newest row comes first: all rows are sorted by time",
    ),
    "two rows swapped": (
        swap,
        ["row 6 is not later", "sort the rows by time"],
        "1 row is earlier than a row above it (first: row 6): all rows are sorted by time",
    ),
    "a stamp repeated": (
        repeat,
        ["row 6 is not later", "remove duplicates"],
        "1 row repeats the stamp of another: the last one in the file counts",
    ),
}


@pytest.mark.parametrize("case", DAMAGED_TIME)
def test_time_stamps_of_data_frames_that_do_not_increase_are_refused(log, detector, case):
    damage, words, _ = DAMAGED_TIME[case]
    time = stamps(120)
    damage(time)
    frame = as_frame(log, time=time)
    pandas = frame.to_pandas()
    for table in (frame, pandas, pandas.set_index("time")):
        says(raised(InputError, DCCA(**FAST).fit, table), "run 'log'", *words)
        says(raised(InputError, detector.decision_function, table), *words)


@pytest.mark.parametrize("name", ["log.csv", "log.parquet"])
@pytest.mark.parametrize("case", DAMAGED_TIME)
def test_rows_of_a_file_that_are_out_of_order_are_sorted_and_the_user_is_told(
    log, detector, trained_folder, tmp_path, monkeypatch, capsys, case, name
):
    damage, _, note = DAMAGED_TIME[case]
    monkeypatch.chdir(tmp_path)
    time = stamps(120)
    damage(time)
    write(log, name, time=time)
    assert main(["score", str(trained_folder), name, "-o", "s.parquet"]) == 0
    assert note in " ".join(capsys.readouterr().out.split())
    rows = {stamp: row for row, stamp in enumerate(time)}  # the last one counts
    order = [rows[stamp] for stamp in sorted(rows)]
    table = pl.read_parquet("s.parquet")
    assert table["time"].to_list() == sorted(rows)
    expected = detector.decision_function(as_frame(log[order]))
    np.testing.assert_array_equal(table["score"].to_numpy(), expected)


def test_rows_without_a_time_stamp_are_refused(log, detector, trained_folder, refused):
    time = stamps(120)
    time[6] = None
    frame = as_frame(log, time=time)
    pandas = frame.to_pandas()
    for table in (frame, pandas, pandas.set_index("time")):
        words = ("run 'log' has rows without a time stamp", "remove those rows")
        says(raised(InputError, DCCA(**FAST).fit, table), *words)
        says(raised(InputError, detector.decision_function, table), *words)
    for name in ("log.csv", "log.parquet"):
        write(frame, name)
        words = (
            f"{name}: time column 'time' is blank in row 6, counted from 0",
            "fill in the time",
        )
        says(refused("fit", name, "-o", "new", *CHEAP), *words)
        says(refused("score", trained_folder, name, "-o", "scores.csv"), *words)


def test_several_time_columns_are_refused_until_one_is_chosen(log, refused, capsys):
    frame = as_frame(log, time=stamps(120), logged=stamps(120, first=7))
    words = ("'time', 'logged'", "several")
    says(raised(InputError, DCCA(**FAST).fit, frame), *words, "keep one")
    says(raised(InputError, DCCA(**FAST).fit, frame.to_pandas()), *words)
    name = write(frame)
    says(refused("fit", name, "-o", "new", *CHEAP), *words, "--time", "--drop")
    chosen = ["--time", "time", "--drop", "logged"]
    assert main(["fit", name, "-o", "new", *chosen, *CHEAP]) == 0


def test_no_window_spans_a_gap_in_time(log, trained_folder, detector, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = as_frame(log, time=[*stamps(50), *stamps(70, first=90)])
    empty = [*range(7), *range(50, 57)]
    for table in (frame, frame.to_pandas(), frame.to_pandas().set_index("time")):
        scores = detector.decision_function(table)
        assert np.flatnonzero(np.isnan(scores)).tolist() == empty
    assert main(["score", str(trained_folder), write(frame), "-o", "s.parquet"]) == 0
    table = pl.read_parquet("s.parquet")
    assert np.flatnonzero(np.isnan(table["score"].to_numpy())).tolist() == empty
    assert table["region"].to_numpy()[empty].tolist() == [-1] * 14


def test_a_clock_change_is_no_gap_and_no_repetition(log, detector):
    index = pd.date_range("2024-10-27 00:00", periods=120, freq="5min", tz="Europe/Berlin")
    frame = as_frame(log).to_pandas().set_index(index)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = detector.decision_function(frame)
        in_a_column = detector.decision_function(frame.reset_index(names="time"))
    assert np.isnan(scores).sum() == 7
    np.testing.assert_array_equal(scores, in_a_column)
