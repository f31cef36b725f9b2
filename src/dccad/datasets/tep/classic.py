"""The Tennessee Eastman process: its variables, its faults, and the classic benchmark files.

Downs and Vogel (1993); Chiang, Russell and Braatz (2001). docs/datasets.md says more.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from dccad.datasets.dataset import Dataset
from dccad.errors import DccadWarning, InputError, warn
from dccad.logs.runs import Run

SAMPLE_SECONDS = 180
"""Time between two rows, in classic and simulated runs alike."""

TEST_ONSET = 160
"""Row of the classic test runs from which the fault is active: 8 hours at 3 minutes a row."""


@dataclass(frozen=True)
class Variable:
    """One column of a Tennessee Eastman log: name, unit, and what it measures."""

    name: str
    unit: str
    description: str


VARIABLES: tuple[Variable, ...] = (
    Variable("xmeas_1", "kscmh", "A feed (stream 1)"),
    Variable("xmeas_2", "kg/h", "D feed (stream 2)"),
    Variable("xmeas_3", "kg/h", "E feed (stream 3)"),
    Variable("xmeas_4", "kscmh", "A and C feed (stream 4)"),
    Variable("xmeas_5", "kscmh", "recycle flow (stream 8)"),
    Variable("xmeas_6", "kscmh", "reactor feed rate (stream 6)"),
    Variable("xmeas_7", "kPa gauge", "reactor pressure"),
    Variable("xmeas_8", "%", "reactor level"),
    Variable("xmeas_9", "°C", "reactor temperature"),
    Variable("xmeas_10", "kscmh", "purge rate (stream 9)"),
    Variable("xmeas_11", "°C", "separator temperature"),
    Variable("xmeas_12", "%", "separator level"),
    Variable("xmeas_13", "kPa gauge", "separator pressure"),
    Variable("xmeas_14", "m³/h", "separator underflow (stream 10)"),
    Variable("xmeas_15", "%", "stripper level"),
    Variable("xmeas_16", "kPa gauge", "stripper pressure"),
    Variable("xmeas_17", "m³/h", "stripper underflow (stream 11)"),
    Variable("xmeas_18", "°C", "stripper temperature"),
    Variable("xmeas_19", "kg/h", "stripper steam flow"),
    Variable("xmeas_20", "kW", "compressor work"),
    Variable("xmeas_21", "°C", "reactor cooling-water outlet temperature"),
    Variable("xmeas_22", "°C", "separator cooling-water outlet temperature"),
    *(
        Variable(f"xmeas_{23 + i}", "mol %", f"component {component} in the reactor feed")
        for i, component in enumerate("ABCDEF")
    ),
    *(
        Variable(f"xmeas_{29 + i}", "mol %", f"component {component} in the purge gas")
        for i, component in enumerate("ABCDEFGH")
    ),
    *(
        Variable(f"xmeas_{37 + i}", "mol %", f"component {component} in the product")
        for i, component in enumerate("DEFGH")
    ),
    Variable("xmv_1", "%", "D feed valve (stream 2)"),
    Variable("xmv_2", "%", "E feed valve (stream 3)"),
    Variable("xmv_3", "%", "A feed valve (stream 1)"),
    Variable("xmv_4", "%", "A and C feed valve (stream 4)"),
    Variable("xmv_5", "%", "compressor recycle valve"),
    Variable("xmv_6", "%", "purge valve (stream 9)"),
    Variable("xmv_7", "%", "separator liquid valve (stream 10)"),
    Variable("xmv_8", "%", "stripper product valve (stream 11)"),
    Variable("xmv_9", "%", "stripper steam valve"),
    Variable("xmv_10", "%", "reactor cooling-water valve"),
    Variable("xmv_11", "%", "condenser cooling-water valve"),
)
"""The 52 columns in file order: XMEAS(1) to XMEAS(41), then XMV(1) to XMV(11)."""

COLUMNS: tuple[str, ...] = tuple(variable.name for variable in VARIABLES)
UNITS: tuple[str, ...] = tuple(variable.unit for variable in VARIABLES)

FAULTS: dict[int, str] = {
    1: "A/C feed ratio changes, B constant (stream 4): step",
    2: "B composition changes, A/C ratio constant (stream 4): step",
    3: "D feed temperature: step, hardly visible",
    4: "reactor cooling-water inlet temperature: step",
    5: "condenser cooling-water inlet temperature: step",
    6: "A feed lost (stream 1): step",
    7: "C header pressure lost, less of stream 4 available: step",
    8: "A, B and C composition of stream 4: random",
    9: "D feed temperature: random, hardly visible",
    10: "C feed temperature (stream 4): random",
    11: "reactor cooling-water inlet temperature: random",
    12: "condenser cooling-water inlet temperature: random",
    13: "reaction kinetics: slow drift",
    14: "reactor cooling-water valve: sticking",
    15: "condenser cooling-water valve: sticking, hardly visible",
    16: "not disclosed",
    17: "not disclosed",
    18: "not disclosed",
    19: "not disclosed",
    20: "not disclosed",
    21: "stream-4 valve fixed at its steady position",
}
"""The faults of the classic files, ``d01`` to ``d21``."""

CLASSIC_ROWS = {"d00": 500, "train": 480, "test": 960}
"""Rows of the published files; other counts are read, with a warning."""


def sample_times(n_rows: int) -> NDArray[np.float64]:
    """Times of the rows of a simulated run, of shape (n_rows,), in seconds since its first row.

    Examples
    --------
    >>> sample_times(3).tolist()
    [0.0, 180.0, 360.0]
    """
    return np.arange(n_rows, dtype=np.float64) * SAMPLE_SECONDS


def load_tep(folder: str | os.PathLike[str]) -> Dataset:
    """Read the classic Tennessee Eastman files ``d00.dat`` … ``d21.dat``, ``d00_te.dat`` ….

    In the training runs ``d01`` to ``d21`` the fault is active in every row (onset 0); in the test
    runs it starts at row 160. ``d00`` and ``d00_te`` are fault-free. The published ``d00.dat`` is
    stored transposed (52 rows of 500 samples); it is read in either orientation.

    Parameters
    ----------
    folder : str or path
        Folder with the 44 files: whitespace-separated text, one row a sample, 52 columns.

    Returns
    -------
    Dataset
        22 training and 22 test runs in the order of the fault numbers. ``Run.values`` is float64
        of shape (n_rows, 52) in plant units, ``Run.time`` is None; rows are ``SAMPLE_SECONDS``
        apart.

    Raises
    ------
    InputError
        The folder or files are missing; a file is empty, ragged or has not 52 columns; a cell
        holds no finite number. The message names the file, row and column.

    Warns
    -----
    DccadWarning
        A file does not have the number of rows of the published one.

    Examples
    --------
    >>> load_tep("no/such/folder")
    Traceback (most recent call last):
        ...
    dccad.errors.InputError: folder 'no/such/folder' does not exist; pass the folder ...
    """
    root = Path(folder)
    _refuse_missing(root)
    train = tuple(_read_run(root, fault, test=False) for fault in range(22))
    test = tuple(_read_run(root, fault, test=True) for fault in range(22))
    _warn_unusual_length((*train, *test))
    return Dataset("tep", train, test)


def _file_name(fault: int, test: bool) -> str:
    return f"d{fault:02d}{'_te' if test else ''}.dat"


def _refuse_missing(root: Path) -> None:
    need = "pass the folder that holds d00.dat … d21.dat and d00_te.dat … d21_te.dat"
    if not root.exists():
        raise InputError(f"folder {str(root)!r} does not exist; {need}")
    if not root.is_dir():
        raise InputError(f"{str(root)!r} is a file, not a folder; {need}")
    names = [_file_name(fault, test) for test in (False, True) for fault in range(22)]
    missing = [name for name in names if not (root / name).is_file()]
    if missing:
        shown = ", ".join(missing[:5])
        if len(missing) > 5:
            shown += f" and {len(missing) - 5} more"
        raise InputError(
            f"folder {str(root)!r} lacks {len(missing)} of the 44 Tennessee Eastman files: "
            f"{shown}; {need}"
        )


def _read_run(root: Path, fault: int, test: bool) -> Run:
    path = root / _file_name(fault, test)
    transposable = fault == 0 and not test
    values = _read_matrix(path, transposable)
    onset = None if fault == 0 else TEST_ONSET if test else 0
    if onset is not None and onset >= len(values):
        raise InputError(
            f"{path}: {len(values)} rows, but the fault starts at row {onset} (counted from 0) "
            f"of a test run; the published file has {CLASSIC_ROWS['test']} rows: copy it again"
        )
    return Run(values, COLUMNS, path.stem, units=UNITS, fault=fault, onset=onset)


def _read_matrix(path: Path, transposable: bool) -> NDArray[np.float64]:
    """Read one file as samples × 52 variables; look for the place of an error only on failure."""
    if not path.read_bytes().strip():
        raise InputError(f"{path}: the file is empty; copy it again")
    try:
        # latin-1 decodes any byte, so that a damaged file reaches the search for the bad cell
        matrix = np.loadtxt(path, ndmin=2, comments=None, encoding="latin-1")
    except ValueError:
        _refuse_cells(path, transposable)
    n_variables = len(COLUMNS)
    if transposable and matrix.shape[0] == n_variables:
        matrix = matrix.T
    elif matrix.shape[1] != n_variables:
        also = f" (or {n_variables} rows, as published)" if transposable else ""
        raise InputError(
            f"{path}: {matrix.shape[1]} columns; needed are {n_variables}{also}: XMEAS(1) to "
            "XMEAS(41), then XMV(1) to XMV(11)"
        )
    if not np.isfinite(matrix).all():
        _refuse_cells(path, transposable)
    return np.ascontiguousarray(matrix)


def _refuse_cells(path: Path, transposable: bool) -> NoReturn:
    """Name the first ragged row or the first cell without a finite number."""
    text = path.read_text(encoding="latin-1")
    lines = [(i, line.split()) for i, line in enumerate(text.splitlines(), start=1)]
    lines = [(i, cells) for i, cells in lines if cells]
    width = len(lines[0][1])
    sideways = transposable and len(lines) == len(COLUMNS)
    for position, (row, cells) in enumerate(lines):
        for column, cell in enumerate(cells):
            if not _is_finite_number(cell):
                sensor = position if sideways else column
                name = COLUMNS[sensor] if sensor < len(COLUMNS) else "no variable"
                raise InputError(
                    f"{path}: row {row}, column {column + 1} ({name}; counted from 1) holds "
                    f"{cell!r}, which is not a finite number; correct the cell or copy the file "
                    "again"
                )
        if len(cells) != width:
            raise InputError(
                f"{path}: row {row} (counted from 1) has {len(cells)} columns, the first has "
                f"{width}; every row needs the same number: copy the file again"
            )
    raise InputError(f"{path}: cannot be read as a table of numbers; copy the file again")


def _is_finite_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False


def _warn_unusual_length(runs: tuple[Run, ...]) -> None:
    unusual = []
    for run in runs:
        expected = CLASSIC_ROWS.get(
            run.name, CLASSIC_ROWS["test" if "_te" in run.name else "train"]
        )
        if len(run) != expected:
            unusual.append(f"{run.name}.dat has {len(run)} rows instead of {expected}")
    if unusual:
        more = f", and {len(unusual) - 1} more files differ" if len(unusual) > 1 else ""
        warn(
            f"not the published Tennessee Eastman files: {unusual[0]}{more}; results will not "
            "compare with published ones",
            DccadWarning,
        )
