"""The larger Tennessee Eastman set of Rieth et al., doi:10.7910/DVN/6C3JR1, from RData files.

A file is parsed while it is decompressed (package ``rdata``), and each column is cut down to the
wanted runs before the next one is read: the memory is that of what is selected.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.datasets.dataset import Dataset
from dccad.datasets.tep.classic import COLUMNS, UNITS
from dccad.datasets.tep.r_data import parse_data_frame
from dccad.errors import DccadWarning, InputError, ParameterError, warn
from dccad.logs.runs import Run
from dccad.logs.wording import describe_column_difference

SOURCE = "https://doi.org/10.7910/DVN/6C3JR1"

FILES = {
    "train": ("TEP_FaultFree_Training.RData", "TEP_Faulty_Training.RData"),
    "test": ("TEP_FaultFree_Testing.RData", "TEP_Faulty_Testing.RData"),
}
"""The fault-free and the faulty file of each part."""

ONSETS = {"train": 20, "test": 160}
"""Row index of the first faulty row. The fault starts after 1 h of a training run and after 8 h of
a test run. At 20 samples an hour these are the samples numbered 1 to 20 and 1 to 160; samples are
numbered from 1 and rows from 0, so the first faulty rows have the indices 20 and 160."""

ROWS = {"train": 500, "test": 960}
"""Rows of every published run: 25 h and 48 h."""

KEYS = ("faultNumber", "simulationRun", "sample")
FAULTS = range(21)


def load_tep_rieth(
    folder: str | os.PathLike[str],
    *,
    faults: Iterable[int] = FAULTS,
    runs: Iterable[int] | None = (1,),
    parts: Sequence[str] = ("train", "test"),
) -> Dataset:
    """Read runs of the Tennessee Eastman set of Rieth et al. (2017).

    Only the files that the selection needs are read, each once: the fault-free files for fault 0,
    the faulty ones for the others.

    Parameters
    ----------
    folder : str or path
        Folder with ``TEP_FaultFree_Training.RData``, ``TEP_FaultFree_Testing.RData``,
        ``TEP_Faulty_Training.RData`` and ``TEP_Faulty_Testing.RData``.
    faults : iterable of int
        Fault numbers, 0 (fault-free) to 20; default: all.
    runs : iterable of int, optional
        Numbers of the simulation runs, the same for every fault; default: run 1 alone, which
        gives a set of the size of the classic one. None: all (500 runs a fault, 6.4 GB of values).
    parts : sequence of {"train", "test"}
        A part left out is an empty tuple in the result.

    Returns
    -------
    Dataset
        Runs in the order of fault and run, named "fault-03-run-007" (training) and
        "fault-03-run-007_te" (test). ``Run.values`` is float64 of shape (n_rows, 52) in plant
        units, ``Run.time`` is None; rows are 180 s apart. ``Run.onset`` is 20 in faulty training
        runs and 160 in faulty test runs.

    Raises
    ------
    InputError
        The folder or a file is missing; a file is damaged, holds other columns, misses samples of
        a run or holds no finite number in a cell; a wanted fault or run is not there.
    ParameterError
        A fault, run or part that cannot be.
    MissingExtraError
        The package ``rdata`` is not installed.

    Warns
    -----
    DccadWarning
        The runs do not have the number of rows of the published ones.

    Examples
    --------
    >>> load_tep_rieth("no/such/folder")
    Traceback (most recent call last):
        ...
    dccad.errors.InputError: folder 'no/such/folder' does not exist; pass the folder ...
    """
    wanted_faults = _whole_numbers(faults, "faults", 0, FAULTS[-1])
    wanted_runs = None if runs is None else _whole_numbers(runs, "runs", 1, 2**31 - 1)
    parts = _known_parts(parts)
    needed = {
        (part, faulty): [fault for fault in wanted_faults if (fault > 0) == faulty]
        for part in parts
        for faulty in (False, True)
        if any((fault > 0) == faulty for fault in wanted_faults)
    }
    root = Path(folder)
    _refuse_missing(root, [FILES[part][faulty] for part, faulty in needed])
    loaded: dict[str, list[Run]] = {part: [] for part in FILES}
    for (part, faulty), of_file in needed.items():
        loaded[part] += _read_runs(root / FILES[part][faulty], part, of_file, wanted_runs)
    _warn_unusual_length(loaded)
    return Dataset("tep-rieth", tuple(loaded["train"]), tuple(loaded["test"]))


def _whole_numbers(numbers: Any, what: str, lowest: int, highest: int) -> list[int]:
    """Distinct numbers in ascending order."""
    listed = list(numbers) if isinstance(numbers, Iterable) else [numbers]
    wrong = [
        number
        for number in listed
        if isinstance(number, bool)
        or not isinstance(number, Integral)
        or not lowest <= int(number) <= highest
    ]
    if wrong or not listed:
        limit = f" to {highest}" if highest == FAULTS[-1] else ""
        raise ParameterError(
            f"{what}: {(wrong[0] if wrong else numbers)!r}, but needed are whole numbers from "
            f"{lowest}{limit}, for example {what}=[1, 2]"
        )
    return sorted({int(number) for number in listed})


def _known_parts(parts: Sequence[str]) -> list[str]:
    listed = [parts] if isinstance(parts, str) else list(parts)
    wrong = [part for part in listed if part not in FILES]
    if wrong or not listed:
        raise ParameterError(
            f"parts: {(wrong[0] if wrong else parts)!r}, but needed is 'train', 'test' or both"
        )
    return [part for part in FILES if part in listed]


def _refuse_missing(root: Path, names: Sequence[str]) -> None:
    need = f"pass the folder with the RData files of Rieth et al. (2017), {SOURCE}"
    if not root.exists():
        raise InputError(f"folder {str(root)!r} does not exist; {need}")
    if not root.is_dir():
        raise InputError(f"{str(root)!r} is a file, not a folder; {need}")
    missing = [name for name in names if not (root / name).is_file()]
    if missing:
        raise InputError(f"folder {str(root)!r} lacks {', '.join(missing)}; {need}")


def _warn_unusual_length(loaded: dict[str, list[Run]]) -> None:
    for part, runs in loaded.items():
        if runs and len(runs[0]) != ROWS[part]:
            warn(
                f"not the published set of Rieth et al. (2017): the {part} runs have "
                f"{len(runs[0])} rows instead of {ROWS[part]}; results will not compare with "
                "published ones",
                DccadWarning,
            )


def _read_runs(
    path: Path, part: str, faults: Sequence[int], runs: Sequence[int] | None
) -> list[Run]:
    selected = _Selection(faults, runs)
    names = parse_data_frame(path, selected.take)
    _refuse_columns(path, names, selected)
    bounds = _run_bounds(path, faults, runs, selected)
    fault_of, run_of, sample_of = selected.keys
    longest = max(stop - start for start, stop in bounds)
    result = []
    for start, stop in bounds:
        row = selected.rows[start]
        fault, run = int(fault_of[row]), int(run_of[row])
        _refuse_samples(path, fault, run, sample_of[selected.rows[start:stop]], longest)
        name = f"fault-{fault:02d}-run-{run:03d}{'_te' if part == 'test' else ''}"
        if fault and stop - start <= ONSETS[part]:
            raise InputError(
                f"{path}: run {run} of fault {fault} has {stop - start} rows, but the fault starts "
                f"at row {ONSETS[part]} (counted from 0); the published runs have {ROWS[part]} "
                "rows: download the file again"
            )
        values = selected.values[start:stop]
        onset = ONSETS[part] if fault else None
        result.append(Run(values, COLUMNS, name, units=UNITS, fault=fault, onset=onset))
    return result


@dataclass
class _Selection:
    """The wanted rows of one data frame, cut out of its columns in the order they are parsed."""

    faults: Sequence[int]
    runs: Sequence[int] | None
    n_columns: int = 0
    keys: list[NDArray[np.int32]] = field(default_factory=list)
    rows: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    values: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, len(COLUMNS))))
    problems: dict[int, str] = field(default_factory=dict)

    def take(self, column: Any, is_number: bool) -> None:
        """Use the next column; a problem waits until the columns' names are known."""
        position, self.n_columns = self.n_columns, self.n_columns + 1
        if not is_number:
            self.problems[position] = "holds no numbers"
        elif position < len(KEYS):
            self._take_key(position, column)
        elif len(self.keys) == len(KEYS) and position < len(KEYS) + len(COLUMNS):
            self._take_values(position, column)

    def _take_key(self, position: int, column: NDArray[Any]) -> None:
        with np.errstate(invalid="ignore"):
            whole = np.ma.getdata(column).astype(np.int32)
        if np.ma.is_masked(column) or not np.array_equal(whole, column):
            self.problems[position] = "holds something else than whole numbers"
            return
        if self.keys and len(whole) != len(self.keys[0]):
            self.problems[position] = f"has {len(whole)} rows, the first has {len(self.keys[0])}"
            return
        self.keys.append(whole)
        if len(self.keys) == len(KEYS):
            fault, run, sample = self.keys
            wanted = np.isin(fault, self.faults)
            if self.runs is not None:
                wanted &= np.isin(run, self.runs)
            rows = np.flatnonzero(wanted)
            # whatever the order of the file, the rows of a run are brought together
            self.rows = rows[np.lexsort((sample[rows], run[rows], fault[rows]))]
            self.values = np.empty((len(rows), len(COLUMNS)))

    def _take_values(self, position: int, column: Any) -> None:
        if len(column) != len(self.keys[0]):
            self.problems[position] = f"has {len(column)} rows, the first has {len(self.keys[0])}"
            return
        cells = column[self.rows]
        if np.ma.is_masked(cells):  # NA of an integer column
            cells = cells.astype(np.float64).filled(np.nan)
        self.values[:, position - len(KEYS)] = cells
        finite = np.isfinite(cells)
        if not finite.all():
            fault, run, sample = (key[self.rows[int(np.argmin(finite))]] for key in self.keys)
            self.problems[position] = (
                f"holds no finite number in sample {sample} of run {run} of fault {fault}"
            )


def _refuse_columns(path: Path, names: tuple[str, ...], selected: _Selection) -> None:
    expected = (*KEYS, *COLUMNS)
    if names != expected:
        raise InputError(
            f"{path}: other columns than in the published file "
            f"({describe_column_difference(expected, names)}); download it again"
        )
    if selected.problems:
        position = min(selected.problems)
        raise InputError(
            f"{path}: column {names[position]!r} {selected.problems[position]}; "
            "download the file again"
        )


def _run_bounds(
    path: Path, faults: Sequence[int], runs: Sequence[int] | None, selected: _Selection
) -> list[tuple[int, int]]:
    """First selected row and row after the last of each run; refuse a wanted run without rows."""
    fault_of, run_of, _ = selected.keys
    fault, run = fault_of[selected.rows], run_of[selected.rows]
    cuts = np.flatnonzero((np.diff(fault) != 0) | (np.diff(run) != 0)) + 1
    starts = [0, *cuts.tolist()] if len(fault) else []
    found = {(int(fault[start]), int(run[start])) for start in starts}
    for number in faults:
        missing = sorted(set(runs or ()) - {there for of, there in found if of == number})
        if missing or not any(of == number for of, _ in found):
            there = np.unique(run_of[fault_of == number]).tolist()
            holds = f"it has {_span('run', there)} of it" if there else "of it there is no row"
            if not there:
                known = np.unique(fault_of).tolist()
                holds = f"it has {_span('fault', known)}" if known else "it has no rows"
            what = f"run {missing[0]} of fault {number}" if missing else f"run of fault {number}"
            raise InputError(f"{path}: no {what}; {holds}: choose others")
    return list(zip(starts, [*starts[1:], len(fault)], strict=True))


def _span(what: str, numbers: Sequence[int]) -> str:
    """Name numbers for a message.

    Examples
    --------
    >>> _span("run", [1, 2, 3]), _span("run", [4]), _span("fault", [1, 4, 5])
    ('runs 1 to 3', 'run 4', 'faults 1, 4, 5')
    """
    if len(numbers) == 1:
        return f"{what} {numbers[0]}"
    if numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{what}s {numbers[0]} to {numbers[-1]}"
    shown = ", ".join(map(str, numbers[:8]))
    return f"{what}s {shown}" + (f" and {len(numbers) - 8} more" if len(numbers) > 8 else "")


def _refuse_samples(
    path: Path, fault: int, run: int, samples: NDArray[np.int32], longest: int
) -> None:
    """Refuse a run whose samples are not 1, 2, 3 … up to the length of the longest run."""
    wrong = np.flatnonzero(samples != np.arange(1, len(samples) + 1))
    if not wrong.size and len(samples) == longest:
        return
    at = int(wrong[0]) if wrong.size else len(samples)
    twice = at > 0 and at < len(samples) and samples[at] == samples[at - 1]
    what = f"sample {samples[at]} twice" if twice else f"no sample {at + 1}"
    raise InputError(
        f"{path}: run {run} of fault {fault} has {what}; every run needs its samples 1 to "
        f"{longest} once: download the file again"
    )
