"""Workbooks written from rows."""

import pytest
import xlsxwriter

from opened_workbooks import write_cell


@pytest.fixture
def workbook(tmp_path):
    """Write an .xlsx file: keyword = rows of a sheet; None leaves a cell blank."""

    def write(name="pump.xlsx", options=None, hidden=(), **sheets):
        path = tmp_path / name
        book = xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd hh:mm:ss"})
        if options is not None:
            book = xlsxwriter.Workbook(path, options)
        for title, rows in sheets.items():
            sheet = book.add_worksheet(title)
            if title in hidden:
                sheet.hide()
            for i, row in enumerate(rows):
                for j, cell in enumerate(row):
                    write_cell(book, sheet, i, j, cell)
        book.close()
        return path

    return write
