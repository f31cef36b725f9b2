"""Simulated Tennessee Eastman runs on disk: a Parquet file of rows, a JSON file beside it.

``NAME.parquet`` holds one row per sample in single precision: ``run``, ``split`` ("train" or
"test"), ``fault``, ``row``, then the 52 sensors. ``NAME.json`` says how each run was made and how
it ended, so that any of them can be simulated again.
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from dccad.datasets.dataset import Dataset
from dccad.datasets.tep.classic import COLUMNS, SAMPLE_SECONDS, UNITS, sample_times
from dccad.errors import InputError, ParameterError
from dccad.logs.runs import Run
from dccad.support.files import replace_files

FORMAT = 1
"""Version of the file pair; a later one is refused."""

LARGEST_SEED = 2**32 - 1
LARGEST_FAULT = 28


@dataclass(frozen=True)
class RunPlan:
    """What is needed to simulate one run, and to simulate it again.

    Attributes
    ----------
    name : str
        Name of the run, as the classic files: "d05", "d05_te".
    split : str
        "train" or "test".
    fault : int
        0 = fault-free, 1 to 28 = number of the process disturbance.
    hours : float
        Planned duration.
    warm_up_hours : float
        Simulated before the run and not recorded, so that the plant has settled.
    onset_hours : float or None
        Hour of the run from which the fault is active; None for a fault-free run.
    seed : int
        Seed of the simulator's random generator, 1 to 2**32 - 1.

    Raises
    ------
    ParameterError
        Lists every value that is out of range.

    Examples
    --------
    >>> RunPlan("d31", "train", 31, hours=0, warm_up_hours=30, onset_hours=1, seed=1)
    Traceback (most recent call last):
        ...
    dccad.errors.ParameterError: fault=31 is not a whole number from 0 to 28; hours=0 is not ...
    """

    name: str
    split: str
    fault: int
    hours: float
    warm_up_hours: float
    onset_hours: float | None
    seed: int

    def __post_init__(self) -> None:
        problems = []
        if not (is_whole(self.fault) and 0 <= self.fault <= LARGEST_FAULT):
            problems.append(f"fault={self.fault!r} is not a whole number from 0 to {LARGEST_FAULT}")
        if not (math.isfinite(self.hours) and self.hours > 0):
            problems.append(f"hours={self.hours!r} is not a positive number")
        if not (math.isfinite(self.warm_up_hours) and self.warm_up_hours >= 0):
            problems.append(f"warm_up_hours={self.warm_up_hours!r} is not a number of at least 0")
        if self.fault == 0 and self.onset_hours is not None:
            problems.append(
                f"onset_hours={self.onset_hours!r} was given for fault=0, the fault-free run; "
                "leave it None or choose a fault"
            )
        if self.fault != 0 and not (
            self.onset_hours is not None and 0 <= self.onset_hours < self.hours
        ):
            problems.append(
                f"onset_hours={self.onset_hours!r} is not within the run: at least 0 and less "
                f"than hours={self.hours!r}"
            )
        # the generator multiplies its last value: from 0 it would give 0 for ever
        if not (is_whole(self.seed) and 1 <= self.seed <= LARGEST_SEED):
            problems.append(f"seed={self.seed!r} is not a whole number from 1 to {LARGEST_SEED}")
        if problems:
            raise ParameterError("; ".join(problems))


@dataclass(frozen=True)
class RunRecord(RunPlan):
    """The plan of a run and how it ended.

    Attributes
    ----------
    rows : int
        Rows recorded; fewer than planned after a shutdown.
    onset : int or None
        Index of the first faulty row; None if there is no fault or the run ended before it.
    shutdown_hours : float or None
        Hour of the run when the plant shut itself down; None if it ran to the end.
    shutdown_message : str
        The simulator's reason for the shutdown, or empty.
    """

    rows: int
    onset: int | None
    shutdown_hours: float | None
    shutdown_message: str

    @property
    def plan(self) -> RunPlan:
        """The plan alone, to simulate the run again."""
        return RunPlan(**{field.name: getattr(self, field.name) for field in fields(RunPlan)})


@dataclass(frozen=True)
class SimulatedRun:
    """A simulated run and the record of how it was made."""

    run: Run
    record: RunRecord


def write_tep_parquet(
    runs: Sequence[SimulatedRun],
    path: str | os.PathLike[str],
    *,
    generator: dict[str, Any],
) -> tuple[Path, Path]:
    """Write simulated runs as ``path`` + ``.parquet`` and ``path`` + ``.json``.

    Both files are written beside their targets and then renamed: on failure neither changes.

    Parameters
    ----------
    runs : sequence of SimulatedRun
        At least one; values are rounded to single precision.
    path : str or path
        Without suffix.
    generator : dict
        What made the runs (package, version, settings), stored as it is.

    Returns
    -------
    tuple of two Path
        The Parquet file and the JSON file.

    Raises
    ------
    OSError
        The folder is missing or not writable, or the disk is full.
    """
    import polars as pl

    frames = []
    for simulated in runs:
        record, values = simulated.record, simulated.run.values.astype(np.float32)
        keys = pl.select(
            run=pl.repeat(record.name, len(values)),
            split=pl.repeat(record.split, len(values)),
            fault=pl.repeat(record.fault, len(values), dtype=pl.UInt8),
            row=pl.int_range(len(values), dtype=pl.UInt32),
        )
        frames.append(keys.hstack(pl.from_numpy(values, schema=list(COLUMNS))))
    rows = io.BytesIO()
    pl.concat(frames).write_parquet(rows, compression="zstd", compression_level=19)
    header = {
        "format": FORMAT,
        "generator": generator,
        "sample_seconds": SAMPLE_SECONDS,
        "columns": COLUMNS,
        "units": UNITS,
    }
    # one line per entry and per run, because people read this file, too
    entries = [
        f' "{key}": {json.dumps(value, ensure_ascii=False)}' for key, value in header.items()
    ]
    records = ",\n".join(
        f"  {json.dumps(asdict(simulated.record), default=int)}" for simulated in runs
    )
    text = "{\n" + ",\n".join([*entries, f' "runs": [\n{records}\n ]']) + "\n}\n"
    table, about = _file_pair(path)
    replace_files({table: rows.getvalue(), about: text.encode()})
    return table, about


def read_records(path: str | os.PathLike[str]) -> tuple[RunRecord, ...]:
    """Read how each run was made and how it ended, in the order of the rows.

    Parameters
    ----------
    path : str or path
        Without suffix, as for :func:`write_tep_parquet`.

    Raises
    ------
    InputError
        The JSON file is missing, damaged, or of a later version.
    """
    about = _file_pair(path)[1]
    if not about.is_file():
        raise InputError(f"{str(about)!r} does not exist; pass the path that was simulated to")
    try:
        content = json.loads(about.read_text(encoding="utf-8"))
        version = content["format"]
        records = (
            tuple(RunRecord(**entry) for entry in content["runs"]) if version == FORMAT else ()
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{str(about)!r} is damaged ({type(error).__name__}); simulate the runs again"
        ) from error
    if version != FORMAT:
        raise InputError(
            f"{str(about)!r} has format {version!r}, this version of dccad reads {FORMAT}; "
            "install a later dccad or simulate the runs again"
        )
    return records


def read_tep_parquet(path: str | os.PathLike[str], *, name: str) -> Dataset:
    """Read simulated runs back; the inverse of :func:`write_tep_parquet`.

    Parameters
    ----------
    path : str or path
        Without suffix.
    name : str
        Name of the data set.

    Returns
    -------
    Dataset
        ``Run.values`` is float32 of shape (n_rows, 52), ``Run.time`` float64 in seconds since the
        first row of the run; rows are 180 s apart.

    Raises
    ------
    InputError
        A file is missing, damaged, or the two do not belong together.
    """
    import polars as pl

    records = read_records(path)
    table = _file_pair(path)[0]
    if not table.is_file():
        raise InputError(f"{str(table)!r} does not exist; pass the path that was simulated to")
    try:
        frame = pl.read_parquet(table, columns=["run", *COLUMNS])
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{str(table)!r} is damaged; simulate the runs again") from error
    expected = [record.name for record in records for _ in range(record.rows)]
    if frame["run"].to_list() != expected:
        raise InputError(
            f"{str(table)!r} does not hold the runs that the .json file beside it lists; simulate "
            "the runs again"
        )
    values = np.ascontiguousarray(frame.select(COLUMNS).to_numpy(), dtype=np.float32)
    parts = np.split(values, np.cumsum([record.rows for record in records])[:-1])
    runs = [
        (
            record.split,
            Run(
                part,
                COLUMNS,
                record.name,
                sample_times(record.rows),
                UNITS,
                fault=record.fault,
                onset=record.onset,
            ),
        )
        for record, part in zip(records, parts, strict=True)
    ]
    return Dataset(
        name,
        train=tuple(run for split, run in runs if split == "train"),
        test=tuple(run for split, run in runs if split == "test"),
    )


def is_whole(value: object) -> bool:
    """Tell whether a value is a whole number, NumPy's included.

    Examples
    --------
    >>> is_whole(3), is_whole(np.int64(3)), is_whole(3.0)
    (True, True, False)
    """
    return isinstance(value, Integral)


def _file_pair(path: str | os.PathLike[str]) -> tuple[Path, Path]:
    base = Path(path)
    return base.with_name(base.name + ".parquet"), base.with_name(base.name + ".json")
