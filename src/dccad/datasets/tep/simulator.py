"""Simulate Tennessee Eastman runs in closed loop with the public package ``tep-studio``.

Each run begins with 30 hours that are not recorded, in which the plant settles; hours count from
there, and a fault set for hour h is first seen in row 20 h. docs/datasets.md has the sources.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dccad.datasets.dataset import Dataset
from dccad.datasets.tep.classic import COLUMNS, FAULTS, UNITS, sample_times
from dccad.datasets.tep.simulated_files import (
    LARGEST_FAULT,
    RunPlan,
    RunRecord,
    SimulatedRun,
    is_whole,
    write_tep_parquet,
)
from dccad.errors import InputError, ParameterError
from dccad.logs.runs import Run
from dccad.support.extras import require

Progress: TypeAlias = Callable[[int, int, str], None]
"""Called after each run with runs done, runs in total, and the name of the run."""

CONTROL_HOURS = 0.0005
STEPS_PER_ROW = 100
MODE = "mode1"

WARM_UP_HOURS = 30.0
TRAIN_HOURS, TRAIN_ONSET_HOURS = 25.0, 1.0
TEST_HOURS, TEST_ONSET_HOURS = 48.0, 8.0

REVISED_FAULTS: dict[int, str] = {
    **{number: text for number, text in FAULTS.items() if number <= 15},
    16: "heat transfer in the stripper: random",
    17: "heat transfer in the reactor: random",
    18: "heat transfer in the condenser: random",
    19: "several valves: sticking",
    20: "not disclosed: random",
    21: "A feed temperature (stream 1): random",
    22: "E feed temperature (stream 3): random",
    23: "A feed supply pressure (stream 1): random",
    24: "D feed supply pressure (stream 2): random",
    25: "E feed supply pressure (stream 3): random",
    26: "A and C feed supply pressure (stream 4): random",
    27: "reactor cooling-water supply pressure: random",
    28: "condenser cooling-water supply pressure: random",
}
"""The disturbances of the revised model, by the number that ``fault`` takes."""


def simulate_tep_run(
    fault: int,
    *,
    hours: float,
    onset_hours: float | None = None,
    warm_up_hours: float = WARM_UP_HOURS,
    seed: int,
    name: str | None = None,
    split: str = "train",
) -> SimulatedRun:
    """Simulate one run of the controlled plant at its base operating point.

    The seed drives the measurement noise and the random disturbances (faults 8 to 12 and 16
    upwards) alike, because the model draws both from one generator. Two runs of one seed are
    identical up to the row in which their faults begin.

    Parameters
    ----------
    fault : int
        0 = fault-free, 1 to 28 as in ``REVISED_FAULTS``.
    hours : float
        Planned duration; 20 rows an hour. Simulating one hour takes about 0.3 s.
    onset_hours : float, optional
        Hour of the run from which the fault is active, to be given for every fault but 0.
    warm_up_hours : float
        Simulated before the first row and left out; rounded to whole rows.
    seed : int
        1 to 2**32 - 1.
    name : str, optional
        Default: as the classic files, "d05" or "d05_te".
    split : {"train", "test"}
        Stored with the run.

    Returns
    -------
    SimulatedRun
        ``run.values`` is float64 of shape (n_rows, 52) in plant units, ``run.time`` float64 in
        seconds since the first row, 180 s apart. If the plant shuts itself down, the run ends with
        the last whole row before, and ``record.shutdown_hours`` and ``record.shutdown_message``
        say when and why. ``run.onset`` is None if no row is faulty.

    Raises
    ------
    ParameterError
        A value is out of range; all are listed.
    MissingExtraError
        ``tep-studio`` is not installed.
    """
    name = name or _run_name(fault, split)
    return simulate_plan(RunPlan(name, split, fault, hours, warm_up_hours, onset_hours, seed))


def simulate_plan(plan: RunPlan) -> SimulatedRun:
    """Simulate one planned run; see :func:`simulate_tep_run`."""
    tep_studio = require("tep_studio", extra="simulate")
    skipped_rows = round(plan.warm_up_hours / CONTROL_HOURS / STEPS_PER_ROW)
    skipped_steps = skipped_rows * STEPS_PER_ROW
    n_steps = max(round(plan.hours / CONTROL_HOURS), 1)
    onset_step = None if plan.onset_hours is None else round(plan.onset_hours / CONTROL_HOURS)
    # The simulator adds up its time in floating point. Half a step off the grid, neither the end
    # of the run nor the onset of the fault depends on the rounding of that sum.
    simulation = tep_studio.ClosedLoopSimulation(
        control_interval=CONTROL_HOURS, horizon=(skipped_steps + n_steps - 0.5) * CONTROL_HOURS
    )
    result = simulation.run(
        seed=plan.seed,
        mode=MODE,
        disturbance_schedule=_schedule(
            plan.fault, None if onset_step is None else skipped_steps + onset_step
        ),
        record_every=STEPS_PER_ROW,
    )
    # a shutdown is recorded at once, off the 3-minute grid: that sample is dropped
    samples = [
        sample
        for sample in result.results
        if (round(sample.time / CONTROL_HOURS) - 1) % STEPS_PER_ROW == 0
    ][skipped_rows:]
    values = np.array(
        [np.concatenate((s.measurements, s.implemented_action[:11])) for s in samples]
    ).reshape(-1, len(COLUMNS))
    onset = None if onset_step is None else -(-onset_step // STEPS_PER_ROW)  # rounded up
    if onset is not None and onset >= len(values):
        onset = None
    ended = result.final_time - skipped_steps * CONTROL_HOURS
    message = result.results[-1].shutdown_status["message"] if result.terminated else ""
    record = RunRecord(
        **vars(plan),
        rows=len(values),
        onset=onset,
        shutdown_hours=round(ended, 4) if result.terminated else None,
        shutdown_message=" ".join(message.split()),
    )
    times = sample_times(len(values))
    run = Run(values, COLUMNS, plan.name, times, UNITS, fault=plan.fault, onset=onset)
    return SimulatedRun(run, record)


def plan_tep(
    faults: Iterable[int] = range(21),
    *,
    seed: int = 0,
    train_hours: float = TRAIN_HOURS,
    train_onset_hours: float = TRAIN_ONSET_HOURS,
    test_hours: float = TEST_HOURS,
    test_onset_hours: float = TEST_ONSET_HOURS,
    warm_up_hours: float = WARM_UP_HOURS,
) -> tuple[RunPlan, ...]:
    """Plan one training and one test run per fault, each with a seed of its own.

    The seed of a run depends on ``seed``, its fault and its split only: leaving faults out does
    not change the others.

    Parameters
    ----------
    faults : iterable of int
        0 = fault-free, 1 to 28; repeated numbers count once.
    seed : int
        At least 0; from it the seeds of all runs are derived.
    train_hours, train_onset_hours, test_hours, test_onset_hours : float
        Duration of the runs, and hour from which the fault is active.
    warm_up_hours : float
        Simulated before the first row of every run and left out.

    Returns
    -------
    tuple of RunPlan
        Training runs, then test runs, in ascending order of the faults.

    Raises
    ------
    ParameterError
        A value is out of range.

    Examples
    --------
    >>> for plan in plan_tep([0, 6]):
    ...     print(plan.name, plan.hours, plan.onset_hours)
    d00 25.0 None
    d06 25.0 1.0
    d00_te 48.0 None
    d06_te 48.0 8.0
    """
    if not (is_whole(seed) and seed >= 0):
        raise ParameterError(f"seed={seed!r} is not a whole number of at least 0")
    chosen = sorted(set(faults))
    if not chosen:
        raise ParameterError(f"faults is empty; name at least one of 0 to {LARGEST_FAULT}")
    wrong = [fault for fault in chosen if not (is_whole(fault) and 0 <= fault <= LARGEST_FAULT)]
    if wrong:
        raise ParameterError(f"faults holds {wrong[0]!r}; needed are 0 to {LARGEST_FAULT}")
    settings = {
        "train": (train_hours, train_onset_hours),
        "test": (test_hours, test_onset_hours),
    }
    return tuple(
        RunPlan(
            name=_run_name(fault, split),
            split=split,
            fault=fault,
            hours=hours,
            warm_up_hours=warm_up_hours,
            onset_hours=onset_hours if fault else None,
            seed=_run_seed(seed, fault, position),
        )
        for position, (split, (hours, onset_hours)) in enumerate(settings.items())
        for fault in chosen
    )


def simulate_tep(
    faults: Iterable[int] = range(21),
    *,
    seed: int = 0,
    jobs: int = 1,
    progress: Progress | None = None,
    **hours: float,
) -> Dataset:
    """Simulate a set in the shape of the classic one: a training and a test run per fault.

    Parameters
    ----------
    faults, seed, **hours
        As for :func:`plan_tep`. The defaults give the set that is shipped with the package, in
        double precision, in about 13 minutes of one core.
    jobs : int
        Processes that simulate at the same time; the result does not depend on it.
    progress : callable, optional
        ``progress(done, total, name)``, called after each run.

    Returns
    -------
    Dataset
        See :func:`simulate_tep_run` for the runs.

    Raises
    ------
    ParameterError
        A value is out of range.
    MissingExtraError
        ``tep-studio`` is not installed.
    """
    simulated = simulate_plans(plan_tep(faults, seed=seed, **hours), jobs=jobs, progress=progress)
    return Dataset(
        "tep-simulated",
        train=tuple(s.run for s in simulated if s.record.split == "train"),
        test=tuple(s.run for s in simulated if s.record.split == "test"),
    )


def simulate_to(
    path: str | os.PathLike[str],
    *,
    faults: Iterable[int] = range(21),
    seed: int = 0,
    jobs: int = 1,
    progress: Progress | None = None,
    **hours: float,
) -> tuple[RunRecord, ...]:
    """Simulate a set and write it as ``path`` + ``.parquet`` and ``path`` + ``.json``.

    With the defaults the two files are those shipped with the package.


    Raises
    ------
    InputError
        The folder does not exist.
    ParameterError
        A value is out of range.
    MissingExtraError
        ``tep-studio`` is not installed.
    OSError
        The files cannot be written; none is left behind.
    """
    folder = Path(path).parent
    if not folder.is_dir():
        raise InputError(f"folder {str(folder)!r} does not exist; create it before simulating")
    simulated = simulate_plans(plan_tep(faults, seed=seed, **hours), jobs=jobs, progress=progress)
    generator: dict[str, Any] = {
        "package": "tep-studio",
        "version": version("tep-studio"),
        "mode": MODE,
        "control_hours": CONTROL_HOURS,
        "steps_per_row": STEPS_PER_ROW,
        "seed": int(seed),
    }
    write_tep_parquet(simulated, path, generator=generator)
    return tuple(s.record for s in simulated)


def simulate_plans(
    plans: Sequence[RunPlan], *, jobs: int = 1, progress: Progress | None = None
) -> tuple[SimulatedRun, ...]:
    """Simulate planned runs, in one process or several; the order is that of the plans."""
    require("tep_studio", extra="simulate")
    done: dict[int, SimulatedRun] = {}
    for position, simulated in simulate_in_any_order(plans, jobs):
        done[position] = simulated
        if progress is not None:
            progress(len(done), len(plans), simulated.run.name)
    return tuple(done[position] for position in range(len(plans)))


def simulate_in_any_order(
    plans: Sequence[RunPlan], jobs: int
) -> Iterator[tuple[int, SimulatedRun]]:
    """Simulate planned runs; yield (index of the plan, its run) as they finish."""
    if jobs < 1:
        raise ParameterError(f"jobs={jobs!r} is not a whole number of at least 1")
    if jobs == 1:
        for position, plan in enumerate(plans):
            yield position, simulate_plan(plan)
        return
    # "spawn": forking a process that has started threads (torch, polars) can dead-lock
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(jobs, len(plans)), mp_context=context)
    try:
        futures = {pool.submit(simulate_plan, plan): i for i, plan in enumerate(plans)}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _schedule(fault: int, onset_step: int | None) -> Callable[[float], NDArray[np.float64]]:
    """Which disturbances are active in the control step that starts at a time (h)."""
    quiet = np.zeros(LARGEST_FAULT)
    if onset_step is None:
        return lambda time: quiet
    active = quiet.copy()
    active[fault - 1] = 1.0
    start = (onset_step - 0.5) * CONTROL_HOURS
    return lambda time: active if time >= start else quiet


def _run_name(fault: int, split: str) -> str:
    return f"d{fault:02}" + ("_te" if split == "test" else "")


def _run_seed(seed: int, fault: int, position: int) -> int:
    """Derive the seed of one run: odd, because the generator works modulo 2**32."""
    return int(np.random.SeedSequence([seed, fault, position]).generate_state(1)[0]) | 1
