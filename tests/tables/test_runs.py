"""Rows of a table as runs: in the order of time, on a grid, with labels; several tables as one."""

import datetime as dt
import json

import numpy as np
import polars as pl
import pytest

from tables_in_folder import column, read, refusal, write


def minutes(run):
    """Minutes since the first stamp."""
    return ((run.time - run.time[0]) / np.timedelta64(60, "s")).tolist()


# Runs of one table --------------------------------------------------------------------------------

BATCHES = [
    "batch,time,flow",
    *("7,0,1", "7,10,2", "7,5,3", "7,10,4"),
    *("03,0,5", "03,10,6", "03,20,7", "03,300,8"),
]


def test_each_run_is_brought_into_its_own_order_of_time(folder):
    runs, summary = read(write("line.csv", *BATCHES), run="batch", time="time")
    assert list(runs) == ["7", "03"] == list(summary.runs)
    assert (runs["7"].time.tolist(), column(runs["7"])) == ([0, 5, 10], [1, 3, 4])
    assert (runs["03"].time.tolist(), column(runs["03"])) == ([0, 10, 20, 300], [5, 6, 7, 8])
    assert (summary.rows, summary.start, summary.end) == (7, "0.0", "300.0")


def test_what_was_resolved_and_where_it_jumps_is_told_with_the_name_of_the_run(folder):
    _, summary = read(write("line.csv", *BATCHES), run="batch", time="time")
    assert summary.notes == (
        "separator ',' (from the first 9 lines)",
        "run 7: 1 row is earlier than a row above it (first: row 2): all rows are sorted by time",
        "run 7: 1 row repeats the stamp of another: the last one in the file counts",
        "run 03: 1 gap longer than 50 s (5 times the median step): 280 s, from 20 to 300",
        "run 03: steps are irregular: 66.7 % are within 1 % of the median, 10 s",
    )
    assert summary.gaps == (
        {"run": "03", "row": 3, "start": "20.0", "end": "300.0", "seconds": 280.0},
    )


def test_a_single_run_is_not_named_in_its_notes(folder):
    _, summary = read(write("line.csv", "time,flow", "0,1", "2,2", "1,3"), time="time")
    assert summary.notes[1] == (
        "1 row is earlier than a row above it (first: row 2): all rows are sorted by time"
    )


def test_a_longer_gap_is_none_where_it_is_allowed(folder):
    path = write("line.csv", "time,flow", "0,1", "1,2", "2,3", "60,4", "61,5")
    assert [gap["row"] for gap in read(path)[1].gaps] == [3]
    assert read(path, max_gap=58)[1].gaps == ()
    assert [gap["seconds"] for gap in read(path, max_gap=57)[1].gaps] == [58.0]


def test_labels_move_with_their_rows(folder):
    path = write("line.csv", "time,flow,label", "20,1,1", "0,2,0", "10,3,1", "10,4,0", "30,5,0")
    runs, summary = read(path, time="time")
    assert (column(runs["line"]), runs["line"].row_labels.tolist()) == ([2, 4, 1, 5], [0, 0, 1, 0])
    assert summary.labels == ("label",)


def test_units_stay_with_their_sensors(folder):
    path = write("line.csv", "time;flow;state;level", ";m3/h;;%", "10:00;1,5;0;70", "10:01;2,5;1;7")
    runs, summary = read(path, columns=("level", "state", "flow"), drop=("time",))
    assert (runs["line"].columns, runs["line"].units) == (
        ("level", "state", "flow"),
        ("%", "", "m3/h"),
    )
    assert summary.units == {"level": "%", "flow": "m3/h"}


def test_runs_that_were_recorded_side_by_side_show_no_change_of_the_clock(folder):
    """On the night in autumn one run ends at 02:50, and the next began at 02:00."""
    start = dt.datetime(2024, 10, 27)
    rows = [("a", 10 * i) for i in range(18)] + [("b", 10 * i) for i in range(12, 30)]
    lines = [f"{unit},{start + dt.timedelta(minutes=m)},{m}" for unit, m in rows]
    runs, summary = read(write("line.csv", "unit,time,flow", *lines), run="unit")
    assert str(runs["b"].time[0]) == "2024-10-27T02:00:00.000000000"
    assert not any("daylight" in note for note in summary.notes)
    for run in runs.values():
        assert minutes(run) == [10.0 * i for i in range(18)]


def test_stamps_that_are_missing_are_refused(folder):
    path = write("line.csv", "time,flow", "2024-01-01 00:00,1", ",2", "2024-01-01 00:02,3")
    assert refusal(path) == (
        "line.csv: time column 'time' is blank in row 1, counted from 0; fill in the time or "
        "remove the row"
    )


def test_a_summary_is_plain_data_for_machines(folder):
    path = write("line.csv", "time,flow,label", "2024-01-01T00:00,1,0", "2024-01-01T00:01:30,2,1")
    _, summary = read(path)
    assert json.loads(json.dumps(summary.as_record())) == {
        "source": "line.csv",
        "format": "CSV",
        "rows": 2,
        "runs": ["line"],
        "sensors": ["flow"],
        "units": {},
        "labels": ["label"],
        "start": "2024-01-01T00:00:00",
        "end": "2024-01-01T00:01:30",
        "interval": 90.0,
        "gaps": [],
        "notes": [
            "separator ',' (from the first 3 lines)",
            "time is column 'time'",
            "kept apart as labels: 'label' (0 and 1 under such a name; --columns makes them "
            "sensors)",
        ],
    }


def test_of_several_columns_of_labels_the_first_counts(folder):
    path = write("line.csv", "flow,late,early", "1,0,1", "2,1,1")
    runs, summary = read(path, label=("early", "late"))
    assert (runs["line"].row_labels.tolist(), summary.labels) == ([1, 1], ("early", "late"))


# On a grid ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fill", ["hold", "linear", "mean"])
def test_no_anomalous_row_is_lost_on_a_coarser_grid(folder, fill):
    anomalous = {1: 1, 9: 1, 12: 1}
    lines = [f"{t},{t},{anomalous.get(t, 0)}" for t in range(16)]
    path = write("line.csv", "time,flow,label", *lines)
    runs, _ = read(path, resample=3, fill=fill)
    assert runs["line"].time.tolist() == [0, 3, 6, 9, 12, 15]
    assert runs["line"].row_labels.tolist() == [0, 1, 0, 1, 1, 0]


@pytest.mark.parametrize(
    ("fill", "values"),
    [("hold", [1, 1, 5, 5, 9]), ("mean", [1, 1, 5, 5, 9]), ("linear", [1, 3, 5, 7, 9])],
)
def test_labels_are_held_on_a_finer_grid_until_the_next_row(folder, fill, values):
    path = write("line.csv", "time,flow,label", "0,1,0", "2,5,1", "4,9,0")
    runs, summary = read(path, resample=1, fill=fill)
    assert column(runs["line"]) == values
    assert runs["line"].row_labels.tolist() == [0, 0, 1, 1, 0]
    assert (summary.rows, summary.interval) == (5, 1.0)


def test_each_run_has_a_grid_of_its_own_and_its_gaps_stay(folder):
    path = write(
        "line.csv",
        "unit,time,flow",
        *(f"a,{t},{t}" for t in (0, 1, 2, 3, 50, 51, 52)),
        *(f"b,{t},{-t}" for t in (7, 8.5, 9, 10)),
    )
    runs, summary = read(path, run="unit", time="time", resample=2, fill="linear")
    assert (runs["a"].time.tolist(), column(runs["a"])) == ([0, 2, 50, 52], [0, 2, 50, 52])
    assert (runs["b"].time.tolist(), column(runs["b"])) == ([8, 10], [-8, -10])
    assert [(gap["run"], gap["seconds"]) for gap in summary.gaps] == [("a", 48.0)]
    assert "run b: resampled to 2 rows every 2 s, values on the line between neighbours" in (
        summary.notes
    )
    assert "run a: nothing is filled across 1 gap longer than 10 s" in summary.notes


def test_a_grid_needs_time_stamps(folder):
    assert refusal(write("line.csv", "flow", "1", "2"), resample=1) == (
        "line.csv: no time column was found, and --resample needs one: name it with --time"
    )


# Precision and size -------------------------------------------------------------------------------


def test_single_precision_stays_single_through_sorting_and_resampling(folder):
    values = np.array([0.1, 0.3, 0.2, 0.7], dtype=np.float32)
    frame = pl.DataFrame({"time": [0.0, 2.0, 1.0, 3.0], "flow": values, "label": [0, 1, 0, 0]})
    frame.write_parquet("line.parquet")
    runs, _ = read("line.parquet", time="time")
    assert runs["line"].values.dtype == np.float32
    np.testing.assert_array_equal(runs["line"].values[:, 0], values[[0, 2, 1, 3]])
    runs, _ = read("line.parquet", time="time", resample=1)
    assert runs["line"].values.dtype == np.float32
    np.testing.assert_array_equal(runs["line"].values[:, 0], values[[0, 2, 1, 3]])


# Long tables --------------------------------------------------------------------------------------


def long_lines(batches):
    """A report of two tags every minute, for each batch its own values and number of minutes."""
    lines = ["time,tag,value,unit,batch"]
    for batch, (first, count) in batches.items():
        for i in range(count):
            lines.append(f"{60 * i},FI1,{first + i},m3/h,{batch}")
            lines.append(f"{60 * i},PI1,{10 * (first + i)},bar,{batch}")
    return lines


def test_a_long_table_with_a_run_column_gives_a_run_of_each(folder):
    path = write("plant.csv", *long_lines({"b": (1, 3), "a": (5, 2)}))
    runs, summary = read(path, run="batch")
    assert list(runs) == ["b", "a"]
    assert runs["b"].values.tolist() == [[1, 10], [2, 20], [3, 30]]
    assert runs["a"].values.tolist() == [[5, 50], [6, 60]]
    assert runs["b"].time.tolist() == [0, 60, 120]
    assert runs["a"].columns == ("FI1", "PI1")
    assert (summary.rows, summary.interval) == (5, 60.0)
    told = "the tags report at common times, which are the rows; else the last value held"
    assert summary.notes[2:] == (f"run b: {told}", f"run a: {told}")


def test_the_units_of_a_long_table_are_kept(folder):
    path = write("plant.csv", *long_lines({"b": (1, 3)}))
    runs, summary = read(path, run="batch", drop=("FI1",))
    assert (runs["b"].columns, runs["b"].units) == (("PI1",), ("bar",))
    assert summary.units == {"PI1": "bar"}


def test_tags_of_a_long_table_are_chosen_as_columns_are(folder):
    path = write("plant.csv", *long_lines({"b": (1, 3)}))
    runs, summary = read(path, long=True, columns=("P*", "FI1"))
    assert runs["plant"].columns == ("PI1", "FI1")
    assert "columns that are not read: 'batch'" in summary.notes
    assert read(path, long=True, drop=("F*",))[0]["plant"].columns == ("PI1",)
    message = refusal(path, long=True, columns=("PI2",))
    assert message == "plant.csv: no sensor 'PI2'; did you mean 'PI1'?"
    assert refusal(path, long=True, drop=("PI2",)) == (
        "plant.csv: no column 'PI2' for --drop; did you mean 'PI1'?"
    )


def test_rows_of_a_long_table_that_belong_to_no_run_are_refused(folder):
    lines = long_lines({"b": (1, 3)})
    lines[3] = lines[3].removesuffix("b")
    assert refusal(write("plant.csv", *lines), run="batch") == (
        "plant.csv: run column 'batch' is blank in row 2 (counted from 0); fill it in every row"
    )


def test_a_column_that_a_long_table_lacks_is_named_with_the_file(folder):
    path = write("plant.csv", *long_lines({"b": (1, 3)}))
    assert refusal(path, run="bach") == (
        "plant.csv: no column 'bach' for --run; did you mean 'batch'?"
    )
    assert refusal(path, tag="tga").startswith("plant.csv: no column 'tga' for --tag; ")
