"""Write a simulated peeling log in the spreadsheet form that the machine's logger uses.

:mod:`dccad.datasets.machining.recordings` says what that form is, and reads it.
"""

from __future__ import annotations

import datetime
import io
import itertools
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dccad.datasets.machining.recordings import FIRST_ROW, workbooks_in
from dccad.errors import InputError, ParameterError
from dccad.support.extras import require
from dccad.support.files import replace_files

if TYPE_CHECKING:
    from dccad.datasets.machining.simulation import PeelingLog

MOST_ROWS = 1_048_576 - (FIRST_ROW - 1)
"""Samples that one sheet of an .xlsx workbook can hold."""

HEAD = (
    ("Date", "Time", "Order", "Bar", "Torque", "Label"),
    ("yyyy-mm-dd", "hh:mm:ss", "", "no.", "N m", "0/1"),
    ("simulated", "start of sample", "", "", "mean", ""),
)
BEGINNING = np.datetime64("2024-03-04T06:00:00", "us")
"""Date and time of a simulated log's first row; arbitrary."""

BARS_PER_ORDER = 20


def write_peeling_workbooks(
    log: PeelingLog, folder: str | os.PathLike[str], *, n_files: int = 4
) -> list[Path]:
    """Write a simulated log as workbooks, all of them or none.

    Parameters
    ----------
    log : PeelingLog
    folder : str or path
        Made if it does not exist. It may hold the workbooks of an earlier call, which are
        replaced, and no others, because a folder is read as one log.
    n_files : int
        Parts of equal length; the order of their names is that of time.

    Returns
    -------
    list of Path
        peeling_1.xlsx, …

    Raises
    ------
    InputError
        The folder holds other workbooks.
    ParameterError
        There are fewer rows than files, or more than a sheet can hold.
    MissingExtraError
        XlsxWriter is not installed.
    """
    xlsxwriter = require("xlsxwriter", extra="spreadsheets")
    fewest = math.ceil(len(log) / MOST_ROWS)
    if n_files not in range(fewest, len(log) + 1):
        raise ParameterError(
            f"n_files={n_files!r}: needed is a whole number from {fewest} to {len(log)}, because a "
            f"sheet holds 1 to {MOST_ROWS} of the {len(log)} rows"
        )
    target = Path(folder)
    digits = len(str(n_files))
    paths = [target / f"peeling_{k:0{digits}}.xlsx" for k in range(1, n_files + 1)]
    others = sorted(set(workbooks_in(target)) - set(paths)) if target.is_dir() else []
    if others:
        raise InputError(
            f"{target} holds other workbooks ({others[0].name}), which would be read as parts of "
            "this log; remove them or choose another folder"
        )
    edges = np.linspace(0, len(log), n_files + 1).round().astype(int)
    target.mkdir(parents=True, exist_ok=True)
    replace_files(
        {
            path: _workbook(xlsxwriter, log, slice(start, stop))
            for path, (start, stop) in zip(paths, itertools.pairwise(edges), strict=True)
        }
    )
    return paths


def _workbook(xlsxwriter: Any, log: PeelingLog, rows: slice) -> bytes:
    """The bytes of one workbook; the same log gives the same bytes."""
    stamps = np.datetime_as_string(BEGINNING + np.rint(log.time[rows] * 1e6).astype("m8[us]"))
    orders = np.maximum.accumulate(log.bars)[rows] // BARS_PER_ORDER + 1
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"constant_memory": True})
    book.set_properties({"created": datetime.datetime(2024, 3, 4), "comments": "synthetic data"})
    sheet = book.add_worksheet("log")
    cells = zip(
        (stamp[:10] for stamp in stamps.tolist()),
        (stamp[11:] for stamp in stamps.tolist()),
        (f"PO-{order}" for order in orders.tolist()),
        (bar or None for bar in log.bars[rows].tolist()),
        log.torque[rows].tolist(),
        log.labels[rows].tolist(),
        strict=True,
    )
    for position, row in enumerate(itertools.chain(HEAD, cells)):
        sheet.write_row(position, 0, row)
    book.close()
    return content.getvalue()
