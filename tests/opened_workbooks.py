"""Open workbooks, and the messages of those that are refused."""

import datetime as dt

import pytest

from dccad.errors import InputError
from dccad.tables.options import TableOptions
from dccad.tables.workbooks.reader import open_spreadsheet
from workbooks import Formula

T0 = dt.datetime(2020, 3, 9, 10, 14, 33)


def write_cell(book, sheet, i, j, cell):
    if isinstance(cell, Formula):
        sheet.write_formula(i, j, cell.text, None, cell.value)
    elif isinstance(cell, dt.timedelta):
        sheet.write_datetime(i, j, cell, book.add_format({"num_format": "[h]:mm:ss"}))
    elif isinstance(cell, str):
        sheet.write_string(i, j, cell)
    elif cell is not None:
        sheet.write(i, j, cell)


def opened(path, **options):
    return open_spreadsheet(path, TableOptions(**options))


def read(path, **options):
    return opened(path, **options).frame.collect()


def refusal(path, **options):
    with pytest.raises(InputError) as caught:
        opened(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(path), "FILE")


ROWS = [
    ["time", "flow", "on", "state"],
    [None, "m3/h", None, None],
    [T0, 1.5, True, "run"],
    [T0 + dt.timedelta(seconds=1), 0.1, False, None],
]
