"""Workbooks: every kind is read by value, what is odd is said, what is broken ends in one line."""

import datetime as dt
import subprocess
import sys

import polars as pl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from dccad.errors import InputError
from dccad.tables.workbooks.reader import read_sheet, read_sheet_rows
from opened_workbooks import ROWS, T0, opened, read, refusal, write_cell
from workbooks import Formula, compound_file, write_ods, write_xls, write_xlsb

# no deadline: the first example pays for imports, and other work may slow the machine
patient = settings(deadline=None, max_examples=25)


# Values -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("epoch", [False, True])
def test_every_kind_of_cell_comes_back_as_what_it_is(workbook, epoch):
    lasted = dt.timedelta(hours=30, seconds=1)
    path = workbook(
        options={"default_date_format": "yyyy-mm-dd hh:mm:ss", "date_1904": epoch},
        Log=[
            ["when", "flow", "on", "state", "lasted"],
            [T0, 1.5, True, "run", lasted],
            [T0 + dt.timedelta(milliseconds=250), -3, False, "stop", dt.timedelta(0)],
        ],
    )
    table = opened(path)
    frame = table.frame.collect()
    assert frame.schema == {
        "when": pl.Datetime("ms"),
        "flow": pl.Float64,
        "on": pl.Boolean,
        "state": pl.String,
        "lasted": pl.Duration("ms"),
    }
    assert frame.rows() == [
        (T0, 1.5, True, "run", lasted),
        (T0 + dt.timedelta(milliseconds=250), -3.0, False, "stop", dt.timedelta(0)),
    ]
    assert (table.source, table.name, table.format) == (str(path), "pump", "Excel workbook")
    assert table.notes == ()
    assert table.sliceable


def test_numbers_that_are_stored_as_text_stay_text(workbook):
    frame = read(workbook(Log=[["a", "b"], ["1,5", 1], ["007", 2]]))
    assert frame["a"].to_list() == ["1,5", "007"]


def test_column_that_turns_to_text_at_its_end_is_text_with_every_digit(workbook):
    rows = [["a", "b"], *[[i / 4, i] for i in range(1500)], ["Bad", 0]]
    frame = read(workbook(Log=rows))
    assert frame["a"].dtype == pl.String
    assert frame["a"][:1500].cast(pl.Float64).to_list() == [i / 4 for i in range(1500)]
    assert frame["a"][1500] == "Bad"
    assert frame["b"].dtype == pl.Float64


def test_columns_of_durations_and_numbers_are_text_and_spoil_no_other(workbook):
    hour = dt.timedelta(hours=1)
    frame = read(workbook(Log=[["a", "b", "c"], [hour, 1, T0], [2.5, 2, hour], [3.5, 3, hour]]))
    assert frame.dtypes == [pl.String, pl.Float64, pl.String]
    assert frame["a"].to_list()[1:] == ["2.5", "3.5"]
    assert frame["b"].to_list() == [1, 2, 3]
    assert frame["c"][0] == "2020-03-09 10:14:33"


def test_blank_cells_are_null_and_blank_rows_at_the_end_are_no_rows(workbook):
    frame = read(workbook(Log=[["a", "b"], [1, "x"], [None, " "], [3, ""], [" ", ""], ["", None]]))
    assert frame.to_dict(as_series=False) == {"a": [1, None, 3], "b": ["x", None, None]}


def test_named_column_without_values_is_a_sensor_of_nulls(workbook):
    frame = read(workbook(Log=[["a", "b"], [1, None], [2, None]]))
    assert frame.schema == {"a": pl.Float64, "b": pl.Float64}
    assert frame["b"].to_list() == [None, None]


def test_suffix_does_not_matter(workbook):
    path = workbook(Log=[["a"], [1]])
    renamed = path.rename(path.with_name("pump.csv"))
    assert read(renamed)["a"].to_list() == [1]


def test_path_with_a_tilde_is_taken_literally(workbook, tmp_path):
    (tmp_path / "~").mkdir()
    assert read(workbook(name="~/log[1].xlsx", Log=[["a"], [1]]))["a"].to_list() == [1]


numbers = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)


@patient
@given(
    st.lists(
        st.tuples(st.none() | numbers, numbers, st.datetimes(dt.datetime(1950, 1, 1))),
        min_size=1,
        max_size=12,
    )
)
def test_random_tables_come_back_to_the_last_digit_that_is_stored(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("xlsx") / "a.xlsx"
    book = xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet()
    rows = [
        (a, b, when.replace(microsecond=when.microsecond // 1000 * 1000)) for a, b, when in rows
    ]
    for i, row in enumerate([("a", "b", "when"), *rows]):
        for j, cell in enumerate(row):
            write_cell(book, sheet, i, j, cell)
    book.close()
    frame = read(path)

    def stored(number):  # workbooks hold 16 digits
        return None if number is None else float(f"{number:.16G}")

    assert frame["a"].to_list() == [stored(a) for a, _, _ in rows]
    assert frame["b"].to_list() == [stored(b) for _, b, _ in rows]
    # a day is a number, so a time is exact to less than a millisecond until about the year 5000
    apart = [abs(read - when) for read, (_, _, when) in zip(frame["when"], rows, strict=True)]
    assert max(apart) <= dt.timedelta(milliseconds=1)


# Column names -------------------------------------------------------------------------------------


def test_titles_units_and_a_margin_stand_around_the_table(workbook):
    path = workbook(
        Log=[
            [],
            [None, "Pump test", None, None],
            [],
            [None, "time", "flow", None, "p"],
            [None, None, "m³/h", None, "bar"],
            [None, T0, 1.5, None, 3],
            [None, T0, 2.5, None, 4],
        ]
    )
    table = opened(path)
    assert table.frame.collect().rows() == [(T0, 1.5, 3.0), (T0, 2.5, 4.0)]
    assert table.frame.collect_schema().names() == ["time", "flow", "p"]
    assert table.units == {"flow": "m³/h", "p": "bar"}
    assert table.notes == (
        "column names in line 4; 1 line above ignored: 'Pump test'",
        "units in line 5",
    )


def test_header_that_is_given_counts_the_rows_of_the_sheet(workbook):
    rows = [[], ["a", "b"], ["c", "d"], [1, 2], [3, 4]]
    assert read(workbook(Log=rows), header=3).to_dict(as_series=False) == {"c": [1, 3], "d": [2, 4]}
    assert "line 9" in refusal(workbook(Log=rows), header=9)


def test_header_far_below_is_found_where_it_is_given(workbook):
    rows = [["junk"]] * 299 + [["a", "b"], [1, 2], [3, 4]]
    assert read(workbook(Log=rows), header=300).to_dict(as_series=False) == {
        "a": [1, 3],
        "b": [2, 4],
    }


def test_sheet_without_names_can_be_read(workbook):
    frame = read(workbook(Log=[[1, 2], [3, 4]]), header=0)
    assert frame.to_dict(as_series=False) == {"column_1": [1, 3], "column_2": [2, 4]}


@pytest.mark.parametrize("late", [3, 400])
def test_column_with_values_but_no_name_is_named_as_the_sheet_does(workbook, late):
    rows = [[None, "a", None, None, "b"], *[[None, i, None, None, i] for i in range(500)]]
    for i in range(late, 500):
        rows[i][3] = 7.5
    assert "column D" in refusal(workbook(Log=rows))
    assert "no name" in refusal(workbook(Log=rows))


def test_repeated_names_are_refused_with_file_and_sheet(workbook):
    message = refusal(workbook(Log=[["a", "b", "a"], [1, 2, 3], [1, 2, 3]]))
    assert message == (
        "FILE: sheet 'Log': column names that occur more than once: 'a'; give every column its "
        "own name"
    )


def test_sheet_of_names_alone_is_refused(workbook):
    assert refusal(workbook(Log=[["a", "b"]])) == (
        "FILE: sheet 'Log' has no rows below the column names; pass one with sensor rows"
    )
    assert "has no rows below" in refusal(workbook(Log=[["a", "b"], ["", " "]]))


# Sheets -------------------------------------------------------------------------------------------

SHEETS = {
    "Cover": [],
    "Notes": [["hidden", "x"], [1, 2]],
    "Log": [["a"], [1]],
    "1": [["a"], [2]],
}


def test_first_sheet_that_is_not_hidden_and_holds_cells_is_read(workbook):
    table = opened(workbook(hidden=["Notes"], **SHEETS))
    assert table.frame.collect()["a"].to_list() == [1]
    assert table.notes == ("sheet 'Log' is read, left out: 'Cover', 'Notes', '1'",)


@pytest.mark.parametrize(
    ("sheet", "value"), [("Log", 1), ("log ", 1), ("3", 1), ("4", 2), ("1", 2), ("Notes", 2)]
)
def test_sheet_is_chosen_by_name_before_number(workbook, sheet, value):
    table = opened(workbook(hidden=["Notes"], **SHEETS), sheet=sheet)
    assert table.frame.collect().row(0)[-1] == value
    assert not table.notes


@pytest.mark.parametrize("sheet", ["5", "0", "-1", "99999999999999999999", "", "²"])
def test_unknown_sheet_is_refused_with_those_there_are(workbook, sheet):
    assert refusal(workbook(**SHEETS), sheet=sheet) == (
        f"FILE: no sheet {sheet!r}; it has 'Cover', 'Notes', 'Log', '1'"
    )


def test_misspelt_sheet_is_refused_with_the_nearest(workbook):
    assert refusal(workbook(**SHEETS), sheet="Note") == (
        "FILE: no sheet 'Note'; did you mean 'Notes'?"
    )


def test_empty_sheets_and_charts_are_refused(tmp_path, workbook):
    assert refusal(workbook(**SHEETS), sheet="Cover") == (
        "FILE: sheet 'Cover' holds no cells (it is empty, or a chart); it has 'Cover', 'Notes', "
        "'Log', '1'"
    )
    assert refusal(workbook(A=[], B=[])) == (
        "FILE: no sheet holds cells ('A', 'B'); pass a workbook with sensor rows"
    )
    book = xlsxwriter.Workbook(tmp_path / "chart.xlsx")
    book.add_worksheet("Data").write_column(0, 0, ["a", 1, 2])
    chart = book.add_chart({"type": "line"})
    chart.add_series({"values": "=Data!$A$2:$A$3"})
    book.add_chartsheet("Chart").set_chart(chart)
    book.close()
    assert "sheet 'Chart' holds no cells" in refusal(tmp_path / "chart.xlsx", sheet="Chart")
    assert read(tmp_path / "chart.xlsx")["a"].to_list() == [1, 2]


def test_workbook_whose_only_sheet_with_cells_is_hidden_names_it(workbook):
    message = refusal(workbook(hidden=["Notes"], Cover=[], Notes=SHEETS["Notes"]))
    assert message == "FILE: every sheet with cells is hidden; name one with --sheet: 'Notes'"


READ = [(T0, 1.5, True, "run"), (T0 + dt.timedelta(seconds=1), 0.1, False, None)]


def test_open_document_spreadsheet_is_read(tmp_path):
    table = opened(write_ods(tmp_path / "a.ods", ROWS))
    assert table.frame.collect().rows() == READ
    assert table.format == "OpenDocument spreadsheet"
    assert table.units == {"flow": "m3/h"}


def test_excel_97_workbook_is_read(tmp_path):
    table = opened(write_xls(tmp_path / "a.xls", ROWS))
    assert table.frame.collect().rows() == READ
    assert table.format == "Excel workbook"
    assert table.frame.collect_schema()["flow"] == pl.Float64
    frame = read(write_xls(tmp_path / "b.xls", [["a"], [1.0], [Formula("=1/0", "")], [3.0]]))
    assert frame["a"].to_list() == [1, None, 3]


def test_binary_workbook_is_read(tmp_path):
    rows = [row[1:] for row in ROWS]
    table = opened(write_xlsb(tmp_path / "a.xlsb", rows))
    assert table.frame.collect().rows() == [row[1:] for row in READ]


def test_errors_in_an_open_document_spreadsheet_are_blank_and_counted(tmp_path):
    rows = [["a", "s"], [1.5, "x"], ["#DIV/0!", "#N/A"], [-2e-7, "y"]]
    table = opened(write_ods(tmp_path / "a.ods", rows))
    assert table.frame.collect().to_dict(as_series=False) == {
        "a": [1.5, None, -2e-7],
        "s": ["x", None, "y"],
    }
    assert table.notes == ("2 cells with an error count as blank (#DIV/0! 1, #N/A 1)",)


def test_other_office_documents_are_refused(tmp_path):
    path = tmp_path / "a.xls"
    path.write_bytes(compound_file({"WordDocument": b"\1" * 5000}))
    assert refusal(path) == ("FILE: an office document, but no workbook; export its table as CSV")


def test_remarks_of_the_reader_do_not_reach_the_screen(workbook):
    path = workbook(Cover=[], Log=[["a", "b"], [1, None]])  # "Could not determine dtype …"
    code = (
        "import sys; from pathlib import Path\n"
        "from dccad.tables.options import TableOptions\n"
        "from dccad.tables.workbooks.reader import open_spreadsheet\n"
        "print(open_spreadsheet(Path(sys.argv[1]), TableOptions()).name, end='')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, timeout=60, check=True
    )
    assert (done.stdout, done.stderr) == (b"pump", b"")


# Known columns ------------------------------------------------------------------------------------


def test_sheet_of_known_columns_is_read_below_its_junk(workbook):
    path = workbook(
        Log=[
            ["id", "x", None, "torque"],
            ["junk", 5, None, "Nm"],
            [],
            [7, "m", None, 0.5],
            [8, "n"],
        ]
    )
    assert read_sheet_rows(path, rows=2) == [["id", "x", "", "torque"], ["junk", "5", "", "Nm"]]
    frame = read_sheet(path, "Log", ["id", "meta", "", "torque"], first_row=3)
    assert frame.to_dict(as_series=False) == {
        "id": [7, 8],
        "meta": ["m", "n"],
        "torque": [0.5, None],
    }
    assert read_sheet(path, "1", ["id", "meta", "", "torque"], first_row=3).equals(frame)


def test_known_columns_that_do_not_fit_are_refused(workbook):
    path = workbook(Log=[["id", "torque"], [7, 0.5]])
    with pytest.raises(InputError, match=r"column B of sheet 'Log' has values but no name"):
        read_sheet(path, None, ["id"], first_row=1)
    with pytest.raises(InputError, match=r"sheet 'Log' has no rows below the column names"):
        read_sheet(path, None, ["id", "torque"], first_row=2)
