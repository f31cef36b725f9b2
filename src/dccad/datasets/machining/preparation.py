"""The metal peeling machine: its torque logs as training and test runs.

Zeros mean that the machine is idle. Labels, where there are some, decide where runs begin and end,
as in the published preparation (Chadha et al. 2021); nothing else of them reaches a model.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dccad.datasets.dataset import Dataset
from dccad.datasets.machining.recordings import Recording, find_workbooks, read_peeling_workbooks
from dccad.errors import DccadWarning, InputError, ParameterError, warn
from dccad.logs.runs import Run

Files: TypeAlias = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]

UNIT = "N m"


@dataclass(frozen=True)
class _Options:
    """Options of the preparation; checked when made."""

    downsample: int
    train_fraction: float
    sampling_rate: float | None
    split_at_idle: bool | None

    def __post_init__(self) -> None:
        problems = []
        if self.downsample != int(self.downsample) or self.downsample < 1:
            problems.append(f"downsample={self.downsample!r}: needed is a whole number, at least 1")
        if not 0 < self.train_fraction <= 1:
            problems.append(f"train_fraction={self.train_fraction!r}: needed is 0 < fraction ≤ 1")
        if self.sampling_rate is not None and not 0 < self.sampling_rate < float("inf"):
            problems.append(f"sampling_rate={self.sampling_rate!r}: needed is a positive number")
        if problems:
            raise ParameterError("; ".join(problems))


def load_peeling(
    files: Files,
    *,
    label: str | bool | None = None,
    downsample: int = 2,
    train_fraction: float = 0.7,
    sampling_rate: float | None = None,
    split_at_idle: bool | None = None,
    as_runs: bool = False,
) -> Dataset:
    """Read workbooks of a peeling machine and cut them into runs to train and to test on.

    The files are put together in the order of their names (numbers in names by value), and then

    1. rows of zero torque are left out, with their labels: the machine is idle;
    2. the first 70 % of the remaining rows are for training, the others for testing;
    3. rows that follow each other and have one label are one stretch. A stretch that the cut of
       step 2 meets is two. Stretches go on across idle time unless ``split_at_idle``;
    4. each stretch is averaged over blocks of ``downsample`` rows, an incomplete last block is
       left out, and it becomes a run of its own: no block and no window has rows of two stretches.

    Nothing is scaled here: :class:`dccad.DCCA` fits its scaling on the rows that it is fitted on,
    which are to be those of ``train``.

    Parameters
    ----------
    files : str or path, or sequence of these
        Workbooks, or a folder of them.
    label : str, bool or None
        Name of the label's column; True: it is the one after the torque; False: there is none;
        None: the column after the torque is the label if it holds nothing but 0 and 1.
    downsample : int
        Rows per block.
    train_fraction : float
        Share of the cutting rows that are for training; 1: all.
    sampling_rate : float, in Hz, optional
        Sampling rate of the files. It gives the runs time stamps; without it they have none.
    split_at_idle : bool, optional
        Whether idle time ends a stretch. Default: not in labelled files, as published; but in
        files without labels, where nothing else would.
    as_runs : bool
        Each file is a recording of its own, whose stretches do not go on in the next file and
        whose time begins at 0.

    Returns
    -------
    Dataset
        Named "peeling". Each run has one sensor, the torque in N m; ``row_labels`` and ``fault``
        hold its label (None in files without labels). ``time`` is in s since the beginning of
        the recording: when the last row of each block was sampled. Where a run goes on across idle
        time, its time jumps, and ``DCCA`` cuts there unless its ``max_gap`` is longer than that.

    Raises
    ------
    InputError
        Files are missing, damaged or of another form, or no row is left; the message names the
        file and the cell.
    ParameterError
        An option is out of range.

    Warns
    -----
    DccadWarning
        Stretches are shorter than one block and left out.

    Examples
    --------
    >>> import tempfile
    >>> from dccad.datasets.machining.simulation import simulate_peeling
    >>> from dccad.datasets.machining.workbooks import write_peeling_workbooks
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write_peeling_workbooks(simulate_peeling(3, sampling_rate=50.0), folder, n_files=2)
    ...     dataset = load_peeling(folder, downsample=5, sampling_rate=50.0)
    >>> run = dataset.train[0]
    >>> run.columns, run.units, run.fault, run.name
    (('Torque',), ('N m',), 0, 'stretch 1')
    >>> bool(abs(run.time[1] - run.time[0] - 0.1) < 1e-9)
    True
    """
    options = _Options(downsample, train_fraction, sampling_rate, split_at_idle)
    recordings = read_peeling_workbooks(find_workbooks(files), label)
    if not as_runs:
        recordings = [_joined(recordings)]
    return _prepare(recordings, options)


def prepare_peeling(
    torque: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    downsample: int = 2,
    train_fraction: float = 0.7,
    sampling_rate: float | None = None,
    split_at_idle: bool | None = None,
) -> Dataset:
    """Cut one torque log in memory into runs, as :func:`load_peeling` does with files.

    Parameters
    ----------
    torque : array-like of shape (n_rows,), in N m
        Exactly 0 where the machine is idle.
    labels : array-like of shape (n_rows,), optional
        0 / 1.
    downsample, train_fraction, sampling_rate, split_at_idle
        As in :func:`load_peeling`.

    Returns
    -------
    Dataset

    Raises
    ------
    InputError, ParameterError

    Examples
    --------
    >>> torque = [0, 4, 6, 0, 0, 8, 8, 1, 9, 9, 0, 9]
    >>> labels = [0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0]
    >>> dataset = prepare_peeling(torque, labels, downsample=2, train_fraction=0.75)
    >>> [(run.name, run.fault, run.values.ravel().tolist()) for run in dataset.train]
    [('stretch 1', 0, [5.0]), ('stretch 2', 1, [4.5])]
    >>> [(run.name, run.fault, run.values.ravel().tolist()) for run in dataset.test]
    [('stretch 3', 0, [9.0])]
    """
    options = _Options(downsample, train_fraction, sampling_rate, split_at_idle)
    values = np.asarray(torque, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise InputError(
            f"torque has shape {values.shape} or NaN; pass one finite number for each row"
        )
    marks = None
    if labels is not None:
        marks = np.asarray(labels)
        if marks.shape != values.shape or not np.isin(marks, (0, 1)).all():
            raise InputError(f"labels must be {len(values)} times 0 or 1, one for each row")
        marks = marks.astype(np.int8)
    return _prepare([Recording("log", values, marks)], options)


def _joined(recordings: list[Recording]) -> Recording:
    """Several recordings as one."""
    first = recordings[0]
    labels = [recording.labels for recording in recordings if recording.labels is not None]
    return Recording(
        first.name,
        np.concatenate([recording.torque for recording in recordings]),
        np.concatenate(labels) if labels else None,
        first.column,
    )


def _prepare(recordings: list[Recording], options: _Options) -> Dataset:
    lengths = [len(recording.torque) for recording in recordings]
    torque = np.concatenate([recording.torque for recording in recordings])
    row = np.concatenate([np.arange(length) for length in lengths])
    origin = np.repeat(np.arange(len(recordings)), lengths)
    marked = recordings[0].labels is not None
    labels = np.concatenate(
        [
            np.zeros(len(recording.torque), dtype=np.int8)
            if recording.labels is None
            else recording.labels
            for recording in recordings
        ]
    )
    cutting = torque != 0
    if not cutting.any():
        raise InputError(
            f"all {len(torque)} torque values are 0, so the machine is idle throughout; pass a log "
            "in which it cuts"
        )
    torque, labels, row, origin = (part[cutting] for part in (torque, labels, row, origin))
    n_train = round(options.train_fraction * len(torque))
    ends_stretch = (np.diff(labels) != 0) | (np.diff(origin) != 0)
    split_at_idle = not marked if options.split_at_idle is None else options.split_at_idle
    if split_at_idle:
        ends_stretch |= np.diff(row) != 1
    if 0 < n_train < len(torque):
        ends_stretch[n_train - 1] = True
    edges = [0, *(np.flatnonzero(ends_stretch) + 1).tolist(), len(torque)]

    train: list[Run] = []
    test: list[Run] = []
    short = 0
    for number, (start, stop) in enumerate(itertools.pairwise(edges), start=1):
        n_blocks = (stop - start) // options.downsample
        if not n_blocks:
            short += 1
            continue
        recording = recordings[origin[start]]
        name = f"stretch {number}"
        blocks = slice(start, start + n_blocks * options.downsample)
        last_rows = row[blocks][options.downsample - 1 :: options.downsample]
        (train if start < n_train else test).append(
            _stretch(
                torque[blocks].reshape(n_blocks, options.downsample).mean(axis=1),
                int(labels[start]) if marked else None,
                None if options.sampling_rate is None else last_rows / options.sampling_rate,
                name if len(recordings) == 1 else f"{recording.name} {name}",
                recording.column,
            )
        )
    if short:
        warn(
            f"{short} of {len(edges) - 1} stretches have fewer than downsample="
            f"{options.downsample} rows and are left out; average over fewer rows to keep them",
            DccadWarning,
        )
    if not train:
        raise InputError(
            f"no stretch for training has downsample={options.downsample} rows; average over fewer "
            "rows, or pass a longer log"
        )
    return Dataset("peeling", tuple(train), tuple(test))


def _stretch(
    torque: NDArray[np.float64],
    label: int | None,
    time: NDArray[np.float64] | None,
    name: str,
    column: str,
) -> Run:
    return Run(
        torque[:, None],
        (column,),
        name,
        time,
        (UNIT,),
        fault=label,
        onset=0 if label else None,
        row_labels=None if label is None else np.full(len(torque), label, dtype=np.int8),
    )
