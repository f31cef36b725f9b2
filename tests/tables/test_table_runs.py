"""Rows of a table as runs: in the order of time, on a grid, with labels; several tables as one."""

import datetime as dt
import json
import os

import numpy as np
import polars as pl
import pytest

from dccad.errors import InputError
from dccad.tables import read_tables
from dccad.tables import runs as table_runs
from dccad.tables import values as table_values
from dccad.tables.options import TableOptions

NAN = float("nan")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory, so that messages name files as a user does."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name, *lines):
    with open(name, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return name


def read(inputs, **options):
    """Runs by name, and the summary of the last table."""
    tables = read_tables(inputs, TableOptions(**options))
    return tables.runs, tables.summaries[-1]


def refusal(inputs, **options):
    with pytest.raises(InputError) as caught:
        read(inputs, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def column(run):
    return run.values[:, 0].tolist()


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


# Labels -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["0", "1", "2"], "holds '2' in row 2"),
        (["0", "0.5", "1"], "holds '0.5' in row 1"),
        (["0", "1", "faulty"], "holds 'faulty' in row 2"),
        (["-1", "1", "0"], "holds '-1' in row 0"),
        (["0", "", "1"], "is blank in row 1"),
        (["2024-01-01", "2024-01-02", "2024-01-03"], "holds '2024-01-01' in row 0"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_labels_other_than_0_and_1_are_refused_with_the_first(folder, cells, said, suffix):
    frame = pl.DataFrame({"flow": [1.0, 2.0, 3.0], "state": [cell or None for cell in cells]})
    name = f"line.{suffix}"
    frame.write_csv(name) if suffix == "csv" else frame.write_parquet(name)
    assert refusal(name, label=("state",)) == (
        f"{name}: label column 'state' {said}, counted from 0; labels are 0 (normal) and 1 "
        "(anomalous): correct it, or leave the column out with --drop"
    )


@pytest.mark.parametrize(
    "cells",
    [[0, 1, 1], [0.0, 1.0, 1.0], [False, True, True], ["0", " 1", "1.0"]],
    ids=["whole numbers", "numbers", "truth", "text"],
)
def test_labels_of_any_type_are_0_and_1(folder, cells):
    pl.DataFrame({"flow": [1.0, 2.0, 3.0], "state": cells}).write_parquet("line.parquet")
    runs, _ = read("line.parquet", label=("state",))
    assert runs["line"].columns == ("flow",)
    assert runs["line"].row_labels.tolist() == [0, 1, 1]


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


def test_one_column_of_double_precision_keeps_its_digits(folder):
    single, double = np.float32(0.1), 1 / 3
    frame = pl.DataFrame({"a": [single], "b": [double]}, schema={"a": pl.Float32, "b": pl.Float64})
    frame.write_parquet("line.parquet")
    runs, _ = read("line.parquet")
    assert runs["line"].values.tolist() == [[float(single), double]]


def test_a_table_that_would_fill_the_memory_is_kept_in_single_precision_and_says_so(
    folder, monkeypatch
):
    lines = [f"{i / 3!r},{-i / 7!r}" for i in range(6)]
    path = write("line.csv", "a,b", *lines)
    monkeypatch.setattr(table_values, "SINGLE_FROM", 12)
    runs, summary = read(path)
    assert runs["line"].values.dtype == np.float64
    monkeypatch.setattr(table_values, "SINGLE_FROM", 11)
    single, told = read(path)
    assert single["line"].values.dtype == np.float32
    np.testing.assert_array_equal(single["line"].values, runs["line"].values.astype(np.float32))
    assert [note for note in told.notes if note not in summary.notes] == [
        "kept in single precision (7 digits): 0.0 GiB in double"
    ]


@pytest.mark.parametrize("cells", [1, 7, 12])
def test_a_table_read_in_slices_is_the_table(folder, monkeypatch, cells):
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "whole": rng.integers(0, 9, 11),
            "real": [None if i in (3, 10) else float(i) for i in range(11)],
            "switch": rng.random(11) > 0.5,
            "label": rng.integers(0, 2, 11),
        }
    )
    frame.write_parquet("line.parquet", row_group_size=4)
    expected, _ = read("line.parquet")
    assert np.isnan(expected["line"].values[:, 1]).tolist() == [i in (3, 10) for i in range(11)]
    monkeypatch.setattr(table_values, "SLICE_CELLS", cells)
    runs, _ = read("line.parquet")
    np.testing.assert_array_equal(runs["line"].values, expected["line"].values)
    np.testing.assert_array_equal(runs["line"].row_labels, frame["label"].to_numpy())


# A file that something writes meanwhile -----------------------------------------------------------


def grow(path):
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(b"3,3\n")
    return f"{size} bytes before, {size + 4} after"


def write_again(path):
    status = path.stat()
    path.write_bytes(path.read_bytes())
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
    return "it was written again"


def remove(path):
    path.unlink()
    return "it is gone"


def replace_by_another(path):
    size = path.stat().st_size
    path.unlink()
    path.write_bytes(b"x" * size)
    return "it was written again"


@pytest.mark.parametrize("change", [grow, write_again, remove, replace_by_another])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_that_changes_while_it_is_read_is_not_half_right(
    folder, monkeypatch, change, suffix
):
    path = folder / f"line.{suffix}"
    frame = pl.DataFrame({"a": [1, 2], "b": [1.5, 2.5]})
    frame.write_csv(path) if suffix == "csv" else frame.write_parquet(path)
    said = []
    original = table_runs.read_opened

    def meanwhile(*arguments):
        said.append(change(path))
        return original(*arguments)

    monkeypatch.setattr(table_runs, "read_opened", meanwhile)
    message = refusal(path)
    assert message == f"{path} changed while it was read ({said[0]}); copy it and read the copy"


def test_other_files_may_change_meanwhile(folder, monkeypatch):
    path, other = write("line.csv", "a", "1"), folder / "other.csv"
    original = table_runs.read_opened

    def meanwhile(*arguments):
        other.write_text("b\n2\n")
        return original(*arguments)

    monkeypatch.setattr(table_runs, "read_opened", meanwhile)
    assert column(read(path)[0]["line"]) == [1.0]


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


# Several tables -----------------------------------------------------------------------------------


def test_runs_of_one_name_in_several_tables_are_told_apart(folder):
    for name in ("monday.csv", "tuesday.csv"):
        write(name, "unit,flow", f"a,{len(name)}", "b,2")
    runs, _ = read(["monday.csv", "tuesday.csv"], run="unit")
    assert {name: column(run) for name, run in runs.items()} == {
        "a": [10.0],
        "b": [2.0],
        "a (2)": [11.0],
        "b (2)": [2.0],
    }
    assert runs["a (2)"].name == "a (2)"


def test_parts_of_one_log_come_into_the_order_of_time(folder):
    write("2.csv", "time,flow,label", "60,1,0", "120,2,1")
    write("10.csv", "time,flow,label", "0,3,1", "60,4,1")
    runs, summary = read(["2.csv", "10.csv"], join=True)
    [(name, run)] = runs.items()
    assert (name, run.name) == ("2 … 10", "2 … 10")
    assert (run.time.tolist(), column(run)) == ([0, 60, 120], [3, 4, 2])
    assert run.row_labels.tolist() == [1, 1, 1]
    assert summary.notes[-2:] == (
        "2 rows are earlier than a row above them (first: row 2): all rows are sorted by time",
        "1 row repeats the stamp of another: the last one in the file counts",
    )


def test_parts_without_stamps_follow_each_other_as_they_are_named(folder):
    for name, value in (("b.csv", 1), ("a.csv", 2), ("c.csv", 3)):
        write(name, "flow", str(value))
    assert {
        n: column(run) for n, run in read(["b.csv", "a.csv", "c.csv"], join=True)[0].items()
    } == {"b … c": [1.0, 2.0, 3.0]}


def test_the_grid_and_the_gaps_of_a_joined_log_are_those_of_the_whole(folder):
    write("a.csv", "time,flow", "0,0", "10,10", "20,20")
    write("b.csv", "time,flow", "25,25", "35,35", "500,500", "510,510")
    [run] = read(["a.csv", "b.csv"], join=True, resample=10, fill="linear")[0].values()
    assert (run.time.tolist(), column(run)) == ([0, 10, 20, 30, 500, 510],) * 2
    _, summary = read(["a.csv", "b.csv"], join=True)
    assert "1 gap longer than 50 s (5 times the median step): 465 s, from 35 to 500" in (
        summary.notes
    )


def test_parts_with_other_columns_are_refused(folder):
    write("a.csv", "time,flow,level", "0,1,2", "1,1,2")
    write("b.csv", "time,flow,heat", "2,1,2", "3,1,2")
    assert refusal(["a.csv", "b.csv"], join=True) == (
        "--join: 'b' has other columns than 'a': missing: 'level'; not expected: 'heat'"
    )
    write("c.csv", "time,level,flow", "2,1,2", "3,1,2")
    assert refusal(["a.csv", "c.csv"], join=True) == (
        "--join: 'c' has other columns than 'a': the order differs: 'level' stands where 'flow' "
        "is expected"
    )


@pytest.mark.parametrize("times", [None, ["2024-01-01 00:00", "2024-01-01 00:01"]])
def test_parts_whose_stamps_do_not_fit_together_are_refused(folder, times):
    write("a.csv", "time,flow", "0,1", "1,1")
    lines = ["flow", "1", "2"] if times is None else ["time,flow", *(f"{t},1" for t in times)]
    write("b.csv", *lines)
    assert refusal(["a.csv", "b.csv"], join=True) == (
        "--join: 'b' and 'a' do not both have time stamps of one kind; leave --join out, or name "
        "the time column with --time"
    )


def test_labels_that_only_some_parts_have_are_not_dropped_unnoticed(folder):
    write("a.csv", "time,flow,label", "0,1,0", "1,1,1")
    write("b.csv", "time,flow", "2,1", "3,1")
    runs, summary = read(["a.csv", "b.csv"], join=True)
    [run] = runs.values()
    assert run.row_labels is None
    assert "the labels are not used: not every run has them" in summary.notes


def test_one_table_alone_is_not_renamed_by_joining(folder):
    runs, summary = read(write("a.csv", "flow", "1"), join=True)
    assert list(runs) == ["a"]
    assert not any("joined" in note for note in summary.notes)


# Text ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "remedy"),
    [("csv", "say --decimal , or write a decimal point"), ("parquet", "write a decimal point")],
)
def test_decimal_commas_that_are_not_read_come_with_a_remedy_that_works(folder, suffix, remedy):
    frame = pl.DataFrame({"flow": ["1,5", "2,5"], "level": ["1", "2"]})
    name = f"line.{suffix}"
    frame.write_csv(name, separator=";") if suffix == "csv" else frame.write_parquet(name)
    given = {"decimal": "."} if suffix == "csv" else {}
    assert refusal(name, **given) == (
        f"{name}: columns that hold no numbers: 'flow' ('1,5' in row 0, counted from 0); {remedy}"
    )
