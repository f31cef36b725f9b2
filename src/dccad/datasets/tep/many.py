"""The set of the protocol ``tep-many``: many simulated Tennessee Eastman runs per condition.

It is kept as ``tep_many.parquet`` and ``tep_many.json``; their checksums, ``tep_many.sha256``, are
written last: without them there is no set. Finished runs wait in ``runs`` until all are there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from dccad.datasets.dataset import Dataset
from dccad.datasets.download import data_folder
from dccad.datasets.tep.simulated_files import (
    RunPlan,
    SimulatedRun,
    read_records,
    read_tep_parquet,
    write_tep_parquet,
)
from dccad.datasets.tep.simulator import (
    CONTROL_HOURS,
    MODE,
    STEPS_PER_ROW,
    TEST_HOURS,
    TEST_ONSET_HOURS,
    TRAIN_HOURS,
    WARM_UP_HOURS,
    simulate_in_any_order,
)
from dccad.errors import DccadWarning, InputError, warn
from dccad.support.extras import require
from dccad.support.files import replace_files
from dccad.support.progress import progress_bar

NAME = "tep-many"
STEM = "tep_many"
SEED = 0

N_TRAIN, N_TEST = 20, 5
"""Fault-free training runs, and test runs of each condition."""

FAULTS = range(21)
OBTAIN = f"dccad data get {NAME}"


def plan_tep_many() -> tuple[RunPlan, ...]:
    """Plan the 125 runs of the set.

    Returns
    -------
    tuple of RunPlan
        Training runs, then test runs in ascending order of their faults, named as those of
        :func:`dccad.datasets.load_tep_rieth`.

    Examples
    --------
    >>> plans = plan_tep_many()
    >>> len(plans), plans[0].name, plans[-1].name, plans[-1].onset_hours
    (125, 'fault-00-run-001', 'fault-20-run-005_te', 8.0)
    """
    train = [_plan(0, "train", number) for number in range(1, N_TRAIN + 1)]
    test = [_plan(fault, "test", number) for fault in FAULTS for number in range(1, N_TEST + 1)]
    return (*train, *test)


def _plan(fault: int, split: str, number: int) -> RunPlan:
    is_test = split == "test"
    return RunPlan(
        name=f"fault-{fault:02d}-run-{number:03d}{'_te' if is_test else ''}",
        split=split,
        fault=fault,
        hours=TEST_HOURS if is_test else TRAIN_HOURS,
        warm_up_hours=WARM_UP_HOURS,
        onset_hours=TEST_ONSET_HOURS if fault else None,
        seed=run_seed(SEED, fault, is_test, number),
    )


def run_seed(seed: int, fault: int, is_test: bool, number: int) -> int:
    """Derive the seed of one run: odd, because the generator works modulo 2**32.

    ``number`` is at least 1: a zero at the end would give the seed of the sequence without it.

    Examples
    --------
    >>> run_seed(0, 1, True, 1) % 2, run_seed(0, 1, True, 1) == run_seed(0, 1, True, 2)
    (1, False)
    """
    return int(np.random.SeedSequence([seed, fault, is_test, number]).generate_state(1)[0]) | 1


def get_tep_many(
    folder: str | os.PathLike[str] | None = None,
    *,
    jobs: int = 1,
    progress: bool = False,
    plans: Sequence[RunPlan] | None = None,
) -> Path:
    """Simulate the set, or what of it is missing, and keep it in a folder.

    Parameters
    ----------
    folder : str or path, optional
        Default: ``tep-many`` in :func:`dccad.datasets.download.data_folder`.
    jobs : int
        Processes that simulate at the same time; the result does not depend on it.
    progress : bool
        Show a progress bar on a terminal.
    plans : sequence of RunPlan, optional
        Other runs than those of the standard set, for tests and trials.

    Returns
    -------
    Path
        The folder, for :func:`load_tep_many`. A set that is there and whole stays as it is.

    Raises
    ------
    InputError
        ``folder`` is a file, or holds a whole set of other runs.
    ParameterError
        ``jobs`` is out of range.
    MissingExtraError
        ``tep-studio`` is not installed.
    OSError
        The disk is full or the folder not writable. Runs that are complete stay, and the next call
        goes on from there.

    Warns
    -----
    DccadWarning
        The set that was there is damaged; it is simulated again.
    """
    root = data_folder() / NAME if folder is None else Path(folder)
    if root.exists() and not root.is_dir():
        raise InputError(f"{root} is a file, not a folder; name another folder for the runs")
    wanted = plan_tep_many() if plans is None else tuple(plans)
    if _checksum_file(root).is_file():
        try:
            _check(root)
        except InputError as error:
            damage = str(error).partition(";")[0]
            warn(f"{damage}; the set is simulated again", DccadWarning)
        else:
            _refuse_other_runs(root, wanted)
            return root
    require("tep_studio", extra="simulate")
    parts = root / "runs"
    parts.mkdir(parents=True, exist_ok=True)
    generator = _generator()
    missing = [plan for plan in wanted if not _is_there(parts / plan.name, plan, generator)]
    done = len(wanted) - len(missing)
    with progress_bar("simulating", len(wanted), progress) as show:
        show(done, "")
        for position, simulated in simulate_in_any_order(missing, jobs):
            write_tep_parquet([simulated], parts / missing[position].name, generator=generator)
            done += 1
            show(done, simulated.run.name)
    _assemble(root, parts, wanted, generator)
    return root


def load_tep_many(folder: str | os.PathLike[str] | None = None) -> Dataset:
    """Load the simulated set; nothing is simulated.

    Parameters
    ----------
    folder : str or path, optional
        Default: ``tep-many`` in :func:`dccad.datasets.download.data_folder`.

    Returns
    -------
    Dataset
        20 training and 105 test runs in the order of fault and run. ``Run.values`` is float32 of
        shape (n_rows, 52) in plant units, ``Run.time`` float64 in seconds since the first row of
        the run; rows are 180 s apart.

    Raises
    ------
    InputError
        The set is not there, not complete, or damaged.

    Warns
    -----
    DccadWarning
        The folder holds other runs than those of the standard set.

    Examples
    --------
    >>> load_tep_many("no/such/folder")
    Traceback (most recent call last):
        ...
    dccad.errors.InputError: no simulated set in 'no/such/folder'; simulate it (about 50 ...
    """
    root = data_folder() / NAME if folder is None else Path(folder)
    _check(root, OBTAIN if folder is None else f"{OBTAIN} --output {root}")
    dataset = read_tep_parquet(root / STEM, name=NAME)
    if tuple(record.plan for record in read_records(root / STEM)) != plan_tep_many():
        warn(
            f"{str(root)!r} does not hold the standard runs of {NAME}; results will not compare "
            "with others",
            DccadWarning,
        )
    return dataset


def _generator() -> dict[str, Any]:
    return {
        "package": "tep-studio",
        "version": version("tep-studio"),
        "mode": MODE,
        "control_hours": CONTROL_HOURS,
        "steps_per_row": STEPS_PER_ROW,
        "seed": SEED,
    }


def _is_there(path: Path, plan: RunPlan, generator: dict[str, Any]) -> bool:
    """Tell whether a finished run can be kept: the same plan, made by the same simulator."""
    try:
        [record] = read_records(path)
        read_tep_parquet(path, name=NAME)
        made_by = json.loads(path.with_name(path.name + ".json").read_text("utf-8"))["generator"]
    except (InputError, ValueError, KeyError):
        return False
    return bool(record.plan == plan and made_by == generator)


def _assemble(root: Path, parts: Path, plans: Sequence[RunPlan], generator: dict[str, Any]) -> None:
    """Make one set of the finished runs, then drop them."""
    simulated = []
    for plan in plans:
        dataset = read_tep_parquet(parts / plan.name, name=NAME)
        [run], [record] = (*dataset.train, *dataset.test), read_records(parts / plan.name)
        simulated.append(SimulatedRun(run, record))
    target = _checksum_file(root)
    target.unlink(missing_ok=True)
    files = write_tep_parquet(simulated, root / STEM, generator=generator)
    lines = [f"{_sha256(file)}  {file.name}\n" for file in files]
    replace_files({target: "".join(lines).encode("ascii")})
    shutil.rmtree(parts)


def _check(root: Path, command: str = OBTAIN) -> None:
    """Refuse a folder without a whole, undamaged set, and name the command that makes one."""
    again = f"simulate it (about 50 minutes of one core): {command}"
    if root.is_file():
        raise InputError(f"{str(root)!r} is a file, not a folder with the runs of {NAME}")
    target = _checksum_file(root)
    if not target.is_file():
        n_runs = len(list((root / "runs").glob("*.json")))
        if n_runs:
            raise InputError(
                f"the set in {str(root)!r} is not complete, {n_runs} runs are there; go on with: "
                f"{command}"
            )
        raise InputError(f"no simulated set in {str(root)!r}; {again}")
    pairs = [line.split() for line in target.read_text("ascii", errors="replace").splitlines()]
    if [pair[1:] for pair in pairs] != [[f"{STEM}.parquet"], [f"{STEM}.json"]]:
        raise InputError(f"{str(target)!r} is damaged; {again}")
    for checksum, name in pairs:
        file = root / name
        if not file.is_file():
            raise InputError(f"{str(file)!r} is missing; {again}")
        if _sha256(file) != checksum:
            raise InputError(f"{str(file)!r} is damaged (wrong checksum); {again}")


def _refuse_other_runs(root: Path, plans: Sequence[RunPlan]) -> None:
    if tuple(record.plan for record in read_records(root / STEM)) != tuple(plans):
        raise InputError(
            f"{str(root)!r} holds a set of other runs; name another folder, or remove that one"
        )


def _checksum_file(root: Path) -> Path:
    return root / f"{STEM}.sha256"


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
