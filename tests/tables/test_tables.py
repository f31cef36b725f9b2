"""Table files from the command line: read exactly, refused with one line, written whole."""

import datetime as dt
import io

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dccad.errors import InputError
from dccad.logs.inputs import check_log
from dccad.tables import read_table, read_tables


@pytest.fixture
def csv_file(tmp_path):
    def write(content, name="pump.csv"):
        path = tmp_path / name
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
        return path

    return write


def refusal(path, **options):
    with pytest.raises(InputError) as caught:
        read_table(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(path), "FILE")


# Reading ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_separator_line_end_and_byte_order_mark_do_not_matter(csv_file, separator, end, mark):
    lines = [["flow", "Température [°C]"], ["1", "2.5"], ["-3e2", "4"]]
    text = end.join(separator.join(line) for line in lines) + end
    [run] = read_table(csv_file(mark + text.encode()))
    assert run.name == "pump"
    assert run.columns == ("flow", "Température [°C]")
    assert run.values.tolist() == [[1.0, 2.5], [-300.0, 4.0]]
    assert run.values.dtype == np.float64
    assert run.time is None


def test_separator_within_quotes_is_part_of_the_name(csv_file):
    [run] = read_table(csv_file('"flow, inlet, cold";"say ""hi"""\n1;2\n'))
    assert run.columns == ("flow, inlet, cold", 'say "hi"')


def test_single_column_needs_no_separator(csv_file):
    [run] = read_table(csv_file("torque\n0\n0\n7\n"))
    assert run.values.tolist() == [[0.0], [0.0], [7.0]]


def test_numbers_in_unusual_spelling_are_numbers(csv_file):
    [run] = read_table(csv_file("a,b,c,d\n +1, .5,true,nan\n2 ,-.5,false,1\n"))
    np.testing.assert_array_equal(run.values, [[1, 0.5, 1, np.nan], [2, -0.5, 0, 1]])


def test_missing_cells_become_nan_for_check_log_to_locate(csv_file):
    path = csv_file("a,b\n1,2\n,NA\n3,\n5,null\n")
    [run] = read_table(path)
    nan = np.nan
    np.testing.assert_array_equal(run.values, [[1, 2], [nan, nan], [3, nan], [5, nan]])
    with pytest.raises(InputError, match="4 in 2 of 2 columns, first at row 1, column 'a'"):
        check_log(run)


def test_column_without_any_value_is_a_sensor_of_nan(csv_file):
    [run] = read_table(csv_file("a,b\n1,\n2,\n"))
    assert run.columns == ("a", "b")
    assert np.isnan(run.values[:, 1]).all()


def test_blank_lines_at_the_end_are_no_rows(csv_file):
    [run] = read_table(csv_file("a,b\n1,2\n3,4\n\n\n"))
    assert run.values.tolist() == [[1, 2], [3, 4]]


def test_separator_at_the_end_of_each_line_is_no_column(csv_file):
    [run] = read_table(csv_file("a;b;\n1;2;\n3;4;\n"))
    assert run.columns == ("a", "b")


def test_only_date_column_is_the_time(csv_file):
    [run] = read_table(csv_file("flow;when\n1;2020-03-09 10:14:33\n2;2020-03-09 10:14:34.5\n"))
    assert run.columns == ("flow",)
    assert run.time.dtype == "datetime64[ns]"
    assert (
        run.time.tolist()
        == np.array(
            ["2020-03-09T10:14:33", "2020-03-09T10:14:34.5"], dtype="datetime64[ns]"
        ).tolist()
    )


def test_exported_time_index_without_name_is_the_time(csv_file):
    [run] = read_table(csv_file(",flow\n2020-03-09,1\n2020-03-10,2\n"))
    assert run.columns == ("flow",)
    assert run.time.astype("datetime64[D]").astype(str).tolist() == ["2020-03-09", "2020-03-10"]


def test_time_zones_are_brought_to_utc(csv_file):
    [run] = read_table(csv_file("t,a\n2020-01-01T00:30:00+01:00,1\n2020-01-01T00:00:00Z,2\n"))
    assert run.time.astype("datetime64[m]").astype(str).tolist() == [
        "2019-12-31T23:30",
        "2020-01-01T00:00",
    ]


def test_day_comes_before_the_month(csv_file):
    [run] = read_table(csv_file("t,a\n09.03.2020 10:00:00,1\n10.03.2020 10:00:00,2\n"))
    assert run.time.astype("datetime64[D]").astype(str).tolist() == ["2020-03-09", "2020-03-10"]


def test_named_time_column_may_hold_seconds(csv_file):
    path = csv_file("t,a\n0,1\n0.5,2\n")
    [run] = read_table(path, time="t")
    assert (run.columns, run.time.tolist()) == (("a",), [0.0, 0.5])
    [run] = read_table(path)
    assert run.columns == ("t", "a")


def test_runs_are_separated_in_the_order_of_the_file(csv_file):
    path = csv_file("batch,t,a\n007,0,1\n007,1,2\n003,0,3\n")
    first, second = read_table(path, run="batch", time="t")
    assert (first.name, second.name) == ("007", "003")
    assert (first.values.tolist(), second.values.tolist()) == ([[1.0], [2.0]], [[3.0]])
    assert (first.time.tolist(), second.time.tolist()) == ([0.0, 1.0], [0.0])


def test_dropped_columns_are_gone(csv_file):
    [run] = read_table(csv_file("a,note,b\n1,ok,2\n"), drop=["note", "b"])
    assert run.columns == ("a",)


def test_file_name_is_taken_literally(csv_file):
    [run] = read_table(csv_file("a\n1\n", name="log[1]*.csv"))
    assert run.name == "log[1]*"


def test_parquet_gives_what_csv_gives(tmp_path):
    frame = pl.DataFrame(
        {
            "when": [dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 2)],
            "whole": [1, 2],
            "real": [0.1, None],
            "flag": [True, False],
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_csv(tmp_path / "a.csv")
    [from_parquet] = read_table(tmp_path / "a.parquet")
    [from_csv] = read_table(tmp_path / "a.csv")
    np.testing.assert_array_equal(from_parquet.values, [[1, 0.1, 1], [2, np.nan, 0]])
    np.testing.assert_array_equal(from_csv.values, from_parquet.values)
    np.testing.assert_array_equal(from_csv.time, from_parquet.time)
    assert from_csv.columns == from_parquet.columns == ("whole", "real", "flag")


def test_single_precision_parquet_stays_single(tmp_path):
    values = np.array([[0.1, 2], [3, 4]], dtype=np.float32)
    pl.from_numpy(values, schema=["a", "b"]).write_parquet(tmp_path / "a.PARQUET")
    [run] = read_table(tmp_path / "a.PARQUET")
    assert run.values.dtype == np.float32
    np.testing.assert_array_equal(run.values, values)
    run.values[0, 0] = 0  # the caller owns the array


# no deadline: the first example pays for imports, and other work may slow the machine
patient = settings(deadline=None, max_examples=50)
finite = st.floats(allow_nan=False, allow_infinity=False)


@patient
@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=20))
def test_csv_written_by_python_is_read_to_the_last_bit(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_text("a;b\n" + "".join(f"{a!r};{b!r}\n" for a, b in rows))
    [run] = read_table(path)
    assert run.values.tolist() == [list(row) for row in rows]


# Refusals -----------------------------------------------------------------------------------------


def test_missing_file_is_refused(tmp_path):
    assert refusal(tmp_path / "no.csv") == "FILE: no such file; check the path"


def test_folder_without_a_table_is_refused(tmp_path):
    assert refusal(tmp_path).startswith("FILE: no table file in this folder, it is empty; needed")


def test_name_that_is_nearly_right_is_suggested(csv_file):
    path = csv_file("a\n1\n")
    with pytest.raises(InputError, match=r"pumpe\.csv: no such file; did you mean .*pump\.csv\?"):
        read_table(path.with_name("pumpe.csv"))


def test_text_is_read_whatever_its_suffix(csv_file):
    [run] = read_table(csv_file("a\n1\n", name="pump.docx"))
    assert run.values.tolist() == [[1.0]]


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_empty_file_is_refused(csv_file, name):
    assert "the file is empty (0 bytes)" in refusal(csv_file("", name=name))


def test_table_without_rows_is_refused(csv_file, tmp_path):
    expected = "FILE: no rows below the column names; pass a file with sensor rows"
    assert refusal(csv_file("a,b\n")) == expected
    assert refusal(csv_file("a,b\n\n")) == expected
    pl.DataFrame({"a": pl.Series([], dtype=pl.Float64)}).write_parquet(tmp_path / "a.parquet")
    assert refusal(tmp_path / "a.parquet") == expected


def test_column_names_are_found_below_blank_lines(csv_file):
    [run] = read_table(csv_file("\na,b\n1,2\n"))
    assert (run.columns, run.values.tolist()) == (("a", "b"), [[1.0, 2.0]])


def test_table_without_column_names_gets_some_and_says_so(csv_file):
    path = csv_file("0.5,2\n1,2\n")
    tables = read_tables(path)
    [run] = tables.runs.values()
    assert (run.columns, run.values.tolist()) == (("column_1", "column_2"), [[0.5, 2], [1, 2]])
    assert "no column names: column_1 … column_2" in tables.summaries[0].notes


def test_repeated_column_names_are_refused(csv_file, tmp_path):
    expected = "column names that occur more than once: 'b', 'a'; give every column its own name"
    assert expected in refusal(csv_file("b,a,b,a,c\n1,2,3,4,5\n"))
    pq.write_table(
        pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], names=["a", "a"]),
        tmp_path / "a.parquet",
    )
    assert "'a' has more than one occurrence; give every column" in refusal(tmp_path / "a.parquet")


def test_exported_row_numbers_are_refused(csv_file):
    assert refusal(csv_file(",a\n0,1\n1,2\n")) == (
        "FILE: column 1 (counted from 1) has no name; name it in the header, or export without "
        "row numbers (pandas: index=False)"
    )


def test_text_columns_are_named_with_their_first_text(csv_file):
    path = csv_file("a,state,quality\n1,run,5\n2,stop,Bad\n")
    assert refusal(path) == (
        "FILE: columns that hold no numbers: 'state' ('run' in row 0, counted from 0), 'quality' "
        "('Bad' in row 1, counted from 0); leave them out with --drop"
    )


def test_many_text_columns_do_not_flood_the_line(csv_file):
    path = csv_file("a,b,c,d,e,f,g\n" + ",".join(["x"] * 7) + "\n")
    assert "'e' ('x' in row 0, counted from 0) and 2 more; leave" in refusal(path)


def test_decimal_commas_are_numbers(csv_file):
    tables = read_tables(csv_file("a;b\n1,5;2,25\n3,0;1,0\n"))
    assert tables.runs["pump"].values.tolist() == [[1.5, 2.25], [3.0, 1.0]]
    assert "decimal comma" in tables.summaries[0].notes


def test_parquet_text_and_lists_are_refused(tmp_path):
    pl.DataFrame({"a": [1.0], "s": ["x"], "l": [[1, 2]]}).write_parquet(tmp_path / "a.parquet")
    message = refusal(tmp_path / "a.parquet")
    assert "'s' ('x' in row 0, counted from 0), 'l' (" in message


def test_log_of_nothing_but_time_is_refused(csv_file):
    assert "no sensor column is left" in refusal(csv_file("t\n2020-01-01\n2020-01-02\n"))


@pytest.mark.parametrize("option", ["time", "run", "drop"])
def test_unknown_column_is_refused_with_the_nearest_name(csv_file, option):
    path = csv_file("timestamp,flow\n0,1\n")
    value = ["timestmp"] if option == "drop" else "timestmp"
    assert refusal(path, **{option: value}) == (
        f"FILE: no column 'timestmp' for --{option}; did you mean 'timestamp'?"
    )
    value = ["xyz"] if option == "drop" else "xyz"
    assert refusal(path, **{option: value}) == (
        f"FILE: no column 'xyz' for --{option}; it has 'timestamp', 'flow'"
    )


def test_several_time_columns_are_refused(csv_file):
    path = csv_file("start,end,a\n2020-01-01,2020-01-02,1\n")
    expected = "several columns hold times: 'start', 'end'; name the one that counts with --time"
    assert expected in refusal(path)
    assert refusal(path, time="start") == (
        "FILE: columns that hold no numbers: 'end' ('2020-01-02' in row 0, counted from 0); leave "
        "them out with --drop"
    )
    [run] = read_table(path, time="start", drop=["end"])
    assert str(run.time[0])[:10] == "2020-01-01"


def test_time_of_unknown_format_is_refused(csv_file):
    assert refusal(csv_file("t,a\n9 March 2020,1\n"), time="t") == (
        "FILE: time column 't' holds '9 March 2020' in row 0, counted from 0, which is no date and "
        "time; write it as 2020-03-09 10:14:33, or as a number of seconds"
    )


def test_time_of_day_without_date_is_refused(csv_file):
    assert "'t' ('12:00:00' in row 0, counted from 0)" in refusal(csv_file("t,a\n12:00:00,1\n"))


def test_scattered_rows_of_a_run_are_refused(csv_file):
    assert refusal(csv_file("batch,a\nx,1\ny,2\nx,3\n"), run="batch") == (
        "FILE: run 'x' starts again at row 2 (counted from 0); the rows of a run need to follow "
        "each other: sort the file by 'batch' and time"
    )


def test_blank_run_is_refused(csv_file):
    assert "run column 'batch' is blank in row 1" in refusal(
        csv_file("batch,a\nx,1\n,2\n"), run="batch"
    )


def test_line_with_too_many_fields_is_named(csv_file):
    assert refusal(csv_file("a,b\n1,2\n3,4,5\n")) == (
        "FILE: line 3 has 3 fields, but line 1 names 2 columns; correct the line or export the "
        "file again"
    )


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
def test_other_encodings_are_read(csv_file, encoding):
    [run] = read_table(csv_file("a °C,b\n1,2\n".encode(encoding)))
    assert (run.columns, run.values.tolist()) == (("a °C", "b"), [[1.0, 2.0]])


def test_quote_that_never_closes_is_refused(csv_file):
    assert "not readable as CSV (" in refusal(csv_file('a,b\n1,"2\n3,4\n'))


def test_text_named_parquet_is_read_as_text_and_says_so(csv_file):
    tables = read_tables(csv_file("a,b\n1,2\n", name="pump.parquet"))
    assert tables.runs["pump"].values.tolist() == [[1.0, 2.0]]
    assert "named .parquet but holds text: read as CSV" in tables.summaries[0].notes


def test_parquet_that_was_cut_off_is_refused(tmp_path):
    content = io.BytesIO()
    pl.DataFrame({"a": np.arange(1000.0)}).write_parquet(content)
    path = tmp_path / "a.parquet"
    path.write_bytes(content.getvalue()[:-100])
    assert refusal(path) == (
        "FILE: the end of this Parquet file is missing, as after a copy that was cut off; copy or "
        "export it again"
    )
