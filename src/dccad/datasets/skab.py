"""SKAB, the Skoltech anomaly benchmark: a pump test bed with valves that are closed on purpose.

Katser and Kozitsin (2020), doi:10.34740/KAGGLE/DSV/1693952; GPL-3.0 and not part of dccad.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dccad.datasets.dataset import Dataset
from dccad.errors import InputError
from dccad.logs.runs import Run
from dccad.logs.wording import describe_column_difference
from dccad.tables.files.sources import natural_key

if TYPE_CHECKING:
    import polars as pl

SOURCE = "https://github.com/waico/SKAB"

TRAIN_ROWS = 400
"""Rows at the start of an experiment on which the benchmark trains; the others are judged."""

SENSORS = {
    "Accelerometer1RMS": "g",
    "Accelerometer2RMS": "g",
    "Current": "A",
    "Pressure": "bar",
    "Temperature": "°C",
    "Thermocouple": "°C",
    "Voltage": "V",
    "Volume Flow RateRMS": "L/min",
}
"""Columns and their units: vibration, motor current, pressure behind the pump, temperature of the
motor and of the fluid, motor voltage, flow."""

TIME = "datetime"
LABELS = ("anomaly", "changepoint")
EXPERIMENTS = ("valve1", "valve2", "other")
ANOMALY_FREE = "anomaly-free"


def load_skab(folder: str | os.PathLike[str]) -> Dataset:
    """Read the experiments of SKAB.

    The benchmark fits on the first ``TRAIN_ROWS`` rows of each experiment and judges the rows
    behind them. Runs are given whole all the same: a causal score of row 400 needs the rows
    before it.

    Parameters
    ----------
    folder : str or path
        The benchmark's folder ``data``: ``valve1``, ``valve2``, ``other`` (those that are there)
        with one semicolon-separated CSV file an experiment, and ``anomaly-free``.

    Returns
    -------
    Dataset
        ``test`` holds the experiments, named "valve1/0", "valve1/1" …, in the order of folder and
        number, with the column "anomaly" as ``Run.row_labels``; the column "changepoint" is left
        out. ``train`` holds the recording without anomalies (``fault`` 0), or nothing where it is
        missing. ``Run.values`` is float64 of shape (n_rows, 8), ``Run.time`` datetime64[ns]; a
        few seconds are missing here and there, and some experiments have a gap of about a minute.

    Raises
    ------
    InputError
        The folder is missing or has no experiment; a file has other columns, a cell without a
        finite number, a label other than 0 and 1, or time stamps that do not increase.

    Examples
    --------
    >>> load_skab("no/such/folder")
    Traceback (most recent call last):
        ...
    dccad.errors.InputError: folder 'no/such/folder' does not exist; pass the folder 'data' ...
    """
    root = Path(folder)
    need = f"pass the folder 'data' of SKAB, with valve1, valve2 … in it ({SOURCE})"
    if not root.exists():
        raise InputError(f"folder {str(root)!r} does not exist; {need}")
    if not root.is_dir():
        raise InputError(f"{str(root)!r} is a file, not a folder; {need}")
    files = [file for group in EXPERIMENTS for file in _csv_files(root / group)]
    if not files:
        raise InputError(
            f"folder {str(root)!r} has no CSV file in {', '.join(EXPERIMENTS)}; {need}"
        )
    test = tuple(_read_run(file, labelled=True) for file in files)
    train = tuple(_read_run(file, labelled=False) for file in _csv_files(root / ANOMALY_FREE))
    return Dataset("skab", train, test)


def _csv_files(folder: Path) -> list[Path]:
    """Files in the order of the numbers in their names; none where the folder is missing."""
    if not folder.is_dir():
        return []
    files = [path for path in folder.iterdir() if path.suffix == ".csv" and path.is_file()]
    return sorted(files, key=lambda path: natural_key(path.stem))


def _read_run(path: Path, labelled: bool) -> Run:
    frame = _read_text(path, (TIME, *SENSORS, *(LABELS if labelled else ())))
    values = np.column_stack([_numbers(path, frame[name]) for name in SENSORS])
    labels = [_labels(path, frame[name]) for name in LABELS] if labelled else [None]
    return Run(
        values,
        tuple(SENSORS),
        f"{path.parent.name}/{path.stem}",
        _instants(path, frame[TIME]),
        tuple(SENSORS.values()),
        fault=None if labelled else 0,
        row_labels=labels[0],
    )


def _read_text(path: Path, expected: tuple[str, ...]) -> pl.DataFrame:
    import polars as pl

    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty; copy it again")
    try:
        # as text, so that a bad cell can be shown as it stands in the file
        frame = pl.read_csv(path, separator=";", infer_schema=False, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: not readable as CSV ({reason}); copy it again") from error
    if tuple(frame.columns) != expected:
        raise InputError(
            f"{path}: other columns than in SKAB "
            f"({describe_column_difference(expected, frame.columns)}); copy it again"
        )
    if not frame.height:
        raise InputError(f"{path}: no rows below the column names; copy it again")
    return frame


def _numbers(path: Path, column: pl.Series) -> NDArray[np.float64]:
    import polars as pl

    numbers: NDArray[np.float64] = column.cast(pl.Float64, strict=False).to_numpy()
    _refuse_cell(path, column, np.isfinite(numbers), "a finite number")  # a blank cell is NaN
    return numbers


def _labels(path: Path, column: pl.Series) -> NDArray[np.int8]:
    labels = _numbers(path, column)
    _refuse_cell(path, column, np.isin(labels, (0, 1)), "0 or 1")
    return labels.astype(np.int8)


def _instants(path: Path, column: pl.Series) -> NDArray[np.datetime64]:
    stamps: NDArray[np.datetime64] = column.str.to_datetime(
        "%Y-%m-%d %H:%M:%S", strict=False, time_unit="ns"
    ).to_numpy()
    _refuse_cell(path, column, ~np.isnat(stamps), "a time stamp as 2020-03-09 10:14:33")
    later = np.diff(stamps, prepend=stamps[0] - np.timedelta64(1, "s")) > np.timedelta64(0)
    _refuse_cell(path, column, later, "a time stamp later than the one before")
    return stamps


def _refuse_cell(path: Path, column: pl.Series, good: NDArray[np.bool_], needed: str) -> None:
    """Name the first cell that is not good, by the line of the file."""
    if good.all():
        return
    row = int(np.argmin(good))
    cell = column[row]
    came = "is blank" if cell is None else f"holds {cell[:40]!r}"
    raise InputError(
        f"{path}: line {row + 2}, column {column.name!r} {came}, but needed is {needed}; "
        "correct the cell or copy the file again"
    )
