"""Workbooks of a peeling machine are read by value, and refused by name and cell."""

import datetime as dt
import re

import pytest

from dccad.datasets.machining.preparation import load_peeling
from peeling_books import HEADER, read_one, refusal


def test_files_are_taken_in_the_order_of_their_names_numbers_by_value(workbook):
    paths = [
        workbook([k, k], [0, 0], name=f"shift_{k}.xlsx") for k in (10, 9, 2)
    ]  # given in another order
    [run] = load_peeling(paths, downsample=1, train_fraction=1.0).train
    assert run.values.ravel().tolist() == [2, 2, 9, 9, 10, 10]


def test_a_folder_is_all_its_workbooks_and_nothing_else(workbook, tmp_path):
    workbook([3, 3], [0, 0], name="a.xlsx")
    workbook([4, 4], [0, 0], name="B.XLSX")
    for name in ("notes.txt", "~$a.xlsx", ".b.xlsx"):
        (tmp_path / name).write_text("not a workbook")
    [run] = load_peeling(tmp_path, train_fraction=1.0).train
    assert run.values.ravel().tolist() == [3, 4]


def test_the_two_rows_under_the_header_and_the_leading_columns_do_not_matter(workbook):
    rows = [[dt.date(2024, 3, 4), 0.25, "free text", None, 7, 0], [1, "x", None, 9, 8.5, 1]]
    path = workbook(rows=rows, header=["", "", "", "", "Spindle torque", "bad"])
    found = read_one(path, label="bad")
    assert found.torque.tolist() == [7, 8.5]
    assert found.labels.tolist() == [0, 1]
    assert found.column == "Spindle torque"


def test_label_is_found_by_its_values_or_named_or_denied(workbook):
    header = ["a", "b", "c", "d", "torque", "state", "mark"]
    rows = [["", "", "", k, 7.0, k % 2, 1 - k % 2] for k in range(4)]
    path = workbook(rows=rows, header=header)
    assert read_one(path).labels.tolist() == [0, 1, 0, 1]
    assert read_one(path, label=True).labels.tolist() == [0, 1, 0, 1]
    assert read_one(path, label="mark").labels.tolist() == [1, 0, 1, 0]
    assert read_one(path, label=False).labels is None


def test_another_channel_after_the_torque_is_no_label(workbook):
    path = workbook([7, 8, 9], [0, 1, 2.5], header=[*HEADER[:5], "Power"])
    assert read_one(path).labels is None
    path = workbook([7, 8, 9], [None, None, None], header=[*HEADER[:5], "Remark"])
    assert read_one(path).labels is None


def test_truth_values_and_numbers_in_text_count(workbook):
    found = read_one(workbook(["7.5", 8, " 9 "], [True, False, True]))
    assert found.torque.tolist() == [7.5, 8, 9]
    assert found.labels.tolist() == [1, 0, 1]
    assert read_one(workbook([7, 8], ["0", 1])).labels.tolist() == [0, 1]


def test_blank_rows_at_the_end_are_no_samples(workbook):
    rows = [["", "", "", 1, 7, 0], ["", "", "", 1, 8, 1], [None] * 6, [None] * 6]
    assert read_one(workbook(rows=rows)).torque.tolist() == [7, 8]


def test_paths_that_are_no_workbooks(tmp_path, workbook):
    assert refusal(tmp_path / "no.xlsx") == "FILE: no such file; check the path"
    assert refusal(tmp_path) == (
        "FILE: the folder holds no workbook (.xlsx, .xlsm, .xlsb, .xls, .ods); pass the folder "
        "with the machine's spreadsheets"
    )
    (tmp_path / "log.csv").write_text("a,b\n")
    assert refusal(tmp_path / "log.csv") == (
        "FILE: a peeling log is a spreadsheet (.xlsx, .xlsm, .xlsb, .xls, .ods), not .csv; read "
        "other tables with read_table"
    )
    path = workbook([7], [0])
    assert refusal([path, tmp_path]).endswith(" is a folder; pass workbooks, or one folder alone")
    again = tmp_path / ".." / tmp_path.name / path.name
    assert refusal([path, again]).endswith("is given more than once; pass each workbook once")
    assert refusal([]) == "no workbook was given; pass at least one, or a folder of them"


@pytest.mark.parametrize(
    "content", [b"", b"<html><table><tr><td>7</td></tr></table></html>", b"PK\x03\x04" + 99 * b"x"]
)
def test_a_workbook_that_is_none(tmp_path, content):
    path = tmp_path / "log.xlsx"
    path.write_bytes(content)
    assert re.match("FILE: .*workbook", refusal(path))


def test_a_workbook_that_was_cut_short(workbook):
    path = workbook([7, 8], [0, 1])
    path.write_bytes(path.read_bytes()[:-500])
    assert re.match("FILE: .*workbook", refusal(path))


def test_sheets_without_samples(workbook):
    assert refusal(workbook(sheets=())).startswith("FILE: ")
    assert "has no rows below the column names" in refusal(workbook())
    assert "has no rows below the column names" in refusal(workbook(rows=[[None] * 6], labels=[]))


def test_too_few_columns(workbook):
    path = workbook(rows=[["2024-03-04", "06:00", "PO-1", 7.0]], header=HEADER[:4])
    assert refusal(path) == (
        "FILE: 4 columns; needed are 4 about the recording, then the torque, then, where there is "
        "one, the label"
    )
    assert refusal(workbook([7, 8]), label=True) == (
        "FILE: no column after the torque, where the label is expected; pass label=False for files "
        "without one"
    )


def test_a_label_column_that_is_not_there(workbook):
    path = workbook([7, 8], [0, 1])
    assert refusal(path, label="label") == "FILE: no label column 'label'; did you mean 'Label'?"
    assert refusal(path, label="wear") == (
        "FILE: no label column 'wear'; columns after the torque: 'Label'"
    )
    assert refusal(workbook([7, 8]), label="wear") == (
        "FILE: no label column 'wear'; columns after the torque: none"
    )


def test_a_missing_leading_column_is_not_taken_for_torque(workbook):
    path = workbook(
        rows=[["06:00", "PO-1", 1, 7.0, 0], ["06:00", "PO-1", 1, 8.0, 1]], header=HEADER[1:]
    )
    assert refusal(path) == (
        "FILE: column E ('Label') holds nothing but 0 and 1, as a label does; needed is the torque "
        "there, after 4 other columns"
    )


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("see note", "holds 'see note'"),
        ("7,5", "holds '7,5'"),
        (None, "holds no value"),
        (float("nan"), "holds no value"),
        ("#DIV/0!", "holds no value"),
        (dt.date(2024, 3, 4), "holds '2024-03-04"),
    ],
)
@pytest.mark.parametrize("place", [0, 2, 3])
def test_torque_that_is_no_number_is_named_with_its_cell(workbook, cell, shown, place):
    torque = [7, 8, 9, 10]
    torque[place] = cell
    message = refusal(workbook(torque, [0, 0, 1, 1]))
    assert message.startswith(
        f"FILE: torque 'Torque' in row {4 + place} (cell E{4 + place}) {shown}"
    )
    assert message.endswith("; needed is a number: correct the cells, or delete these rows")


def test_more_bad_cells_are_counted(workbook):
    message = refusal(workbook([7, "a", "b", 10, None, 3], [0] * 6))
    assert message == (
        "FILE: torque 'Torque' in row 5 (cell E5) holds 'a' (2 more like it); needed is a number: "
        "correct the cells, or delete these rows"
    )


def test_a_column_of_dates_is_no_torque(workbook):
    message = refusal(workbook([dt.date(2024, 3, 4)] * 3, [0, 0, 1]))
    assert message.startswith("FILE: torque 'Torque' in row 4 (cell E4) holds '2024-03-04")


@pytest.mark.parametrize(
    ("cell", "shown"),
    [(2, "holds '2'"), (0.5, "holds '0.5'"), ("ok", "holds 'ok'"), (None, "holds no value")],
)
def test_labels_other_than_0_and_1_are_named_with_their_cell(workbook, cell, shown):
    path = workbook([7, 8, 9], [0, cell, 1], header=[*HEADER[:5], "State"])
    message = refusal(path, label=True)
    assert message.startswith(f"FILE: label 'State' in row 5 (cell F5) {shown}")
    assert message.endswith("; needed is 0 or 1: correct the cells, or delete these rows")


def test_a_column_named_label_is_not_passed_over_for_one_bad_cell(workbook):
    message = refusal(workbook([7, 8, 9], [0, 2, 1]))
    assert message.startswith(
        "FILE: label 'Label' (taken for one by its name) in row 5 (cell F5) holds '2'"
    )


def test_a_blank_among_labels_is_not_passed_over(workbook):
    path = workbook([7, 8, 9], [0, None, 1], header=[*HEADER[:5], "State"])
    assert refusal(path).startswith("FILE: label 'State' in row 5 (cell F5) holds no value")


def test_files_of_different_columns(workbook):
    paths = [
        workbook([7], [0], name="a.xlsx"),
        workbook([7], [0], name="b.xlsx", header=[*HEADER[:5], "State"]),
    ]
    assert refusal(paths) == (
        f"{paths[1]}: other columns than a.xlsx: missing: 'Label'; not expected: 'State'; pass "
        "files of one form together"
    )


def test_files_of_which_only_some_are_labelled(workbook):
    header = [*HEADER[:5], "State"]
    paths = [
        workbook([7, 8], [0, 1], name="a.xlsx", header=header),
        workbook([7, 8], [0, 3], name="b.xlsx", header=header),
    ]
    assert refusal(paths) == (
        f"{paths[1]}: the column after the torque holds other values than 0 and 1, unlike in "
        "a.xlsx; say whether there is a label (label=True or False)"
    )
    assert refusal(paths, label=True).startswith(f"{paths[1]}: label 'State' in row 5")
    assert len(load_peeling(paths, label=False, train_fraction=1.0).train) == 1
