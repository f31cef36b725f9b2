"""Workbooks as the company's logger writes them."""

import datetime as dt

import pytest
import xlsxwriter

from peeling_books import HEADER, JUNK


@pytest.fixture
def workbook(tmp_path):
    """Write torque and label cells, or whole rows, as the company's logger does."""

    def write(torque=(), labels=None, *, name="log.xlsx", rows=None, header=None, sheets=("log",)):
        path = tmp_path / name
        if rows is None:
            rows = [
                ["2024-03-04", f"06:00:{k:02}", "PO-1", k]
                + [value]
                + ([] if labels is None else [labels[k]])
                for k, value in enumerate(torque)
            ]
        width = 5 if labels is None and header is None else len(header or HEADER)
        with xlsxwriter.Workbook(path, {"nan_inf_to_errors": True}) as book:
            date = book.add_format({"num_format": "yyyy-mm-dd"})
            for sheet_name in sheets:
                sheet = book.add_worksheet(sheet_name)
                above = [(header or HEADER)[:width], *(row[:width] for row in JUNK)]
                for r, row in enumerate([*above, *rows]):
                    for c, cell in enumerate(row):
                        if isinstance(cell, dt.date):
                            sheet.write_datetime(r, c, cell, date)
                        elif cell not in (None, ""):
                            sheet.write(r, c, cell)
        return path

    return write
