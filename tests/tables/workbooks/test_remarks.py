"""Errors, formulas and merged cells of a sheet are counted and named."""

import io
import re
import zipfile

import xlsxwriter

from opened_workbooks import opened
from workbooks import Formula


def test_errors_are_blank_and_counted(workbook):
    path = workbook(
        Log=[
            ["a", "b", "c"],
            [1, Formula("=1/0", "#DIV/0!"), "#N/A"],
            [Formula("=NA()", "#N/A"), Formula("=1/0", "#DIV/0!"), "run"],
            [4, 6, "stop"],
        ]
    )
    table = opened(path)
    assert table.frame.collect().to_dict(as_series=False) == {
        "a": [1, None, 4],
        "b": [None, None, 6],
        "c": [None, "run", "stop"],
    }
    assert table.notes[0] == "4 cells with an error count as blank (#DIV/0! 2, #N/A 2)"


def test_formulas_give_the_values_that_were_stored(workbook):
    path = workbook(Log=[["a", "b"], [1, Formula("=A2*2", 2.5)], [2, Formula('="x"', "x")]])
    book = io.BytesIO(path.read_bytes())
    path.write_bytes(edited(book, "xl/workbook.xml", rb'fullCalcOnLoad="1"', b""))
    table = opened(path)
    assert table.frame.collect()["b"].to_list() == ["2.5", "x"]
    assert table.notes == ()


def edited(content, member, pattern, new):
    """The ZIP archive with one member changed."""
    changed = io.BytesIO()
    with zipfile.ZipFile(content) as old, zipfile.ZipFile(changed, "w") as archive:
        for name in old.namelist():
            text = old.read(name)
            if name == member:
                text, count = re.subn(pattern, new, text)
                assert count
            archive.writestr(name, text)
    return changed.getvalue()


def test_formulas_that_were_never_calculated_are_blank_and_counted(workbook):
    rows = [["a", "b"], [1, Formula("=A2", "")], [2, Formula("=A3", 7)], [3, Formula("=A4", "")]]
    table = opened(workbook(Log=rows))
    assert table.frame.collect()["b"].to_list() == [None, 7, None]
    assert table.notes == (
        "2 formulas without a stored value count as blank; open the workbook in a spreadsheet "
        "programme and save it",
    )


def test_formulas_of_a_program_that_cannot_calculate_are_suspected(workbook):
    # xlsxwriter stores 0 with every formula and asks the next programme to calculate
    table = opened(workbook(Log=[["a", "b"], [1, Formula("=A2", 0)]]))
    assert table.frame.collect()["b"].to_list() == [0]
    assert table.notes == (
        "the stored values of 1 formula may be placeholders, as the workbook asks to be "
        "calculated; open it in a spreadsheet programme and save it",
    )


def test_merged_cells_hold_one_value_and_are_counted(tmp_path):
    book = xlsxwriter.Workbook(tmp_path / "m.xlsx")
    sheet = book.add_worksheet()
    sheet.merge_range("A1:C1", "Title")  # above the names: of no consequence
    sheet.write_row(1, 0, ["a", "b", "c"])
    sheet.merge_range("A3:A4", 5)
    sheet.merge_range("B4:C5", 6)
    sheet.write_row(2, 1, [1, 2])
    sheet.write(4, 0, 7)
    book.close()
    table = opened(tmp_path / "m.xlsx")
    assert table.frame.collect().to_dict(as_series=False) == {
        "a": [5, None, 7],
        "b": [1, 6, None],
        "c": [2, None, None],
    }
    assert table.notes[-1] == (
        "2 groups of merged cells (A3:A4, B4:C5): only the first cell of each holds the value, "
        "the others are blank"
    )


def test_remarks_are_found_whatever_prefix_the_xml_has(workbook):
    path = workbook(Log=[["a", "b"], [1, Formula("=A2", "")], [Formula("=1/0", "#DIV/0!"), 2]])
    content = io.BytesIO(path.read_bytes())
    content = io.BytesIO(edited(content, "xl/worksheets/sheet1.xml", rb"<(/?)(\w)", rb"<\1x:\2"))
    path.write_bytes(edited(content, "xl/worksheets/sheet1.xml", rb"xmlns=", b"xmlns:x="))
    table = opened(path)
    assert table.frame.collect().to_dict(as_series=False) == {"a": [1, None], "b": [None, 2]}
    assert [note.partition(" count")[0] for note in table.notes] == [
        "1 cell with an error",
        "1 formula without a stored value",
    ]
