"""Read the spreadsheets of a peeling machine.

The first sheet of a workbook (of those that are not hidden and hold cells) has one header row, two
rows under it that are no data (units, notes of the logger), and then a row per sample: four columns
about the recording (date, time, order, bar; their content is not looked at), the torque, and in
labelled workbooks a 0 or 1.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError
from dccad.logs.wording import describe_column_difference
from dccad.tables.files.sources import natural_key
from dccad.tables.workbooks.reader import read_sheet, read_sheet_rows

if TYPE_CHECKING:
    import polars as pl

SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")

N_METADATA = 4
"""Leading columns that are not looked at; the torque comes next, then the label."""

FIRST_ROW = 4
"""Row of the first sample as a spreadsheet counts, from 1: a header row and two rows of no data."""


@dataclass(frozen=True)
class Recording:
    """What one workbook holds.

    Attributes
    ----------
    name : str
        The file name without suffix.
    torque : ndarray of shape (n_rows,), float64, in N m
    labels : ndarray of shape (n_rows,), int8, or None
        None where the workbook is not labelled.
    column : str
        What the header calls the torque.
    """

    name: str
    torque: NDArray[np.float64]
    labels: NDArray[np.int8] | None
    column: str = "torque"


# Finding ------------------------------------------------------------------------------------------


def find_workbooks(files: Any) -> list[Path]:
    """Workbooks in the order of their names, numbers in names by value.

    Raises
    ------
    InputError
        A path does not exist, is no workbook, or is given twice; a folder has no workbook.
    """
    single = isinstance(files, str | os.PathLike)
    paths = [Path(files)] if single else [Path(path) for path in files]
    if single and paths[0].is_dir():
        found = workbooks_in(paths[0])
        if not found:
            raise InputError(
                f"{paths[0]}: the folder holds no workbook ({', '.join(SUFFIXES)}); pass the "
                "folder with the machine's spreadsheets"
            )
        paths = found
    if not paths:
        raise InputError("no workbook was given; pass at least one, or a folder of them")
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: no such file; check the path")
        if path.is_dir():
            raise InputError(f"{path} is a folder; pass workbooks, or one folder alone")
        if path.suffix.lower() not in SUFFIXES:
            raise InputError(
                f"{path}: a peeling log is a spreadsheet ({', '.join(SUFFIXES)}), not "
                f"{path.suffix or 'a file without suffix'}; read other tables with read_table"
            )
    if len({path.resolve() for path in paths}) < len(paths):
        twice = next(p for p in paths if sum(p.samefile(other) for other in paths) > 1)
        raise InputError(f"{twice} is given more than once; pass each workbook once")
    return sorted(paths, key=lambda path: (natural_key(path.name)[0], str(path)))


def workbooks_in(folder: Path) -> list[Path]:
    """Workbooks of a folder, without hidden ones and the lock files that Excel leaves."""
    return [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith((".", "~$"))
    ]


# Reading ------------------------------------------------------------------------------------------


def read_peeling_workbooks(
    paths: Sequence[Path], label: str | bool | None = None
) -> list[Recording]:
    """Read the first sheet of each of some workbooks of the same columns.

    Raises
    ------
    InputError
        A file is no workbook or has too few columns or rows; a torque is blank or no number, a
        label neither 0 nor 1: the message names file and cell. Columns differ, or only some
        workbooks are labelled.
    """
    recordings: list[Recording] = []
    header: list[str] = []
    for path in paths:
        recording, names = _read(path, label)
        if not recordings:
            header = names
        elif names != header:
            raise InputError(
                f"{path}: other columns than {paths[0].name}: "
                f"{describe_column_difference(header, names)}; pass files of one form together"
            )
        recordings.append(recording)
        if (recording.labels is None) != (recordings[0].labels is None):
            which = path if recording.labels is None else paths[0]
            raise InputError(
                f"{which}: the column after the torque holds other values than 0 and 1, unlike in "
                f"{(paths[0] if which is path else path).name}; say whether there is a label "
                "(label=True or False)"
            )
    return recordings


def _read(path: Path, label: str | bool | None) -> tuple[Recording, list[str]]:
    """The recording, and the names of all columns."""
    names = read_sheet_rows(path, rows=1)[0]
    if len(names) <= N_METADATA:
        raise InputError(
            f"{path}: {len(names)} columns; needed are {N_METADATA} about the recording, then the "
            "torque, then, where there is one, the label"
        )
    place = _label_place(path, names, label)
    column = names[N_METADATA] or "torque"
    keys = [_letter(position) for position in range(len(names))]
    cells = read_sheet(path, None, keys, FIRST_ROW - 1)
    torque = _numbers(cells[_letter(N_METADATA)])
    _refuse_bad(path, cells, np.isfinite(torque), N_METADATA, f"torque {column!r}")
    if torque.any() and np.isin(torque, (0, 1)).all():
        raise InputError(
            f"{path}: column {_letter(N_METADATA)} ({column!r}) holds nothing but 0 and 1, as a "
            f"label does; needed is the torque there, after {N_METADATA} other columns"
        )
    recording = Recording(path.stem, torque, None, column)
    if place is None:
        return recording, names
    marks = _numbers(cells[_letter(place)])
    known = (marks == 0) | (marks == 1)
    shown = f"label {names[place]!r}"
    if label is None:
        others = ~known & cells[_letter(place)].is_not_null().to_numpy()
        if (others.any() or not known.any()) and "label" not in names[place].casefold():
            return recording, names
        shown += " (taken for one by its name)" if others.any() else ""
    _refuse_bad(path, cells, known, place, shown)
    return replace(recording, labels=marks.astype(np.int8)), names


def _label_place(path: Path, names: list[str], label: str | bool | None) -> int | None:
    """Which column holds the label, if any."""
    after = names[N_METADATA + 1 :]
    if isinstance(label, str):
        if label in after:
            return N_METADATA + 1 + after.index(label)
        near = difflib.get_close_matches(label, after, n=1)
        found = ", ".join(map(repr, after)) or "none"
        hint = f"did you mean {near[0]!r}?" if near else f"columns after the torque: {found}"
        raise InputError(f"{path}: no label column {label!r}; {hint}")
    if label is False or (label is None and not after):
        return None
    if not after:
        raise InputError(
            f"{path}: no column after the torque, where the label is expected; pass label=False "
            "for files without one"
        )
    return N_METADATA + 1


def _letter(place: int) -> str:
    """Column as a spreadsheet calls it; there are no more than 26 of interest.

    Examples
    --------
    >>> _letter(4), _letter(26)
    ('E', 'column 27')
    """
    return chr(ord("A") + place) if place < 26 else f"column {place + 1}"


def _numbers(column: pl.Series) -> NDArray[np.float64]:
    """Cells as numbers, NaN where they are none; numbers stored as text count."""
    import polars as pl

    if column.dtype == pl.String:
        column = column.str.strip_chars().cast(pl.Float64, strict=False)
    elif not (column.dtype.is_numeric() or column.dtype == pl.Boolean):  # dates
        column = pl.repeat(None, len(column), dtype=pl.Float64, eager=True)
    return np.array(column.cast(pl.Float64).fill_null(float("nan")).to_numpy(), dtype=np.float64)


def _refuse_bad(
    path: Path, cells: pl.DataFrame, good: NDArray[np.bool_], place: int, what: str
) -> None:
    """Name the first cell that cannot be used."""
    if good.all():
        return
    row = int(np.argmin(good))
    cell = cells[_letter(place)][row]
    text = f"{cell:g}" if isinstance(cell, float) else str(cell)
    held = "no value" if cell is None else repr(text[:40])
    more = int((~good).sum()) - 1
    others = f" ({more} more like it)" if more else ""
    needed = "a number" if place == N_METADATA else "0 or 1"
    raise InputError(
        f"{path}: {what} in row {row + FIRST_ROW} (cell {_letter(place)}{row + FIRST_ROW}) "
        f"holds {held}{others}; needed is {needed}: correct the cells, or delete these rows"
    )
