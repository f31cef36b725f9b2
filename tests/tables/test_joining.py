"""Several tables as one log, and files that something writes meanwhile."""

import os

import polars as pl
import pytest

from dccad.tables import runs as table_runs
from tables_in_folder import column, read, refusal, write

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
